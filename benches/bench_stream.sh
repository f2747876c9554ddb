#!/usr/bin/env bash
# Kafka to Delta with a real broker on the same machine: audit events that are only kept, then lineage events that are
# projected. Arguments: number of events (default 1000000).
set -euo pipefail
cd "$(dirname "$0")/.."
cargo build --locked --workspace --release --bins
for kind in audit lineage; do
    "${CARGO_TARGET_DIR:-target}/release/bench_stream" "$kind" "${1:-1000000}"
done
