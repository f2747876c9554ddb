"""Producers that people have, producing what a pipeline then reads, and a judge of what a server answers.

Usage: judges.py kafka BROKER TOPIC        runs by openlineage-python's Kafka transport
       judges.py mlflow FOLDER             a run by MLflow's client, printed as documents of its REST API, one a line
       judges.py marquez HTTP SCHEMA       what a server's answers in Marquez's shapes have wrong
"""

import json
import sys
import urllib.parse
import urllib.request
import uuid


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


{"kafka": kafka, "mlflow": mlflow, "marquez": marquez}[sys.argv[1]](*sys.argv[2:])
