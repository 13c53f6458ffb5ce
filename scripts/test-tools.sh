#!/usr/bin/env bash
# Installs what only the tests need: a Python environment under target/, a browser.
# What is there already is left alone, so that the second run asks no server for anything.
set -euo pipefail
cd "$(dirname "$0")/.."

# shellcheck source=scripts/system-packages.sh
source scripts/system-packages.sh

if ! cmp -s tests/requirements.txt target/python/requirements.txt; then
  # Debian's Python has the module venv without what it needs to make one.
  python3 -c "import ensurepip, venv" 2>/dev/null ||
    install_packages "Python with virtual environments" python3-venv
  echo "Installing the tests' Python packages"
  python3 -m venv --clear target/python
  target/python/bin/pip install --quiet --disable-pip-version-check --requirement tests/requirements.txt
  # Copied last: an installation that broke off is begun anew.
  cp tests/requirements.txt target/python/requirements.txt
fi

if ! command -v ip >/dev/null; then
  install_packages "networks for the tests" iproute2
fi

if [ ! -x /usr/bin/chromium ]; then
  install_packages "a browser" chromium
fi
