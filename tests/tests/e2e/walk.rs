//! The question end to end, from files only: a corpus is scanned, events tell what was copied, trained and deployed,
//! and SQL answers which model was trained on what, and what is not known.

use crate::lineward::Lineward;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

const ACCOUNT: &str = "210987654321";

#[test]
fn scan_then_events() {
    let lineward = Lineward::new();
    scan(&lineward);
    ingest(&lineward);
    assert_answers(&lineward);
}

#[test]
fn events_then_scan() {
    // What was trained on before anybody looked is known as well once somebody does.
    let lineward = Lineward::new();
    ingest(&lineward);
    scan(&lineward);
    assert_answers(&lineward);
}

#[test]
fn doing_it_again_changes_nothing() {
    let lineward = Lineward::new();
    scan(&lineward);
    ingest(&lineward);
    let before = lineward.sql("SELECT * FROM models_trained_on('PHI') ORDER BY model_name");
    let events = lineward.count("SELECT count(*) FROM raw.events");
    ingest(&lineward);
    assert_eq!(lineward.count("SELECT count(*) FROM raw.events"), events, "a file is read once");
    scan(&lineward);
    assert_eq!(lineward.sql("SELECT * FROM models_trained_on('PHI') ORDER BY model_name"), before);
}

#[test]
fn a_corpus_is_found_by_its_content() {
    // The corpus is scanned where it lies on this disk; the training names another place and the same Merkle root.
    let lineward = Lineward::new();
    let files = corpus(&lineward);
    lineward.run(["scan", "notes", "--store", "store"]).ok();
    let root = merkle_root(&files);
    let (intake, clean) = (content_of("intake", Some(&root)), content_of("elsewhere", Some(&"00".repeat(32))));
    let events = [training_run("triage", intake), training_run("other", clean)];
    lineward.write("runs.jsonl", lines(&events));
    lineward.run(["ingest", "runs.jsonl"]).ok();

    let known = lineward.sql(
        "SELECT encode(merkle_root, 'hex') AS root FROM datasets WHERE namespace = 'file' AND asset_type = 'DATASET'",
    );
    assert_eq!(known, [json!({"root": root})], "the fingerprint is what its documentation says");
    let trained = lineward.sql("SELECT model_name, status, sources FROM models_trained_on('PHI')");
    assert_eq!(trained, [json!({"model_name": "triage", "status": "observed", "sources": 2})]);
    let copies = lineward.sql(
        "SELECT e.evidence, a.namespace AS of, b.name AS copy FROM edges AS e \
         JOIN asset_versions AS v ON v.version_id = e.src_version_id JOIN assets AS a ON a.asset_id = v.asset_id \
         JOIN asset_versions AS w ON w.version_id = e.dst_version_id JOIN assets AS b ON b.asset_id = w.asset_id \
         WHERE e.edge_type = 'COPY_OF'",
    );
    assert_eq!(copies, [json!({"evidence": "CONTENT_MATCH", "of": "file", "copy": "intake"})]);
    let upstream = lineward.sql(
        "SELECT edge_type, namespace FROM upstream('model:mlflow://prod/triage') WHERE asset_type = 'DATASET' \
         ORDER BY depth",
    );
    assert_eq!(
        upstream,
        [
            json!({"edge_type": "TRAINED_ON", "namespace": "s3://vault"}),
            json!({"edge_type": "COPY_OF", "namespace": "file"})
        ]
    );

    // One byte more, and it is another corpus.
    lineward.write("notes/c.jsonl", "{}\n");
    lineward.run(["scan", "notes", "--store", "store"]).ok();
    let later = lineward.sql(
        "SELECT encode(merkle_root, 'hex') AS root FROM datasets WHERE namespace = 'file' AND asset_type = 'DATASET'",
    );
    assert_ne!(later, known);
    assert_eq!(lineward.sql("SELECT model_name, status, sources FROM models_trained_on('PHI')"), trained);
}

