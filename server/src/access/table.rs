//! A table as a principal may see it: without denied columns, with content columns NULL, with only the rows that meet a
//! condition. It is part of the plan, so nothing a query says gets around it.
//!
//! What a grant takes away is planned and optimised apart from the query, and is one closed node in its plan: no filter
//! of the query is tried on a row before the condition is, and EXPLAIN shows neither the condition nor how many rows it
//! hid.

use super::{CONTENT_COLUMNS, Grant};
use arrow::datatypes::{Schema, SchemaRef};
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{DFSchema, ScalarValue};
use datafusion::datasource::provider_as_source;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::{Expr, LogicalPlanBuilder, TableProviderFilterPushDown, TableType};
use datafusion::physical_expr::{EquivalenceProperties, Partitioning, PhysicalExpr};
use datafusion::physical_plan::execution_plan::ReplaceChildrenOptions;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, ExecutionPlanProperties as _, PlanProperties,
};
use datafusion::prelude::{ident, lit};
use futures::TryStreamExt as _;
use lineward_sql::WithoutBeginning;
use std::fmt;
use std::sync::Arc;

/// A table behind a grant.
#[derive(Debug)]
pub(super) struct GuardedTable {
    name: String,
    inner: Arc<dyn TableProvider>,
    /// Columns that are there.
    schema: SchemaRef,
    /// Whether each is NULL.
    masked: Vec<bool>,
    /// What a row must meet, over the table behind.
    condition: Option<Expr>,
}

impl GuardedTable {
    /// The table behind a grant, or itself where the grant takes nothing away. `parse` reads conditions.
    pub fn behind(
        name: &str,
        inner: Arc<dyn TableProvider>,
        grant: &Grant,
        parse: impl Fn(&str, &DFSchema) -> Result<Expr>,
    ) -> Result<Arc<dyn TableProvider>> {
        let full = inner.schema();
        let is_denied = |column: &str| grant.denied_columns.iter().any(|d| d == column);
        let is_masked = |column: &str| grant.masks_content && CONTENT_COLUMNS.contains(&column);
        let kept: Vec<_> = full.fields().iter().filter(|field| !is_denied(field.name())).collect();
        let masked: Vec<bool> = kept.iter().map(|field| is_masked(field.name())).collect();
        let takes_nothing = kept.len() == full.fields().len() && !masked.contains(&true);
        if takes_nothing && grant.conditions.is_empty() {
            return Ok(inner);
        }
        let fields = kept.iter().zip(&masked).map(|(field, masked)| match masked {
            true => field.as_ref().clone().with_nullable(true),
            false => field.as_ref().clone(),
        });
        let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
        let condition = condition(grant, &full, parse)?;
        Ok(Arc::new(Self { name: name.to_owned(), inner, schema, masked, condition }))
    }
}

fn condition(
    grant: &Grant,
    schema: &SchemaRef,
    parse: impl Fn(&str, &DFSchema) -> Result<Expr>,
) -> Result<Option<Expr>> {
    let schema = DFSchema::try_from(schema.as_ref().clone())?;
    let each = grant.conditions.iter().map(|text| parse(text, &schema)).collect::<Result<Vec<_>>>()?;
    Ok(each.into_iter().reduce(Expr::or))
}

#[async_trait]
impl TableProvider for GuardedTable {
    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    fn table_type(&self) -> TableType {
        self.inner.table_type()
    }

    /// With a condition no filter of the query is taken, nor is one over a masked column: it would tell of rows, by its
    /// errors if not by its answer.
    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> Result<Vec<TableProviderFilterPushDown>> {
        let taken = |filter: &&Expr| match self.condition.is_none() && !self.reads_masked(filter) {
            true => TableProviderFilterPushDown::Inexact,
            false => TableProviderFilterPushDown::Unsupported,
        };
        Ok(filters.iter().map(taken).collect())
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let wanted: Vec<usize> = projection.cloned().unwrap_or_else(|| (0..self.masked.len()).collect());
        let mut behind = LogicalPlanBuilder::scan(self.name.as_str(), provider_as_source(self.inner.clone()), None)?;
        for filter in self.condition.iter().chain(filters) {
            behind = behind.filter(filter.clone())?;
        }
        let columns = wanted.iter().map(|i| self.column(*i)).collect::<Result<Vec<_>>>()?;
        let plan = behind.project(columns)?.limit(0, limit)?.build()?;
        let schema = Arc::new(self.schema.project(&wanted)?);
        let hides_rows = self.condition.is_some();
        let inner = state.create_physical_plan(&plan).await;
        let inner = inner.map_err(|error| if hides_rows { without_names(error) } else { error })?;
        Ok(Arc::new(GuardedExec::new(&self.name, schema, inner, hides_rows)))
    }
}

