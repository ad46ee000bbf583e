# SPDX-License-Identifier: Apache-2.0
# A thin face over Meson: every target installs what it needs (Debian), builds, and runs.
BUILD ?= build
PYTHON := /usr/bin/python3

.PHONY: all build demo test test-long check-asan fuzz bench lint conformance vectors install clean

all: build

$(BUILD)/build.ninja:
	@scripts/deps build
	meson setup $(BUILD) --buildtype=debugoptimized $(MESON_ARGS)

build: $(BUILD)/build.ninja
	@ninja -C $(BUILD)

demo: build
	@scripts/deps demo
	@BUILD=$(BUILD) scripts/demo

test: build
	@scripts/deps test
	@$(PYTHON) tests/run.py --build $(BUILD)

test-long: build
	@scripts/deps test
	@$(PYTHON) tests/run.py --build $(BUILD) --long

# Unit tests and programs under AddressSanitizer and UndefinedBehaviorSanitizer; LONG=--long: all suites.
check-asan:
	@scripts/deps test
	@test -f $(BUILD)-asan/build.ninja || meson setup $(BUILD)-asan \
		-Db_sanitize=address,undefined -Db_lundef=false --buildtype=debug -Doptimization=1
	@ninja -C $(BUILD)-asan
	@$(PYTHON) tests/run.py --build $(BUILD)-asan --sanitizer $(LONG)

# SECONDS_PER_TARGET=60 make fuzz
fuzz:
	@scripts/deps fuzz
	@scripts/fuzz

bench: build
	@scripts/deps bench
	@test -f $(BUILD)-release/build.ninja || meson setup $(BUILD)-release --buildtype=release
	@ninja -C $(BUILD)-release
	@scripts/bench $(BUILD)-release

lint: build
	@scripts/deps lint
	@BUILD=$(BUILD) scripts/lint

# make conformance CORPUS=DIR: every file of a corpus with a MANIFEST.json
conformance: build
	@scripts/deps test
	@$(PYTHON) tests/conformance/run.py --build $(BUILD) --corpus $(CORPUS)

# make vectors VECTORS=DIR: measurements made with other tools; DIR has a vectors.json
vectors: build
	@scripts/deps test
	@$(PYTHON) tests/vectors/run.py --build $(BUILD) --vectors $(VECTORS)

install: build
	@ninja -C $(BUILD) install

clean:
	rm -rf $(BUILD) $(BUILD)-asan $(BUILD)-release $(BUILD)-fuzz
