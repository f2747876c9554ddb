//! A store: a folder of Delta tables with a marker file, opened for reading or writing.
//!
//! Readers work on a [`Snapshot`]: the versions of all tables that the newest epoch names, so that an event is never seen
//! without what was projected from it.

use crate::error::Error;
use crate::marker::{self, MARKER};
use crate::rows::{DeadLetterRow, EpochRow, Row};
use crate::schema::{self, TABLES};
use crate::storage::Storage;
use crate::table::{Table, added_between, exists};
use crate::widen::widened;
use arrow::array::RecordBatch;
use deltalake::DeltaTable;
use deltalake::datafusion::catalog::TableProvider;
use deltalake::datafusion::datasource::MemTable;
use deltalake::datafusion::prelude::SessionContext;
use futures::StreamExt as _;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use tokio::task::JoinSet;

/// An open store.
#[derive(Debug, Clone)]
pub struct Store {
    storage: Storage,
    /// Version of `epochs` when a cut was last made; 0 before that.
    epochs_seen: Arc<AtomicI64>,
}

impl Store {
    /// Opens a store that exists.
    ///
    /// # Errors
    /// [`Error::NotAStore`], [`Error::TooNew`], or [`Error::Storage`] where the place cannot be reached.
    pub async fn open(uri: &str) -> Result<Self, Error> {
        let storage = Storage::resolve(uri, false)?;
        match storage.read(MARKER).await? {
            Some(marker) => marker::check(uri, &marker)?,
            None => {
                return Err(Error::NotAStore {
                    uri: uri.to_owned(),
                    message:
                        "it has no `lineward-store.json`; check the path, or make a store with `lineward ingest`, \
                              `lineward run` or `lineward scan --store`"
                            .into(),
                });
            }
        }
        Ok(Self { storage, epochs_seen: Arc::default() })
    }

    /// Opens a store, made if the place is empty.
    ///
    /// # Errors
    /// As [`Store::open`]; a place that holds something else is not touched.
    pub async fn open_or_create(uri: &str) -> Result<Self, Error> {
        let storage = Storage::resolve(uri, true)?;
        if !Self::is_at(&storage).await? {
            storage.create(MARKER, marker::of_today()?).await?;
        }
        Ok(Self { storage, epochs_seen: Arc::default() })
    }

    /// Whether a store is at a place, where one could be made otherwise. Nothing is made.
    ///
    /// # Errors
    /// As [`Store::open_or_create`].
    pub async fn exists(uri: &str) -> Result<bool, Error> {
        if Storage::is_absent(uri) {
            return Ok(false);
        }
        Self::is_at(&Storage::resolve(uri, false)?).await
    }

    /// Whether a store that this version reads is there, or nothing at all.
    async fn is_at(storage: &Storage) -> Result<bool, Error> {
        if let Some(marker) = storage.read(MARKER).await? {
            marker::check(&storage.uri, &marker)?;
            return Ok(true);
        }
        match storage.is_empty().await? {
            true => Ok(false),
            false => Err(Error::NotAStore {
                uri: storage.uri.clone(),
                message: "it holds something else; name an empty or new folder".into(),
            }),
        }
    }

    /// The location as given.
    pub fn uri(&self) -> &str {
        &self.storage.uri
    }

    pub(crate) fn storage(&self) -> &Storage {
        &self.storage
    }

