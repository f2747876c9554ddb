//! Schema `current`: the newest revision of each key, without what was retracted.
//!
//! Read from Delta once a session and kept as an Arrow batch: a window function over all revisions would sort them in
//! every query. Tables that are logs have no revisions and are not here.

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, UInt32Array};
use arrow::compute::{cast, concat_batches, take};
use arrow::datatypes::{Int64Type, Schema, SchemaRef};
use arrow::row::{RowConverter, SortField};
use async_trait::async_trait;
use datafusion::catalog::{MemTable, Session, TableProvider};
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::{Expr, TableType};
use datafusion::physical_plan::{ExecutionPlan, collect};
use lineward_store::{Snapshot, arrow_schema};
use std::collections::HashMap;
use std::sync::Arc;
use tokio::sync::OnceCell;

/// Bookkeeping that says nothing about the current state.
const HIDDEN: [&str; 2] = ["retracted_at", "revision"];

/// A table of the current state.
#[derive(Debug)]
pub(crate) struct CurrentTable {
    snapshot: Snapshot,
    name: &'static str,
    schema: SchemaRef,
    rows: OnceCell<Arc<dyn TableProvider>>,
}

impl CurrentTable {
    /// A projected table by its name.
    pub fn new(snapshot: Snapshot, name: &'static str) -> Result<Self, crate::Error> {
        let Some(full) = arrow_schema(name) else {
            return Err(lineward_store::Error::Unknown(format!("no table `{name}`")).into());
        };
        let fields: Vec<_> = full.fields().iter().filter(|f| !hidden(f.name())).cloned().collect();
        let schema = Arc::new(Schema::new(fields));
        Ok(Self { snapshot, name, schema, rows: OnceCell::new() })
    }

    async fn load(&self, state: &dyn Session) -> Result<Arc<dyn TableProvider>> {
        let provider = self.snapshot.provider(self.name).await.map_err(|e| DataFusionError::External(Box::new(e)))?;
        let plan = provider.scan(state, None, &[], None).await?;
        let batches = collect(plan.clone(), state.task_ctx()).await?;
        let all = concat_batches(&plan.schema(), &batches)?;
        let newest = newest(self.name, &all)?;
        let columns = self.schema.fields().iter().map(|field| {
            let column = all.column_by_name(field.name()).ok_or_else(|| missing(self.name, field.name()))?;
            Ok(cast(&take(column, &newest, None)?, field.data_type())?)
        });
        let batch = RecordBatch::try_new(self.schema.clone(), columns.collect::<Result<Vec<ArrayRef>>>()?)?;
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
        _ => &[],
    }
}

/// Positions of the rows that hold, in their order.
fn newest(table: &str, all: &RecordBatch) -> Result<UInt32Array> {
    let column = |name: &str| all.column_by_name(name).ok_or_else(|| missing(table, name));
    let keys = key(table).iter().map(|name| column(name).cloned()).collect::<Result<Vec<_>>>()?;
    let fields = keys.iter().map(|key| SortField::new(key.data_type().clone())).collect();
    let keys = RowConverter::new(fields)?.convert_columns(&keys)?;
    let revisions = column("revision")?.as_primitive::<Int64Type>();
    let mut held: HashMap<_, u32> = HashMap::with_capacity(all.num_rows());
    for (row, position) in keys.iter().zip(0u32..) {
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
        self.rows.get_or_try_init(|| self.load(state)).await?.scan(state, projection, filters, limit).await
    }
}
