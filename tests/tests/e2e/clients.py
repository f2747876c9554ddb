"""Asks a server with the clients that people have, and prints what each was answered as one JSON object.

Usage: clients.py POSTGRES HTTP FLIGHT TOKEN
POSTGRES, HTTP and FLIGHT are host:port; TOKEN is a token, or `-` for none.
"""

import json
import sys
import time
import urllib.parse
import urllib.request
import uuid
import warnings
from datetime import datetime, timezone

import adbc_driver_flightsql.dbapi as flight
import adbc_driver_postgresql.dbapi as adbc_postgres
import psycopg
from openlineage.client import OpenLineageClient
from openlineage.client.event_v2 import InputDataset, Job, OutputDataset, Run, RunEvent, RunState
from openlineage.client.transport.http import ApiKeyTokenProvider, HttpCompression, HttpConfig, HttpTransport

warnings.simplefilter("ignore")
postgres, http, flight_address, token = sys.argv[1:5]
host, port = postgres.split(":")
password = {} if token == "-" else {"password": token}
LONG_AGO = "2000-01-01T00:00:00Z"
LONG_SINCE = datetime(2000, 1, 1, tzinfo=timezone.utc)
QUESTION = "SELECT model_name FROM models_trained_on({}) ORDER BY 1"


def with_psycopg():
    out = {}
    with psycopg.connect(host=host, port=port, user="me", dbname="lineward", autocommit=True, **password) as c:
        parameter = c.execute(QUESTION.format("%s"), ("PHI",)).fetchall()
        out["models"] = [row[0] for row in parameter]
        prepared = [c.execute("SELECT %s::bigint + 1", (i,), prepare=True).fetchone()[0] for i in range(8)]
        out["prepared"] = prepared
        binary = c.cursor(binary=True).execute("SELECT 1::bigint, 2.5::float8, true, 'x', NULL::text").fetchone()
        out["binary"] = list(binary)
        models = "SELECT count(*) FROM (VALUES ('a'), ('b'), ('c,d'), ('')) AS t(name) WHERE name "
        out["arrays"] = [
            c.execute(models + "= ANY(%s)", (["a", "c,d", ""],)).fetchone()[0],
            c.execute(models + "<> ALL(%s::text[])", (["a"],)).fetchone()[0],
            c.execute("SELECT %s::text[]", (["a", "", None, "NULL", 'x"y'],)).fetchone()[0],
            c.cursor(binary=True).execute("SELECT %b::bigint[]", ([1, 2],)).fetchone()[0],
            c.execute("SELECT count(*) FROM runs WHERE started_at = ANY(%s)", ([LONG_SINCE],)).fetchone()[0],
        ]
        with c.transaction(), c.cursor(name="Pieces") as cursor:
            cursor.itersize = 3
            cursor.execute("SELECT v FROM (VALUES (1), (2), (3), (4), (5)) AS t(v) WHERE v > %s ORDER BY v", (1,))
            out["pieces"] = [row[0] for row in cursor]
        tables = c.execute(
            "SELECT table_schema || '.' || table_name FROM information_schema.tables "
            "WHERE table_schema IN ('public', 'current', 'raw', 'graph', 'audit')"
        ).fetchall()
        out["tables"] = {name: len(c.execute(f"SELECT * FROM {name}").fetchall()) for (name,) in tables}
        for what, sql in [
            ("missing", "SELECT * FROM nowhere"),
            ("write", "DROP TABLE runs"),
            ("cast", "SELECT CAST(name AS bigint) FROM assets"),
            ("syntax", "SELEC 1"),
        ]:
            try:
                c.execute(sql)
                out[what] = "no error"
            except psycopg.Error as e:
                out[what] = [e.sqlstate, str(e)]
        out["timeout"] = stopped(c, "SET statement_timeout = '400ms'", lambda: None)
        c.execute("RESET statement_timeout")
        out["after"] = c.execute("SELECT 7").fetchone()[0]
        count = lambda: c.execute("SELECT count(*) FROM runs WHERE 1 = %s", (1,), prepare=True).fetchone()[0]
        before = count()
        c.execute(f"SET lineward.as_of = '{LONG_AGO}'")
        out["times"] = [before > 0, count(), c.execute("SHOW lineward.as_of").fetchone()[0]]
        c.execute("RESET lineward.as_of")
        out["times"].append(count() == before)
        with c.transaction():
            c.execute(f"SET LOCAL lineward.recorded_as_of = '{LONG_AGO}'")
            out["times"].append(count())
        out["times"].append(count() == before)
    return out