pub fn assert_answers(lineward: &Lineward) {
    let artifact = "out/summariser-1/output/model.tar.gz";
    let trained = lineward.sql(
        "SELECT model_namespace, model_name, status, min_depth, deployed, complete FROM models_trained_on('PHI') \
         ORDER BY min_depth",
    );
    let model = |namespace: &str, name: &str, depth: i64| {
        json!({
            "model_namespace": namespace, "model_name": name, "status": "inherited", "min_depth": depth,
            "deployed": true, "complete": false,
        })
    };
    let sagemaker = format!("sagemaker://eu-west-1/{ACCOUNT}");
    assert_eq!(trained, [model("s3://models", artifact, 2), model(&sagemaker, "model/summariser", 3)]);
    // The copy that it was trained on was not scanned itself: nothing was seen in it, and nobody can say that none is.
    let observed = lineward.sql("SELECT model_name, status, complete FROM models_trained_on('PHI', NULL, 'observed')");
    assert_eq!(observed, [json!({ "model_name": null, "status": "unknown", "complete": false })]);

    let data = lineward.sql(&format!(
        "SELECT namespace, name, context, tags FROM training_data('model:s3://models/{artifact}') ORDER BY name"
    ));
    let names: Vec<(&str, &str, &str)> = data
        .iter()
        .filter_map(|r| Some((r["namespace"].as_str()?, r["name"].as_str()?, r["context"].as_str()?)))
        .collect();
    // What it is only validated on is no training data.
    assert_eq!(names, [("s3://train-lake", "notes", "training")], "{data:?}");
    let tags = data[0]["tags"].to_string();
    assert!(tags.contains("PHI") && tags.contains("PHI.MEDICAL_RECORD_NUMBER"), "{tags}");

    let upstream = lineward.sql(&format!(
        "SELECT depth, edge_type, namespace, name FROM upstream('model:{sagemaker}/model/summariser') \
         WHERE asset_type <> 'FILE' ORDER BY depth, name"
    ));
    let upstream: Vec<(i64, &str, &str)> = upstream
        .iter()
        .filter_map(|row| Some((row["depth"].as_i64()?, row["edge_type"].as_str()?, row["name"].as_str()?)))
        .collect();
    let expected = [
        (1, "DERIVED", artifact),
        (2, "EVALUATED_ON", "glossary"),
        (2, "TRAINED_ON", "notes"),
        (3, "DERIVED", "notes"),
    ];
    assert_eq!(upstream, expected);

    let gaps = lineward.sql("SELECT gap, name FROM lineage_gaps ORDER BY gap, name");
    let gaps: Vec<(&str, &str)> = gaps.iter().filter_map(|r| Some((r["gap"].as_str()?, r["name"].as_str()?))).collect();
    assert!(gaps.contains(&("training_inputs_unknown", "out/mystery-1/output/model.tar.gz")), "{gaps:?}");
    assert!(gaps.contains(&("data_not_scanned", "notes")), "{gaps:?}");
    let possible = lineward
        .sql("SELECT model_name, status FROM models_trained_on('PHI', NULL, 'possible') WHERE status = 'unknown'");
    assert_eq!(possible, [json!({"model_name": "out/mystery-1/output/model.tar.gz", "status": "unknown"})]);

    let findings = lineward.sql(
        "SELECT DISTINCT entity, namespace FROM findings_by_asset \
         WHERE entity IN ('MEDICAL_RECORD_NUMBER', 'US_SSN') ORDER BY entity",
    );
    assert_eq!(
        findings,
        [
            json!({"entity": "MEDICAL_RECORD_NUMBER", "namespace": "s3://ward-lake"}),
            json!({"entity": "US_SSN", "namespace": "s3://ward-lake"})
        ]
    );
}

/// Two files of notes: their names below the corpus and their contents.
fn corpus(lineward: &Lineward) -> Vec<(String, String)> {
    let note = |text: &str, ssn: &str| format!("{}\n", json!({"text": text, "ssn": ssn}));
    let files = vec![
        ("a.jsonl".to_owned(), note("Patient seen in clinic, MRN: GV-994418, diagnosis E11.9.", "401-22-7731")),
        ("b/b.jsonl".to_owned(), note("Patient was discharged, MRN: GV-994419.", "401-22-7732")),
    ];
    for (name, content) in &files {
        lineward.write(&format!("notes/{name}"), content);
    }
    files
}

pub fn scan(lineward: &Lineward) {
    corpus(lineward);
    lineward.run(["scan", "notes", "--store", "store", "--dataset", "s3://ward-lake/notes"]).ok();
}

fn ingest(lineward: &Lineward) {
    let (copies, audit) = events();
    lineward.write("lineage.jsonl", lines(&copies));
    lineward.write("audit.json", json!({"Records": audit}).to_string());
    lineward.run(["ingest", "lineage.jsonl", "audit.json"]).ok();
}

