# Sourced by the other scripts. Selects the toolchain that builds WebAssembly.
# shellcheck shell=bash
#
# It is rustup's target wasm32-wasip2 if that is installed, and otherwise Debian's rustc and cargo of the packages *-web, which
# build the target's standard library from Debian's sources.

sysroot=$(rustc --print sysroot)
host=$(rustc -vV | sed -n 's/^host: //p')

has_rustup_target() {
  [ -d "$sysroot/lib/rustlib/wasm32-wasip2/lib" ]
}

has_debian_toolchain() {
  [ -x /usr/bin/rustc ] && [ -x /usr/bin/cargo ] && [ -f /usr/lib/wasm32-wasi/libc.a ] &&
    [ -e "$(/usr/bin/rustc --print sysroot)/lib/rustlib/src/rust/library/std/Cargo.toml" ]
}

# Prints the packages of the components, and of the component that only tests use.
wasm_packages() {
  local manifest
  for manifest in components/*/Cargo.toml tests/support/probe/Cargo.toml; do
    basename "$(dirname "$manifest")"
  done
}

# Runs a cargo subcommand for WebAssembly. wasm_flags has further flags for rustc as TOML strings, which Cargo adds to those in
# .cargo/config.toml.
wasm_cargo() {
  local subcommand=$1
  shift
  local flags=${wasm_flags:-}
  if has_rustup_target; then
    cargo "$subcommand" --target wasm32-wasip2 --config "target.wasm32-wasip2.rustflags=[$flags]" "$@"
    return
  fi
  # The linkers are part of rustup's toolchain.
  local linkers=$sysroot/lib/rustlib/$host/bin
  flags="${flags:+$flags, }\"-L\", \"native=/usr/lib/wasm32-wasi\""
  env -u RUSTUP_TOOLCHAIN \
    PATH="/usr/bin:$linkers:$linkers/gcc-ld:$PATH" \
    RUSTC=/usr/bin/rustc \
    RUSTC_BOOTSTRAP=1 \
    /usr/bin/cargo "$subcommand" -Zbuild-std=std,panic_abort --target wasm32-wasip2 \
    --config "target.wasm32-wasip2.rustflags=[$flags]" "$@"
}
