//! A call of a table function as a table: planned like a scan, computed when the query runs.

use super::Function;
use super::args::{Arguments, Given};
use super::exec::LineageExec;
use crate::graphs::Graphs;
use crate::options::{LinewardOptions, WhileRunning, WithoutBeginning};
use crate::{Error, suggest};
use arrow::array::RecordBatch;
use arrow::datatypes::{Field, Schema, SchemaRef};
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::TaskContext;
use datafusion::logical_expr::{Expr, TableType};
use datafusion::physical_plan::{ExecutionPlan, collect};
use lineward_store::graph::AsOf;
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
        _filters: &[Expr],
        _limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        // A table has no arguments. It is looked at when the query is planned: where a view joins nothing to it, it is not
        // read.
        if self.function.arguments.is_empty() {
            suggest::begun_for(&self.graphs, state.config_options()).await?;
        }
        let mut arguments = Vec::new();
        for given in &self.given {
            arguments.push(match given {
                Given::Value(value) => Planned::Rows(one_row(value)?),
                Given::Subquery(plan) => Planned::Plan(state.create_physical_plan(plan).await?),
            });
        }
        let as_of = LinewardOptions::as_of(state.config_options());
        let call = LineageCall { function: self.function, arguments, graphs: self.graphs.clone(), as_of };
        let shown = self.given.iter().map(Given::text).collect::<Vec<_>>().join(", ");
        Ok(Arc::new(LineageExec::new(call, shown, projection)?))
    }
}

fn one_row(value: &datafusion::common::ScalarValue) -> Result<RecordBatch> {
    let schema = Schema::new(vec![Field::new("value", value.data_type(), true)]);
    Ok(RecordBatch::try_new(Arc::new(schema), vec![value.to_array()?])?)
}

/// An argument as planned.
#[derive(Debug, Clone)]
pub(super) enum Planned {
    Rows(RecordBatch),
    Plan(Arc<dyn ExecutionPlan>),
}

/// A planned call.
#[derive(Debug, Clone)]
pub(super) struct LineageCall {
    pub function: &'static Function,
    pub arguments: Vec<Planned>,
    pub graphs: Arc<Graphs>,
    /// The times of the session, for arguments that are not given.
    pub as_of: AsOf,
}

impl LineageCall {
    /// The answer, in pieces. Columns that are not among those wanted may be null.
    pub async fn answer(
        self,
        context: Arc<TaskContext>,
        columns: Option<Vec<usize>>,
    ) -> Result<Vec<RecordBatch>, DataFusionError> {
        let function = self.function;
        let mut rows = Vec::new();
        for argument in self.arguments {
            rows.push(match argument {
                Planned::Rows(batch) => vec![batch],
                Planned::Plan(plan) => collect(plan, context.clone()).await?,
            });
        }
        let mut arguments = Arguments::check(function, rows, self.as_of)?;
        if let [first, ..] = function.arguments
            && first.name == SUBJECT
        {
            // The index has them in lower case, and hex is the same in either.
            let subjects: Vec<String> = arguments.texts(SUBJECT).iter().map(|s| s.to_ascii_lowercase()).collect();
            arguments.places = self.graphs.places(&subjects, arguments.as_of().recorded).await?;
        }
        arguments.columns = columns;
        arguments.tells_beginning = context.session_config().get_extension::<WithoutBeginning>().is_none();
        let view = self.graphs.view(arguments.as_of()).await?;
        if !function.arguments.is_empty() && arguments.tells_beginning {
            suggest::begun(view.graph(), arguments.as_of())?;
        }
        // A walk over a large graph takes long enough to starve the other queries of a runtime thread.
        // It cannot be stopped, and goes on where the query is.
        let held = context.session_config().get_extension::<WhileRunning>().and_then(|running| running.0.upgrade());
        let computed = tokio::task::spawn_blocking(move || {
            let _held = held;
            (function.answer)(&view, &arguments)
        });
        let computed = computed.await;
        let stopped = |_| Error::Argument(format!("`{}` was stopped", function.name));
        Ok(computed.map_err(stopped)??.into_iter().flat_map(chunks).collect())
    }
}

/// The argument that is looked up in the record index.
pub(super) const SUBJECT: &str = "subject_key";

fn chunks(batch: RecordBatch) -> impl Iterator<Item = RecordBatch> {
    let starts = (0..batch.num_rows()).step_by(BATCH_ROWS);
    starts.map(move |start| batch.slice(start, BATCH_ROWS.min(batch.num_rows() - start)))
}
