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
mod fail_on;
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

pub(crate) use fail_on::{FailOn, hit_by};

use anyhow::Context as _;

/// The runtime of commands that use a store.
fn runtime() -> anyhow::Result<Runtime> {
    let built = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    built.map(Runtime::of).context("cannot start the runtime")
}

/// A runtime that ends in silence. A LIMIT may be met while other parts of a query are still reading the store, and
/// reading panics where its runtime goes away. Everybody has their answer by then.
struct Runtime(Option<tokio::runtime::Runtime>);

impl Runtime {
    /// How long what is under way may take to let go.
    const END: std::time::Duration = std::time::Duration::from_secs(1);

    fn of(runtime: tokio::runtime::Runtime) -> Self {
        Self(Some(runtime))
    }

    fn block_on<T>(&self, work: impl Future<Output = T>) -> T {
        match &self.0 {
            Some(runtime) => runtime.block_on(work),
            None => unreachable!("a runtime is there until it is dropped"),
        }
    }
}

impl Drop for Runtime {
    fn drop(&mut self) {
        let Some(runtime) = self.0.take() else { return };
        if std::thread::panicking() {
            return runtime.shutdown_background();
        }
        let hook = std::panic::take_hook();
        std::panic::set_hook(Box::new(|_| {}));
        runtime.shutdown_timeout(Self::END);
        std::panic::set_hook(hook);
    }
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
    if c.nameless > 0 {
        out.push_str(&format!("; {} data sets without a name left out", c.nameless));
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
        "nameless": c.nameless,
    })
}

/// The policies of a clearing file; none without one.
fn clearing(file: Option<&std::path::Path>) -> anyhow::Result<Vec<lineward_events::formats::lineward::ClearingRule>> {
    Ok(file.map(lineward_pipelines::read_clearing).transpose()?.unwrap_or_default())
}
