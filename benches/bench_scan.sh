#!/usr/bin/env bash
# Scan speed on one thread over the files or folders given (default: this project's own sources and sample corpora).
# Prints MB/s of three rounds and what was found, so that two builds are compared on equal findings.
set -euo pipefail
cd "$(dirname "$0")/.."
cargo build --locked --workspace --release --bins --examples
paths=("$@")
[ ${#paths[@]} -gt 0 ] || paths=(classifiers cli/demo docs events store sql)
exec taskset -c 0 "${CARGO_TARGET_DIR:-target}/release/examples/scan_speed" "${paths[@]}"
