#!/usr/bin/env bash
# Lineage questions beside DuckDB, PostgreSQL, igraph and a bare walk, answers compared. Arguments: numbers of edges
# (default 100000 1000000 10000000; 100000000 needs 24 GB of memory), --json for numbers instead of tables, --runs=N of each
# question of a peer, and --limit=SECONDS for the random questions of one.
set -euo pipefail
cd "$(dirname "$0")/.."
options=() sizes=()
for word in "$@"; do
	case $word in
		--json | --runs=* | --limit=*) options+=("$word") ;;
		*[!0-9]*) echo "unknown argument \`$word\`: a number of edges, --json, --runs=N or --limit=SECONDS" >&2; exit 2 ;;
		*) sizes+=("$word") ;;
	esac
done
[ "${#sizes[@]}" -gt 0 ] || sizes=(100000 1000000 10000000)

cargo build --locked --workspace --release --bin bench_lineage
bench="${CARGO_TARGET_DIR:-target}/release/bench_lineage"

python="${XDG_CACHE_HOME:-$HOME/.cache}/lineward/bench-lineage"
if ! [ -x "$python/bin/python" ]; then
	python3 -m venv "$python"
	"$python/bin/pip" install --quiet duckdb==2.0.0 igraph==1.0.0 numpy psycopg[binary]
fi
server=$(dirname "$(command -v pg_ctl || ls /usr/lib/postgresql/*/bin/pg_ctl | tail -n1)")

folder=$(mktemp -d "${TMPDIR:-/tmp}/lineward-bench-XXXXXX")
# PostgreSQL does not run as root: then it runs as `nobody`.
as=()
[ "$(id -u)" -ne 0 ] || as=(runuser -u nobody --)
mkdir "$folder/postgres"
[ "$(id -u)" -ne 0 ] || { chmod 755 "$folder"; chown nobody "$folder/postgres"; }
stop() {
	(cd / && "${as[@]}" "$server/pg_ctl" -D "$folder/postgres/data" -m immediate stop) >"$folder/stopped" 2>&1 || true
	rm -rf "$folder"
}
trap stop EXIT
(
	cd /
	"${as[@]}" "$server/initdb" --no-sync -A trust -U bench -D "$folder/postgres/data" >"$folder/initdb"
	# No port is opened: the socket lies in a folder of its own.
	"${as[@]}" "$server/pg_ctl" -w -l "$folder/postgres/log" -D "$folder/postgres/data" start -o "-k $folder/postgres \
		-c listen_addresses='' -c shared_buffers=2GB -c fsync=off -c max_wal_size=8GB -c maintenance_work_mem=1GB" \
		>"$folder/started"
)
for edges in "${sizes[@]}"; do
	"$bench" make "$folder/$edges" "$edges" >&2
	"$bench" ask "$folder/$edges" >&2
	"$python/bin/python" benches/bench_lineage.py "$folder/$edges" --postgres "$folder/postgres" "${options[@]}"
	rm -rf "${folder:?}/$edges"
done
