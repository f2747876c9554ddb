"""All pairs of versions of which one was made from the other, by a recursive query of DuckDB over a store's tables.

Argument: the store. Printed as a JSON list of (source, destination), sorted. A version is no source of itself.
"""

import json
import sys

import duckdb
from deltalake import DeltaTable


def current(store, table, key):
    """The newest revision of each key, without what was retracted."""
    files = DeltaTable(f"{store}/{table}").file_uris()
    newest = f"SELECT *, row_number() OVER (PARTITION BY {key} ORDER BY revision DESC) AS n FROM read_parquet({files!r})"
    duckdb.sql(f"CREATE TABLE {table} AS SELECT * FROM ({newest}) WHERE n = 1 AND retracted_at IS NULL")


def main():
    store = sys.argv[1]
    current(store, "edges", "edge_id")
    current(store, "run_io", "run_sid, version_id, io, context")
    rows = duckdb.sql("""
        WITH RECURSIVE explained AS (
            SELECT DISTINCT run_sid, dst_version_id FROM edges
            WHERE run_sid IS NOT NULL AND edge_type NOT IN ('CONTAINS', 'COPY_OF', 'NEAR_DUPLICATE')
        ), hops AS (
            SELECT src_version_id AS src, dst_version_id AS dst FROM edges WHERE edge_type <> 'NEAR_DUPLICATE'
            UNION SELECT dst_version_id, src_version_id FROM edges WHERE edge_type = 'COPY_OF'
            UNION SELECT i.version_id, o.version_id FROM run_io AS i
            JOIN run_io AS o ON o.run_sid = i.run_sid AND i.io = 'INPUT' AND o.io = 'OUTPUT'
            LEFT JOIN explained AS e ON e.run_sid = o.run_sid AND e.dst_version_id = o.version_id
            WHERE e.run_sid IS NULL
        ), reached AS (
            SELECT src, dst FROM hops
            UNION SELECT r.src, h.dst FROM reached AS r JOIN hops AS h ON h.src = r.dst
        )
        SELECT src, dst FROM reached WHERE src <> dst ORDER BY src, dst
    """)
    json.dump(rows.fetchall(), sys.stdout)


if __name__ == "__main__":
    main()
