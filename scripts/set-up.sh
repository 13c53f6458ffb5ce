#!/usr/bin/env bash
# Installs the missing requirements for building and running: a linker, the target wasm32-wasip2, PostgreSQL 15, current time
# zones and pgBackRest. Installed ones are left alone, so that the second run needs no network.
set -euo pipefail
cd "$(dirname "$0")/.."

# shellcheck source=scripts/system-packages.sh
source scripts/system-packages.sh

command -v cargo >/dev/null || fail "Rust is missing: install it from https://rustup.rs"
command -v cc >/dev/null || install_packages "a C linker" gcc libc6-dev

# shellcheck source=scripts/wasm-toolchain.sh
source scripts/wasm-toolchain.sh

debian_packages=(rustc-web cargo-web rust-web-src wasi-libc)
if ! has_rustup_target && ! has_debian_toolchain; then
  echo "Adding the Rust target wasm32-wasip2"
  if ! command -v rustup >/dev/null ||
    ! timeout 120 rustup target add wasm32-wasip2 >/dev/null 2>&1; then
    echo "rustup's servers cannot be reached, so the target is built from Debian's sources"
    install_packages "a toolchain for WebAssembly" "${debian_packages[@]}"
    has_debian_toolchain || fail "the packages ${debian_packages[*]} do not contain a complete toolchain"
  fi
fi

if ! has_rustup_target && [ ! -x "$sysroot/lib/rustlib/$host/bin/wasm-component-ld" ] &&
  ! command -v wasm-component-ld >/dev/null; then
  echo "Installing the linker wasm-component-ld"
  cargo install --locked wasm-component-ld </dev/null
fi

if [ ! -x /usr/lib/postgresql/15/bin/initdb ] &&
  ! { command -v initdb >/dev/null && initdb --version | grep -q ' 15\.'; }; then
  install_packages "PostgreSQL 15" postgresql-15
fi

# PostgreSQL uses the system's time zones. Older ones lack the permanent summer time of British Columbia since 2026.
if [ "$(TZ=America/Vancouver date -d 2027-01-11T00:00:00Z +%z)" != -0700 ]; then
  install_packages "the time zones of 2026" tzdata
fi

command -v pgbackrest >/dev/null || install_packages "pgBackRest for backups" pgbackrest
