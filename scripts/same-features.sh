#!/usr/bin/env bash
# Fails when tests give a dependency of `lms` other features than serving does: Cargo would then build it, and all that
# stands on it up to Wasmtime, once for `make run` and once more for `make test`.
#
# What only a test needs of such a dependency is a feature of an ordinary dependency of the crate `tests`.
set -euo pipefail
cd "$(dirname "$0")/.."

# shellcheck source=scripts/system-packages.sh
source scripts/system-packages.sh

# Each package with its features, as Cargo unites them for the whole workspace.
features() {
  cargo tree --quiet --workspace --edges "$1" --prefix none --format '{p} {f}' | sed 's/ (\*)$//' | sort -u
}

packages=$(cargo tree --quiet --package cli --edges normal,build --prefix none --format '{p} ' | sed 's/ (\*)$//' | sort -u)
different=$(comm -23 <(features normal,build) <(features normal,build,dev) | grep -F "$packages" || true)
if [ -n "$different" ]; then
  fail "tests add features to what serving needs: $different"
fi
