"""Producers that people have, producing what a pipeline then reads, and a judge of what a server answers.

Usage: judges.py kafka BROKER TOPIC        runs by openlineage-python's Kafka transport
       judges.py mlflow FOLDER             a run by MLflow's client, printed as documents of its REST API, one a line
       judges.py mlflow-proxy PROXY HTTP PORT FOLDER SECRET
                                           an MLflow server on a port, a run by its client through a proxy before it, and a
                                           model version made beside the proxy, of which a webhook tells
       judges.py marquez HTTP SCHEMA       what a server's answers in Marquez's shapes have wrong
       judges.py openlineage SPEC FILE     what events have wrong by OpenLineage's schemas, their facets too
       judges.py raw SPEC FOLDER           events of others, one a line, after how many of them are valid
       judges.py async HTTP RUNS           so many runs by the asynchronous transport, whose retries may send one twice
       judges.py file FILE                 a run by the file transport
       judges.py prov FILE                 what the PROV package reads in a document and writes again
       judges.py in-toto FILE              what the attestation package has to say of statements
"""

import json
import sys
import urllib.parse
import urllib.request
import uuid


def copy_run(number):
    """A run that copies, by its two events."""
    from openlineage.client.event_v2 import InputDataset, Job, OutputDataset, Run, RunEvent, RunState

    run = Run(runId=str(uuid.UUID(int=number + 1)))
    for state in [RunState.START, RunState.COMPLETE]:
        yield RunEvent(
            eventType=state,
            eventTime=f"2026-03-01T10:0{int(state is RunState.COMPLETE)}:00Z",
            run=run,
            job=Job(namespace="etl", name="copy"),
            producer="https://judges.example/test",
            inputs=[InputDataset(namespace="db", name=f"source-{number}")],
            outputs=[OutputDataset(namespace="db", name=f"target-{number}")],
        )


def asynchronous(http, runs):
    from openlineage.client import OpenLineageClient
    from openlineage.client.transport.async_http import AsyncHttpConfig, AsyncHttpTransport

    transport = AsyncHttpTransport(AsyncHttpConfig(url=f"http://{http}", timeout=60))
    client = OpenLineageClient(transport=transport)
    for number in range(int(runs)):
        for event in copy_run(number):
            client.emit(event)
    delivered = transport.wait_for_completion(timeout=60)
    failed = transport.get_stats()["failed"]
    client.close()
    print(json.dumps({"delivered": delivered, "failed": failed}))


def to_file(path):
    from openlineage.client import OpenLineageClient
    from openlineage.client.transport.file import FileConfig, FileTransport

    client = OpenLineageClient(transport=FileTransport(FileConfig(log_file_path=path, append=True)))
    for event in copy_run(0):
        client.emit(event)


def prov(path):
    from prov.model import ProvDocument

    with open(path) as file:
        text = file.read()
    document = ProvDocument.deserialize(content=text, format="json")
    again = ProvDocument.deserialize(content=document.serialize(format="json"), format="json")
    known = {str(record.identifier) for record in document.get_records() if record.is_element()}
    relations = [record for record in document.get_records() if record.is_relation()]
    ends = {str(value) for record in relations for _, value in record.formal_attributes if hasattr(value, "localpart")}
    kinds = [type(record).__name__ for record in document.get_records()]
    counts = {kind: kinds.count(kind) for kind in sorted(set(kinds))}
    print(json.dumps({"same": document == again, "unknown": sorted(ends - known), "counts": counts}))


def in_toto(path):
    from google.protobuf import json_format
    from in_toto_attestation.predicates.provenance.v1 import provenance_pb2
    from in_toto_attestation.v1 import statement_pb2
    from in_toto_attestation.v1.statement import Statement

    with open(path) as file:
        text = file.read()
    decoder, at, said = json.JSONDecoder(), 0, []
    while at < len(text.rstrip()):
        value, at = decoder.raw_decode(text, at)
        at += len(text[at:]) - len(text[at:].lstrip())
        # Fields that the formats do not have are errors here.
        Statement.copy_from_pb(json_format.ParseDict(value, statement_pb2.Statement())).validate()
        predicate = json_format.ParseDict(value["predicate"], provenance_pb2.Provenance())
        dependencies = predicate.build_definition.resolved_dependencies
        said.append(
            {
                "type": value["predicateType"],
                "subject": value["subject"][0]["name"],
                "dependencies": sorted(dependency.uri for dependency in dependencies),
                "digests": all(dependency.digest for dependency in dependencies),
            }
        )
    print(json.dumps(said))


