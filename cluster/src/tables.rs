//! Tables of a store in plans that travel: the store's location, the table's version, the files of a part. Columns and
//! rows that nobody wants are left out where the files are read.

use crate::identity::Identity;
use crate::parts::{PartsExec, Work};
use crate::site::Site;
use crate::{Error, error};
use async_trait::async_trait;
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::arrow::record_batch::{RecordBatch, RecordBatchOptions};
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::tree_node::{TreeNode as _, TreeNodeRecursion};
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown, TableType};
use datafusion::physical_plan::coalesce_partitions::CoalescePartitionsExec;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{ExecutionPlan, ExecutionPlanProperties as _};
use datafusion::prelude::{SessionConfig, SessionContext};
use datafusion_proto::bytes::Serializeable as _;
use futures::TryStreamExt as _;
use lineward_sql::{StoredTable, scalars};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// A table as the plan of a travelling query sees it.
#[derive(Debug)]
pub(crate) struct TravellingTable {
    table: Arc<dyn TableProvider>,
    site: Arc<Site>,
    part_bytes: u64,
}

impl TravellingTable {
    /// A table of a store, in parts of about so many bytes; `None` for another table.
    pub fn of(table: Arc<dyn TableProvider>, site: &Arc<Site>, part_bytes: u64) -> Option<Self> {
        StoredTable::is_stored(&*table).then(|| Self { table, site: site.clone(), part_bytes })
    }
}

#[async_trait]
impl TableProvider for TravellingTable {
    fn schema(&self) -> SchemaRef {
        self.table.schema()
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> Result<Vec<TableProviderFilterPushDown>> {
        self.table.supports_filters_pushdown(filters)
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let full = self.schema();
        let schema = projection.map_or(Ok(full.clone()), |columns| full.project(columns).map(Arc::new))?;
        let parts =
            StoredTable::parts(&*self.table, state.config_options(), self.part_bytes).await?.unwrap_or_default();
        let mut texts = parts.iter().map(|part| written(part).map(|text| vec![text])).collect::<Result<Vec<_>>>()?;
        if texts.is_empty() {
            // A partition without a part: an empty node in a union is one that Ballista waits for without end.
            texts.push(Vec::new());
        }
        let work = TableWork {
            planned_by: self.site.identity.clone(),
            projection: projection.cloned(),
            // What was pushed down is filtered again above, so what cannot be written down may be left out.
            filters: filters.iter().filter(|f| travels(f)).filter_map(|f| f.to_bytes().ok()).map(Vec::from).collect(),
            limit,
        };
        Ok(Arc::new(PartsExec::of(texts, Work::Table(work), self.site.clone(), schema)?))
    }
}

/// Whether a filter means the same to an executor, which has the engine's functions and none of ours.
fn travels(filter: &Expr) -> bool {
    let ours = |expr: &Expr| match expr {
        Expr::ScalarFunction(call) => scalars::ALL.iter().any(|scalar| scalar.name == call.func.name()),
        _ => false,
    };
    let mut found = false;
    let seen = filter.apply(|expr| {
        found |= ours(expr);
        Ok(TreeNodeRecursion::Continue)
    });
    seen.is_ok() && !found
}

pub(crate) fn written(what: &impl Serialize) -> Result<String> {
    serde_json::to_string(what).map_err(|e| DataFusionError::Execution(format!("a part cannot be written down: {e}")))
}

/// What an executor does with the parts of a table.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct TableWork {
    pub planned_by: Identity,
    projection: Option<Vec<usize>>,
    filters: Vec<Vec<u8>>,
    limit: Option<usize>,
}

impl TableWork {
    /// Reads a part.
    pub async fn open(
        &self,
        part: &str,
        site: &Site,
        schema: SchemaRef,
        context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        site.check(&self.planned_by)?;
        let part: StoredTable = serde_json::from_str(part).map_err(|e| error::of_task(format!("a part: {e}")))?;
        let failed = |e: lineward_sql::Error| {
            let (table, store) = (part.table(), part.store());
            error::of_task(format!(
                "an executor cannot read table `{table}` of the store `{store}`: {e}; every executor needs the store \
                 under the same path or URL"
            ))
        };
        let table = part.open().await.map_err(failed)?;
        let config = part.configure(SessionConfig::new().with_target_partitions(1));
        let session = SessionContext::new_with_config_rt(config, context.runtime_env());
        let filters: Vec<Expr> =
            self.filters.iter().filter_map(|f| Expr::from_bytes_with_ctx(f, &session.task_ctx()).ok()).collect();
        let plan = table.scan(&session.state(), self.projection.as_ref(), &filters, self.limit).await?;
        let plan = match plan.output_partitioning().partition_count() {
            1 => plan,
            _ => Arc::new(CoalescePartitionsExec::new(plan)),
        };
        let rows = plan.execute(0, session.task_ctx())?;
        let wanted = schema.clone();
        let rows = rows.and_then(move |batch| std::future::ready(conform(&batch, &wanted)));
        Ok(Box::pin(RecordBatchStreamAdapter::new(schema, rows)))
    }
}

/// A batch in the types that the plan was made with: how texts are held may differ with who reads the files.
fn conform(batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch> {
    let columns = batch.columns().iter().zip(schema.fields()).map(|(column, field)| cast(column, field.data_type()));
    let columns = columns.collect::<Result<Vec<_>, _>>()?;
    // A count needs rows and no column.
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    Ok(RecordBatch::try_new_with_options(schema.clone(), columns, &options)?)
}

impl From<DataFusionError> for Error {
    fn from(error: DataFusionError) -> Self {
        Self::Plan(error)
    }
}
