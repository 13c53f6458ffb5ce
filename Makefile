# Two commands for newcomers: `make run` and `make test`. The work is in scripts/ and in the program lms.

.PHONY: run test build lint set-up
.SILENT:

run: build
	target/release/lms up

test: build
	scripts/test.sh

build: set-up
	scripts/build-components.sh
	cargo build --release -p cli

lint: set-up
	scripts/lint.sh

set-up:
	scripts/set-up.sh