def kafka(broker, topic):
    from openlineage.client import OpenLineageClient
    from openlineage.client.event_v2 import InputDataset, Job, OutputDataset, Run, RunEvent, RunState
    from openlineage.client.facet_v2 import column_lineage_dataset, datasource_dataset
    from openlineage.client.transport.kafka import KafkaConfig, KafkaTransport

    source = datasource_dataset.DatasourceDatasetFacet(name="clinic", uri="s3://clinic")
    from_text = column_lineage_dataset.InputField(
        namespace="s3://clinic",
        name="notes",
        field="text",
        transformations=[column_lineage_dataset.Transformation(type="DIRECT", subtype="TRANSFORMATION")],
    )
    columns = column_lineage_dataset.ColumnLineageDatasetFacet(
        fields={"tokens": column_lineage_dataset.Fields(inputFields=[from_text])}
    )
    transport = KafkaTransport(KafkaConfig(config={"bootstrap.servers": broker}, topic=topic))
    client = OpenLineageClient(transport=transport)
    for number, (name, read, written, facets) in enumerate(
        [("tokenise", "notes", "tokens", {"columnLineage": columns}), ("train", "tokens", "tuned", {})]
    ):
        run = Run(runId=str(uuid.UUID(int=number + 1)))
        for state in [RunState.START, RunState.COMPLETE]:
            client.emit(
                RunEvent(
                    eventType=state,
                    eventTime=f"2026-03-0{number + 1}T10:0{int(state is RunState.COMPLETE)}:00Z",
                    run=run,
                    job=Job(namespace="etl", name=name),
                    producer="https://judges.example/test",
                    inputs=[InputDataset(namespace="s3://clinic", name=read, facets={"dataSource": source})],
                    outputs=[OutputDataset(namespace="s3://clinic", name=written, facets=facets)],
                )
            )
    client.close()
    print(json.dumps({"client": type(transport).__name__}))


def mlflow(folder):
    import mlflow
    import pandas
    from mlflow.utils.proto_json_utils import message_to_json

    mlflow.set_tracking_uri(f"sqlite:///{folder}/tracking.db")
    client = mlflow.MlflowClient()
    experiment = client.create_experiment("judges", artifact_location=f"file://{folder}/artifacts")
    mlflow.set_experiment(experiment_id=experiment)
    with mlflow.start_run(run_name="tune") as run:
        mlflow.log_params({"epochs": 3})
        for name, context in [("notes", "training"), ("held-out", "testing")]:
            frame = pandas.DataFrame({"text": ["one", name], "label": [0, 1]})
            source = f"https://data.example/{name}.jsonl"
            mlflow.log_input(mlflow.data.from_pandas(frame, source=source, name=name), context=context)
    client.create_registered_model("tuned")
    version = client.create_model_version("tuned", f"{run.info.artifact_uri}/model", run.info.run_id)
    # As `GET /api/2.0/mlflow/runs/get` and `model-versions/get` answer: the entities in their wire form.
    for key, entity in [("run", client.get_run(run.info.run_id)), ("model_version", version)]:
        print(json.dumps({key: json.loads(message_to_json(entity.to_proto()))}))


