#!/usr/bin/env bash
# Builds the components of the previous release (deploy/previous-release) once, and prints the directory of its spin.toml and
# migrations/. Only their behaviour is tested, so the components are optimized for build time and not for size.
#
# If a shallow clone lacks the commit, this script says on standard error how to fetch it, and exits with status 3.
set -euo pipefail
cd "$(dirname "$0")/.."

# shellcheck source=scripts/system-packages.sh
source scripts/system-packages.sh

commit=$(grep -v '^#' deploy/previous-release)
directory=$PWD/target/previous-release/$commit
if [ -e "$directory/built" ]; then
  echo "$directory"
  exit
fi

if ! git cat-file -e "$commit^{commit}" 2>/dev/null; then
  if [ "$(git rev-parse --is-shallow-repository)" = true ]; then
    echo "error: NOT TESTED: this shallow clone lacks the previous release $commit: run git fetch --unshallow" >&2
    exit 3
  fi
  fail "deploy/previous-release names $commit, which this repository does not have: write the commit of the last release there"
fi

mkdir -p target/previous-release
# Two test programs may run this script concurrently.
exec 9>target/previous-release/lock
flock 9
if [ ! -e "$directory/built" ]; then
  rm -rf "$directory"
  mkdir "$directory"
  git archive "$commit" | tar -x -C "$directory"
  # The build has a target directory of its own, because the files of both releases have the same names.
  if ! (
    unset CARGO_TARGET_DIR
    export CARGO_PROFILE_COMPONENT_LTO=off CARGO_PROFILE_COMPONENT_CODEGEN_UNITS=16 CARGO_PROFILE_COMPONENT_OPT_LEVEL=1
    "$directory/scripts/build-components.sh" </dev/null
  ) >"$directory/build.log" 2>&1; then
    fail "the previous release cannot be built: $(grep -m 1 '^error' "$directory/build.log" || tail -n 1 "$directory/build.log") (log: $directory/build.log)"
  fi
  touch "$directory/built"
fi
echo "$directory"
