//! The lineage graph of a snapshot, loaded when the first question needs it and kept.
//!
//! Sessions over later epochs of one store share what they have loaded ([`Growth`]): a newer graph is the older one with the
//! rows that were added since. What was added grows; once it is a good part of the whole, a graph is built anew on a
//! thread of its own while questions go on with the old one. A session that has a graph keeps it, whatever comes later.

use crate::Error;
use arrow::array::{Array, ArrayRef, AsArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Int64Type, TimeUnit, TimestampMicrosecondType};
use datafusion::common::ScalarValue;
use datafusion::functions_aggregate::expr_fn::count;
use datafusion::prelude::{Expr, SessionContext, col, lit};
use futures::try_join;
use lineward_store::Snapshot;
use lineward_store::graph::{AsOf, GraphRows, GraphTables, LineageGraph, Scan, View};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::sync::OnceCell;

/// Views of the past that are kept: a session asks about few times, and often of each.
const VIEWS_MAX: usize = 4;

/// Rows that are added to a graph before it is worth to build one anew, where that is more than a share of its edges.
const TAIL_ROWS: usize = 20_000;
/// That share.
const TAIL_SHARE: usize = 20;

/// The newest graph of a store that was loaded, with what it takes to make the next one of it.
#[derive(Debug, Default)]
pub(crate) struct Growth(tokio::sync::Mutex<Option<Known>>);

#[derive(Debug)]
struct Known {
    base: Arc<LineageGraph>,
    /// The cut up to which `tail` goes.
    newest: Snapshot,
    /// What was added to `base`.
    tail: GraphTables,
    /// A graph that is being built of a later cut.
    merging: Option<mpsc::Receiver<(Snapshot, Arc<LineageGraph>)>>,
}

/// What is wanted of a scan event: what it says, when it was, and when it was received.
const SCAN_COLUMNS: [&str; 3] = ["payload", "event_time", "received_at"];

/// Hands out views of the graph.
#[derive(Debug)]
pub(crate) struct Graphs {
    snapshot: Snapshot,
    growth: Arc<Growth>,
    graph: OnceCell<Arc<LineageGraph>>,
    /// Views with their labels, the one used last in front; the present is among them.
    views: Mutex<Vec<(AsOf, Arc<View>)>>,
}

impl Graphs {
    /// Over a cut, with what sessions over earlier cuts of the same store have loaded.
    pub fn new(snapshot: Snapshot, growth: Arc<Growth>) -> Self {
        Self { snapshot, growth, graph: OnceCell::new(), views: Mutex::new(Vec::new()) }
    }

    /// What later sessions share.
    pub fn growth(&self) -> &Arc<Growth> {
        &self.growth
    }

