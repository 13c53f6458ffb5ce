#!/usr/bin/env bash
# Builds the WebAssembly components: to target/wasm32-wasip2/component/ for Spin 4.1 and later, whose WASI is 0.3.0, or with the
# argument spin-4.0 to target/wasm32-wasip2/component-spin-4-0/ for Spin 4.0, whose WASI is a release candidate of it.
set -euo pipefail
cd "$(dirname "$0")/.."

# shellcheck source=scripts/wasm-toolchain.sh
source scripts/wasm-toolchain.sh

profile=component
case "${1:-}" in
"") ;;
spin-4.0)
  profile=component-spin-4-0
  wasm_flags='"--cfg", "spin_4_0"'
  ;;
*)
  echo "usage: scripts/build-components.sh [spin-4.0]" >&2
  exit 2
  ;;
esac

# Without the library for native programs, which each package is as well, the component is optimised as a whole.
for package in $(wasm_packages); do
  wasm_cargo rustc --package "$package" --lib --crate-type cdylib --profile "$profile"
done
