#!/usr/bin/env bash
# Fails if tests enable features of a dependency of `lms` that serving does not enable: Cargo would then build the dependency
# and its dependents, Wasmtime included, once for `make run` and again for `make test`.
#
# A feature that only a test needs is enabled by an ordinary dependency of the crate `tests`.
set -euo pipefail
cd "$(dirname "$0")/.."

# shellcheck source=scripts/system-packages.sh
source scripts/system-packages.sh

# Prints each package with its features, as Cargo unifies them for the whole workspace.
features() {
  cargo tree --quiet --workspace --edges "$1" --prefix none --format '{p} {f}' | sed 's/ (\*)$//' | sort -u
}

packages=$(cargo tree --quiet --package cli --edges normal,build --prefix none --format '{p} ' | sed 's/ (\*)$//' | sort -u)
different=$(comm -23 <(features normal,build) <(features normal,build,dev) | grep -F "$packages" || true)
if [ -n "$different" ]; then
  fail "tests add features to what serving needs: $different"
fi
