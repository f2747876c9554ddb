"""Asks a server with SQLAlchemy what is in it, as tools that draw or query a database do, and prints what it found.

Usage: sqlalchemy_client.py POSTGRES
POSTGRES is host:port.
"""

import json
import sys

import sqlalchemy

host, port = sys.argv[1].split(":")
engine = sqlalchemy.create_engine(sqlalchemy.URL.create("postgresql+psycopg", "me", None, host, int(port), "lineward"))
inspector = sqlalchemy.inspect(engine)
keys = [
    inspector.get_pk_constraint("runs", schema="raw")["constrained_columns"],
    inspector.get_foreign_keys("runs", schema="raw"),
    inspector.get_indexes("runs", schema="raw"),
    inspector.get_unique_constraints("runs", schema="raw"),
    inspector.get_check_constraints("runs", schema="raw"),
]
models = sqlalchemy.MetaData()
models.reflect(engine, views=True, only=["models"])
runs = sqlalchemy.Table("runs", sqlalchemy.MetaData(), autoload_with=engine)
question = sqlalchemy.text("SELECT model_name FROM models_trained_on(:tag) ORDER BY 1")
with engine.connect() as connection:
    assert connection.execute(sqlalchemy.select(runs.c.run_id)).fetchall()
    trained = connection.execute(question, {"tag": "PHI"}).fetchall()
found = {
    "schemas": inspector.get_schema_names(),
    "tables": inspector.get_table_names(schema="raw"),
    "views": inspector.get_view_names(),
    "columns": {column["name"]: str(column["type"]) for column in inspector.get_columns("runs")},
    "keys": keys,
    "definition": "SELECT" in inspector.get_view_definition("models"),
    "reflected": sorted(models.tables),
    "models": [row[0] for row in trained],
}
print(json.dumps(found))
