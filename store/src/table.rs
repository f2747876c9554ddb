//! One Delta table as a log: create, append with a transaction, read what a range of versions added.
//!
//! Rules learned from the library's traps: a commit is made on the very snapshot that was checked for the transaction;
//! the post-commit hook is never run (it can fail although the commit landed); a handle is reopened, after a checkpoint,
//! every [`REOPEN_COMMITS`] commits, because commits on an old handle slow down and its memory grows; the library reads all
//! entries since the last checkpoint to tell a transaction's version, so what was told is kept; no string column has
//! statistics, neither in the log nor in the file, because they would hold values in clear.

use crate::storage::Storage;
use crate::{Error, marker, schema};
use arrow::array::{AsArray as _, RecordBatch, new_null_array};
use arrow::compute::{cast, filter_record_batch};
use arrow::datatypes::{DataType, FieldRef, Schema, SchemaRef};
use arrow::error::ArrowError;
use deltalake::kernel::transaction::{CommitBuilder, CommitProperties};
use deltalake::kernel::{Action, Add, StructField, Transaction};
use deltalake::logstore::LogStoreRef;
use deltalake::operations::create::CreateBuilder;
use deltalake::parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use deltalake::parquet::arrow::{ArrowWriter, ProjectionMask};
use deltalake::parquet::basic::{Compression, ZstdLevel};
use deltalake::parquet::file::properties::{EnabledStatistics, WriterProperties};
use deltalake::protocol::{DeltaOperation, SaveMode};
use deltalake::{DeltaTable, DeltaTableError};
use object_store::ObjectStoreExt as _;
use object_store::path::Path;
use serde_json::{Value, json};
use std::collections::HashMap;

/// Commits on one handle before it is checkpointed and reopened.
const REOPEN_COMMITS: u32 = 50;
/// Bytes of files that are read to tell what was added; of more, all is read anew, in less memory.
const ADDED_BYTES_MAX: i64 = 256 << 20;
/// Retries of a commit that lost the race for a version to an unrelated append.
const COMMIT_RETRIES: usize = 15;
/// Columns whose values hardly ever repeat: a dictionary of them costs time and then is given up.
const DISTINCT: &[&str] = &[
    "event_key",
    "payload",
    "payload_hmac",
    "offset",
    "run_id",
    "run_sid",
    "version",
    "version_id",
    "edge_id",
    "finding_id",
    "access_id",
    "asset_id",
    "src_version_id",
    "dst_version_id",
];
/// Rows in a data file's row group.
const ROW_GROUP_ROWS: usize = 1 << 17;

/// The handle of a writer.
pub(crate) struct Table {
    name: &'static str,
    storage: Storage,
    schema: SchemaRef,
    table: DeltaTable,
    commits: u32,
    txns: KnownTxns,
}

/// Versions of the transactions that were asked about, at a version of the table.
#[derive(Debug, Default)]
struct KnownTxns {
    at: i64,
    versions: HashMap<String, Option<i64>>,
}

impl KnownTxns {
    /// Takes in what the next version of the table says.
    fn follow<'t>(&mut self, version: i64, said: impl IntoIterator<Item = (&'t str, i64)>) {
        for (app_id, txn_version) in said {
            if let Some(known) = self.versions.get_mut(app_id) {
                *known = Some(txn_version);
            }
        }
        self.at = version;
    }
}

/// Where a producer of rows stands: an application id and a version, as Delta's `txn` action has them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Txn {
    /// Application id.
    pub app_id: String,
    /// Its version; only ever grows.
    pub version: i64,
}

