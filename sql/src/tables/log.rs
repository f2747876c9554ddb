//! Tables that are logs: every row as it was written, up to the time that the session asks for.

use crate::graphs::micros;
use crate::options::LinewardOptions;
use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::datasource::provider_as_source;
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::{Expr, LogicalPlanBuilder, TableProviderFilterPushDown, TableType, col};
use datafusion::physical_plan::ExecutionPlan;
use lineward_store::{Snapshot, arrow_schema};
use std::sync::Arc;

/// A table that is only ever appended to.
#[derive(Debug)]
pub(crate) struct LogTable {
    pub(super) snapshot: Snapshot,
    pub(super) name: &'static str,
    schema: SchemaRef,
}

impl LogTable {
    /// A log by its name.
    pub fn new(snapshot: Snapshot, name: &'static str) -> Result<Self, crate::Error> {
        let Some(schema) = arrow_schema(name) else {
            return Err(lineward_store::Error::Unknown(format!("no table `{name}`")).into());
        };
        Ok(Self { snapshot, name, schema })
    }

    /// The column that says when Lineward learned of a row.
    fn known_since(&self) -> &'static str {
        if self.schema.column_with_name("received_at").is_some() { "received_at" } else { "recorded_at" }
    }
}

#[async_trait]
impl TableProvider for LogTable {
    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> Result<Vec<TableProviderFilterPushDown>> {
        Ok(vec![TableProviderFilterPushDown::Inexact; filters.len()])
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let provider = self.snapshot.provider(self.name).await.map_err(|e| DataFusionError::External(Box::new(e)))?;
        // Delta readers hand out string views; the plan above was made for plain strings.
        let mut plan = LogicalPlanBuilder::scan(self.name, provider_as_source(provider), None)?;
        if let Some(at) = LinewardOptions::as_of(state.config_options()).recorded {
            plan = plan.filter(col(self.known_since()).lt_eq(micros(at)))?;
        }
        for filter in filters {
            plan = plan.filter(filter.clone())?;
        }
        let all: Vec<usize> = (0..self.schema.fields().len()).collect();
        let columns = projection.unwrap_or(&all).iter().map(|i| {
            let field = self.schema.field(*i);
            datafusion::logical_expr::cast(col(field.name()), field.data_type().clone()).alias(field.name())
        });
        let plan = plan.project(columns.collect::<Vec<_>>())?.limit(0, limit)?.build()?;
        state.create_physical_plan(&plan).await
    }
}
