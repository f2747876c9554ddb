//! Tests of the service as a whole, over a small estate: what roles keep back, how limits hold, how servers end queries.
//! The events are those of `sql/slt/estate.ndjson`, taken the way that HTTP takes them.

mod catalogue;
mod leaks;
mod limits;
mod mlflow;
mod protocols;

use crate::auth::Principal;
use crate::config::Config;
use crate::ingest::Ingest;
use crate::service::{Client, Service};
use crate::{Error, parameters};
use arrow::array::RecordBatch;
use arrow::util::display::array_value_to_string;
use arrow::util::pretty::pretty_format_batches;
use datafusion::common::ParamValues;
use futures::TryStreamExt as _;
use lineward_classifiers::FingerprintKey;
use lineward_store::Store;
use std::sync::Arc;

/// A store in a folder of its own, and its URI.
pub(super) async fn estate() -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().expect("a folder");
    let uri = folder.path().join("store").to_string_lossy().into_owned();
    let text = std::fs::read_to_string("../sql/slt/estate.ndjson").expect("the estate");
    let (ingest, thread) = Ingest::start(uri.clone(), key()).expect("started");
    let taken = ingest.take(text.lines().map(|line| line.as_bytes().to_vec()).collect()).await.expect("taken");
    assert!(taken.events > 20, "{taken:?}");
    drop(ingest);
    tokio::task::spawn_blocking(move || thread.join()).await.expect("joined").expect("it ends");
    (folder, uri)
}

pub(super) fn key() -> FingerprintKey {
    FingerprintKey::new(b"a key for these tests").expect("a key")
}

/// A service over an estate, with a configuration in YAML; `certificates` in it name those who may ask.
pub(super) struct Served {
    pub service: Arc<Service>,
    pub folder: tempfile::TempDir,
}

impl Served {
    pub async fn start(yaml: &str) -> Self {
        let (folder, uri) = estate().await;
        let config: Config = serde_norway::from_str(yaml).expect("a configuration");
        let store = Store::open(&uri).await.expect("a store");
        Self { service: Service::start(&config, store, key()).await.expect("started"), folder }
    }

    /// Somebody whose certificate the configuration knows.
    pub fn client(&self, name: &str) -> Client {
        let principal = self.service.auth.certificate(name).expect("known").expect("with roles");
        Client { principal: Arc::new(principal), via: "test", address: "here".into(), settings: Vec::new() }
    }

    /// The answer as a table of text.
    pub async fn ask(&self, name: &str, sql: &str) -> Result<String, Error> {
        self.ask_as(&self.client(name), sql).await
    }

    pub async fn ask_as(&self, client: &Client, sql: &str) -> Result<String, Error> {
        let answer = self.service.ask(client, sql, Vec::new()).await?;
        let batches: Vec<_> = answer.try_collect().await?;
        Ok(pretty_format_batches(&batches).expect("text").to_string())
    }

    /// The same in the session that PostgreSQL's clients get, with its catalogue.
    pub async fn ask_postgres(&self, name: &str, sql: &str) -> Result<String, Error> {
        let client = self.client(name);
        let session = self.service.session(&client, true).await?;
        let values = ParamValues::List(Vec::new());
        let plan = self.service.planned(&client, sql, parameters::plan(&session, sql, &values)).await?;
        let answer = self.service.run(&client, &session, sql, plan).await?;
        let batches: Vec<_> = answer.try_collect().await?;
        Ok(batches.iter().map(lines).collect())
    }

    /// The audit log as it is on disk.
    pub fn audit(&self) -> String {
        let path = self.folder.path().join("store.audit.jsonl");
        let verified = crate::audit::verify(&path).expect("a log");
        assert_eq!(verified.broken, None);
        std::fs::read_to_string(path).expect("a log")
    }
}

/// The local administrator.
pub(super) fn local(service: &Service) -> Client {
    let principal: Principal = service.auth.local([127, 0, 0, 1].into()).expect("nobody is asked");
    Client { principal: Arc::new(principal), via: "test", address: "here".into(), settings: Vec::new() }
}

/// A line a row. The catalogue holds tables that are too large to be drawn.
fn lines(batch: &RecordBatch) -> String {
    let cell = |row, column: &_| array_value_to_string(column, row).expect("text") + " | ";
    let line = |row| batch.columns().iter().map(|column| cell(row, column)).collect::<String>();
    (0..batch.num_rows()).map(|row| format!("| {}\n", line(row))).collect()
}
