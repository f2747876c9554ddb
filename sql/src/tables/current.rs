//! Schema `current`: the newest revision of each key, without what was retracted.
//!
//! Read from Delta once a session and kept as an Arrow batch: a window function over all revisions would sort them in
//! every query. Where the session asks for another time, its rows are read again and kept until it asks for the next:
//! as known then are the newest revisions recorded by then; as valid then are rows that had begun, and what ended later
//! has not ended yet. Tables that are logs have no revisions and are not here.

use crate::graphs::Graphs;
use crate::options::LinewardOptions;
use crate::suggest;
use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, RecordBatch, StringArray, TimestampMicrosecondArray, UInt32Array,
};
use arrow::compute::{cast, concat_batches, filter_record_batch, take};
use arrow::datatypes::{DataType, Int64Type, Schema, SchemaRef, TimeUnit, TimestampMicrosecondType};
use arrow::row::{RowConverter, SortField};
use async_trait::async_trait;
use datafusion::catalog::{MemTable, Session, TableProvider};
use datafusion::common::config::ConfigOptions;
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::{Expr, TableType};
use datafusion::physical_plan::{ExecutionPlan, collect};
use lineward_store::graph::AsOf;
use lineward_store::{Snapshot, arrow_schema};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::OnceCell;

/// Bookkeeping that says nothing about the current state.
const HIDDEN: [&str; 2] = ["retracted_at", "revision"];

/// Tables of which no rows would mean that nothing came from anything: at a time before the store begins they are an error,
/// as the lineage functions are. Others have no rows then, which is what they had.
const LINEAGE: [&str; 2] = ["edges", "run_mappings"];

/// A table of the current state.
#[derive(Debug)]
pub(crate) struct CurrentTable {
    pub(super) snapshot: Snapshot,
    pub(super) name: &'static str,
    schema: SchemaRef,
    rows: OnceCell<Arc<dyn TableProvider>>,
    past: Mutex<Option<(AsOf, Arc<dyn TableProvider>)>>,
    /// With the lineage graph it is known since when there is anything; where there is none, nobody is told.
    graphs: Option<Arc<Graphs>>,
}

impl CurrentTable {
    /// A projected table by its name.
    pub fn new(snapshot: Snapshot, name: &'static str, graphs: Option<Arc<Graphs>>) -> Result<Self, crate::Error> {
        let Some(full) = arrow_schema(name) else {
            return Err(lineward_store::Error::Unknown(format!("no table `{name}`")).into());
        };
        let fields: Vec<_> = full.fields().iter().filter(|f| !hidden(f.name())).cloned().collect();
        let schema = Arc::new(Schema::new(fields));
        Ok(Self { snapshot, name, schema, rows: OnceCell::new(), past: Mutex::new(None), graphs })
    }

    /// Refuses a time before the store begins, for tables of lineage.
    pub(super) async fn begun(&self, config: &ConfigOptions) -> Result<(), crate::Error> {
        match self.graphs.as_ref().filter(|_| LINEAGE.contains(&self.name)) {
            Some(graphs) => suggest::begun_for(graphs, config).await,
            None => Ok(()),
        }
    }

    async fn at(&self, state: &dyn Session) -> Result<Arc<dyn TableProvider>> {
        let as_of = LinewardOptions::as_of(state.config_options());
        if as_of == AsOf::default() {
            return Ok(self.rows.get_or_try_init(|| self.load(state, as_of)).await?.clone());
        }
        let kept = self.past.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some((_, rows)) = kept.filter(|(at, _)| *at == as_of) {
            return Ok(rows);
        }
        let rows = self.load(state, as_of).await?;
        *self.past.lock().unwrap_or_else(PoisonError::into_inner) = Some((as_of, rows.clone()));
        Ok(rows)
    }

    async fn load(&self, state: &dyn Session, as_of: AsOf) -> Result<Arc<dyn TableProvider>> {
        let provider = self.snapshot.provider(self.name).await.map_err(|e| DataFusionError::External(Box::new(e)))?;
        let plan = provider.scan(state, None, &[], None).await?;
        let batches = collect(plan.clone(), state.task_ctx()).await?;
        let all = concat_batches(&plan.schema(), &batches)?;
        let newest = newest(self.name, &all, as_of.recorded)?;
        let columns = self.schema.fields().iter().map(|field| {
            let column = all.column_by_name(field.name()).ok_or_else(|| missing(self.name, field.name()))?;
            Ok(cast(&take(column, &newest, None)?, field.data_type())?)
        });
        let batch = RecordBatch::try_new(self.schema.clone(), columns.collect::<Result<Vec<ArrayRef>>>()?)?;
        let batch = match as_of.valid {
            Some(at) => valid_at(&batch, at)?,
            None => batch,
        };
        Ok(Arc::new(MemTable::try_new(self.schema.clone(), vec![vec![batch]])?))
    }
}

fn hidden(column: &str) -> bool {
    HIDDEN.contains(&column)
}

