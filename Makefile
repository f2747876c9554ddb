# Lineward: the commands of a working day. `make` alone lists them.
#
# Everything is built with `--workspace`, so that each command resolves the same features and none builds the big
# dependencies a second time. Build output lives outside the checkout and survives a fresh clone.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

export CARGO_TARGET_DIR ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/lineward/target
# rustup puts cargo here, and a shell that was open before does not know it yet.
export PATH := $(PATH):$(HOME)/.cargo/bin

RUST_MIN := 1.95
DEMO_DIR ?= target/demo
FUZZ_SECONDS ?= 60
BENCH_EDGES ?= 100000 1000000 10000000

# The C and C++ side of the build: librdkafka, OpenSSL.
BUILD_PACKAGES := build-essential cmake pkg-config libssl-dev libcurl4-openssl-dev zlib1g-dev
# What tests start beside Lineward: Apache Kafka (fetched by Maven), and Python readers of the store.
TEST_PACKAGES := default-jdk-headless maven python3-venv python3-pip postgresql-client openssl

.PHONY: help
help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{ printf "  make %-13s %s\n", $$1, $$2 }'

.PHONY: setup
setup: rust ## install the Debian packages that the build needs, where they are missing
	@$(call install,$(BUILD_PACKAGES))

.PHONY: setup-test
setup-test: rust ## the same, and what the tests start: Java, Maven, Python, psql, openssl
	@$(call install,$(BUILD_PACKAGES) $(TEST_PACKAGES))

.PHONY: build
build: setup ## build everything, dev profile
	cargo build --locked --workspace

.PHONY: demo
demo: setup ## play the sample estate and answer four questions about it (DEMO_DIR=target/demo)
	cargo build --locked --workspace --bin lineward
	"$(CARGO_TARGET_DIR)/debug/lineward" demo --dir "$(DEMO_DIR)" --force
	@echo
	@echo "lineward is $(CARGO_TARGET_DIR)/debug/lineward"

.PHONY: test
test: setup-test ## run all tests, a real Kafka broker among them
	cargo build --locked --workspace
	cargo test --locked --workspace

.PHONY: lint
lint: setup ## formatting, clippy, and licences where cargo-deny is installed
	cargo fmt --all --check
	cargo clippy --locked --workspace --all-targets -- -D warnings
	@if command -v cargo-deny >/dev/null; then \
		set -x; cargo deny --locked check licenses bans sources; \
	else \
		echo "WARNING: licences, bans and sources were NOT checked: cargo-deny is not installed" \
			"(cargo install --locked cargo-deny)" >&2; \
	fi

.PHONY: bless
bless: setup ## write expected events, answers, help texts and references anew: read the difference
	LINEWARD_BLESS=1 cargo test --locked --workspace --lib --test formats --test cli

.PHONY: fuzz
fuzz: setup ## hostile input for each reader, decoder and validator, a minute each (FUZZ_SECONDS=60)
	LINEWARD_FUZZ_SECONDS=$(FUZZ_SECONDS) cargo test --locked --workspace --test fuzz

.PHONY: bench-scan
bench-scan: setup ## scan speed; definitions and records are in benches/
	benches/bench_scan.sh

.PHONY: bench-stream
bench-stream: setup-test ## speed from Kafka to Delta
	benches/bench_stream.sh

.PHONY: bench-http
bench-http: release ## events by HTTP: how many a second, and how soon one is seen
	python3 benches/bench_http.py $(CARGO_TARGET_DIR)/release/lineward

.PHONY: bench-lineage
bench-lineage: setup-test ## lineage questions beside DuckDB, PostgreSQL and igraph, answers compared (BENCH_EDGES=...)
	@$(call install,postgresql)
	benches/bench_lineage.sh $(BENCH_EDGES)

.PHONY: release
release: setup ## build the release binary (half an hour and more on two cores, once)
	cargo build --locked --workspace --release --bin lineward
	@echo "lineward is $(CARGO_TARGET_DIR)/release/lineward"

.PHONY: rust
rust:
	@if ! command -v cargo >/dev/null; then \
		echo "cargo is not installed; install Rust $(RUST_MIN) or newer: https://rustup.rs" >&2; exit 1; \
	fi; \
	have=$$(cargo --version | cut -d' ' -f2); \
	if [ "$$(printf '%s\n' $(RUST_MIN) "$$have" | sort -V | head -n1)" != $(RUST_MIN) ]; then \
		echo "cargo is $$have; Lineward needs Rust $(RUST_MIN) or newer: rustup update stable" >&2; exit 1; \
	fi

# Installs the packages of $(1) that are missing, and says which. On a system that is not Debian it says what to look
# for and goes on: the build itself tells what it does not find.
define install
	if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then \
		echo "not a Debian system: nothing was installed. Needed, by their Debian names: $(strip $(1))"; exit 0; \
	fi; \
	missing=(); \
	for package in $(1); do \
		dpkg-query -W -f='$${Status}' "$$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$$package"); \
	done; \
	if [ "$${#missing[@]}" -eq 0 ]; then exit 0; fi; \
	sudo=(); \
	if [ "$$(id -u)" -ne 0 ]; then \
		if ! command -v sudo >/dev/null; then \
			echo "missing: $${missing[*]}; there is no sudo, so as root: apt-get install $${missing[*]}" >&2; exit 1; \
		fi; \
		sudo=(sudo); \
	fi; \
	echo "installing: $${missing[*]}"; \
	"$${sudo[@]}" apt-get update -qq; \
	"$${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$${missing[@]}"
endef
