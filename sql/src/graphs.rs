//! The lineage graph of a snapshot, loaded when the first question needs it and kept.

use crate::Error;
use arrow::array::{Array, AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Int64Type, TimeUnit, TimestampMicrosecondType};
use datafusion::common::ScalarValue;
use datafusion::functions_aggregate::expr_fn::count;
use datafusion::prelude::{Expr, SessionContext, col, lit};
use futures::try_join;
use lineward_store::Snapshot;
use lineward_store::graph::{AsOf, GraphRows, GraphTables, LineageGraph, Scan, View};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::OnceCell;

/// Views of the past that are kept: a session asks about few times, and often of each.
const VIEWS_MAX: usize = 4;

/// Hands out views of the graph.
#[derive(Debug)]
pub(crate) struct Graphs {
    snapshot: Snapshot,
    graph: OnceCell<Arc<LineageGraph>>,
    /// Views with their labels, the one used last in front; the present is among them.
    views: Mutex<Vec<(AsOf, Arc<View>)>>,
}

impl Graphs {
    pub fn new(snapshot: Snapshot) -> Self {
        Self { snapshot, graph: OnceCell::new(), views: Mutex::new(Vec::new()) }
    }

    /// The graph as valid and known at these times. The past known now shares the present's graph; what was known in
    /// the past is built from the rows anew.
    pub async fn view(&self, as_of: AsOf) -> Result<Arc<View>, Error> {
        if let Some(view) = self.kept(as_of) {
            return Ok(view);
        }
        let graph = match as_of.recorded {
            None => self.graph().await?,
            recorded => self.build(recorded).await?,
        };
        let view = Arc::new(View::new(graph, as_of.valid));
        let mut views = self.views.lock().unwrap_or_else(PoisonError::into_inner);
        // Another query may have made it in the meantime: one is kept, so that its labels are computed once.
        if let Some((_, view)) = views.iter().find(|(at, _)| *at == as_of) {
            return Ok(view.clone());
        }
        views.insert(0, (as_of, view.clone()));
        views.truncate(VIEWS_MAX);
        Ok(view)
    }

    fn kept(&self, as_of: AsOf) -> Option<Arc<View>> {
        let mut views = self.views.lock().unwrap_or_else(PoisonError::into_inner);
        let at = views.iter().position(|(at, _)| *at == as_of)?;
        let found = views.remove(at);
        let view = found.1.clone();
        views.insert(0, found);
        Some(view)
    }

    /// As [`Self::view`], for callers that cannot wait: a view that is not there yet is loaded on a thread of its own.
    pub fn view_blocking(&self, as_of: AsOf) -> Result<Arc<View>, Error> {
        if let Some(view) = self.kept(as_of) {
            return Ok(view);
        }
        let stopped = || Error::Argument("loading the lineage graph was stopped".to_owned());
        std::thread::scope(|scope| {
            let loading = scope.spawn(|| {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
                runtime.map_err(|_| stopped())?.block_on(self.view(as_of))
            });
            loading.join().map_err(|_| stopped())?
        })
    }

    /// Where the record index has these subjects: version and number of distinct places.
    pub async fn places(&self, subjects: &[String], recorded: Option<i64>) -> Result<Vec<(i64, i64)>, Error> {
        let index = self.snapshot.provider("record_index").await?;
        let wanted = subjects.iter().map(|s| lit(s.as_str())).collect();
        let mut frame = SessionContext::new().read_table(index)?.filter(col("subject_key").in_list(wanted, false))?;
        if let Some(at) = recorded {
            frame = frame.filter(col("recorded_at").lt_eq(micros(at)))?;
        }
        let place = ["version_id", "row", "byte_offset"].map(col).to_vec();
        let counted = frame.select(place)?.distinct()?.aggregate(vec![col("version_id")], vec![count(lit(1))])?;
        let mut places = Vec::new();
        for batch in counted.collect().await? {
            let columns = [cast(batch.column(0), &DataType::Int64)?, cast(batch.column(1), &DataType::Int64)?];
            let [versions, counts] = &columns;
            let (versions, counts) = (versions.as_primitive::<Int64Type>(), counts.as_primitive::<Int64Type>());
            places.extend(versions.values().iter().copied().zip(counts.values().iter().copied()));
        }
        places.sort_unstable();
        Ok(places)
    }

    async fn graph(&self) -> Result<Arc<LineageGraph>, Error> {
        Ok(self.graph.get_or_try_init(|| self.build(None)).await?.clone())
    }

    async fn build(&self, recorded: Option<i64>) -> Result<Arc<LineageGraph>, Error> {
        let s = &self.snapshot;
        let (versions, runs, run_io, edges) = try_join!(
            s.columns("asset_versions", GraphTables::VERSIONS),
            s.columns("runs", GraphTables::RUNS),
            s.columns("run_io", GraphTables::RUN_IO),
            s.columns("edges", GraphTables::EDGES),
        )?;
        let (assets, jobs, findings, tags) = try_join!(s.rows(), s.rows(), s.rows(), s.rows())?;
        let (fields, column_mappings, run_mappings) = try_join!(s.rows(), s.rows(), s.rows())?;
        let scans = self.scans().await?;
        let others = GraphRows {
            assets,
            jobs,
            findings,
            tags,
            scans,
            fields,
            column_mappings,
            run_mappings,
            ..GraphRows::default()
        };
        let tables = GraphTables { versions, runs, run_io, edges, others };
        let built = tokio::task::spawn_blocking(move || LineageGraph::of_tables(tables, recorded)).await;
        let stopped = |_| Error::Argument("building the lineage graph was stopped".to_owned());
        Ok(Arc::new(built.map_err(stopped)??))
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

/// A time as a literal of the store's type.
pub(crate) fn micros(at: i64) -> Expr {
    lit(ScalarValue::TimestampMicrosecond(Some(at), Some("UTC".into())))
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
