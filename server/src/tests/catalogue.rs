//! What tools ask before a person asks anything. `server/testdata/catalogue` holds their statements, a file a tool: a
//! comment with a name, after a colon what the answer must hold, and the statement.

use super::{Served, local};
use crate::postgres::planned_apart;
use arrow::util::pretty::pretty_format_batches;
use futures::TryStreamExt as _;
use std::path::Path;

#[tokio::test(flavor = "multi_thread")]
async fn tools_find_their_way_around() {
    let served = Served::start("{}").await;
    let client = local(&served.service);
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/catalogue");
    let mut failed = Vec::new();
    for file in ["pgjdbc", "dbeaver", "metabase", "grafana"] {
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
