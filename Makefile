# Two commands for newcomers: `make run` and `make test`. The work is in scripts/ and in the programs lms and lab.

.PHONY: run cells test drill build lab components lint set-up
.SILENT:

run: build
	target/release/lms up

# Three cells on this machine, as docs/how-to/run-several-cells.md explains.
cells: build
	target/release/lms cell up

test: components
	scripts/test.sh

# Loses data on purpose and restores it; what it prints is kept in docs/explanation/recovery.md.
drill: lab
	target/release/lab drill

# What is never shipped: the program lab, and the native service that it measures against.
lab: build
	cargo build --release --workspace --bin lab --bin native-baseline

# What serving needs, and no more. With the features of the whole workspace: with those of a smaller selection, Cargo would build
# Wasmtime once more for the tests.
build: components
	cargo build --release --workspace --bin lms

components: set-up
	scripts/build-components.sh

lint: set-up
	scripts/lint.sh

set-up:
	scripts/set-up.sh
