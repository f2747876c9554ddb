//! A table, or some of its files, as another process opens it: by the store's location, the table's version and the times
//! of the session. The same rows are read there as here, since versions of Delta tables do not change.

use super::raw::RawTable;
use super::{CurrentTable, LogTable};
use crate::Error;
use crate::options::LinewardOptions;
use datafusion::catalog::TableProvider;
use datafusion::common::config::ConfigOptions;
use datafusion::prelude::SessionConfig;
use lineward_store::graph::AsOf;
use lineward_store::{DataFile, Snapshot, Store, TABLES};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// A table of a session, or a part of one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredTable {
    store: String,
    table: String,
    version: Option<i64>,
    layer: Layer,
    /// The only files of this part; all where there are none.
    files: Option<Vec<String>>,
    /// The times of the session, in microseconds.
    valid: Option<i64>,
    recorded: Option<i64>,
}

/// Which of the tables of that name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Layer {
    Raw,
    Log,
    Current,
}

impl StoredTable {
    /// Whether a table is one of a store.
    pub fn is_stored(table: &dyn TableProvider) -> bool {
        source(table).is_some()
    }

    /// The parts of a table of a session with this configuration, of about so many bytes each and a whole file at
    /// least; `None` for a table that no other process can open. A table of schema `current` is one part, since which
    /// revision of a row is the newest is only seen in all of it. A table that has no version yet has no part.
    ///
    /// # Errors
    /// [`Error::Store`] where the table cannot be read, and that of a time before the store begins: where a part is read,
    /// nobody knows that.
    pub async fn parts(
        table: &dyn TableProvider,
        config: &ConfigOptions,
        part_bytes: u64,
    ) -> Result<Option<Vec<Self>>, Error> {
        let Some((snapshot, name, layer)) = source(table) else { return Ok(None) };
        if let Some(table) = table.downcast_ref::<CurrentTable>() {
            table.begun(config).await?;
        }
        let AsOf { valid, recorded } = LinewardOptions::as_of(config);
        let version = snapshot.version(name);
        let part = |files| Self {
            store: snapshot.location().to_owned(),
            table: name.to_owned(),
            version,
            layer,
            files,
            valid,
            recorded,
        };
        Ok(Some(match (version, layer) {
            (None, _) => Vec::new(),
            (_, Layer::Current) => vec![part(None)],
            _ => groups(snapshot.files(name).await?, part_bytes).into_iter().map(|files| part(Some(files))).collect(),
        }))
    }

    /// Opens it for a query with the times of [`Self::configure`].
    ///
    /// # Errors
    /// [`Error::Store`] where the store cannot be opened from here.
    pub async fn open(&self) -> Result<Arc<dyn TableProvider>, Error> {
        let unknown = || lineward_store::Error::Unknown(format!("no table `{}`", self.table));
        let name = *TABLES.iter().find(|name| **name == self.table).ok_or_else(unknown)?;
        let snapshot = Store::table_at(&self.store, name, self.version, self.files.clone()).await?;
        Ok(match self.layer {
            Layer::Raw => Arc::new(RawTable::open(snapshot, name).await?),
            Layer::Log => Arc::new(LogTable::new(snapshot, name)?),
            Layer::Current => Arc::new(CurrentTable::new(snapshot, name, None)?),
        })
    }

    /// Sets the times at which it is read.
    pub fn configure(&self, config: SessionConfig) -> SessionConfig {
        let as_of = AsOf { valid: self.valid, recorded: self.recorded };
        config.with_option_extension(LinewardOptions::at(as_of))
    }

    /// The store, for messages.
    pub fn store(&self) -> &str {
        &self.store
    }

    /// The table's name, for messages.
    pub fn table(&self) -> &str {
        &self.table
    }
}

fn source(table: &dyn TableProvider) -> Option<(&Snapshot, &'static str, Layer)> {
    if let Some(RawTable { snapshot, name, .. }) = table.downcast_ref() {
        return Some((snapshot, name, Layer::Raw));
    }
    if let Some(LogTable { snapshot, name, .. }) = table.downcast_ref() {
        return Some((snapshot, name, Layer::Log));
    }
    let CurrentTable { snapshot, name, .. } = table.downcast_ref()?;
    Some((snapshot, name, Layer::Current))
}

/// Files in groups of about so many bytes.
fn groups(files: Vec<DataFile>, part_bytes: u64) -> Vec<Vec<String>> {
    let mut groups: Vec<Vec<String>> = Vec::new();
    let mut filled = None;
    for file in files {
        filled = filled.and_then(|filled: u64| filled.checked_add(file.size_bytes)).filter(|all| *all <= part_bytes);
        if filled.is_none() {
            groups.push(Vec::new());
            filled = Some(file.size_bytes);
        }
        groups.last_mut().into_iter().for_each(|group| group.push(file.path.clone()));
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_grouped_by_size() {
        let file = |name: &str, size_bytes| DataFile { path: name.to_owned(), size_bytes };
        let files = || vec![file("a", 4), file("b", 6), file("c", 1), file("d", 20), file("e", 1)];
        assert_eq!(groups(files(), 10), [vec!["a", "b"], vec!["c"], vec!["d"], vec!["e"]]);
        assert_eq!((groups(files(), 0).len(), groups(files(), u64::MAX).len()), (5, 1));
        assert!(groups(Vec::new(), 10).is_empty());
    }
}