def mlflow_proxy(proxy, http, port, folder, secret):
    import os
    import subprocess
    import time

    behind = f"http://127.0.0.1:{port}"
    settings = {
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        # Webhooks go to https addresses of other machines otherwise.
        "MLFLOW_WEBHOOK_ALLOWED_SCHEMES": "http",
        "MLFLOW_WEBHOOK_ALLOW_PRIVATE_IPS": "true",
        # For so many seconds it is remembered that there are none, a minute otherwise.
        "MLFLOW_WEBHOOK_CACHE_TTL": "1",
    }
    os.environ.update(settings)
    stores = ["--backend-store-uri", f"sqlite:///{folder}/server.db", "--artifacts-destination", f"{folder}/kept"]
    command = [sys.executable, "-m", "mlflow", "server", "--port", port, "--workers", "1", *stores]
    with open(f"{folder}/server.log", "w") as log:
        server = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
    try:
        for attempt in range(120):
            try:
                with urllib.request.urlopen(f"{behind}/health", timeout=5):
                    break
            except OSError:
                time.sleep(0.5)
        else:
            with open(f"{folder}/server.log") as log:
                sys.exit(log.read())
        through_proxy(f"http://{proxy}", folder)
        beside_proxy(behind, f"http://{http}/api/v1", secret)
    finally:
        os.killpg(server.pid, 15)
        server.wait(30)


def through_proxy(uri, folder):
    import mlflow
    import pandas

    mlflow.set_tracking_uri(uri)
    client = mlflow.MlflowClient()
    mlflow.set_experiment("judged")
    with mlflow.start_run(run_name="tune") as run:
        mlflow.log_params({"epochs": 3})
        mlflow.log_metric("loss", 0.5)
        frame = pandas.DataFrame({"text": ["one", "two"], "label": [0, 1]})
        source = "https://data.example/notes.jsonl"
        mlflow.log_input(mlflow.data.from_pandas(frame, source=source, name="notes"), context="training")
        mlflow.log_text("as it was " * 100_000, "note.txt")
    client.create_registered_model("tuned")
    version = client.create_model_version("tuned", f"{run.info.artifact_uri}/model", run.info.run_id)
    client.set_registered_model_alias("tuned", "champion", version.version)
    kept = mlflow.artifacts.load_text(f"{run.info.artifact_uri}/note.txt")
    found = client.search_runs([run.info.experiment_id])
    print(json.dumps({"run": run.info.run_id, "kept": len(kept), "found": len(found), "state": found[0].info.status}))


def beside_proxy(uri, api, secret):
    import time

    import mlflow
    import pandas
    from mlflow.entities.webhook import WebhookAction, WebhookEntity, WebhookEvent

    mlflow.set_tracking_uri(uri)
    client = mlflow.MlflowClient()
    # Until it is forgotten that there were none when the first version was made.
    time.sleep(1.5)
    created = WebhookEvent(WebhookEntity.MODEL_VERSION, WebhookAction.CREATED)
    hook = client.create_webhook(name="lineage", url=f"{api}/mlflow/webhook", events=[created], secret=secret)
    tested = client.test_webhook(hook.webhook_id)
    with mlflow.start_run(run_name="beside") as run:
        frame = pandas.DataFrame({"text": ["three"]})
        source = "https://data.example/letters.jsonl"
        mlflow.log_input(mlflow.data.from_pandas(frame, source=source, name="letters"), context="training")
    client.create_registered_model("beside")
    client.create_model_version("beside", f"{run.info.artifact_uri}/model", run.info.run_id)
    # It is delivered some time later, by a server that has to live so long.
    question = {"query": "SELECT name FROM assets WHERE name = 'letters.jsonl'"}
    headers = {"content-type": "application/json"}
    asked = urllib.request.Request(f"{api}/sql", json.dumps(question).encode(), headers)
    for attempt in range(300):
        with urllib.request.urlopen(asked, timeout=60) as answer:
            if json.load(answer)["rows"]:
                break
        time.sleep(0.2)
    print(json.dumps({"tested": tested.response_status}))


