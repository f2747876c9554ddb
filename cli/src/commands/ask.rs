//! What commands that ask the store a question share: the store, the times, how rows are written.

use crate::output;
use clap::Args;
use futures::TryStreamExt as _;
use lineward_sql::render::{Format, Renderer};
use lineward_sql::{Error, LinewardSession};
use std::io::{IsTerminal as _, Write as _};

/// The store, and the times of the question.
#[derive(Debug, Args)]
pub(crate) struct AskArgs {
    /// Store to ask: a folder or an object-store URL
    #[arg(long, value_name = "URI", env = "LINEWARD_STORE", default_value = "./lineward-store")]
    store: String,
    /// What was true at this time, as 2026-03-01 or 2026-03-01T12:00:00Z [default: now]
    #[arg(long, value_name = "TIME")]
    as_of: Option<String>,
    /// What was known at this time [default: all that is known]
    #[arg(long, value_name = "TIME")]
    recorded_as_of: Option<String>,
}

impl AskArgs {
    /// What was true at this time, where one is given.
    pub(crate) fn as_of(&self) -> Option<&str> {
        self.as_of.as_deref()
    }

    /// A session over the store at the times.
    pub(crate) async fn session(&self) -> anyhow::Result<LinewardSession> {
        let session = LinewardSession::open(&self.store).await?;
        for (name, time) in [("as_of", &self.as_of), ("recorded_as_of", &self.recorded_as_of)] {
            if let Some(time) = time {
                lineward_sql::time::parse(&format!("--{}", name.replace('_', "-")), time)?;
                let set = format!("SET lineward.{name} = {}", literal(time));
                session.query(&set).await?.try_collect::<Vec<_>>().await.map_err(Error::from)?;
            }
        }
        Ok(session)
    }
}

/// A text as SQL writes it. Whatever it holds, it stays a text.
pub(crate) fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// The format of rows: as given, else a table on a terminal and a line of JSON a row elsewhere.
pub(crate) fn format(given: Option<Format>, json: bool) -> Format {
    let usual = if std::io::stdout().is_terminal() { Format::Table } else { Format::Jsonl };
    if json { Format::Json } else { given.unwrap_or(usual) }
}

/// Runs a query and writes its rows; says on standard error where the answer is not complete.
pub(crate) async fn answer(session: &LinewardSession, query: &str, format: Format) -> anyhow::Result<u64> {
    use arrow::array::AsArray as _;
    let mut batches = session.query(query).await?;
    let mut renderer = Renderer::new(format, &batches.schema(), output::stdout())?;
    let mut incomplete = false;
    while let Some(batch) = batches.try_next().await.map_err(Error::from)? {
        let complete = batch.column_by_name("complete").and_then(|column| column.as_boolean_opt());
        incomplete |= complete.is_some_and(|column| column.iter().any(|value| value == Some(false)));
        renderer.write(&batch)?;
    }
    let rows = renderer.finish()?;
    if incomplete {
        output::complain(format_args!("the answer is not complete; `gap_reason` says why"));
    } else if rows == 0 && format == Format::Table {
        writeln!(output::stdout(), "nothing, and nothing is unknown")?;
    }
    Ok(rows)
}

/// How many rows a query has.
pub(crate) async fn count(session: &LinewardSession, query: &str) -> anyhow::Result<usize> {
    let batches: Vec<_> = session.query(query).await?.try_collect().await.map_err(Error::from)?;
    Ok(batches.iter().map(arrow::array::RecordBatch::num_rows).sum())
}

#[cfg(test)]
mod tests {
    use super::literal;

    #[test]
    fn a_text_stays_a_text() {
        assert_eq!(literal("it's"), "'it''s'");
        assert_eq!(literal("x'); DROP TABLE runs; --"), "'x''); DROP TABLE runs; --'");
    }
}
