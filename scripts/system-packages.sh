# Sourced by the other scripts. Installs Debian packages, as root or through sudo.
# shellcheck shell=bash

# Prints an error and exits.
fail() {
  echo "error: $*" >&2
  exit 1
}

# Debian asks this program before a package starts a service. Images of containers have one already.
service_policy=/usr/sbin/policy-rc.d

# Runs apt-get as given, without starting the services of the packages: the tests start servers of their own.
without_services() (
  if [ ! -e "$service_policy" ]; then
    trap '"${as_root[@]}" rm -f "$service_policy"' EXIT
    # The status 101 means that no service may start.
    printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" tee "$service_policy"
    "${as_root[@]}" chmod 755 "$service_policy"
  fi
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get "$@"
)

# Installs packages. The first argument describes their purpose.
install_packages() {
  local purpose=$1
  shift
  command -v apt-get >/dev/null ||
    fail "$purpose is missing, and this system has no apt-get: install the equivalent of Debian's packages $*"
  local -a as_root=()
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null ||
      fail "$purpose is missing: run this script once as root, or run apt-get install $* as root"
    as_root=(sudo)
  fi
  echo "Installing $purpose: $*"
  local log
  log=$(mktemp)
  if ! {
    "${as_root[@]}" apt-get update -qq &&
      without_services install -y -qq --no-install-recommends "$@"
  } </dev/null >"$log" 2>&1; then
    fail "apt-get cannot install $*: $(grep -m 1 '^E:' "$log" || tail -n 1 "$log") (log: $log)"
  fi
  rm -f "$log"
}