impl Table {
    /// Looks for a table, which is written on then: one that this program cannot write on is refused, before anything of
    /// its store is changed. `named` is the version that the newest epoch names.
    ///
    /// # Errors
    /// [`Error::Missing`] where the epoch names a version of a table that does not exist; none is made in its stead.
    /// [`Error::TooNew`] where it is of a newer version.
    pub(crate) async fn find(
        storage: &Storage,
        name: &'static str,
        named: Option<i64>,
    ) -> Result<Option<DeltaTable>, Error> {
        let mut table = storage.table(name)?;
        if !exists(&table, name).await? {
            return match named.filter(|version| *version > 0) {
                Some(version) => Err(Error::missing(name, format!("the epoch names version {version}"))),
                None => Ok(None),
            };
        }
        table.load().await.map_err(marker::table_error(storage, name))?;
        refuse_newer(storage, &table, name)?;
        Ok(Some(table))
    }

    /// Opens a table that was found, or makes it; columns that it lacks of today's are added to it.
    pub(crate) async fn open_or_create(
        storage: &Storage,
        name: &'static str,
        found: Option<DeltaTable>,
    ) -> Result<Self, Error> {
        let schema = schema::arrow_schema(name).ok_or_else(|| Error::Unknown(format!("no table `{name}`")))?;
        let table = match found {
            Some(table) => table,
            None => {
                let mut table = storage.table(name)?;
                if let Err(e) = create(storage, name).await
                    // Somebody else may have been first: theirs is as good.
                    && !exists(&table, name).await?
                {
                    return Err(Error::table(name)(e));
                }
                table.load().await.map_err(Error::table(name))?;
                table
            }
        };
        // The newest commit of `epochs` is the newest epoch: nothing else may come behind it.
        let table = if name == "epochs" { table } else { with_all_columns(table, name).await? };
        Ok(Self { name, storage: storage.clone(), schema, table, commits: 0, txns: KnownTxns::default() })
    }

    /// The newest version this handle has seen.
    pub(crate) fn version(&self) -> i64 {
        self.table.version().map_or(-1, |v| v as i64)
    }

    /// Moves to the newest version.
    pub(crate) async fn refresh(&mut self) -> Result<i64, Error> {
        self.table.update_state().await.map_err(Error::table(self.name))?;
        Ok(self.version())
    }

    /// The version of an application's last transaction in what this handle has seen.
    pub(crate) async fn txn_version(&mut self, app_id: &str) -> Result<Option<i64>, Error> {
        self.follow_txns().await?;
        if let Some(known) = self.txns.versions.get(app_id) {
            return Ok(*known);
        }
        let snapshot = self.table.snapshot().map_err(Error::table(self.name))?;
        let log_store = self.table.log_store();
        let held = snapshot.transaction_version(log_store.as_ref(), app_id).await.map_err(Error::table(self.name))?;
        self.txns.versions.insert(app_id.to_owned(), held);
        Ok(held)
    }

    /// Brings what is known of transactions to the version of this handle, by what the log says since.
    async fn follow_txns(&mut self) -> Result<(), Error> {
        let newest = self.version();
        if self.txns.versions.is_empty() || newest - self.txns.at > i64::from(REOPEN_COMMITS) {
            self.txns = KnownTxns { at: newest, versions: HashMap::new() };
        }
        for version in (self.txns.at + 1)..=newest {
            let said = self.actions(version).await?;
            let txns = said.iter().filter_map(|action| match action {
                Action::Txn(txn) => Some((txn.app_id.as_str(), txn.version)),
                _ => None,
            });
            self.txns.follow(version, txns);
        }
        Ok(())
    }

