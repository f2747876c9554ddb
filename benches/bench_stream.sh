#!/usr/bin/env bash
# Kafka to Delta with a real broker on the same machine: audit events that are only kept, of 300 and of 368 bytes, then
# lineage events that are projected. Arguments: number of events (default 1000000).
set -euo pipefail
cd "$(dirname "$0")/.."
cargo build --locked --workspace --release --bins
bench="${CARGO_TARGET_DIR:-target}/release/bench_stream"
"$bench" audit "${1:-1000000}" 300
"$bench" audit "${1:-1000000}" 368
"$bench" lineage "${1:-1000000}"
