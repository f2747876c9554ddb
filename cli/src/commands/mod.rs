//! One file a subcommand: its arguments, and `run`, which returns the exit code.

mod ask;
pub(crate) mod audit;
pub(crate) mod cluster;
pub(crate) mod completions;
pub(crate) mod demo;
pub(crate) mod detectors;
pub(crate) mod diff;
pub(crate) mod erasure;
pub(crate) mod export;
pub(crate) mod ingest;
pub(crate) mod lineage;
pub(crate) mod redact;
pub(crate) mod rules;
pub(crate) mod run;
pub(crate) mod scan;
mod scan_store;
mod selection;
pub(crate) mod serve;
pub(crate) mod sql;
pub(crate) mod token;
pub(crate) mod trained_on;
pub(crate) mod validate;
pub(crate) mod validators;

use anyhow::Context as _;

/// The runtime of commands that use a store.
fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().context("cannot start the runtime")
}

/// One line of counts, for people.
fn counts(c: &lineward_pipelines::Counters) -> String {
    let mut out = format!("{} records: {} events, {} dead letters", c.records, c.events, c.dead_letters);
    if c.unknown > 0 {
        out.push_str(&format!(" ({} events of unknown kind, kept)", c.unknown));
    }
    if c.redactions > 0 {
        out.push_str(&format!("; {} sensitive values replaced", c.redactions));
    }
    out
}

/// The same for machines.
fn counts_json(c: &lineward_pipelines::Counters) -> serde_json::Value {
    serde_json::json!({
        "records": c.records,
        "documents": c.documents,
        "events": c.events,
        "dead_letters": c.dead_letters,
        "unknown": c.unknown,
        "redactions": c.redactions,
    })
}

/// The policies of a clearing file; none without one.
fn clearing(file: Option<&std::path::Path>) -> anyhow::Result<Vec<lineward_events::formats::lineward::ClearingRule>> {
    Ok(file.map(lineward_pipelines::read_clearing).transpose()?.unwrap_or_default())
}