    /// Appends rows and transactions in one commit; no rows is a commit of transactions alone. Returns the version.
    ///
    /// # Errors
    /// [`Error::Fenced`] where another writer has moved one of the transactions; nothing was written then.
    pub(crate) async fn append(
        &mut self,
        batches: impl IntoIterator<Item = &RecordBatch>,
        txns: &[Txn],
        metadata: &[(&str, Value)],
    ) -> Result<i64, Error> {
        let batch_id = uuid::Uuid::new_v4().to_string();
        let mut actions = Vec::new();
        let batches: Vec<&RecordBatch> = batches.into_iter().filter(|b| b.num_rows() > 0).collect();
        if !batches.is_empty() {
            actions.push(Action::Add(self.write_file(&batches, &batch_id).await?));
        }
        let transactions: Vec<Transaction> =
            txns.iter().map(|t| Transaction::new(t.app_id.clone(), t.version)).collect();
        let mut properties: Vec<(String, Value)> =
            metadata.iter().map(|(k, v)| (format!("lineward.{k}"), v.clone())).collect();
        properties.push(("lineward.batch_id".into(), batch_id.clone().into()));
        let committed = self.commit(actions, transactions, properties).await;
        match committed {
            Ok(version) => {
                if version == self.txns.at + 1 {
                    self.txns.follow(version, txns.iter().map(|txn| (txn.app_id.as_str(), txn.version)));
                }
                self.commits += 1;
                if self.commits >= REOPEN_COMMITS {
                    self.reopen().await?;
                } else {
                    self.refresh().await?;
                }
                Ok(version)
            }
            Err(e) => self.resolve(e, txns, &batch_id).await,
        }
    }

    async fn commit(
        &self,
        actions: Vec<Action>,
        transactions: Vec<Transaction>,
        metadata: Vec<(String, Value)>,
    ) -> Result<i64, DeltaTableError> {
        let properties = CommitProperties::default()
            .with_application_transactions(transactions)
            .with_create_checkpoint(false)
            .with_cleanup_expired_logs(Some(false))
            .with_metadata(metadata)
            .with_max_retries(COMMIT_RETRIES);
        let operation = DeltaOperation::Write { mode: SaveMode::Append, partition_by: None, predicate: None };
        let prepared = CommitBuilder::from(properties)
            .with_actions(actions)
            .build(Some(self.table.snapshot()?), self.table.log_store(), operation)
            .into_prepared_commit_future()
            .await?;
        Ok(prepared.await?.version as i64)
    }

    /// After an error the log says what happened: ours is there (it landed, only the answer was lost), the transaction
    /// is where it was (nothing landed), or somebody else moved it (fenced).
    async fn resolve(&mut self, e: DeltaTableError, txns: &[Txn], batch_id: &str) -> Result<i64, Error> {
        let before = self.version();
        let mut held = Vec::new();
        for txn in txns {
            held.push(self.txn_version(&txn.app_id).await?);
        }
        let newest = self.refresh().await?;
        for version in (before + 1)..=newest {
            if self
                .commit_info(version)
                .await?
                .is_some_and(|info| info.get("lineward.batch_id") == Some(&json!(batch_id)))
            {
                return Ok(version);
            }
        }
        for (txn, held) in txns.iter().zip(held) {
            // Moved at all, even to less than ours: what this commit was made from has changed.
            if self.txn_version(&txn.app_id).await? != held {
                return Err(Error::Fenced { table: self.name.to_owned() });
            }
        }
        Err(Error::table(self.name)(e))
    }

    /// Version and commit information of a table's newest commit, without loading the table; `None` where it has none.
    /// `seen` is a version that it had before, 0 where none is known: what came before is not looked at.
    pub(crate) async fn newest_commit(
        storage: &Storage,
        name: &'static str,
        seen: i64,
    ) -> Result<Option<(i64, HashMap<String, Value>)>, Error> {
        let log_store = storage.log_store(name)?;
        let Some(version) = newest_version(storage, &log_store, name, seen).await? else { return Ok(None) };
        let entry = log_store.read_commit_entry(version).await.map_err(Error::table(name))?.unwrap_or_default();
        let info = parse_actions(name, version as i64, &entry)?.into_iter().find_map(|a| match a {
            Action::CommitInfo(info) => Some(info.info),
            _ => None,
        });
        Ok(Some((version as i64, info.unwrap_or_default())))
    }

    async fn actions(&self, version: i64) -> Result<Vec<Action>, Error> {
        let entry = self
            .table
            .log_store()
            .read_commit_entry(version as u64)
            .await
            .map_err(Error::table(self.name))?
            .ok_or_else(|| Error::rows(self.name, format!("version {version} is not in the log any more")))?;
        parse_actions(self.name, version, &entry)
    }

