"""Reads tables of a store with three engines that are not Lineward's, and prints what they see as JSON.

Arguments: the store, then TABLE:COLUMN for each table. DuckDB reads Delta tables with its own extension (`delta_scan`),
which is a package of its own here; usually it fetches it when it is first used.
"""

import json
import sys
from pathlib import Path

import duckdb
import duckdb_extension_delta
import polars
import pyarrow
from deltalake import DeltaTable


def main():
    store, tables = sys.argv[1], [argument.split(":") for argument in sys.argv[2:]]
    extensions = Path(duckdb_extension_delta.__file__).parent / "extensions"
    duckdb.execute(f"LOAD '{extensions}/v{duckdb.__version__}/delta.duckdb_extension'")
    out = {}
    for table, column in tables:
        delta = DeltaTable(f"{store}/{table}")
        arrow = pyarrow.table(delta.to_pyarrow_table())
        rows = duckdb.sql(f"SELECT {column} FROM delta_scan('{store}/{table}') ORDER BY {column}").fetchall()
        out[table] = {
            "columns": arrow.column_names,
            "deltalake": sorted(arrow[column].to_pylist()),
            "duckdb": [row[0] for row in rows],
            "polars": sorted(polars.scan_delta(f"{store}/{table}").select(column).collect()[column].to_list()),
        }
    out["checks"] = checks(store)
    json.dump(out, sys.stdout)


def checks(store):
    events = pyarrow.table(DeltaTable(f"{store}/events").to_pyarrow_table())
    runs = pyarrow.table(DeltaTable(f"{store}/runs").to_pyarrow_table())
    newest = {run["run_id"]: dict(run["params"]) for run in sorted(runs.to_pylist(), key=lambda run: run["revision"])}
    findings = duckdb.sql(f"SELECT * FROM delta_scan('{store}/findings')")
    ssn = findings.filter("entity = 'US_SSN'").project("categories").distinct().fetchall()
    return {
        "received_at_max_us": max(events["received_at"].cast(pyarrow.int64()).to_pylist()),
        "event_keys": sorted(key.hex() for key in events["event_key"].to_pylist()),
        "parameters": newest,
        "ssn_categories": ssn[0][0],
    }


if __name__ == "__main__":
    main()
