//! Schema `raw`: the Delta tables as they are, all revisions, opened when a query names them.

use async_trait::async_trait;
use datafusion::catalog::{SchemaProvider, TableProvider};
use datafusion::error::{DataFusionError, Result};
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
        let provider = self.snapshot.provider(name).await;
        provider.map(Some).map_err(|e| DataFusionError::External(Box::new(e)))
    }

    fn table_exist(&self, name: &str) -> bool {
        TABLES.contains(&name)
    }
}
