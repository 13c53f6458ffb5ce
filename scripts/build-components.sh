#!/usr/bin/env bash
# Builds the WebAssembly components: to target/wasm32-wasip2/component/ for Spin 4.1 and later, whose WASI is 0.3.0, or with the
# argument spin-4.0 to target/wasm32-wasip2/component-spin-4-0/ for Spin 4.0, whose WASI is a release candidate of it.
set -euo pipefail
cd "$(dirname "$0")/.."

# shellcheck source=scripts/wasm-toolchain.sh
source scripts/wasm-toolchain.sh

case "${1:-}" in
"") wasm_cargo build --profile component ;;
spin-4.0) wasm_flags="--cfg spin_4_0" wasm_cargo build --profile component-spin-4-0 ;;
*)
  echo "usage: scripts/build-components.sh [spin-4.0]" >&2
  exit 2
  ;;
esac
