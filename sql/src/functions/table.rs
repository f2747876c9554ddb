//! A call of a table function as a table: planned like a scan, computed when the query runs.

use super::Function;
use super::args::{Arguments, Given};
use crate::Error;
use crate::graphs::Graphs;
use arrow::array::RecordBatch;
use arrow::datatypes::{Field, Schema, SchemaRef};
use async_trait::async_trait;
use datafusion::catalog::streaming::StreamingTable;
use datafusion::catalog::{Session, TableProvider};
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::{Expr, TableType};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::streaming::PartitionStream;
use datafusion::physical_plan::{ExecutionPlan, collect};
use futures::{StreamExt, TryStreamExt, stream};
use std::sync::Arc;

/// Rows a batch, so that a limit or a slow reader need not wait for all of a large answer.
const BATCH_ROWS: usize = 8192;

/// A function with its arguments.
#[derive(Debug)]
pub(crate) struct LineageTable {
    function: &'static Function,
    given: Vec<Given>,
    graphs: Arc<Graphs>,
}

impl LineageTable {
    pub fn new(function: &'static Function, given: Vec<Given>, graphs: Arc<Graphs>) -> Self {
        Self { function, given, graphs }
    }
}

#[async_trait]
impl TableProvider for LineageTable {
    fn schema(&self) -> SchemaRef {
        self.function.schema()
    }

    fn table_type(&self) -> TableType {
        TableType::Temporary
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let mut arguments = Vec::new();
        for given in &self.given {
            arguments.push(match given {
                Given::Value(value) => Planned::Rows(one_row(value)?),
                Given::Subquery(plan) => Planned::Plan(state.create_physical_plan(plan).await?),
            });
        }
        let call = LineageCall {
            function: self.function,
            shown: self.given.iter().map(Given::text).collect::<Vec<_>>().join(", "),
            arguments,
            graphs: self.graphs.clone(),
            schema: self.function.schema(),
        };
        StreamingTable::try_new(self.function.schema(), vec![Arc::new(call)])?
            .scan(state, projection, filters, limit)
            .await
    }
}

fn one_row(value: &datafusion::common::ScalarValue) -> Result<RecordBatch> {
    let schema = Schema::new(vec![Field::new("value", value.data_type(), true)]);
    Ok(RecordBatch::try_new(Arc::new(schema), vec![value.to_array()?])?)
}

#[derive(Clone)]
enum Planned {
    Rows(RecordBatch),
    Plan(Arc<dyn ExecutionPlan>),
}

/// A planned call.
struct LineageCall {
    function: &'static Function,
    shown: String,
    arguments: Vec<Planned>,
    graphs: Arc<Graphs>,
    schema: SchemaRef,
}

impl std::fmt::Debug for LineageCall {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}({})", self.function.name, self.shown)
    }
}

impl PartitionStream for LineageCall {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn execute(&self, context: Arc<TaskContext>) -> SendableRecordBatchStream {
        let answer = answer(self.function, self.arguments.clone(), self.graphs.clone(), context);
        let batches = stream::once(answer).map_ok(|batch| stream::iter(chunks(batch)).map(Ok)).try_flatten();
        Box::pin(RecordBatchStreamAdapter::new(self.schema.clone(), batches))
    }
}

async fn answer(
    function: &'static Function,
    arguments: Vec<Planned>,
    graphs: Arc<Graphs>,
    context: Arc<TaskContext>,
) -> Result<RecordBatch, DataFusionError> {
    let mut rows = Vec::new();
    for argument in arguments {
        rows.push(match argument {
            Planned::Rows(batch) => vec![batch],
            Planned::Plan(plan) => collect(plan, context.clone()).await?,
        });
    }
    let arguments = Arguments::check(function, rows)?;
    let view = graphs.view(arguments.as_of()).await?;
    // A walk over a large graph takes long enough to starve the other queries of a runtime thread.
    let computed = tokio::task::spawn_blocking(move || (function.answer)(&view, &arguments)).await;
    let stopped = |_| Error::Argument(format!("`{}` was stopped", function.name));
    Ok(computed.map_err(stopped)??)
}

fn chunks(batch: RecordBatch) -> Vec<RecordBatch> {
    let starts = (0..batch.num_rows()).step_by(BATCH_ROWS);
    starts.map(|start| batch.slice(start, BATCH_ROWS.min(batch.num_rows() - start))).collect()
}
