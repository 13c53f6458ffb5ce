#!/usr/bin/env bash
# Runs every test. Prints nothing after the test runner's closing line.
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/test-tools.sh

target/python/bin/python tests/operator/deployment.py

# The tests start a cluster of their own when they first need it, and share it.
trap 'target/release/lms --state .lms/test cluster stop >/dev/null 2>&1 || true' EXIT
cargo test --release --workspace "$@"