    /// The graph as valid and known at these times. The past known now shares the present's graph; what was known in
    /// the past is built from the rows anew.
    pub async fn view(&self, as_of: AsOf) -> Result<Arc<View>, Error> {
        if let Some(view) = self.kept(as_of) {
            return Ok(view);
        }
        let graph = match as_of.recorded {
            None => self.graph().await?,
            recorded => Arc::new(build(&self.snapshot, recorded).await?),
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
        without_a_worker(|| {
            std::thread::scope(|scope| {
                let loading = scope.spawn(|| {
                    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
                    runtime.map_err(|_| stopped())?.block_on(self.view(as_of))
                });
                loading.join().map_err(|_| stopped())?
            })
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
        Ok(self.graph.get_or_try_init(|| self.growth.graph(&self.snapshot)).await?.clone())
    }
}

impl Growth {
    /// The graph of a cut: the newest one that is known with what was added since, else one that is built.
    async fn graph(&self, snapshot: &Snapshot) -> Result<Arc<LineageGraph>, Error> {
        // Held while a graph is made: who asks meanwhile wants that one, or one that grows from it.
        let mut known = self.0.lock().await;
        match known.as_mut() {
            // An older cut than the newest known: nobody will grow from it.
            Some(known) if snapshot.epoch() < known.newest.epoch() => {
                return Ok(Arc::new(build(snapshot, None).await?));
            }
            Some(known) => {
                if let Some(grown) = known.grow(snapshot).await? {
                    return Ok(grown);
                }
            }
            None => {}
        }
        let base = Arc::new(build(snapshot, None).await?);
        let (newest, tail) = (snapshot.clone(), GraphTables::default());
        *known = Some(Known { base: base.clone(), newest, tail, merging: None });
        Ok(base)
    }
}

impl Known {
    /// The graph of a later cut; `None` where it has to be built anew.
    async fn grow(&mut self, snapshot: &Snapshot) -> Result<Option<Arc<LineageGraph>>, Error> {
        if let Some((built, base)) = self.merging.as_ref().and_then(|merged| merged.try_recv().ok()) {
            self.merging = None;
            (self.newest, self.base, self.tail) = (built, base, GraphTables::default());
        }
        if snapshot.epoch() > self.newest.epoch() {
            let Some(added) = added(snapshot, &self.newest).await? else { return Ok(None) };
            self.tail.extend(added);
            self.newest = snapshot.clone();
        }
        let rows = self.tail.rows();
        if rows == 0 {
            return Ok(Some(self.base.clone()));
        }
        if self.merging.is_none() && rows > TAIL_ROWS.max(self.base.edge_count() / TAIL_SHARE) {
            self.merging = merge(snapshot.clone());
        }
        let (base, tail) = (self.base.clone(), self.tail.clone());
        let grown = tokio::task::spawn_blocking(move || base.grown(&tail)).await.map_err(|_| stopped())??;
        Ok(grown.map(Arc::new))
    }
}

/// Does what blocks its thread while the runtime's tasks go on: another query may be loading the graph that is waited for,
/// and would wait for a thread of the runtime.
fn without_a_worker<T>(work: impl FnOnce() -> T) -> T {
    match Handle::try_current().map(|handle| handle.runtime_flavor()) {
        Ok(RuntimeFlavor::MultiThread) => tokio::task::block_in_place(work),
        _ => work(),
    }
}

/// Builds a graph on a thread of its own; nothing comes where that fails, and the old one grows on.
fn merge(snapshot: Snapshot) -> Option<mpsc::Receiver<(Snapshot, Arc<LineageGraph>)>> {
    let (done, merged) = mpsc::channel();
    let work = move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().ok()?;
        let graph = runtime.block_on(build(&snapshot, None)).ok()?;
        done.send((snapshot, Arc::new(graph))).ok()
    };
    std::thread::Builder::new().name("lineage graph".to_owned()).spawn(work).ok()?;
    Some(merged)
}

fn stopped() -> Error {
    Error::Argument("building the lineage graph was stopped".to_owned())
}

async fn build(s: &Snapshot, recorded: Option<i64>) -> Result<LineageGraph, Error> {
    // When a row became known only matters to who asks what was known then.
    let wanted = |columns: &[&'static str]| -> Vec<&'static str> {
        columns.iter().copied().filter(|column| recorded.is_some() || *column != "recorded_at").collect()
    };
    let (of_run_io, of_edges) = (wanted(GraphTables::RUN_IO), wanted(GraphTables::EDGES));
    let (versions, runs, run_io, edges) = try_join!(
        s.columns("asset_versions", GraphTables::VERSIONS),
        s.columns("runs", GraphTables::RUNS),
        s.columns("run_io", &of_run_io),
        s.columns_as("edges", &of_edges, GraphTables::slim_edges),
    )?;
    let (assets, jobs, findings, tags) = try_join!(s.rows(), s.rows(), s.rows(), s.rows())?;
    let (fields, column_mappings, run_mappings, policies) = try_join!(s.rows(), s.rows(), s.rows(), s.rows())?;
    let scans = scans(s).await?;
    let others = GraphRows {
        assets,
        jobs,
        findings,
        tags,
        scans,
        fields,
        column_mappings,
        run_mappings,
        policies,
        ..GraphRows::default()
    };
    let tables = GraphTables { versions, runs, run_io, edges, others };
    let built = tokio::task::spawn_blocking(move || LineageGraph::of_tables(tables, recorded)).await;
    Ok(built.map_err(|_| stopped())??)
}

/// What a cut has that an earlier one does not; `None` where that cannot be told.
async fn added(s: &Snapshot, before: &Snapshot) -> Result<Option<GraphTables>, Error> {
    let (versions, runs, run_io, edges, events) = try_join!(
        s.added_since(before, "asset_versions", Some(GraphTables::VERSIONS)),
        s.added_since(before, "runs", Some(GraphTables::RUNS)),
        s.added_since(before, "run_io", Some(GraphTables::RUN_IO)),
        s.added_since(before, "edges", Some(GraphTables::EDGES)),
        s.events_since(before, "scan", &SCAN_COLUMNS),
    )?;
    let (assets, jobs, findings, tags) =
        try_join!(s.rows_since(before), s.rows_since(before), s.rows_since(before), s.rows_since(before))?;
    let (fields, column_mappings, run_mappings, policies) =
        try_join!(s.rows_since(before), s.rows_since(before), s.rows_since(before), s.rows_since(before))?;
    let mut scans = Vec::new();
    let all = || {
        for batch in events? {
            let [Some(payloads), Some(times), Some(received)] = SCAN_COLUMNS.map(|name| batch.column_by_name(name))
            else {
                return None;
            };
            add_scans([payloads, times, received], &mut scans).ok()?;
        }
        Some(GraphTables {
            versions: versions?,
            runs: runs?,
            run_io: run_io?,
            edges: edges?,
            others: GraphRows {
                assets: assets?,
                jobs: jobs?,
                findings: findings?,
                tags: tags?,
                scans,
                fields: fields?,
                column_mappings: column_mappings?,
                run_mappings: run_mappings?,
                policies: policies?,
                ..GraphRows::default()
            },
        })
    };
    Ok(all())
}

/// What was scanned, from the scan events in the log.
async fn scans(snapshot: &Snapshot) -> Result<Vec<Scan>, Error> {
    let events = snapshot.provider("events").await?;
    let frame = SessionContext::new()
        .read_table(events)?
        .filter(col("event_kind").eq(lit("scan")))?
        .select_columns(&SCAN_COLUMNS)?;
    let mut scans = Vec::new();
    for batch in frame.collect().await? {
        add_scans([batch.column(0), batch.column(1), batch.column(2)], &mut scans)?;
    }
    Ok(scans)
}

/// A time as a literal of the store's type.
pub(crate) fn micros(at: i64) -> Expr {
    lit(ScalarValue::TimestampMicrosecond(Some(at), Some("UTC".into())))
}

/// Payload, time and receipt of scan events.
fn add_scans([payloads, times, received]: [&ArrayRef; 3], scans: &mut Vec<Scan>) -> Result<(), Error> {
    let micros = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
    let payloads = cast(payloads, &DataType::Utf8)?;
    let (times, received) = (cast(times, &micros)?, cast(received, &micros)?);
    let payloads = payloads.as_string::<i32>();
    let times = times.as_primitive::<TimestampMicrosecondType>();
    let received = received.as_primitive::<TimestampMicrosecondType>();
    for i in 0..payloads.len() {
        let recorded_at = received.value(i);
        let scanned_at = if times.is_null(i) { recorded_at } else { times.value(i) };
        scans.extend(Scan::of_event(payloads.value(i), scanned_at, recorded_at));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use lineward_store::Store;
    use std::time::Duration;

    #[test]
    fn who_waits_for_the_graph_leaves_the_thread_to_who_loads_it() {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = runtime.expect("a runtime");
        let folder = tempfile::tempdir().expect("a folder");
        let uri = folder.path().join("store").to_string_lossy().into_owned();
        let (done, ended) = mpsc::channel();
        runtime.spawn(async move {
            let snapshot = Store::open_or_create(&uri).await.expect("a store").snapshot().await.expect("a cut");
            let graphs = Arc::new(Graphs::new(snapshot, Arc::default()));
            // Somebody who loads, and needs the runtime's only thread for it once more.
            let held = graphs.growth.0.lock().await;
            let waiting = tokio::spawn({
                let graphs = graphs.clone();
                async move { graphs.view_blocking(AsOf::default()).is_ok() }
            });
            tokio::time::sleep(Duration::from_millis(300)).await;
            drop(held);
            done.send(waiting.await.expect("it ends")).expect("somebody listens");
        });
        let ended = ended.recv_timeout(Duration::from_secs(30));
        runtime.shutdown_background();
        assert_eq!(ended, Ok(true));
    }
}