    /// The newest consistent cut through all tables.
    ///
    /// # Errors
    /// [`Error::Table`] where a table cannot be read.
    pub async fn snapshot(&self) -> Result<Snapshot, Error> {
        let epochs = Table::newest_commit(&self.storage, "epochs", self.epochs_seen.load(Ordering::Relaxed)).await?;
        let newest = epochs.as_ref().and_then(|(_, info)| info.get("lineward.epoch")).cloned();
        let newest: Option<EpochRow> = match newest {
            Some(said) => Some(serde_json::from_value(said).map_err(|e| Error::rows("epochs", e))?),
            None => None,
        };
        let mut versions = newest.as_ref().map(|e| e.table_versions.clone()).unwrap_or_default();
        match epochs {
            Some((version, _)) => {
                self.epochs_seen.store(version, Ordering::Relaxed);
                versions.insert("epochs".to_owned(), version);
            }
            // Without it everything would look as if nothing had been written yet.
            None => match Table::newest_commit(&self.storage, "events", 0).await? {
                Some((version, _)) if version > 0 => {
                    return Err(Error::missing("epochs", format!("`events` is at version {version}")));
                }
                _ => {}
            },
        }
        let epoch = newest.map_or(0, |e| e.epoch);
        Ok(Snapshot { inner: Arc::new(Inner { storage: self.storage.clone(), epoch, versions, files: None }) })
    }

    /// One table at a version that a cut names, for a process that was told of it. Of `files` none but these are read.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub async fn table_at(
        uri: &str,
        table: &str,
        version: Option<i64>,
        files: Option<Vec<String>>,
    ) -> Result<Snapshot, Error> {
        let storage = Self::open(uri).await?.storage;
        let versions = version.map(|version| (table.to_owned(), version)).into_iter().collect();
        Ok(Snapshot { inner: Arc::new(Inner { storage, epoch: 0, versions, files }) })
    }
}

/// A data file of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataFile {
    /// Below the table.
    pub path: String,
    /// Bytes.
    pub size_bytes: u64,
}

async fn load(storage: &Storage, name: &str, version: i64) -> Result<Option<DeltaTable>, Error> {
    let mut table = storage.table(name)?;
    if !exists(&table, name).await? {
        return match version {
            0 => Ok(None),
            _ => Err(Error::missing(name, format!("the epoch names version {version}"))),
        };
    }
    table.load_version(version as u64).await.map_err(marker::table_error(storage, name))?;
    Ok(Some(table))
}

/// All rows of a table.
async fn read_all(table: &DeltaTable, name: &str) -> Result<Vec<RecordBatch>, Error> {
    let fail = |e: deltalake::datafusion::error::DataFusionError| Error::rows(name, e);
    let provider = table.table_provider().await.map_err(fail)?;
    let context = SessionContext::new();
    let frame = context.read_table(provider).map_err(fail)?;
    frame.collect().await.map_err(fail)
}

pub(crate) fn decode<R: for<'de> Deserialize<'de>>(name: &str, batches: &[RecordBatch]) -> Result<Vec<R>, Error> {
    let schema = schema::arrow_schema(name).ok_or_else(|| Error::Unknown(format!("no table `{name}`")))?;
    let mut out = Vec::new();
    for batch in batches {
        let batch = conform(name, batch, &schema)?;
        let rows: Vec<R> = serde_arrow::from_record_batch(&batch).map_err(|e| Error::rows(name, e))?;
        out.extend(rows);
    }
    Ok(out)
}

/// Casts what a reader made of the files (string views, other map names) to the table's own types.
fn conform(name: &str, batch: &RecordBatch, schema: &arrow::datatypes::SchemaRef) -> Result<RecordBatch, Error> {
    let columns = schema
        .fields()
        .iter()
        .map(|field| match batch.column_by_name(field.name()) {
            Some(column) => arrow::compute::cast(column, field.data_type()).map_err(|e| Error::rows(name, e)),
            None => Ok(arrow::array::new_null_array(field.data_type(), batch.num_rows())),
        })
        .collect::<Result<Vec<_>, _>>()?;
    RecordBatch::try_new(schema.clone(), columns).map_err(|e| Error::rows(name, e))
}

/// A consistent cut through all tables. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Snapshot {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    storage: Storage,
    epoch: i64,
    versions: BTreeMap<String, i64>,
    /// The only files that are read, where it is a part of a table.
    files: Option<Vec<String>>,
}

