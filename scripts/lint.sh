#!/usr/bin/env bash
# Checks formatting and lints of the native programs and of the code that is compiled for WebAssembly only.
set -euo pipefail
cd "$(dirname "$0")/.."

# shellcheck source=scripts/system-packages.sh
source scripts/system-packages.sh
# shellcheck source=scripts/wasm-toolchain.sh
source scripts/wasm-toolchain.sh

cargo fmt --all --check
cargo clippy --release --workspace --all-targets -- -D warnings
scripts/check-features.sh

# The program of the image (deploy/Dockerfile) must contain nothing that only a developer's machine or lab/ needs.
for package in wasmtime fake host local bench drill; do
  if cargo tree --quiet --package cli --edges normal --no-default-features --invert "$package" >/dev/null 2>&1; then
    fail "the program of the image depends on $package: find out why with cargo tree -p cli -e normal --no-default-features -i $package"
  fi
done
cargo clippy --release --package cli --no-default-features -- -D warnings

if ! has_rustup_target && [ ! -x /usr/bin/cargo-clippy ]; then
  install_packages "a linter for WebAssembly" rust-web-clippy
fi
# shellcheck disable=SC2046 # Each package is an argument.
wasm_cargo clippy --release --package platform $(wasm_packages | sed 's/^/--package /') -- -D warnings