impl GuardedTable {
    fn reads_masked(&self, filter: &Expr) -> bool {
        let is_masked = |name: &str| {
            let place = self.schema.fields().iter().position(|f| f.name() == name);
            place.is_none_or(|i| self.masked[i])
        };
        filter.column_refs().iter().any(|column| is_masked(&column.name))
    }

    fn column(&self, i: usize) -> Result<Expr> {
        let field = self.schema.field(i);
        match self.masked[i] {
            true => Ok(lit(ScalarValue::try_from(field.data_type())?).alias(field.name())),
            false => Ok(ident(field.name())),
        }
    }
}

/// An error without names from the store: the nearest to one that does not exist may be in rows that are kept back.
fn without_names(error: DataFusionError) -> DataFusionError {
    let DataFusionError::External(inner) = error.find_root() else { return error };
    match inner.downcast_ref::<lineward_sql::Error>() {
        Some(lineward_sql::Error::Name(_)) => lineward_sql::Error::Name(
            "an argument names nothing, or several things, of what may be seen here; write the whole name".to_owned(),
        )
        .into(),
        _ => error,
    }
}

/// What a principal sees of a table, as one node without children: nothing is moved into it, nothing shows of it.
#[derive(Debug)]
struct GuardedExec {
    name: String,
    schema: SchemaRef,
    inner: Arc<dyn ExecutionPlan>,
    /// Rows are kept back, so that errors must not name what is in them.
    hides_rows: bool,
    properties: Arc<PlanProperties>,
}

impl GuardedExec {
    fn new(name: &str, schema: SchemaRef, inner: Arc<dyn ExecutionPlan>, hides_rows: bool) -> Self {
        let properties = PlanProperties::new(
            EquivalenceProperties::new(schema.clone()),
            Partitioning::UnknownPartitioning(inner.output_partitioning().partition_count()),
            inner.pipeline_behavior(),
            inner.boundedness(),
        );
        Self { name: name.to_owned(), schema, inner, hides_rows, properties: Arc::new(properties) }
    }
}

impl DisplayAs for GuardedExec {
    fn fmt_as(&self, format: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match format {
            DisplayFormatType::Default | DisplayFormatType::Verbose => write!(f, "GuardedExec: {}", self.name),
            DisplayFormatType::TreeRender => writeln!(f, "table={}", self.name),
        }
    }
}

impl ExecutionPlan for GuardedExec {
    fn name(&self) -> &str {
        "GuardedExec"
    }

    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        Vec::new()
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn replace_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
        _: ReplaceChildrenOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        match children.is_empty() {
            true => Ok(self),
            false => Err(DataFusionError::Internal("a guarded table has no children".to_owned())),
        }
    }

    fn with_new_children(self: Arc<Self>, children: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
        use datafusion::physical_plan::execution_plan::ChildrenPropertiesMode;
        self.replace_children(children, ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute))
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        if !self.hides_rows {
            return self.inner.execute(partition, context);
        }
        let rows = self.inner.execute(partition, Arc::new(without_beginning(&context)))?;
        Ok(Box::pin(RecordBatchStreamAdapter::new(self.schema.clone(), rows.map_err(without_names))))
    }
}

/// What is computed under it does not tell since when the store knows anything.
fn without_beginning(context: &TaskContext) -> TaskContext {
    let config = context.session_config().clone().with_extension(Arc::new(WithoutBeginning));
    TaskContext::new(
        context.task_id(),
        context.session_id(),
        config,
        context.scalar_functions().clone(),
        context.higher_order_functions().clone(),
        context.aggregate_functions().clone(),
        context.window_functions().clone(),
        context.runtime_env(),
    )
}
