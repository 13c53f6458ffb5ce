#!/usr/bin/env bash
# Runs every test. The last line of the output is the test runner's.
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/test-tools.sh

target/python/bin/python tests/operator/deployment.py
target/python/bin/python tests/operator/monitored_deployment.py

# The first test that needs a database starts a cluster, which all tests share.
trap 'target/release/lms --state .lms/test cluster stop >/dev/null 2>&1 || true' EXIT
cargo test --release --workspace "$@"
