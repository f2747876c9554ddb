//! Limits of a principal hold where queries run, and errors say what to do about them.

use super::{Served, local};
use crate::Error;
use futures::StreamExt as _;
use std::time::{Duration, Instant};

/// A query that computes for minutes and holds next to nothing.
pub(super) const LONG: &str =
    "SELECT count(*) FROM generate_series(1, 200000) AS a CROSS JOIN generate_series(1, 200000) AS b
    WHERE (a.value * b.value) % 7 = 8";

fn limits(text: &str) -> String {
    format!(
        "auth: {{certificates: {{ann: [limited], bob: [limited]}}}}\nroles: {{limited: {{tables: ['*'], limits: {text}}}}}"
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn time_is_limited_and_the_query_ends() {
    let served = Served::start(&limits("{query_seconds: 1, concurrent: 1}")).await;
    let begin = Instant::now();
    // One that reads on and on. A join that filters inside may hold its thread for longer, and its leave with it.
    let scan = "SELECT count(*) FROM generate_series(1, 1000000000000) WHERE value % 7 = 8";
    let error = served.ask("ann", scan).await.expect_err("too long");
    assert!(matches!(error, Error::TooLong(_)) && error.sql_state() == "57014", "{error}");
    assert!(begin.elapsed() < Duration::from_secs(20), "{:?}", begin.elapsed());
    until(async || served.ask("ann", "SELECT 1").await.is_ok(), "the query goes on").await;
    assert!(served.audit().contains("\"failed\""));
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_are_limited() {
    let served = Served::start(&limits("{rows: 100}")).await;
    assert!(served.ask("ann", "SELECT * FROM generate_series(1, 100)").await.is_ok());
    let error = served.ask("ann", "SELECT * FROM generate_series(1, 101)").await.expect_err("too many");
    assert!(matches!(error, Error::TooManyRows(100)), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn so_many_queries_of_one_principal_at_once() {
    let served = Served::start(&limits("{concurrent: 2}")).await;
    let ann = served.client("ann");
    let start = async || served.service.ask(&ann, "SELECT * FROM generate_series(1, 100000000)", Vec::new()).await;
    let (first, second) = (start().await.expect("one"), start().await.expect("two"));
    let error = start().await.err().expect("a third is too many");
    assert_eq!((error.sql_state(), error.status()), ("53300", 429), "{error}");
    assert!(served.ask("bob", "SELECT 1").await.is_ok(), "others are not kept from asking");
    drop(first);
    until(async || start().await.is_ok(), "leave is not given back").await;
    drop(second);
    assert!(served.audit().contains("\"53300\""), "a query that was turned away is in the log");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_of_memory_names_who_used_it() {
    let served = Served::start(&limits("{memory_bytes: 2000000}")).await;
    let join = "SELECT count(*) FROM generate_series(1, 3000000) AS a
        JOIN generate_series(1, 3000000) AS b ON a.value = b.value + 1";
    let error = served.ask("ann", join).await.expect_err("too much");
    assert_eq!((error.sql_state(), error.status()), ("53200", 507), "{error}");
    let said = error.to_string();
    assert!(said.contains("HashJoinInput") && said.contains("`ann`") && said.contains("2000000"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_fit_in_memory_goes_to_disk() {
    let (folder, uri) = super::estate().await;
    let spill = folder.path().join("spill");
    std::fs::create_dir(&spill).expect("made");
    let yaml = format!("memory_bytes: 48000000\nspill_dir: {}", spill.display());
    let config = serde_norway::from_str(&yaml).expect("a configuration");
    let store = lineward_store::Store::open(&uri).await.expect("a store");
    let service = crate::service::Service::start(&config, store, super::key()).await.expect("started");
    let sort = "SELECT value % 1000003 AS a, value FROM generate_series(1, 3000000) ORDER BY a DESC, value";
    let mut answer = service.ask(&local(&service), sort, Vec::new()).await.expect("started");
    let (mut rows, mut spilled) = (0, 0);
    while let Some(batch) = answer.next().await {
        spilled = spilled.max(bytes_in(&spill));
        rows += batch.expect("rows").num_rows();
    }
    assert_eq!(rows, 3_000_000);
    assert!(spilled > 1_000_000, "only {spilled} bytes were on disk");
    drop(answer);
    until(async || bytes_in(&spill) == 0, "files stay behind").await;
}

fn bytes_in(folder: &std::path::Path) -> u64 {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .map(|entry| match entry.metadata() {
            Ok(data) if data.is_dir() => bytes_in(&entry.path()),
            Ok(data) => data.len(),
            Err(_) => 0,
        })
        .sum()
}

/// Deep nesting is an error or an answer, never the end of the server. On threads as the server has them.
#[test]
fn deep_statements_do_not_end_the_server() {
    let runtime = crate::runtime().expect("a runtime");
    let asked = runtime.spawn(async {
        let served = Served::start(&limits("{}")).await;
        let chain = |text: &str, between: &str, count: usize| vec![text; count].join(between);
        for (sql, state) in [
            (format!("SELECT {}", chain("1", " + ", 700)), None),
            (format!("SELECT 1 WHERE {}", chain("1 = 2", " OR ", 380)), None),
            (format!("SELECT {}", chain("1", " + ", 5000)), Some("54001")),
            (format!("SELECT 1 WHERE {}", chain("1 = 2", " OR ", 5000)), Some("54001")),
            (format!("SELECT 1{}", chain("::int", "", 5000)), Some("54001")),
            (chain("SELECT 1", " UNION ALL ", 5000), Some("54001")),
            (format!("SELECT {}1{}", "(".repeat(5000), ")".repeat(5000)), Some("42601")),
            (format!("{}SELECT 1{}", "SELECT * FROM (".repeat(300), ") AS t".repeat(300)), Some("42601")),
            (format!("SELECT {}1", "- ".repeat(700)), Some("42601")),
        ] {
            let answer = served.ask("ann", &sql).await;
            assert_eq!(answer.err().map(|e| e.sql_state()), state, "{}", &sql[..40]);
        }
        served.ask("ann", "SELECT 1").await.expect("it lives");
    });
    runtime.block_on(asked).expect("it does not panic");
}

/// Waits until something holds, and fails where it never does.
pub(super) async fn until(holds: impl AsyncFn() -> bool, otherwise: &str) {
    let begin = Instant::now();
    while !holds().await {
        assert!(begin.elapsed() < Duration::from_secs(30), "{otherwise}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
