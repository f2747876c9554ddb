//! The proxy before an MLflow server, and its webhooks, with a server behind that answers as MLflow does.

use super::limits::until;
use super::protocols::{JsonBody as _, Running, Secrets, sent};
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::IntoResponse as _;
use axum::{Json, Router};
use base64::Engine as _;
use hmac::{Hmac, Mac as _};
use serde_json::{Value, json};
use sha2::Sha256;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Requests that came to the server behind: method, path, authorization, workspace.
type Asked = Arc<Mutex<Vec<String>>>;

/// What stands behind: it knows one run.
struct Behind {
    uri: String,
    asked: Asked,
}

impl Behind {
    async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let uri = format!("http://{}/tracking", listener.local_addr().expect("an address"));
        let asked = Asked::default();
        let app = Router::new().fallback(answer).with_state(asked.clone());
        tokio::spawn(async move { axum::serve(listener, app).await });
        Self { uri, asked }
    }

    fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.asked.lock().expect("no panic"))
    }
}

/// How long one of the calls takes.
const SLOW: Duration = Duration::from_millis(1500);

async fn answer(State(asked): State<Asked>, request: Request) -> axum::response::Response {
    let (parts, body) = request.into_parts();
    let text = |name: &str| parts.headers.get(name).map_or("-", |value| value.to_str().expect("text")).to_owned();
    let path = parts.uri.path().strip_prefix("/tracking").expect("below").to_owned();
    let line = format!("{} {path} {} {}", parts.method, text("authorization"), text("x-mlflow-workspace"));
    asked.lock().expect("no panic").push(line);
    // As Flask does it.
    let path = path.replace("%73", "s");
    let name = path.rsplit("mlflow/").next().unwrap_or_default();
    let query = parts.uri.query().unwrap_or_default();
    let document = match name {
        "runs/get" if !query.contains("run-1") => return StatusCode::NOT_FOUND.into_response(),
        "runs/create" | "runs/get" => json!({ "run": run(name == "runs/get") }),
        "model-versions/create" => json!({ "model_version": version() }),
        "runs/set-tag" | "runs/log-inputs" | "runs/log-batch" => json!({}),
        "runs/outputs" => {
            tokio::time::sleep(SLOW).await;
            json!({})
        }
        "registered-models/delete" => return StatusCode::NOT_FOUND.into_response(),
        _ => {
            let encoding = text("content-type");
            let body = axum::body::to_bytes(body, usize::MAX).await.expect("a body");
            return (StatusCode::ACCEPTED, [("x-kept", encoding)], body).into_response();
        }
    };
    Json(document).into_response()
}

fn run(has_inputs: bool) -> Value {
    let dataset = json!({ "name": "notes", "digest": "0a1b2c3d", "source_type": "s3",
        "source": "{\"uri\": \"s3://clinic/notes.jsonl\"}" });
    let inputs = json!([{ "dataset": dataset, "tags": [{ "key": "mlflow.data.context", "value": "training" }] }]);
    json!({
        "info": { "run_id": "run-1", "experiment_id": "7", "status": "RUNNING", "start_time": 1_771_000_000_000_i64 },
        "data": {}, "inputs": if has_inputs { json!({ "dataset_inputs": inputs }) } else { json!({}) },
    })
}

fn version() -> Value {
    json!({ "name": "tuned", "version": "1", "creation_timestamp": 1_771_000_100_000_i64, "run_id": "run-1" })
}

const INPUTS: &str = "SELECT r.run_id, a.name, io.context FROM run_io AS io JOIN runs AS r ON r.run_sid = io.run_sid
    JOIN asset_versions AS v ON v.version_id = io.version_id JOIN assets AS a ON a.asset_id = v.asset_id
    WHERE io.io = 'INPUT' AND r.run_id = 'run-1'";

