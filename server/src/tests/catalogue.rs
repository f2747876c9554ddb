//! What tools ask before a person asks anything. `server/testdata/catalogue` holds their statements, a file a tool: a
//! comment with a name, after a colon what the answer must hold, and the statement.

use super::{Served, local};
use crate::postgres::{EMPTY, planned_apart};
use arrow::util::pretty::pretty_format_batches;
use futures::TryStreamExt as _;
use std::path::Path;

const FILES: [&str; 9] =
    ["pgjdbc", "dbeaver", "metabase", "grafana", "adbc", "pgcli", "pgadmin", "npgsql", "sqlalchemy"];

#[tokio::test(flavor = "multi_thread")]
async fn tools_find_their_way_around() {
    let served = Served::start("{}").await;
    let client = local(&served.service);
    let folder = Path::new("testdata/catalogue");
    let mut failed = Vec::new();
    for file in FILES {
        let text = std::fs::read_to_string(folder.join(format!("{file}.sql"))).expect("statements");
        for block in text.split("\n\n").skip(1) {
            let (comment, sql) = block.split_once('\n').expect("a comment and a statement");
            let (name, expected) = comment.trim_start_matches("-- ").split_once(": ").unwrap_or((comment, ""));
            let session = served.service.session(&client, true).await.expect("a session");
            let asked = async {
                let Some(plan) = planned_apart(&session, sql).await? else { return Ok(expected.to_owned()) };
                let answer = served.service.run(&client, &session, sql, plan).await?;
                let batches: Vec<_> = answer.try_collect().await?;
                Ok::<_, crate::Error>(pretty_format_batches(&batches)?.to_string())
            };
            match asked.await {
                Ok(text) if text.contains(expected) => {}
                Ok(text) => failed.push(format!("{file}, {name}: no `{expected}` in\n{text}")),
                Err(e) => failed.push(format!("{file}, {name}: [{}] {e}", e.sql_state())),
            }
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn arrays_of_queries_are_right_or_refused() {
    let served = Served::start("{}").await;
    let client = local(&served.service);
    let asked = async |sql: &str| {
        let session = served.service.session(&client, true).await?;
        let plan = planned_apart(&session, sql).await?.ok_or(crate::Error::Cancelled)?;
        let batches: Vec<_> = served.service.run(&client, &session, sql, plan).await?.try_collect().await?;
        Ok::<_, crate::Error>(pretty_format_batches(&batches)?.to_string())
    };
    const ROWS: &str = "FROM (VALUES ('a', 2), ('b', 3), ('c', 1)) AS t(name, version)";
    for (query, expected) in [("name", "[a, b, c]"), ("1", "[a, b, c]"), ("1 DESC", "[c, b, a]")] {
        let sql = format!("SELECT ARRAY(SELECT name {ROWS} ORDER BY {query}) AS found");
        assert!(asked(&sql).await.expect(&sql).contains(expected), "{sql}");
    }
    let ordered = asked(&format!("SELECT ARRAY(SELECT name {ROWS} ORDER BY t.version) AS found")).await;
    assert!(ordered.expect("a list").contains("[c, a, b]"));
    for refused in [
        format!("SELECT ARRAY(SELECT name {ROWS} ORDER BY version DESC)"),
        format!("SELECT ARRAY(SELECT DISTINCT name {ROWS})"),
        format!("SELECT ARRAY(SELECT name {ROWS} GROUP BY name)"),
        format!("SELECT ARRAY(SELECT name {ROWS} FETCH FIRST 1 ROWS ONLY)"),
    ] {
        let answer = asked(&refused).await;
        assert!(answer.is_err(), "{refused}: {answer:?}");
    }
    let listed = asked("SELECT ARRAY(SELECT x FROM unnest(ARRAY['a', 'b']) AS t(x)) AS found").await.expect("a list");
    assert!(listed.contains("[a, b]"), "{listed}");
}

/// Questions to these within others are answered without being asked.
#[tokio::test(flavor = "multi_thread")]
async fn tables_without_rows_have_none() {
    let served = Served::start("{}").await;
    let client = local(&served.service);
    let session = served.service.session(&client, true).await.expect("a session");
    for table in EMPTY {
        let found = session.context.sql(&format!("SELECT 1 FROM pg_catalog.{table} LIMIT 1")).await.expect(table);
        assert_eq!(found.count().await.expect(table), 0, "{table}");
    }
}