def stopped(connection, before, during):
    connection.execute(before)
    during()
    begin = time.monotonic()
    try:
        connection.execute(
            "SELECT count(*) FROM generate_series(1, 50000) AS a CROSS JOIN generate_series(1, 50000) AS b "
            "WHERE (a.value * b.value) % 7 = 3"
        )
        return "no error"
    except psycopg.Error as e:
        return [e.sqlstate, time.monotonic() - begin < 30]


def with_adbc_postgres():
    secret = "" if token == "-" else f":{token}"
    with adbc_postgres.connect(f"postgresql://me{secret}@{postgres}/lineward") as c, c.cursor() as cursor:
        cursor.execute(QUESTION.format("'PHI'"))
        models = cursor.fetch_arrow_table().column(0).to_pylist()
        cursor.execute("SELECT run_id FROM runs WHERE false")
        empty = cursor.fetch_arrow_table().num_rows
        depths = {depth: objects(c, depth) for depth in ["catalogs", "db_schemas", "tables", "all"]}
        columns = [column["column_name"] for column in depths["all"]["public"]["runs"]["table_columns"]]
        statistics = c.adbc_get_statistics(db_schema_filter="public", approximate=True).read_all().num_rows
        return {
            "models": models,
            "empty": empty,
            "schemas": [sorted(depths[depth]) for depth in ["db_schemas", "tables", "all"]],
            "tables": ["runs" in depths[depth]["public"] for depth in ["tables", "all"]],
            "columns": columns,
            "statistics": statistics,
        }


def objects(connection, depth):
    catalogs = connection.adbc_get_objects(depth=depth).read_all().to_pylist()
    schemas = next(c for c in catalogs if c["catalog_name"] == "lineward")["catalog_db_schemas"] or []
    return {s["db_schema_name"]: {t["table_name"]: t for t in s["db_schema_tables"] or []} for s in schemas}


def with_adbc_flight():
    options = {} if token == "-" else {"adbc.flight.sql.authorization_header": f"Bearer {token}"}
    with flight.connect(f"grpc://{flight_address}", db_kwargs=options) as c:
        with c.cursor() as cursor:
            cursor.execute(QUESTION.format("'PHI'"))
            models = cursor.fetch_arrow_table().column(0).to_pylist()
            cursor.execute(QUESTION.format("$1"), ("PHI",))
            bound = cursor.fetch_arrow_table().column(0).to_pylist()
        catalog = c.adbc_get_objects(depth="all").read_all().to_pylist()[0]
        schemas = {s["db_schema_name"]: s["db_schema_tables"] for s in catalog["catalog_db_schemas"]}
        runs = next(t for t in schemas["public"] if t["table_name"] == "runs")
        columns = [column["column_name"] for column in runs["table_columns"]]
        vendor = c.adbc_get_info()["vendor_name"]
    past = options | {"adbc.flight.sql.rpc.call_header.lineward-as-of": LONG_AGO}
    with flight.connect(f"grpc://{flight_address}", db_kwargs=past) as c, c.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM runs")
        runs = cursor.fetchone()[0]
    return {"models": models, "bound": bound, "columns": columns, "vendor": vendor, "past": runs}


def get(path, **query):
    url = f"http://{http}{path}" + ("?" + urllib.parse.urlencode(query) if query else "")
    headers = {} if token == "-" else {"Authorization": f"Bearer {token}"}
    with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=60) as answer:
        return json.load(answer)


def with_openlineage():
    auth = {} if token == "-" else {"auth": ApiKeyTokenProvider({"api_key": token})}
    for number, compression in enumerate([None, HttpCompression.GZIP]):
        config = HttpConfig(url=f"http://{http}", timeout=60, compression=compression, **auth)
        OpenLineageClient(transport=HttpTransport(config)).emit(
            RunEvent(
                eventType=RunState.COMPLETE,
                eventTime=f"2026-03-0{number + 1}T10:00:00Z",
                run=Run(runId=str(uuid.uuid4())),
                job=Job(namespace="etl", name="copy"),
                producer="https://clients.example/test",
                inputs=[InputDataset(namespace="db", name="source")],
                outputs=[OutputDataset(namespace="db", name="target")],
            )
        )
    graph = get("/api/v1/lineage", nodeId="dataset:db:target")["graph"]
    return {
        "graph": sorted(node["id"] for node in graph),
        "runs": get("/api/v1/namespaces/etl/jobs/copy/runs")["totalCount"],
        "datasets": [d["name"] for d in get("/api/v1/namespaces/db/datasets")["datasets"]],
    }


print(
    json.dumps(
        {
            "psycopg": with_psycopg(),
            "adbc_postgres": with_adbc_postgres(),
            "adbc_flight": with_adbc_flight(),
            "openlineage": with_openlineage(),
        }
    )
)