    async fn commit_info(&self, version: i64) -> Result<Option<HashMap<String, Value>>, Error> {
        Ok(self.actions(version).await?.into_iter().find_map(|a| match a {
            Action::CommitInfo(info) => Some(info.info),
            _ => None,
        }))
    }

    /// The last version up to which an application's transactions do not exceed one of its versions; `from` is a version
    /// for which that holds.
    pub(crate) async fn version_of_txn(&self, txn: &Txn, from: i64) -> Result<i64, Error> {
        let mut found = from;
        for version in (from + 1)..=self.version() {
            let at = self.actions(version).await?.into_iter().find_map(|a| match a {
                Action::Txn(t) if t.app_id == txn.app_id => Some(t.version),
                _ => None,
            });
            match at {
                Some(at) if at > txn.version => break,
                Some(_) => found = version,
                None => {}
            }
        }
        Ok(found)
    }

    /// The rows that one version added, in the order in which they were written.
    pub(crate) async fn added(&self, version: i64) -> Result<Vec<RecordBatch>, Error> {
        let store = self.table.log_store().object_store(None);
        let mut out = Vec::new();
        for action in self.actions(version).await? {
            let Action::Add(add) = action else { continue };
            let path = Path::from(add.path.as_str());
            let fail = |e: String| Error::rows(self.name, e);
            let bytes = store.get(&path).await.map_err(|e| fail(e.to_string()))?;
            let bytes = bytes.bytes().await.map_err(|e| fail(e.to_string()))?;
            read_file(self.name, bytes, None, None, &mut out)?;
        }
        Ok(out)
    }

    async fn write_file(&self, batches: &[&RecordBatch], batch_id: &str) -> Result<Add, Error> {
        let bytes = encode(self.name, batches, &self.schema)?;
        let rows: usize = batches.iter().map(|b| b.num_rows()).sum();
        let path = format!("part-{batch_id}.zstd.parquet");
        let size = bytes.len() as i64;
        let store = self.table.log_store().object_store(None);
        store
            .put(&Path::from(path.as_str()), bytes.into())
            .await
            .map_err(|e| Error::Storage { uri: self.storage.uri.clone(), message: e.to_string() })?;
        Ok(Add {
            path,
            partition_values: HashMap::new(),
            size,
            modification_time: chrono::Utc::now().timestamp_millis(),
            data_change: true,
            stats: Some(json!({ "numRecords": rows }).to_string()),
            tags: None,
            deletion_vector: None,
            base_row_id: None,
            default_row_commit_version: None,
            clustering_provider: None,
        })
    }

    /// Writes a checkpoint and starts over with a fresh handle.
    async fn reopen(&mut self) -> Result<(), Error> {
        self.refresh().await?;
        if let Err(e) = deltalake::checkpoints::create_checkpoint(&self.table, None).await {
            // A table without a newer checkpoint opens more slowly and is otherwise whole.
            tracing::warn!(table = self.name, error = %e, "no checkpoint was written");
        }
        let mut table = self.storage.table(self.name)?;
        table.load().await.map_err(Error::table(self.name))?;
        self.table = table;
        self.commits = 0;
        Ok(())
    }
}

