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
async fn functions_that_make_much_of_little_are_held() {
    let served = Served::start(&limits("{memory_bytes: 20000000}")).await;
    let made = [
        "SELECT length(repeat(arrow_cast('x', 'LargeUtf8'), 200000000000000))",
        "SELECT length(repeat('x', value)) FROM generate_series(100000000, 100000001)",
        "SELECT length(lpad('x', 100000000))",
        "SELECT length(rpad('x', 100000000, 'y'))",
        "SELECT length(replace(repeat('x', 100000), 'x', repeat('y', 100000)))",
        "SELECT array_length(array_repeat('x', 10000000000))",
        "SELECT array_length(list_repeat(1, 10000000000))",
        "SELECT array_length(array_resize([1], 10000000000, 2))",
        "SELECT array_length(range(10000000000))",
        "SELECT array_length(generate_series(5, -10000000000, -1))",
        "SELECT array_length(range(timestamp '1900-01-01', timestamp '2100-01-01', interval '1 microsecond'))",
        "SELECT length(concat(repeat('x', value), repeat('y', value))) FROM generate_series(2000, 10000)",
        "SELECT length(repeat('x', value) || repeat('y', value)) FROM generate_series(2000, 10000)",
        "SELECT length(concat_ws(repeat('x', value), 'a', 'b', 'c')) FROM generate_series(2000, 10000)",
        "SELECT length(regexp_replace(repeat('a', 60000), 'a', repeat('b', 60000), 'g'))",
        "SELECT length(regexp_replace(repeat('a', value), 'a', repeat('b', value), 'g')) FROM generate_series(10000, 10010)",
        "SELECT length(array_to_string(array_repeat(1, 8000), repeat('x', 60000)))",
        "SELECT array_length(array_replace_all(array_repeat('a', 60000), 'a', repeat('x', 60000)))",
    ];
    let written_out = [
        "SELECT length(concat(repeat('x', 60000000), CAST(value AS VARCHAR))) FROM generate_series(1, 8192)",
        "SELECT length(repeat('x', 60000000) || CAST(value AS VARCHAR)) FROM generate_series(1, 8192)",
        "SELECT repeat('x', 60000000), value FROM generate_series(1, 8192)",
        "SELECT repeat('x', 40000), repeat('y', 40000), value FROM generate_series(1, 8192)",
        "SELECT array_repeat(1, 100000), value FROM generate_series(1, 8192)",
    ];
    for (queries, limit) in [(made.as_slice(), "67108864"), (written_out.as_slice(), "65536")] {
        for refused in queries {
            let error = served.ask("ann", refused).await.expect_err(refused);
            assert_eq!(error.sql_state(), "53200", "{refused}: {error}");
            assert!(error.to_string().contains(limit), "{error}");
        }
    }
    for (taken, answer) in [
        ("SELECT length(repeat('x', 1000000)) AS n", "1000000"),
        ("SELECT repeat('ab', value) AS n FROM generate_series(2, 3)", "ababab"),
        ("SELECT lpad('x', 3, 'y') || rpad('x', 3, 'z') AS n", "yyxxzz"),
        ("SELECT replace('abab', 'a', 'xyz') AS n", "xyzbxyzb"),
        ("SELECT array_repeat([1, 2], 2) AS n", "[[1, 2], [1, 2]]"),
        ("SELECT array_resize([1], 3, 7) AS n", "[1, 7, 7]"),
        ("SELECT range(1, 7, 3) AS n", "[1, 4]"),
        ("SELECT range(7, 1, -3) AS n", "[7, 4]"),
        ("SELECT array_length(generate_series(date '2024-01-01', date '2024-03-01', interval '1 month')) AS n", "| 3 "),
        ("SELECT repeat(NULL, 3) IS NULL AS n", "true"),
        ("SELECT concat('a', value, NULL, 'b') AS n FROM generate_series(1, 2)", "a2b"),
        ("SELECT concat_ws('-', 'a', NULL, 'b') AS n", "a-b"),
        ("SELECT 'a' || value || 'b' AS n FROM generate_series(1, 2)", "a2b"),
        ("SELECT ('a' || NULL) IS NULL AS n", "true"),
        ("SELECT count(*) AS n FROM generate_series(1, 20) WHERE 'a' || value LIKE 'a1%'", "| 11 "),
        (
            "SELECT 'k' || (value % 2) AS k, count(*) AS n FROM generate_series(1, 5) GROUP BY 'k' || (value % 2)",
            "| k1 | 3 ",
        ),
        ("SELECT regexp_replace('abab', 'a', 'xyz', 'g') AS n", "xyzbxyzb"),
        ("SELECT array_to_string([1, NULL, 3], ', ', '?') AS n", "1, ?, 3"),
        ("SELECT array_replace_all([1, 2, 1], 1, 7) AS n", "[7, 2, 7]"),
        ("SELECT length(repeat('x', 1000000) || 'y') AS n", "1000001"),
        // More than the limit at the worst, and little in fact.
        (
            "SELECT sum(length(regexp_replace(repeat('ab', 500), '^a', repeat('c', value), 'g'))) AS n \
          FROM generate_series(100, 8100) WHERE value < 3000",
            "| 7",
        ),
    ] {
        let found = served.ask("ann", taken).await.expect(taken);
        assert!(found.contains(answer), "{taken}: {found}");
    }
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

/// Queries in WITH that each name the one before twice: 40 of them are a million million tables.
#[tokio::test(flavor = "multi_thread")]
async fn a_plan_that_doubles_and_doubles_is_refused() {
    let served = Served::start(&limits("{}")).await;
    let doubled = |times: usize| {
        let each = |i: usize| format!("w{} AS (SELECT a.n FROM w{i} AS a, w{i} AS b)", i + 1);
        let all: Vec<String> = (0..times).map(each).collect();
        format!("WITH w0 AS (SELECT 1 AS n), {} SELECT count(*) FROM w{times}", all.join(", "))
    };
    let begin = Instant::now();
    // A name in quotes is the same name.
    let quoted =
        (0..=40).rev().fold(doubled(40), |sql, i| sql.replace(&format!("w{i} AS ("), &format!("\"w{i}\" AS (")));
    assert!(quoted.contains("\"w0\" AS (SELECT 1") && quoted.contains("FROM w0 AS a"), "{quoted}");
    for sql in [doubled(40), quoted] {
        for answer in [served.ask("ann", &sql).await, served.ask_postgres("ann", &sql).await] {
            assert_eq!(answer.expect_err("too large").sql_state(), "54001", "{sql}");
        }
    }
    assert!(begin.elapsed() < Duration::from_secs(20), "{:?}", begin.elapsed());
    served.ask("ann", &doubled(3)).await.expect("a count");
}

/// Waits until something holds, and fails where it never does.
pub(super) async fn until(holds: impl AsyncFn() -> bool, otherwise: &str) {
    let begin = Instant::now();
    while !holds().await {
        assert!(begin.elapsed() < Duration::from_secs(30), "{otherwise}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