/// What was copied, as OpenLineage tells it; and what was trained and deployed, as CloudTrail does.
pub fn events() -> (Vec<Value>, Vec<Value>) {
    let api = |name: &str, time: &str, request: Value, response: Value| {
        json!({
            "eventVersion": "1.11", "eventSource": "sagemaker.amazonaws.com", "eventName": name, "eventTime": time,
            "awsRegion": "eu-west-1", "recipientAccountId": ACCOUNT,
            "userIdentity": {"arn": format!("arn:aws:sts::{ACCOUNT}:assumed-role/launcher/ci")},
            "requestParameters": request, "responseElements": response,
        })
    };
    let arn = |job: &str| format!("arn:aws:sagemaker:eu-west-1:{ACCOUNT}:training-job/{job}");
    let channel = |name: &str, uri: &str| json!({"channelName": name, "dataSource": {"s3DataSource": {"s3Uri": uri}}});
    let create = |job: &str, channels: Option<Value>, time: &str| {
        let mut request = json!({
            "trainingJobName": job, "roleArn": format!("arn:aws:iam::{ACCOUNT}:role/trainer"),
            "outputDataConfig": {"s3OutputPath": "s3://models/out/"},
        });
        if let Some(channels) = channels {
            request["inputDataConfig"] = channels;
        }
        api("CreateTrainingJob", time, request, json!({"trainingJobArn": arn(job)}))
    };
    let completed = |job: &str, time: &str| {
        json!({
            "detail-type": "SageMaker Training Job State Change", "source": "aws.sagemaker", "account": ACCOUNT,
            "region": "eu-west-1", "time": time,
            "detail": {
                "TrainingJobName": job, "TrainingJobArn": arn(job), "TrainingJobStatus": "Completed",
                "ModelArtifacts": {"S3ModelArtifacts": format!("s3://models/out/{job}/output/model.tar.gz")},
            },
        })
    };
    let channels =
        json!([channel("training", "s3://train-lake/notes/"), channel("validation", "s3://train-lake/glossary/")]);
    let copy = json!({
        "eventType": "COMPLETE", "eventTime": "2026-05-03T09:00:00Z", "producer": "https://example.org",
        "run": {"runId": "copy-1"}, "job": {"namespace": "airflow", "name": "copy-notes"},
        "inputs": [{"namespace": "s3://ward-lake", "name": "notes"}],
        "outputs": [{"namespace": "s3://train-lake", "name": "notes"}],
    });
    let container = json!({"modelDataUrl": "s3://models/out/summariser-1/output/model.tar.gz"});
    let variants = json!([{"variantName": "all", "modelName": "summariser"}]);
    let audit = vec![
        create("summariser-1", Some(channels), "2026-05-04T08:00:00Z"),
        completed("summariser-1", "2026-05-04T09:00:00Z"),
        api(
            "CreateModel",
            "2026-05-04T10:00:00Z",
            json!({"modelName": "summariser", "primaryContainer": container}),
            Value::Null,
        ),
        api(
            "CreateEndpointConfig",
            "2026-05-04T10:01:00Z",
            json!({"endpointConfigName": "summariser-a", "productionVariants": variants}),
            Value::Null,
        ),
        api(
            "CreateEndpoint",
            "2026-05-04T10:02:00Z",
            json!({"endpointName": "summariser", "endpointConfigName": "summariser-a"}),
            Value::Null,
        ),
        create("mystery-1", None, "2026-05-05T08:00:00Z"),
        completed("mystery-1", "2026-05-05T09:00:00Z"),
    ];
    (vec![copy], audit)
}

fn training_run(model: &str, input: Value) -> Value {
    json!({
        "eventType": "COMPLETE", "eventTime": "2026-05-04T09:00:00Z", "producer": "https://example.org",
        "run": {"runId": format!("train-{model}")},
        "job": {"namespace": "airflow", "name": "train", "facets": {"jobType": {"jobType": "TRAINING"}}},
        "inputs": [input],
        "outputs": [{"namespace": "mlflow://prod", "name": model, "facets": {"version": {"datasetVersion": "1"}}}],
    })
}

fn content_of(name: &str, root: Option<&str>) -> Value {
    let facets = root.map_or(json!({}), |root| json!({"lineward_content": {"merkleRoot": root}}));
    json!({"namespace": "s3://vault", "name": name, "facets": facets})
}

fn lines(events: &[Value]) -> String {
    events.iter().map(|event| format!("{event}\n")).collect()
}

/// The fingerprint of a data set, made as its documentation says: leaves are `SHA-256(0 || name || 0 || hash)` in the
/// order of names, inner nodes `SHA-256(1 || left || right)`, an odd one goes up as it is.
fn merkle_root(files: &[(String, String)]) -> String {
    let leaf = |(name, content): &(String, String)| {
        Sha256::digest([&[0], name.as_bytes(), &[0], Sha256::digest(content).as_slice()].concat()).to_vec()
    };
    let mut level: Vec<Vec<u8>> = files.iter().map(leaf).collect();
    while level.len() > 1 {
        let join = |pair: &[Vec<u8>]| match pair {
            [left, right] => Sha256::digest([&[1], left.as_slice(), right].concat()).to_vec(),
            odd => odd[0].clone(),
        };
        level = level.chunks(2).map(join).collect();
    }
    hex::encode(&level[0])
}