/// The rows that versions after `from` up to `to` added to a table, in the order in which they were written; only these
/// columns, or all, and of these only the rows that have a text in a column, where that is given. `None` where that cannot
/// be told from the log: files were taken away in between (a compaction), or entries are gone; and where it is much.
pub(crate) async fn added_between(
    storage: &Storage,
    name: &'static str,
    (from, to): (i64, i64),
    columns: Option<&[&str]>,
    only: Option<(&str, &str)>,
) -> Result<Option<Vec<RecordBatch>>, Error> {
    let log_store = storage.log_store(name)?;
    let store = log_store.object_store(None);
    let (mut paths, mut size_bytes) = (Vec::new(), 0i64);
    for version in (from + 1)..=to {
        let entry = log_store.read_commit_entry(version as u64).await.map_err(Error::table(name))?;
        let Some(entry) = entry else { return Ok(None) };
        for action in parse_actions(name, version, &entry)? {
            match action {
                Action::Add(add) => {
                    // Paths in the log are encoded as in a URL.
                    paths.push(Path::from_url_path(&add.path).map_err(|e| Error::rows(name, e))?);
                    size_bytes = size_bytes.saturating_add(add.size);
                }
                Action::Remove(_) => return Ok(None),
                _ => {}
            }
        }
    }
    if size_bytes > ADDED_BYTES_MAX {
        return Ok(None);
    }
    let mut out = Vec::new();
    for path in paths {
        let bytes = store.get(&path).await.map_err(|e| Error::rows(name, e))?;
        let bytes = bytes.bytes().await.map_err(|e| Error::rows(name, e))?;
        read_file(name, bytes, columns, only, &mut out)?;
    }
    Ok(Some(out))
}

fn read_file(
    name: &str,
    bytes: bytes::Bytes,
    columns: Option<&[&str]>,
    only: Option<(&str, &str)>,
    out: &mut Vec<RecordBatch>,
) -> Result<(), Error> {
    let fail = |e: deltalake::parquet::errors::ParquetError| Error::rows(name, e);
    let mut builder = ParquetRecordBatchReaderBuilder::try_new(bytes).map_err(fail)?;
    if let Some(columns) = columns {
        let wanted = ProjectionMask::columns(builder.parquet_schema(), columns.iter().copied());
        builder = builder.with_projection(wanted);
    }
    for batch in builder.build().map_err(fail)? {
        let batch = batch.map_err(|e| Error::rows(name, e))?;
        let batch = with_columns(name, batch, columns.unwrap_or_default())?;
        out.push(match only {
            None => batch,
            Some(only) => rows_with(&batch, only).map_err(|e| Error::rows(name, e))?,
        });
    }
    Ok(())
}

/// Adds the columns that a file of an older version lacks, null throughout, so that all files read alike.
fn with_columns(name: &str, batch: RecordBatch, columns: &[&str]) -> Result<RecordBatch, Error> {
    let held = batch.schema();
    if columns.iter().all(|column| held.column_with_name(column).is_some()) {
        return Ok(batch);
    }
    let today = schema::arrow_schema(name).ok_or_else(|| Error::Unknown(format!("no table `{name}`")))?;
    let lacks = |f: &&FieldRef| columns.contains(&f.name().as_str()) && held.column_with_name(f.name()).is_none();
    let missing: Vec<FieldRef> = today.fields().iter().filter(lacks).cloned().collect();
    let nulls = missing.iter().map(|field| new_null_array(field.data_type(), batch.num_rows()));
    let arrays = batch.columns().iter().cloned().chain(nulls).collect();
    let fields: Vec<FieldRef> = held.fields().iter().cloned().chain(missing.iter().cloned()).collect();
    RecordBatch::try_new(std::sync::Arc::new(Schema::new(fields)), arrays).map_err(|e| Error::rows(name, e))
}

/// The rows of a batch that have a text in a column.
fn rows_with(batch: &RecordBatch, (column, text): (&str, &str)) -> Result<RecordBatch, ArrowError> {
    let found = batch.column_by_name(column).ok_or_else(|| ArrowError::SchemaError(format!("no column `{column}`")))?;
    let texts = cast(found, &DataType::Utf8)?;
    let wanted = texts.as_string::<i32>().iter().map(|value| Some(value == Some(text))).collect();
    filter_record_batch(batch, &wanted)
}

fn parse_actions(name: &str, version: i64, entry: &bytes::Bytes) -> Result<Vec<Action>, Error> {
    deltalake::logstore::get_actions(version as u64, entry)
        // The library's error holds the log line; only its place goes on.
        .map_err(|_| Error::rows(name, format!("version {version} of the log does not parse")))
}

