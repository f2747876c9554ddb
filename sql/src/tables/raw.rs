//! Schema `raw`: the Delta tables as they are, all revisions, opened when a query names them.

use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use datafusion::catalog::{SchemaProvider, Session, TableProvider};
use datafusion::common::Statistics;
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown, TableType};
use datafusion::physical_plan::ExecutionPlan;
use lineward_store::{Snapshot, TABLES};
use std::sync::Arc;

/// The tables of a snapshot.
#[derive(Debug)]
pub(crate) struct RawSchema {
    snapshot: Snapshot,
}

impl RawSchema {
    pub fn new(snapshot: Snapshot) -> Self {
        Self { snapshot }
    }
}

#[async_trait]
impl SchemaProvider for RawSchema {
    fn table_names(&self) -> Vec<String> {
        TABLES.iter().map(|name| (*name).to_owned()).collect()
    }

    async fn table(&self, name: &str) -> Result<Option<Arc<dyn TableProvider>>> {
        if !self.table_exist(name) {
            return Ok(None);
        }
        let Some(known) = TABLES.iter().find(|known| **known == name) else { return Ok(None) };
        let table = RawTable::open(self.snapshot.clone(), known).await;
        table.map(|table| Some(Arc::new(table) as _)).map_err(|e| DataFusionError::External(Box::new(e)))
    }

    fn table_exist(&self, name: &str) -> bool {
        TABLES.contains(&name)
    }
}

/// A Delta table that says where it is from, so that another process can be told of it.
#[derive(Debug)]
pub(crate) struct RawTable {
    pub(super) snapshot: Snapshot,
    pub(super) name: &'static str,
    table: Arc<dyn TableProvider>,
}

impl RawTable {
    pub async fn open(snapshot: Snapshot, name: &'static str) -> Result<Self, lineward_store::Error> {
        let table = snapshot.provider(name).await?;
        Ok(Self { snapshot, name, table })
    }
}

#[async_trait]
impl TableProvider for RawTable {
    fn schema(&self) -> SchemaRef {
        self.table.schema()
    }

    fn table_type(&self) -> TableType {
        self.table.table_type()
    }

    fn statistics(&self) -> Option<Statistics> {
        self.table.statistics()
    }

    /// Filters leave out files and row groups; what is left is filtered again, wherever it is read.
    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> Result<Vec<TableProviderFilterPushDown>> {
        let inexact = |support| match support {
            TableProviderFilterPushDown::Exact => TableProviderFilterPushDown::Inexact,
            other => other,
        };
        Ok(self.table.supports_filters_pushdown(filters)?.into_iter().map(inexact).collect())
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        self.table.scan(state, projection, filters, limit).await
    }
}