impl Snapshot {
    /// The store's location as another process can open it: a path is absolute.
    pub fn location(&self) -> &str {
        self.inner.storage.url()
    }

    /// The data files of a table in this cut, sorted by their paths, which are the order of nothing.
    ///
    /// # Errors
    /// [`Error::Table`] where the table cannot be read.
    pub async fn files(&self, name: &str) -> Result<Vec<DataFile>, Error> {
        let Some(table) = self.table(name).await? else { return Ok(Vec::new()) };
        let state = table.snapshot().map_err(Error::table(name))?;
        let size_bytes = |size: i64| u64::try_from(size).unwrap_or_default();
        let files = state.log_data().into_iter();
        let files = files.map(|f| DataFile { path: f.path().into_owned(), size_bytes: size_bytes(f.size()) });
        let mut files: Vec<DataFile> = files.collect();
        files.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(files)
    }

    /// Number of the epoch; 0 where nothing was written yet.
    pub fn epoch(&self) -> i64 {
        self.inner.epoch
    }

    /// Version of a table in this cut; `None` where it has none yet.
    pub fn version(&self, table: &str) -> Option<i64> {
        self.inner.versions.get(table).copied()
    }

    /// Refuses to be written on where the epoch names tables that only a newer version knows: its own epochs would not name
    /// them, and what it adds would be missing in them.
    pub(crate) fn check_writable(&self) -> Result<(), Error> {
        let unknown = self.inner.versions.keys().filter(|name| !TABLES.contains(&name.as_str())).count();
        match unknown {
            0 => Ok(()),
            1 => Err(marker::part_too_new(&self.inner.storage.uri, "a table that this one does not know".into())),
            n => Err(marker::part_too_new(&self.inner.storage.uri, format!("{n} tables that this one does not know"))),
        }
    }

    async fn table(&self, name: &str) -> Result<Option<DeltaTable>, Error> {
        match self.version(name) {
            Some(version) => load(&self.inner.storage, name, version).await,
            None => Ok(None),
        }
    }

    /// A table of this cut for the query engine; an empty one where nothing was written yet.
    ///
    /// # Errors
    /// [`Error::Unknown`] for a name that is no table, [`Error::Table`] where it cannot be read.
    pub async fn provider(&self, name: &str) -> Result<Arc<dyn TableProvider>, Error> {
        let Some(schema) = schema::arrow_schema(name) else {
            return Err(Error::Unknown(format!("no table `{name}`; there are {}", TABLES.join(", "))));
        };
        match self.table(name).await? {
            Some(table) => {
                let provider = table.table_provider();
                let provider = match &self.inner.files {
                    Some(files) => provider.with_file_paths(files.iter().cloned()),
                    None => provider,
                };
                Ok(widened(provider.await.map_err(|e| Error::rows(name, e))?, &schema))
            }
            None => Ok(Arc::new(MemTable::try_new(schema, vec![vec![]]).map_err(|e| Error::rows(name, e))?)),
        }
    }

    /// Columns of a table in this cut, all revisions, in the order in which they were written. Columns that the table
    /// does not have yet are null.
    ///
    /// # Errors
    /// As [`Self::rows`].
    pub async fn columns(&self, name: &'static str, columns: &[&str]) -> Result<Vec<RecordBatch>, Error> {
        self.columns_as(name, columns, |batch| Ok(batch.clone())).await
    }