async fn newest_version(
    storage: &Storage,
    log_store: &LogStoreRef,
    name: &str,
    seen: i64,
) -> Result<Option<u64>, Error> {
    if let Some(seen) = u64::try_from(seen).ok().filter(|seen| *seen > 0)
        && let Ok(version) = log_store.get_latest_version(seen).await
    {
        return Ok(Some(version));
    }
    if !exists(&storage.table(name)?, name).await? {
        return Ok(None);
    }
    let version = match log_store.get_latest_version(last_checkpoint(log_store).await).await {
        // A hint may name what is not there.
        Err(_) => log_store.get_latest_version(0).await,
        found => found,
    };
    version.map(Some).map_err(Error::table(name))
}

/// The version that a table's hint names; 0 where there is none, or none that can be read: it is no more than a hint.
async fn last_checkpoint(log_store: &LogStoreRef) -> u64 {
    let place = log_store.log_path().clone().join("_last_checkpoint");
    let Ok(found) = log_store.object_store(None).get(&place).await else { return 0 };
    let hint: Value = match found.bytes().await {
        Ok(bytes) => serde_json::from_slice(&bytes).unwrap_or_default(),
        Err(_) => return 0,
    };
    hint.get("version").and_then(Value::as_u64).unwrap_or_default()
}

/// Whether there is a table with a log.
pub(crate) async fn exists(table: &DeltaTable, name: &str) -> Result<bool, Error> {
    table.verify_deltatable_existence().await.map_err(Error::table(name))
}

async fn create(storage: &Storage, name: &'static str) -> Result<(), DeltaTableError> {
    let log_store = storage.log_store(name).map_err(|e| DeltaTableError::Generic(e.to_string()))?;
    CreateBuilder::new()
        .with_log_store(log_store)
        .with_table_name(name)
        .with_columns(schema::delta_fields(name))
        // Should another writer append here: no column has statistics, which would hold values in clear.
        .with_configuration_property(deltalake::TableProperty::DataSkippingNumIndexedCols, Some("0"))
        .with_configuration_property(deltalake::TableProperty::AppendOnly, Some("false"))
        .await
        .map(|_| ())
}

/// A loaded table with today's columns: those that it lacks are added behind its own, in a commit of their own.
async fn with_all_columns(mut table: DeltaTable, name: &'static str) -> Result<DeltaTable, Error> {
    let missing = missing_columns(&table, name)?;
    if missing.is_empty() {
        return Ok(table);
    }
    let quiet = CommitProperties::default().with_create_checkpoint(false).with_cleanup_expired_logs(Some(false));
    let added = table.clone().add_columns().with_fields(missing).with_commit_properties(quiet).await;
    table.load().await.map_err(Error::table(name))?;
    match added {
        // Somebody else may have added them first: theirs are as good.
        Err(e) if !missing_columns(&table, name)?.is_empty() => Err(Error::table(name)(e)),
        _ => Ok(table),
    }
}

/// Refuses to write to a table with columns that only a newer version knows: a revision of one of its rows would be
/// without them.
fn refuse_newer(storage: &Storage, table: &DeltaTable, name: &'static str) -> Result<(), Error> {
    let today = schema::delta_fields(name);
    let held = table.snapshot().map_err(Error::table(name))?.schema();
    match held.fields().all(|field| today.iter().any(|known| known.name() == field.name())) {
        true => Ok(()),
        false => {
            Err(marker::part_too_new(&storage.uri, format!("table `{name}` has columns that this one does not know")))
        }
    }
}

fn missing_columns(table: &DeltaTable, name: &'static str) -> Result<Vec<StructField>, Error> {
    let held = table.snapshot().map_err(Error::table(name))?.schema();
    Ok(schema::delta_fields(name).into_iter().filter(|field| held.field(field.name()).is_none()).collect())
}