def marquez(http, schema):
    from jsonschema import Draft202012Validator, FormatChecker

    with open(schema) as file:
        validator = Draft202012Validator(json.load(file), format_checker=FormatChecker())

    def get(path, **query):
        url = f"http://{http}/api/v1/{path}" + ("?" + urllib.parse.urlencode(query) if query else "")
        with urllib.request.urlopen(url, timeout=60) as answer:
            return json.load(answer)

    found, wrong = {}, []
    for namespace in get("namespaces")["namespaces"]:
        name = urllib.parse.quote(namespace["name"], safe="")
        for dataset in get(f"namespaces/{name}/datasets")["datasets"]:
            node = f"dataset:{dataset['namespace']}:{dataset['name']}"
            for path, more in [("lineage", {}), ("column-lineage", {"withDownstream": "true"})]:
                answer = get(path, nodeId=node, **more)
                wrong += [f"{path} of {node}: {e.json_path}: {e.message[:300]}" for e in validator.iter_errors(answer)]
                ids = {n["id"] for n in answer["graph"]}
                for n in answer["graph"]:
                    found[n["type"]] = found.get(n["type"], 0) + 1
                    # Edges lead to nodes that are there, and each is told at both its ends.
                    ends = [e["origin"] for e in n["inEdges"]] + [e["destination"] for e in n["outEdges"]]
                    wrong += [f"{path} of {node}: an edge leads to {end}" for end in ends if end not in ids]
    print(json.dumps({"found": found, "wrong": wrong}))


def validator(spec):
    """Of events, with their facets, by the schemas in a folder."""
    import pathlib

    from jsonschema import Draft202012Validator
    from referencing import Registry, Resource

    files = [json.loads(file.read_text()) for file in pathlib.Path(spec).rglob("*.json")]
    schemas = [schema for schema in files if "$id" in schema]
    registry = Registry().with_resources((schema["$id"], Resource.from_contents(schema)) for schema in schemas)
    # What a facet is called is in the properties of its file: `{"runQuery": {"$ref": "#/$defs/..."}}`.
    facets = {name: f"{s['$id']}#/properties/{name}" for s in schemas for name in s.get("properties", {})}

    def check(reference, value):
        judge = Draft202012Validator(
            {"$ref": reference}, registry=registry, format_checker=Draft202012Validator.FORMAT_CHECKER
        )
        return [f"{'/'.join(map(str, error.path))}: {error.validator}" for error in judge.iter_errors(value)]

    base = next(schema["$id"] for schema in schemas if schema["$id"].endswith("/OpenLineage.json"))

    def judged(event):
        wrong, seen = check(base, event), 0
        holders = [event.get("run", {}), event.get("job", {}), event.get("dataset", {})]
        holders += event.get("inputs", []) + event.get("outputs", [])
        for holder in holders:
            for key in ["facets", "inputFacets", "outputFacets"]:
                for name, facet in holder.get(key, {}).items():
                    seen += 1
                    # The schema that a facet names, where it is here; else that of its name.
                    own = facet.get("_schemaURL", "")
                    known = own if own.split("#")[0] in registry else facets.get(name)
                    wrong += [f"{name}/{error}" for error in check(known, facet)] if known else []
        return wrong, seen

    return judged


def openlineage(spec, file):
    judged = validator(spec)
    wrong, facets, events = [], 0, [json.loads(line) for line in open(file)]
    for event in events:
        more, seen = judged(event)
        wrong += more
        facets += seen
    print(json.dumps({"judged": len(events), "facets": facets, "wrong": sorted(set(wrong))}))


def raw(spec, scenarios):
    """Events of others as they are, with how many of them are valid by the schema of events."""
    import pathlib

    judged = validator(spec)
    events = []
    for file in sorted(pathlib.Path(scenarios).rglob("events/*.json")):
        said = json.loads(file.read_text())
        events += said if isinstance(said, list) else [said]
    valid = sum(not judged(event)[0] for event in events)
    print(json.dumps({"events": len(events), "valid": valid}))
    for event in events:
        print(json.dumps(event))


JUDGES = {
    "async": asynchronous,
    "file": to_file,
    "in-toto": in_toto,
    "kafka": kafka,
    "marquez": marquez,
    "mlflow": mlflow,
    "mlflow-proxy": mlflow_proxy,
    "openlineage": openlineage,
    "prov": prov,
    "raw": raw,
}
JUDGES[sys.argv[1]](*sys.argv[2:])
