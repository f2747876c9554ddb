//! The lineage graph of a snapshot, loaded when the first question needs it and kept.

use crate::Error;
use arrow::array::{Array, AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, TimeUnit, TimestampMicrosecondType};
use datafusion::prelude::{SessionContext, col, lit};
use futures::try_join;
use lineward_store::Snapshot;
use lineward_store::graph::{AsOf, GraphRows, LineageGraph, Scan, View};
use std::sync::Arc;
use tokio::sync::OnceCell;

/// Hands out views of the graph.
#[derive(Debug)]
pub(crate) struct Graphs {
    snapshot: Snapshot,
    present: OnceCell<Arc<View>>,
    graph: OnceCell<Arc<LineageGraph>>,
}

impl Graphs {
    pub fn new(snapshot: Snapshot) -> Self {
        Self { snapshot, present: OnceCell::new(), graph: OnceCell::new() }
    }

    /// The graph as valid and known at these times. The present is kept; the past known now shares its graph; what was
    /// known in the past is built from the rows anew.
    pub async fn view(&self, as_of: AsOf) -> Result<Arc<View>, Error> {
        match as_of {
            AsOf { valid: None, recorded: None } => {
                let present = self
                    .present
                    .get_or_try_init(|| async { Ok::<_, Error>(Arc::new(View::new(self.graph().await?, None))) });
                Ok(present.await?.clone())
            }
            AsOf { valid, recorded: None } => Ok(Arc::new(View::new(self.graph().await?, valid))),
            AsOf { valid, recorded } => Ok(Arc::new(View::new(self.build(recorded).await?, valid))),
        }
    }

    async fn graph(&self) -> Result<Arc<LineageGraph>, Error> {
        Ok(self.graph.get_or_try_init(|| self.build(None)).await?.clone())
    }

    async fn build(&self, recorded: Option<i64>) -> Result<Arc<LineageGraph>, Error> {
        let s = &self.snapshot;
        let (assets, versions, jobs, runs) = try_join!(s.rows(), s.rows(), s.rows(), s.rows())?;
        let (run_io, edges, findings, tags) = try_join!(s.rows(), s.rows(), s.rows(), s.rows())?;
        let (fields, column_mappings, run_mappings) = try_join!(s.rows(), s.rows(), s.rows())?;
        let scans = self.scans().await?;
        let rows = GraphRows {
            assets,
            versions,
            jobs,
            runs,
            run_io,
            edges,
            findings,
            tags,
            scans,
            fields,
            column_mappings,
            run_mappings,
        };
        let built = tokio::task::spawn_blocking(move || LineageGraph::build(rows, recorded)).await;
        built.map(Arc::new).map_err(|_| Error::Argument("building the lineage graph was stopped".to_owned()))
    }

    /// What was scanned, from the scan events in the log.
    async fn scans(&self) -> Result<Vec<Scan>, Error> {
        let events = self.snapshot.provider("events").await?;
        let frame = SessionContext::new()
            .read_table(events)?
            .filter(col("event_kind").eq(lit("scan")))?
            .select_columns(&["payload", "event_time", "received_at"])?;
        let mut scans = Vec::new();
        for batch in frame.collect().await? {
            add_scans(&batch, &mut scans)?;
        }
        Ok(scans)
    }
}

fn add_scans(batch: &RecordBatch, scans: &mut Vec<Scan>) -> Result<(), Error> {
    let micros = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
    let payloads = cast(batch.column(0), &DataType::Utf8)?;
    let (times, received) = (cast(batch.column(1), &micros)?, cast(batch.column(2), &micros)?);
    let payloads = payloads.as_string::<i32>();
    let times = times.as_primitive::<TimestampMicrosecondType>();
    let received = received.as_primitive::<TimestampMicrosecondType>();
    for i in 0..batch.num_rows() {
        let recorded_at = received.value(i);
        let scanned_at = if times.is_null(i) { recorded_at } else { times.value(i) };
        scans.extend(Scan::of_event(payloads.value(i), scanned_at, recorded_at));
    }
    Ok(())
}