/// A column by whose values single rows are asked for, among files that each have all kinds of them: its Bloom filters tell
/// which of them have none of what is asked for. It is text, of which there are no statistics.
const LOOKED_UP: [(&str, &str); 1] = [("record_index", "subject_key")];
/// How often a filter may say that a value could be there which is not.
const BLOOM_FALSE_POSITIVES: f64 = 0.01;

/// Encodes rows as Parquet: zstd-1, statistics on numbers and times only.
fn encode(name: &str, batches: &[&RecordBatch], schema: &SchemaRef) -> Result<Vec<u8>, Error> {
    let mut properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
        .set_statistics_enabled(EnabledStatistics::None)
        .set_offset_index_disabled(true);
    for column in DISTINCT {
        properties = properties.set_column_dictionary_enabled((*column).into(), false);
    }
    for field in schema.fields() {
        if matches!(field.data_type(), DataType::Int64 | DataType::Int32 | DataType::Timestamp(..)) {
            properties =
                properties.set_column_statistics_enabled(field.name().as_str().into(), EnabledStatistics::Chunk);
        }
    }
    if let Some((_, column)) = LOOKED_UP.iter().find(|(table, _)| *table == name) {
        let rows: usize = batches.iter().map(|batch| batch.num_rows()).sum();
        properties = properties
            .set_column_bloom_filter_enabled((*column).into(), true)
            .set_column_bloom_filter_fpp((*column).into(), BLOOM_FALSE_POSITIVES)
            .set_column_bloom_filter_max_ndv((*column).into(), rows.clamp(1, ROW_GROUP_ROWS) as u64);
    }
    let mut out = Vec::new();
    let fail = |e: deltalake::parquet::errors::ParquetError| Error::rows(name, e);
    let mut writer = ArrowWriter::try_new(&mut out, schema.clone(), Some(properties.build())).map_err(fail)?;
    for batch in batches {
        writer.write(batch).map_err(fail)?;
    }
    writer.close().map_err(fail)?;
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{ArrayRef, StringArray};
    use std::sync::Arc;

    #[test]
    fn who_asks_for_a_subject_reads_no_file_that_has_none_of_it() {
        use deltalake::parquet::file::reader::{FileReader as _, SerializedFileReader};
        let event_key = crate::bytes::Hash([0; 32]);
        let recorded = crate::rows::Recorded { revision: 0, event_key, recorded_at: 1, retracted_at: None };
        let rows: Vec<crate::rows::RecordIndexRow> = (0..100)
            .map(|n: i64| crate::rows::RecordIndexRow {
                subject_key: format!("key:{:02}", n * 37 % 100),
                entity: "EMAIL_ADDRESS".into(),
                version_id: n,
                row_group: None,
                row: n,
                byte_offset: n,
                byte_len: 5,
                recorded: recorded.clone(),
            })
            .collect();
        let batch = crate::columns::encode(&rows).expect("rows fit");
        let bytes = encode("record_index", &[&batch], &batch.schema()).expect("they are written");
        let size = bytes.len();
        let reader = SerializedFileReader::new(bytes::Bytes::from(bytes)).expect("it is read");
        let column = reader.metadata().row_group(0).column(0);
        assert!(column.bloom_filter_offset().is_some() && column.statistics().is_none());
        assert!(size < 20_000, "{size} bytes");
    }

    #[test]
    fn rows_that_are_not_wanted_do_not_stay() {
        let kinds: ArrayRef = Arc::new(StringArray::from(vec![Some("run"), Some("scan"), None, Some("scan")]));
        let payloads: ArrayRef = Arc::new(StringArray::from(vec!["a", "b", "c", "d"]));
        let batch = RecordBatch::try_from_iter([("event_kind", kinds), ("payload", payloads)]).expect("columns fit");
        let kept = rows_with(&batch, ("event_kind", "scan")).expect("a column");
        assert_eq!(kept.column(1).as_string::<i32>().iter().flatten().collect::<Vec<_>>(), ["b", "d"]);
        assert!(rows_with(&batch, ("kind", "scan")).is_err());
    }
}