fn missing(table: &str, column: &str) -> DataFusionError {
    DataFusionError::Execution(format!("table `{table}` of the store has no column `{column}`"))
}

/// Columns that identify a fact over its revisions: the first of a table, but for run inputs and outputs.
fn key(table: &str) -> &'static [&'static str] {
    match table {
        "assets" => &["asset_id"],
        "asset_versions" => &["version_id"],
        "jobs" => &["job_id"],
        "runs" => &["run_sid"],
        "run_io" => &["run_sid", "version_id", "io", "context"],
        "edges" => &["edge_id"],
        "findings" => &["finding_id"],
        "tags" => &["tag_id"],
        "accesses" => &["access_id"],
        "fields" => &["field_id"],
        "column_mappings" => &["mapping_id", "ordinal"],
        "run_mappings" => &["run_sid", "mapping_id", "src_version_id", "dst_version_id"],
        "signatures" => &["version_id", "key_id", "form"],
        "policies" => &["policy_id", "version"],
        "schemas" => &["schema_id", "ordinal"],
        _ => &[],
    }
}

/// Columns that say since when a row holds, the first that is there.
const BEGINS: [&str; 3] = ["valid_from", "started_at", "event_time"];
/// Columns that say when something ended. What ends later has not ended yet.
const ENDS: [&str; 3] = ["valid_to", "dropped_at", "ended_at"];

/// The rows that held at a time, as they were then.
fn valid_at(batch: &RecordBatch, at: i64) -> Result<RecordBatch> {
    let schema = batch.schema();
    let time = |name: &str| batch.column_by_name(name).map(|c| c.as_primitive::<TimestampMicrosecondType>().clone());
    let begins = BEGINS.iter().find_map(|name| time(name));
    let valid_to = time("valid_to").filter(|_| schema.column_with_name("edge_id").is_some());
    let held: BooleanArray = (0..batch.num_rows())
        .map(|row| {
            let begun = begins.as_ref().is_none_or(|b| b.is_null(row) || b.value(row) <= at);
            let ended = valid_to.as_ref().is_some_and(|e| e.is_valid(row) && e.value(row) <= at);
            Some(begun && !ended)
        })
        .collect();
    let ends_later = |column: &TimestampMicrosecondArray| -> TimestampMicrosecondArray {
        column.iter().map(|end| end.filter(|end| *end <= at)).collect::<TimestampMicrosecondArray>()
    };
    let goes_on: Vec<bool> = time("ended_at")
        .map_or_else(Vec::new, |ended| ended.iter().map(|end| end.is_some_and(|end| end > at)).collect());
    let columns = schema.fields().iter().zip(batch.columns()).map(|(field, column)| -> Result<ArrayRef> {
        if ENDS.contains(&field.name().as_str()) {
            let changed = ends_later(column.as_primitive::<TimestampMicrosecondType>());
            return Ok(cast(&changed, field.data_type())?);
        }
        if field.name() == "state" && !goes_on.is_empty() {
            let states = column.as_string::<i32>().iter().zip(&goes_on);
            return Ok(Arc::new(states.map(|(s, on)| if *on { Some("RUNNING") } else { s }).collect::<StringArray>()));
        }
        Ok(column.clone())
    });
    let batch = RecordBatch::try_new(schema.clone(), columns.collect::<Result<Vec<_>>>()?)?;
    Ok(filter_record_batch(&batch, &held)?)
}

/// Positions of the rows that hold, in their order, as known at a time.
fn newest(table: &str, all: &RecordBatch, recorded: Option<i64>) -> Result<UInt32Array> {
    let time = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
    let column = |name: &str| all.column_by_name(name).ok_or_else(|| missing(table, name));
    let keys = key(table).iter().map(|name| column(name).cloned()).collect::<Result<Vec<_>>>()?;
    let fields = keys.iter().map(|key| SortField::new(key.data_type().clone())).collect();
    let keys = RowConverter::new(fields)?.convert_columns(&keys)?;
    let revisions = column("revision")?.as_primitive::<Int64Type>();
    let recorded_at = cast(column("recorded_at")?, &time)?;
    let recorded_at = recorded_at.as_primitive::<TimestampMicrosecondType>();
    let known = |position: u32| recorded.is_none_or(|at| recorded_at.value(position as usize) <= at);
    let mut held: HashMap<_, u32> = HashMap::with_capacity(all.num_rows());
    for (row, position) in keys.iter().zip(0u32..).filter(|(_, position)| known(*position)) {
        let at = held.entry(row).or_insert(position);
        if revisions.value(*at as usize) < revisions.value(position as usize) {
            *at = position;
        }
    }
    let retracted = column("retracted_at")?;
    let mut positions: Vec<u32> = held.into_values().filter(|&at| retracted.is_null(at as usize)).collect();
    positions.sort_unstable();
    Ok(positions.into())
}

#[async_trait]
impl TableProvider for CurrentTable {
    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        self.begun(state.config_options()).await?;
        self.at(state).await?.scan(state, projection, filters, limit).await
    }
}
