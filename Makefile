# The commands of the repository. Newcomers need `make run` and `make test`. The steps are in scripts/ and in the programs lms and lab.

.PHONY: run cells test drill build lab components components-spin-4.0 lint set-up
.SILENT:

run: build
	target/release/lms up

# Runs three cells on this machine, as docs/how-to/run-several-cells.md describes.
cells: build
	target/release/lms cell up

test: components components-spin-4.0
	scripts/test.sh

# Loses data on purpose, restores it and prints a report, which docs/explanation/recovery.md quotes.
drill: lab
	target/release/lab drill

# Builds the program lab and the native service that it measures against, neither of which is shipped.
lab: build
	cargo build --release --workspace --bin lab --bin native-baseline

# Builds only what serving needs, with the features of the whole workspace: with those of one package, Cargo would build Wasmtime
# again for the tests.
build: components
	test -e target/release/lms || echo "Now the program lms, which takes about 8 minutes the first time"
	cargo build --release --workspace --bin lms

components: set-up
	test -d target/wasm32-wasip2/component || echo "Building the components, which takes about 3 minutes the first time"
	scripts/build-components.sh

# For Spin 4.0 and spin-4.0.toml. Later versions load these as well.
components-spin-4.0: set-up
	scripts/build-components.sh spin-4.0

lint: set-up
	scripts/lint.sh

set-up:
	scripts/set-up.sh
