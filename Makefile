# Two commands for newcomers: `make run` and `make test`. The work is in scripts/ and in the program lms.

.PHONY: run cells test drill build components lint set-up
.SILENT:

run: build
	target/release/lms up

# Three cells on this machine, as docs/how-to/run-several-cells.md explains.
cells: build
	target/release/lms cell up

test: components
	scripts/test.sh

# Loses data on purpose and restores it; what it prints is kept in docs/explanation/recovery.md.
drill: build
	target/release/lab drill

# Without the tests, which need much that serving does not. All else, because with a smaller selection Cargo would build
# Wasmtime once more for the tests.
build: components
	cargo build --release --workspace --exclude tests --exclude probe

components: set-up
	scripts/build-components.sh

lint: set-up
	scripts/lint.sh

set-up:
	scripts/set-up.sh