    /// As [`Self::columns`], each batch in a shape of its own as soon as it is read.
    ///
    /// # Errors
    /// As [`Self::rows`], and those of `shape`.
    pub async fn columns_as(
        &self,
        name: &'static str,
        columns: &[&str],
        shape: fn(&RecordBatch) -> Result<RecordBatch, Error>,
    ) -> Result<Vec<RecordBatch>, Error> {
        if self.table(name).await?.is_none() {
            return Ok(Vec::new());
        }
        let fail = move |e: deltalake::datafusion::error::DataFusionError| Error::rows(name, e);
        let provider = self.provider(name).await?;
        let has = |column: &&&str| provider.schema().column_with_name(column).is_some();
        let wanted: Vec<&str> = columns.iter().filter(has).copied().collect();
        let frame = SessionContext::new().read_table(provider.clone()).map_err(fail)?;
        let frame = frame.select_columns(&wanted).map_err(fail)?;
        let mut reading = JoinSet::new();
        for (part, mut stream) in frame.execute_stream_partitioned().await.map_err(fail)?.into_iter().enumerate() {
            reading.spawn(async move {
                let mut batches = Vec::new();
                while let Some(batch) = stream.next().await {
                    batches.push(shape(&batch.map_err(fail)?)?);
                }
                Ok::<_, Error>((part, batches))
            });
        }
        let mut parts = Vec::new();
        while let Some(read) = reading.join_next().await {
            parts.push(read.map_err(|e| Error::rows(name, e))??);
        }
        parts.sort_by_key(|(part, _)| *part);
        Ok(parts.into_iter().flat_map(|(_, batches)| batches).collect())
    }

    /// Rows of a table in this cut that an earlier one of the same store does not have, in the order in which they were
    /// written; only these columns, or all. `None` where that cannot be told: the table was rewritten in between, or so much
    /// was added that it is better read with all that was there before.
    ///
    /// # Errors
    /// As [`Self::rows`].
    pub async fn added_since(
        &self,
        before: &Snapshot,
        name: &'static str,
        columns: Option<&[&str]>,
    ) -> Result<Option<Vec<RecordBatch>>, Error> {
        self.added(before, name, columns, None).await
    }

    /// As [`Self::added_since`], the events of one kind: `event_kind` and these columns. The others, with all that is in
    /// them, are left out while they are read.
    ///
    /// # Errors
    /// As [`Self::rows`].
    pub async fn events_since(
        &self,
        before: &Snapshot,
        kind: &str,
        columns: &[&str],
    ) -> Result<Option<Vec<RecordBatch>>, Error> {
        let columns = [&["event_kind"], columns].concat();
        self.added(before, "events", Some(&columns), Some(("event_kind", kind))).await
    }

    async fn added(
        &self,
        before: &Snapshot,
        name: &'static str,
        columns: Option<&[&str]>,
        only: Option<(&str, &str)>,
    ) -> Result<Option<Vec<RecordBatch>>, Error> {
        let Some(to) = self.version(name) else { return Ok(Some(Vec::new())) };
        let from = before.version(name).unwrap_or(-1);
        added_between(&self.inner.storage, name, (from, to), columns, only).await
    }

    /// As [`Self::added_since`], as rows.
    ///
    /// # Errors
    /// As [`Self::rows`].
    pub async fn rows_since<R: Row>(&self, before: &Snapshot) -> Result<Option<Vec<R>>, Error> {
        let added = self.added_since(before, R::TABLE, None).await?;
        added.map(|batches| decode(R::TABLE, &batches)).transpose()
    }

    /// All dead letters of this cut.
    ///
    /// # Errors
    /// As [`Self::rows`].
    pub async fn dead_letters(&self) -> Result<Vec<DeadLetterRow>, Error> {
        match self.table("dead_letters").await? {
            Some(table) => decode("dead_letters", &read_all(&table, "dead_letters").await?),
            None => Ok(Vec::new()),
        }
    }

    /// All revisions of a table's rows in this cut, lower revisions of a key first.
    ///
    /// # Errors
    /// [`Error::Table`] or [`Error::Rows`] where they cannot be read.
    pub async fn rows<R: Row>(&self) -> Result<Vec<R>, Error> {
        let Some(table) = self.table(R::TABLE).await? else { return Ok(Vec::new()) };
        let mut rows: Vec<R> = decode(R::TABLE, &read_all(&table, R::TABLE).await?)?;
        rows.sort_by_key(|r| r.recorded().revision);
        Ok(rows)
    }
}
