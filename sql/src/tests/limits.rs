//! What one statement may take: stack, time to plan, memory. Nothing that is written in SQL ends the process.

use super::{estate, rows};
use crate::complexity::runtime;
use crate::{Error, LinewardSession};

fn chain(text: &str, between: &str, count: usize) -> String {
    vec![text; count].join(between)
}

/// Deep nesting is an error or an answer. On threads as commands and servers have them.
#[test]
fn deep_statements_are_errors_or_answers() {
    let runtime = runtime().expect("a runtime");
    let asked = runtime.spawn(async {
        let (_place, session) = estate().await;
        for (sql, expected) in [
            (format!("SELECT {}", chain("1", " + ", 700)), "700"),
            (format!("SELECT count(*) FROM runs WHERE {}", chain("run_id = 'x'", " OR ", 380)), "0"),
        ] {
            assert_eq!(rows(&session, &sql).await.expect("an answer"), [expected]);
        }
        for sql in [
            format!("SELECT {}", chain("1", " + ", 2_000)),
            format!("SELECT 1 WHERE {}", chain("1 = 2", " OR ", 2_000)),
            format!("EXPLAIN SELECT {}", chain("1", " || ", 50_000)),
        ] {
            assert!(matches!(rows(&session, &sql).await, Err(Error::Complex(_))), "{}", &sql[..40]);
        }
        assert!(matches!(rows(&session, &format!("SELECT {}1", "- ".repeat(700))).await, Err(Error::Query(_))));
    });
    runtime.block_on(asked).expect("it does not panic");
}

/// Queries in WITH that each name the one before twice: 40 of them are a million million tables.
#[tokio::test(flavor = "multi_thread")]
async fn plans_that_double_and_double_are_refused() {
    let (_place, session) = estate().await;
    let each = |i: usize| format!("w{} AS (SELECT a.n FROM w{i} AS a, w{i} AS b)", i + 1);
    let all: Vec<String> = (0..40).map(each).collect();
    let doubled = format!("WITH w0 AS (SELECT 1 AS n), {} SELECT count(*) FROM w40", all.join(", "));
    for sql in [doubled.clone(), format!("EXPLAIN {doubled}"), format!("COPY ({doubled}) TO 'x.csv'")] {
        assert!(matches!(rows(&session, &sql).await, Err(Error::Grown(_))), "{}", &sql[..40]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_of_any_size_are_held() {
    let (_place, session) = estate().await;
    for sql in [
        "SELECT length(repeat('x', 2000000000))",
        "SELECT length(concat(repeat('x', 50000000), repeat('y', 50000000)))",
        "SELECT length(lpad('x', 2000000000))",
        "SELECT length(rpad('x', 2000000000, 'ab'))",
        "SELECT run_id FROM runs WHERE run_id = repeat('x', 2000000000)",
    ] {
        let error = rows(&session, sql).await.expect_err(sql).to_string();
        assert!(error.contains("which is the limit"), "{error}");
    }
    assert_eq!(rows(&session, "SELECT length(repeat('x', 1000) || 'y')").await.expect("short"), ["1001"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn memory_is_limited_and_the_limit_told() {
    let (place, _) = estate().await;
    let uri = place.path().join("store").to_string_lossy().into_owned();
    let session = LinewardSession::open_within(&uri, Some(4 << 20)).await.expect("a session");
    let many = "SELECT count(*) FROM generate_series(1, 3000000) AS a(value) \
                JOIN generate_series(1, 3000000) AS b(value) ON a.value = b.value";
    let error = rows(&session, many).await.expect_err("too much").to_string();
    assert!(error.contains("Resources exhausted") || error.contains("memory"), "{error}");
    assert_eq!(rows(&session, "SELECT 1").await.expect("it lives"), ["1"]);
}

/// What is constant is computed while a query is planned, and a few steps that double make much of little. On threads as
/// commands and servers have them.
#[test]
fn constants_that_double_are_held() {
    let runtime = runtime().expect("a runtime");
    let asked = runtime.spawn(async {
        let (_place, session) = estate().await;
        let doubled = |first: &str, step: &str| {
            let steps: Vec<String> = (0..26).map(|i| format!("w{} AS (SELECT {step} AS a FROM w{i})", i + 1)).collect();
            format!("WITH w0 AS (SELECT {first} AS a), {} SELECT a FROM w26", steps.join(", "))
        };
        let sixteen = "'0123456789abcdef'";
        for sql in [
            doubled(sixteen, "a || a"),
            doubled(sixteen, "concat(a, a)"),
            doubled(sixteen, "replace(a, '0', a)"),
            doubled("X'30313233343536373839616263646566'", "a || a"),
            doubled(sixteen, "encode(arrow_cast(a, 'Binary'), 'hex')"),
        ] {
            let begin = std::time::Instant::now();
            let error = rows(&session, &sql).await.map(|_| ()).expect_err(&sql[..80]).to_string();
            assert!(error.contains("which is the limit"), "{}: {error}", &sql[..80]);
            assert!(begin.elapsed().as_secs() < 60, "{}: {:?}", &sql[..80], begin.elapsed());
        }
    });
    runtime.block_on(asked).expect("it does not panic");
}
