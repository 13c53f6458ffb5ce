#!/usr/bin/env bash
# Builds the WebAssembly components to target/wasm32-wasip2/component/.
set -euo pipefail
cd "$(dirname "$0")/.."

# shellcheck source=scripts/wasm-toolchain.sh
source scripts/wasm-toolchain.sh

wasm_cargo build --profile component
