#!/usr/bin/env bash
# Formatting and lints, of the native programs and of what only WebAssembly compiles.
set -euo pipefail
cd "$(dirname "$0")/.."

# shellcheck source=scripts/system-packages.sh
source scripts/system-packages.sh
# shellcheck source=scripts/wasm-toolchain.sh
source scripts/wasm-toolchain.sh

cargo fmt --all --check
cargo clippy --release --workspace --all-targets -- -D warnings

if ! has_rustup_target && [ ! -x /usr/bin/cargo-clippy ]; then
  install_packages "a linter for WebAssembly" rust-web-clippy
fi
wasm_cargo clippy --release -p platform -- -D warnings
