# Two commands for newcomers: `make run` and `make test`. The work is in scripts/ and in the program lms.

.PHONY: run test build components lint set-up
.SILENT:

run: build
	target/release/lms up

test: components
	scripts/test.sh

# All packages, as the tests do: with another selection Cargo would build Wasmtime twice.
build: components
	cargo build --release --workspace

components: set-up
	scripts/build-components.sh

lint: set-up
	scripts/lint.sh

set-up:
	scripts/set-up.sh
