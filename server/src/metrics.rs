//! Counts of what the servers do, in the text format of Prometheus. No count holds a name or a value.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// The counts.
#[derive(Debug, Default)]
pub(crate) struct Metrics {
    asked: AtomicU64,
    failed: AtomicU64,
    denied: AtomicU64,
    ended: AtomicU64,
    rows: AtomicU64,
    elapsed_us: AtomicU64,
    events: AtomicU64,
    repeated: AtomicU64,
    dead_letters: AtomicU64,
    unrecorded: AtomicU64,
}

impl Metrics {
    pub fn started(&self) {
        self.asked.fetch_add(1, Relaxed);
    }

    pub fn refused(&self, denied: bool) {
        if denied { &self.denied } else { &self.failed }.fetch_add(1, Relaxed);
    }

    pub fn ended(&self, elapsed: Duration, rows: u64, failed: bool) {
        self.ended.fetch_add(1, Relaxed);
        self.rows.fetch_add(rows, Relaxed);
        self.elapsed_us.fetch_add(elapsed.as_micros() as u64, Relaxed);
        self.failed.fetch_add(u64::from(failed), Relaxed);
    }

    pub fn ingested(&self, events: u64, repeated: u64, dead_letters: u64) {
        self.events.fetch_add(events, Relaxed);
        self.repeated.fetch_add(repeated, Relaxed);
        self.dead_letters.fetch_add(dead_letters, Relaxed);
    }

    pub fn unrecorded(&self) {
        self.unrecorded.fetch_add(1, Relaxed);
    }

    /// All of them as text.
    pub fn text(&self) -> String {
        let mut out = String::new();
        let mut one = |name: &str, kind: &str, help: &str, value: f64| {
            let _ = writeln!(out, "# HELP {name} {help}\n# TYPE {name} {kind}\n{name} {value}");
        };
        let count = |value: &AtomicU64| value.load(Relaxed) as f64;
        one("lineward_queries_total", "counter", "Queries that were run.", count(&self.asked));
        one("lineward_queries_failed_total", "counter", "Queries that failed.", count(&self.failed));
        one("lineward_queries_denied_total", "counter", "Queries that were denied.", count(&self.denied));
        let running = self.asked.load(Relaxed).saturating_sub(self.ended.load(Relaxed));
        one("lineward_queries_running", "gauge", "Queries that run now.", running as f64);
        one("lineward_query_rows_total", "counter", "Rows that were answered.", count(&self.rows));
        let seconds = count(&self.elapsed_us) / 1e6;
        one("lineward_query_seconds_total", "counter", "Time of queries together.", seconds);
        one("lineward_events_total", "counter", "Events that were taken by HTTP.", count(&self.events));
        one("lineward_events_repeated_total", "counter", "Events that were sent again.", count(&self.repeated));
        one("lineward_dead_letters_total", "counter", "Documents that are no event.", count(&self.dead_letters));
        let unrecorded = "Calls and webhooks of MLflow that could not be recorded.";
        one("lineward_mlflow_unrecorded_total", "counter", unrecorded, count(&self.unrecorded));
        out
    }
}