async fn rows(running: &Running, token: Option<&str>, sql: &str) -> Value {
    let request = reqwest::Client::new().post(running.url("/api/v1/sql")).json_body(&json!({ "query": sql }));
    let request = match token {
        Some(token) => request.header("authorization", format!("Bearer {token}")),
        None => request,
    };
    let (status, said) = sent(request).await;
    assert_eq!(status, 200, "{said}");
    said["rows"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_go_on_to_the_server_behind_and_are_recorded() {
    let behind = Behind::start().await;
    let running = Running::start(&format!("mlflow: {{tracking_uri: '{}/', address: '127.0.0.1:0'}}", behind.uri)).await;
    let proxy = format!("http://{}", running.addresses.mlflow.expect("an address"));
    let client = reqwest::Client::new();
    let call = |name: &str, body: &Value| {
        let request = client.post(format!("{proxy}/api/2.0/mlflow/{name}")).header("authorization", "Basic bWU6bWU=");
        request.header("accept-encoding", "gzip").header("x-mlflow-workspace", "team").json_body(body)
    };
    let (status, said) = sent(call("runs/create", &json!({ "experiment_id": "7" }))).await;
    assert_eq!((status, &said["run"]["info"]["run_id"]), (200, &json!("run-1")));
    assert_eq!(behind.asked(), ["POST /api/2.0/mlflow/runs/create Basic bWU6bWU= team"]);
    let states = "SELECT state FROM runs WHERE run_id = 'run-1'";
    assert_eq!(rows(&running, None, states).await, json!([{ "state": "RUNNING" }]));
    assert_eq!(rows(&running, None, INPUTS).await, json!([]));

    // Of what a run read the call says the names only; the run has the rest.
    assert_eq!(sent(call("runs/log-inputs", &json!({ "run_id": "run-1" }))).await, (200, json!({})));
    let asked = behind.asked();
    assert_eq!(asked.len(), 2, "{asked:?}");
    assert_eq!(asked[1], "GET /api/2.0/mlflow/runs/get Basic bWU6bWU= team");
    let read = json!([{ "run_id": "run-1", "name": "notes.jsonl", "context": "training" }]);
    assert_eq!(rows(&running, None, INPUTS).await, read);

    // Metrics say nothing, and files go through whatever they are.
    let metrics = json!({ "run_id": "run-1", "metrics": [{ "key": "loss", "value": 1 }] });
    assert_eq!(sent(call("runs/log-batch", &metrics)).await, (200, json!({})));
    assert_eq!(behind.asked().len(), 1);
    let file = vec![0xff_u8; 3 << 20];
    let put = client.put(format!("{proxy}/api/2.0/mlflow-artifacts/artifacts/7/run-1/model.bin?a=b"));
    let answer = put.header("content-type", "x/model").body(file.clone()).send().await.expect("an answer");
    assert!(answer.status().as_u16() == 202 && answer.headers()["x-kept"] == "x/model");
    assert_eq!(answer.bytes().await.expect("a body"), file);
    // What the server behind refuses is its answer, and nothing that happened.
    let gone = client.delete(format!("{proxy}/api/2.0/mlflow/registered-models/delete"));
    assert_eq!(sent(gone.json_body(&json!({ "name": "tuned" }))).await.0, 404);

    sent(call("model-versions/create", &json!({ "name": "tuned" }))).await;
    let trained = "SELECT model_name, model_version FROM models_trained_on('s3://clinic/notes.jsonl')";
    let tuned = json!([{ "model_name": "tuned", "model_version": "1" }]);
    assert_eq!(rows(&running, None, trained).await, tuned);
    let page = call("runs/create", &json!({})).header("origin", "https://evil.example");
    assert_eq!(sent(page).await.0, 401);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_carried_out_is_recorded_however_it_is_asked_for() {
    let behind = Behind::start().await;
    let config = format!("mlflow: {{tracking_uri: '{}', address: '127.0.0.1:0'}}", behind.uri);
    let reads = async |running: &Running| rows(running, None, INPUTS).await.as_array().map_or(0, Vec::len);
    let call = |running: &Running, name: &str| {
        let proxy = running.addresses.mlflow.expect("an address");
        let client = reqwest::Client::new();
        client.post(format!("http://{proxy}/api/2.0/mlflow/{name}")).json_body(&json!({ "run_id": "run-1" }))
    };
    // A path that only the server behind decodes.
    let running = Running::start(&config).await;
    assert_eq!(sent(call(&running, "runs/log-input%73")).await.0, 200);
    assert_eq!(reads(&running).await, 1);
    running.stop().await;
    // A client that does not wait for its answer.
    let running = Running::start(&config).await;
    assert!(call(&running, "runs/outputs").timeout(SLOW / 5).send().await.is_err_and(|error| error.is_timeout()));
    assert_eq!(reads(&running).await, 0);
    until(async || reads(&running).await == 1, "the call was not recorded").await;
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_are_for_this_server_and_credentials_for_the_one_behind() {
    let behind = Behind::start().await;
    let secrets = Secrets::new();
    let (own, writer, reader) =
        (secrets.file("Bearer behind"), secrets.token("etl", "writer"), secrets.token("ann", "reader"));
    let running = Running::start(&format!(
        "auth: {{tokens: '{}'}}\nroles: {{writer: {{ingest: true}}}}\n\
         mlflow: {{tracking_uri: '{}', address: '127.0.0.1:0', authorization_file: '{}'}}",
        secrets.tokens(),
        behind.uri,
        own
    ))
    .await;
    let proxy = format!("http://{}", running.addresses.mlflow.expect("an address"));
    let client = reqwest::Client::new();
    let call = |token: &str| {
        let request = client.post(format!("{proxy}/api/2.0/mlflow/runs/set-tag"));
        request.header("authorization", format!("Bearer {token}")).json_body(&json!({ "run_id": "run-1" }))
    };
    assert_eq!(sent(client.get(format!("{proxy}/"))).await.0, 401);
    assert_eq!(sent(call("lw_0_0")).await.0, 401);
    assert_eq!(sent(call(&reader)).await.0, 403);
    assert_eq!(behind.asked(), [""; 0]);
    assert_eq!(sent(call(&writer)).await.0, 200);
    let asked = behind.asked();
    assert!(asked.len() == 2 && asked.iter().all(|line| line.ends_with(" Bearer behind -")), "{asked:?}");
    assert_eq!(rows(&running, Some(&reader), INPUTS).await.as_array().map(Vec::len), Some(1));
    let outcome = |name: &str| running.audit().lines().filter(|line| line.contains(name)).count();
    assert_eq!((outcome("\"ingested\""), outcome("\"42501\"")), (1, 1), "{}", running.audit());
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_recorded_is_said_and_counted() {
    let gone = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        listener.local_addr().expect("an address")
    };
    let running = Running::start(&format!("mlflow: {{tracking_uri: 'http://{gone}', address: '127.0.0.1:0'}}")).await;
    let proxy = format!("http://{}", running.addresses.mlflow.expect("an address"));
    let client = reqwest::Client::new();
    let (status, said) = sent(client.get(format!("{proxy}/api/2.0/mlflow/runs/get?run_id=a-name"))).await;
    assert_eq!(status, 502);
    let said = said["error"]["message"].as_str().expect("a text").to_owned();
    assert!(said.starts_with("the tracking server does not answer") && !said.contains("a-name"), "{said}");
    running.stop().await;

    // A call whose run cannot be asked for is made again by the client; one that made something is not.
    let behind = Behind::start().await;
    let running = Running::start(&format!("mlflow: {{tracking_uri: '{}', address: '127.0.0.1:0'}}", behind.uri)).await;
    let proxy = format!("http://{}", running.addresses.mlflow.expect("an address"));
    let call =
        |name: &str| client.post(format!("{proxy}/api/2.0/mlflow/{name}")).json_body(&json!({ "run_id": "gone" }));
    let (status, said) = sent(call("runs/set-tag")).await;
    assert!(status == 503 && said["error"]["message"].as_str().is_some_and(|text| text.contains("send it again")));
    assert_eq!(sent(call("registered-models/create")).await.0, 202);
    // Nor is one that names no run: it would name none the next time.
    let odd = client.post(format!("{proxy}/api/2.0/mlflow/runs/log-model")).json_body(&json!({ "no": "run" }));
    assert_eq!(sent(odd).await.0, 202);
    let (_, metrics) = sent(client.get(running.url("/metrics"))).await;
    assert!(metrics.as_str().is_some_and(|text| text.contains("lineward_mlflow_unrecorded_total 3\n")), "{metrics}");
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn webhooks_are_signed_and_bring_their_run() {
    let behind = Behind::start().await;
    let secrets = Secrets::new();
    let (secret, root) = (secrets.file("a secret"), secrets.token("root", "admin"));
    let running = Running::start(&format!(
        "auth: {{tokens: '{}'}}\nmlflow: {{tracking_uri: '{}', webhook_secret_file: '{}'}}",
        secrets.tokens(),
        behind.uri,
        secret
    ))
    .await;
    let deliver = async |secret: &[u8], at: i64, body: &Value| {
        let (body, at) = (body.to_string(), at.to_string());
        let mut made = Hmac::<Sha256>::new_from_slice(secret).expect("any length");
        made.update(format!("d-1.{at}.{body}").as_bytes());
        let signature = base64::engine::general_purpose::STANDARD.encode(made.finalize().into_bytes());
        let request = reqwest::Client::new().post(running.url("/api/v1/mlflow/webhook"));
        let request = request.header("x-mlflow-delivery-id", "d-1").header("x-mlflow-timestamp", at);
        sent(request.header("x-mlflow-signature", format!("v1,{signature}")).body(body)).await
    };
    let now = chrono::Utc::now().timestamp();
    let body = json!({ "entity": "model_version", "action": "created", "timestamp": "2026-02-13T16:28:20Z",
        "data": { "name": "tuned", "version": "1", "source": "models:/m-1", "run_id": "run-1" } });
    assert_eq!(deliver(b"another", now, &body).await.0, 401);
    assert_eq!(deliver(b"a secret", now - 1000, &body).await.0, 401);
    assert_eq!(deliver(b"a secret", now, &json!({ "entity": 5 })).await.0, 400);
    assert_eq!(behind.asked(), [""; 0]);
    assert_eq!(deliver(b"a secret", now, &body).await, (200, json!({ "events": 2, "failed": 0 })));
    assert_eq!(behind.asked(), ["GET /api/2.0/mlflow/runs/get - -"]);
    // MLflow's own test of a webhook names a run that there is not.
    let mut tested = body.clone();
    tested["data"]["run_id"] = json!("abcd1234");
    assert_eq!(deliver(b"a secret", now, &tested).await, (200, json!({ "events": 1, "failed": 0 })));
    assert_eq!(behind.asked().len(), 1);
    let trained = "SELECT model_name FROM models_trained_on('s3://clinic/notes.jsonl')";
    assert_eq!(rows(&running, Some(&root), trained).await, json!([{ "model_name": "tuned" }]));
    assert!(running.audit().contains("mlflow-webhook"), "{}", running.audit());
    running.stop().await;
}
