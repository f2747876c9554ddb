//! Tables of older stores with the columns of today: null throughout where a table has none yet.
//!
//! A reader changes nothing of the store; a writer adds the columns to the table itself when it opens it (`table.rs`).

use arrow::datatypes::{Schema, SchemaRef};
use async_trait::async_trait;
use deltalake::datafusion::catalog::{Session, TableProvider};
use deltalake::datafusion::common::ScalarValue;
use deltalake::datafusion::error::Result;
use deltalake::datafusion::logical_expr::{Expr, TableProviderFilterPushDown, TableType};
use deltalake::datafusion::physical_expr::PhysicalExpr;
use deltalake::datafusion::physical_expr::expressions::{Column, Literal};
use deltalake::datafusion::physical_plan::ExecutionPlan;
use deltalake::datafusion::physical_plan::projection::ProjectionExec;
use std::sync::Arc;

/// A table with the columns behind its own that it lacks of today's; the table itself where it has them all. Only
/// columns that may be null can be missing: shapes grow by nothing else.
pub(crate) fn widened(inner: Arc<dyn TableProvider>, today: &SchemaRef) -> Arc<dyn TableProvider> {
    let held = inner.schema();
    let lacks = |name: &str| held.column_with_name(name).is_none();
    let missing: Vec<_> = today.fields().iter().filter(|f| f.is_nullable() && lacks(f.name())).cloned().collect();
    if missing.is_empty() {
        return inner;
    }
    let fields: Vec<_> = held.fields().iter().cloned().chain(missing).collect();
    Arc::new(Widened { own: held.fields().len(), schema: Arc::new(Schema::new(fields)), inner })
}

#[derive(Debug)]
struct Widened {
    inner: Arc<dyn TableProvider>,
    schema: SchemaRef,
    /// Columns that are the table's own; the others come behind them.
    own: usize,
}

impl Widened {
    fn is_own(&self, filter: &Expr) -> bool {
        filter.column_refs().iter().all(|c| self.schema.index_of(&c.name).is_ok_and(|at| at < self.own))
    }
}

#[async_trait]
impl TableProvider for Widened {
    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    fn table_type(&self) -> TableType {
        self.inner.table_type()
    }

    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> Result<Vec<TableProviderFilterPushDown>> {
        let support = |filter: &&Expr| match self.is_own(filter) {
            true => Ok(self.inner.supports_filters_pushdown(&[*filter])?.remove(0)),
            false => Ok(TableProviderFilterPushDown::Unsupported),
        };
        filters.iter().map(support).collect()
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let all: Vec<usize> = (0..self.schema.fields().len()).collect();
        let wanted = projection.unwrap_or(&all);
        let own: Vec<usize> = wanted.iter().copied().filter(|at| *at < self.own).collect();
        let plan = self.inner.scan(state, Some(&own), filters, limit).await?;
        let mut place = 0;
        let columns = wanted.iter().map(|at| {
            let field = self.schema.field(*at);
            let column: Arc<dyn PhysicalExpr> = if *at < self.own {
                place += 1;
                Arc::new(Column::new(field.name(), place - 1))
            } else {
                Arc::new(Literal::new(ScalarValue::try_new_null(field.data_type())?))
            };
            Ok((column, field.name().clone()))
        });
        let columns = columns.collect::<Result<Vec<_>>>()?;
        Ok(Arc::new(ProjectionExec::try_new(columns, plan)?))
    }
}
