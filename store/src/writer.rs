//! The one way into a store: batches of events and dead letters, committed with the positions they come from, and
//! projected before the epoch that shows them to readers.
//!
//! Order of commits of a batch: dead letters, events, projections, epoch. Each is one Delta commit with the `txn` actions
//! that say how far it goes. After a crash anywhere in between, [`StoreWriter::open`] finds what is missing from the log
//! of events and adds just that; positions are read from the events table, dead letters that are there already are
//! dropped by their own position.

use crate::bytes::Hash;
use crate::columns;
use crate::error::Error;
use crate::project::{Context, Projector, Rows};
use crate::rows::{DeadLetterRow, EpochRow, EventRow, Micros};
use crate::schema::{PROJECTIONS, TABLES};
use crate::store::{self, Store};
use crate::table::{Table, Txn};
use arrow::array::RecordBatch;
use lineward_events::{FormatChoice, Statement};
use serde::Serialize;
use std::collections::{BTreeMap, HashMap};

/// Application id of the projections; its version is the version of `events` that is projected.
const PROJECTION: &str = "lw1/projection";
/// Least time between two rows in `epochs`; every epoch is a commit, few are rows.
const EPOCH_ROW_INTERVAL: Micros = 60_000_000;

/// `source` of events that declare policies: the only ones whose policies hold.
pub const POLICY_SOURCE: &str = "policy";

/// An event on its way in: its row and what it says.
#[derive(Debug, Clone)]
pub struct Incoming {
    /// The row.
    pub row: EventRow,
    /// The statements, decoded from the row's payload.
    pub statements: Vec<Statement>,
}

/// Events in the form in which they are written, with what they say. Made by whoever decodes them, so that many threads
/// share that work and a batch that waits for its commit is small.
#[derive(Debug, Clone)]
pub struct EventBlock {
    rows: RecordBatch,
    /// Events that say something, in order.
    said: Vec<(Context, Box<[Statement]>)>,
}

impl EventBlock {
    /// A block of events, in order.
    ///
    /// # Errors
    /// [`Error::Rows`] where the rows do not fit their table, as more than 2 GiB of text would not.
    pub fn new(events: Vec<Incoming>) -> Result<Self, Error> {
        let rows = columns::encode(events.iter().map(|e| &e.row))?;
        let speaks = |e: &Incoming| !e.statements.is_empty();
        // Boxed, since a vector of one holds the room of four.
        let heard = |e: Incoming| (context(&e.row), heard(&e.row, e.statements).into());
        let said = events.into_iter().filter(speaks).map(heard).collect();
        Ok(Self { rows, said })
    }

    /// Number of events.
    pub fn len(&self) -> usize {
        self.rows.num_rows()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// About how many bytes of memory it holds.
    pub fn memory_bytes(&self) -> usize {
        self.rows.get_array_memory_size()
            + self.said.iter().map(|(_, said)| said.len()).sum::<usize>() * STATEMENT_BYTES
    }
}

/// About what a statement holds: a run with one input and one output.
const STATEMENT_BYTES: usize = 1_600;

/// A batch to commit.
#[derive(Debug, Clone, Default)]
pub struct Batch {
    /// Events that are encoded already, in order.
    pub blocks: Vec<EventBlock>,
    /// Events behind those of `blocks`, in order.
    pub events: Vec<Incoming>,
    /// Dead letters, each with the application id of its source in `txns`, where it has one.
    pub dead_letters: Vec<(DeadLetterRow, Option<String>)>,
    /// How far each source is read after this batch: application id and next position.
    pub txns: Vec<Txn>,
    /// Who writes.
    pub writer: String,
    /// Hash of the rule set in force.
    pub ruleset: Option<String>,
    /// When the batch was received.
    pub received_at: Micros,
}

/// What a commit did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Committed {
    /// Version of `events`.
    pub events_version: i64,
    /// The epoch readers see it in.
    pub epoch: i64,
    /// Rows added to projections.
    pub projected_rows: usize,
}

/// Writes a store.
pub struct StoreWriter {
    store: Store,
    dead_letters: Table,
    events: Table,
    epochs: Table,
    projections: HashMap<&'static str, Table>,
    /// Version of each projection that belongs to `projected`; another writer may have taken the table further.
    versions: BTreeMap<&'static str, i64>,
    projector: Projector,
    /// Version of `events` up to which the projector has applied events.
    projected: i64,
    epoch: i64,
    epochs_version: i64,
    last_epoch_row: Micros,
    /// What this writer knows of the positions in the log: as it asked for them or committed them.
    held: HashMap<String, Option<i64>>,
    /// The projector is ahead of what is committed: an error came in between. It has to start over.
    unfinished: bool,
}

impl StoreWriter {
    /// Opens a store for writing, made if the place is empty, and completes what a crash left undone.
    ///
    /// # Errors
    /// Those of [`Store::open_or_create`], and [`Error::Table`] where a table cannot be read or written.
    pub async fn open(uri: &str) -> Result<Self, Error> {
        let store = Store::open_or_create(uri).await?;
        let storage = store.storage();
        // Before any table is made: one that is lost must not come back empty, and a newer one stays as it is.
        let known = store.snapshot().await?;
        known.check_writable()?;
        let mut found = HashMap::new();
        for name in TABLES {
            found.insert(*name, Table::find(storage, name, known.version(name)).await?);
        }
        let mut projections = HashMap::new();
        for name in PROJECTIONS {
            projections.insert(*name, Table::open_or_create(storage, name, found.remove(name).flatten()).await?);
        }
        let mut table = async |name| Table::open_or_create(storage, name, found.remove(name).flatten()).await;
        let mut writer = Self {
            dead_letters: table("dead_letters").await?,
            events: table("events").await?,
            epochs: table("epochs").await?,
            projections,
            versions: BTreeMap::new(),
            projector: Projector::default(),
            projected: 0,
            epoch: 0,
            epochs_version: 0,
            last_epoch_row: 0,
            held: HashMap::new(),
            unfinished: false,
            store,
        };
        writer.reload().await?;
        writer.catch_up().await?;
        Ok(writer)
    }

    /// The store.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Position of a source: where to go on reading. `None` for a source that was never read.
    ///
    /// # Errors
    /// [`Error::Table`] where the log cannot be read.
    pub async fn position(&mut self, app_id: &str) -> Result<Option<i64>, Error> {
        self.events.refresh().await?;
        let at = self.events.txn_version(app_id).await?;
        self.held.insert(app_id.to_owned(), at);
        Ok(at)
    }

    /// Writes positions without rows, so that a later start does not depend on where a policy would begin.
    ///
    /// # Errors
    /// As [`StoreWriter::commit`].
    pub async fn set_positions(&mut self, txns: &[Txn], writer: &str) -> Result<(), Error> {
        if !txns.is_empty() {
            self.fence(txns, false).await?;
            self.events.append([], txns, &[("writer", writer.into())]).await?;
            self.hold(txns);
        }
        Ok(())
    }

    /// Commits a batch: all of it, once, or nothing.
    ///
    /// # Errors
    /// [`Error::Fenced`] where another owner of a source was first: the batch must be forgotten and its sources read
    /// again from their positions. Any other error leaves the store as it was or is completed by the next call.
    pub async fn commit(&mut self, mut batch: Batch) -> Result<Committed, Error> {
        if !batch.events.is_empty() {
            batch.blocks.push(EventBlock::new(std::mem::take(&mut batch.events))?);
        }
        self.fence(&batch.txns, batch.blocks.iter().any(|b| !b.is_empty())).await?;
        self.commit_dead_letters(&batch).await?;
        let metadata = [("writer", batch.writer.clone().into()), ("ruleset", batch.ruleset.clone().into())];
        let version = self.events.append(batch.blocks.iter().map(|b| &b.rows), &batch.txns, &metadata).await?;
        self.hold(&batch.txns);
        let projected_rows = match self.project_batch(&batch, version).await {
            // The events are in the log; only their projection has another writer to reckon with.
            Err(Error::Fenced { .. }) => {
                self.catch_up().await?;
                0
            }
            done => done?,
        };
        Ok(Committed { events_version: version, epoch: self.epoch, projected_rows })
    }

    /// Projects a batch from memory, which only a commit right behind what is projected can be; else the log says what
    /// came between.
    async fn project_batch(&mut self, batch: &Batch, version: i64) -> Result<usize, Error> {
        if version != self.projected + 1 || self.unfinished || !self.is_newest_epoch().await? {
            self.catch_up().await?;
            return Ok(0);
        }
        self.unfinished = true;
        for (context, statements) in batch.blocks.iter().flat_map(|b| &b.said) {
            self.projector.apply(context, statements);
        }
        let rows = self.write_projections(version).await?;
        self.write_epoch(&batch.writer, batch.ruleset.as_deref(), batch.received_at).await?;
        self.unfinished = false;
        Ok(rows)
    }

    /// Refuses positions that another writer has moved since this one asked for them, positions that go back, and rows
    /// without any position that goes on. A position that stays is none of these: a source was assigned and gave nothing.
    async fn fence(&mut self, txns: &[Txn], has_rows: bool) -> Result<(), Error> {
        self.events.refresh().await?;
        let mut goes_on = txns.is_empty() || !has_rows;
        for txn in txns {
            let at = self.events.txn_version(&txn.app_id).await?;
            let moved = self.held.get(&txn.app_id).is_some_and(|held| *held != at);
            if moved || at.is_some_and(|at| at > txn.version) {
                return Err(Error::Fenced { table: "events".to_owned() });
            }
            goes_on |= at.is_none_or(|at| at < txn.version);
        }
        if goes_on { Ok(()) } else { Err(Error::Fenced { table: "events".to_owned() }) }
    }

    fn hold(&mut self, txns: &[Txn]) {
        self.held.extend(txns.iter().map(|t| (t.app_id.clone(), Some(t.version))));
    }

    async fn commit_dead_letters(&mut self, batch: &Batch) -> Result<(), Error> {
        if batch.dead_letters.is_empty() {
            return Ok(());
        }
        self.dead_letters.refresh().await?;
        let mut done = BTreeMap::new();
        let mut txns = Vec::new();
        for txn in &batch.txns {
            let at = self.dead_letters.txn_version(&txn.app_id).await?;
            done.insert(txn.app_id.as_str(), at);
            // A replay may cut its batches elsewhere; the position never goes back.
            if at.is_none_or(|at| at < txn.version) {
                txns.push(txn.clone());
            }
        }
        let new: Vec<&DeadLetterRow> = batch
            .dead_letters
            .iter()
            .filter(|(row, app_id)| {
                let at = app_id.as_deref().and_then(|a| done.get(a).copied().flatten());
                !matches!((at, row.offset), (Some(at), Some(offset)) if offset < at)
            })
            .map(|(row, _)| row)
            .collect();
        if !new.is_empty() {
            let rows = columns::encode(new)?;
            self.dead_letters.append([&rows], &txns, &[("writer", batch.writer.clone().into())]).await?;
        }
        Ok(())
    }

    async fn is_newest_epoch(&mut self) -> Result<bool, Error> {
        Ok(self.epochs.refresh().await? == self.epochs_version)
    }

    /// Starts over from the newest epoch.
    async fn reload(&mut self) -> Result<(), Error> {
        let snapshot = self.store.snapshot().await?;
        self.projector = Projector::load(Rows {
            assets: snapshot.rows().await?,
            versions: snapshot.rows().await?,
            jobs: snapshot.rows().await?,
            runs: snapshot.rows().await?,
            run_io: snapshot.rows().await?,
            edges: snapshot.rows().await?,
            findings: snapshot.rows().await?,
            tags: snapshot.rows().await?,
            accesses: snapshot.rows().await?,
            fields: snapshot.rows().await?,
            column_mappings: snapshot.rows().await?,
            run_mappings: snapshot.rows().await?,
            signatures: snapshot.rows().await?,
            policies: snapshot.rows().await?,
            schemas: snapshot.rows().await?,
            record_index: Vec::new(),
        });
        self.projected = snapshot.version("events").unwrap_or(0);
        self.epoch = snapshot.epoch();
        self.epochs.refresh().await?;
        // Not what the refresh saw: an epoch that came between the two is not loaded.
        self.epochs_version = snapshot.version("epochs").unwrap_or(0);
        for (name, table) in &mut self.projections {
            table.refresh().await?;
            // No epoch yet: the version that made the table.
            self.versions.insert(name, snapshot.version(name).unwrap_or(0));
        }
        let newer = |name: &&&'static str| self.epoch > 0 && snapshot.version(name).is_none();
        let missing: Vec<&'static str> = PROJECTIONS.iter().filter(newer).copied().collect();
        if !missing.is_empty() {
            self.backfill(&missing).await?;
        }
        Ok(())
    }

    /// Fills tables that a store written by an older version does not have, from its log of events. Projected again the
    /// events give the rows that are there already, so that only those of the new tables are written; readers see them
    /// with the next epoch. Columns that came since stay as they are in rows that are there, until something is said of them.
    async fn backfill(&mut self, missing: &[&'static str]) -> Result<(), Error> {
        let mut projector = Projector::default();
        // An older version took in signatures without a word, and its edges are there already.
        projector.compare_signatures(!missing.contains(&"signatures"));
        for version in 1..=self.projected {
            let rows: Vec<EventRow> = store::decode("events", &self.events.added(version).await?)?;
            rows.iter().for_each(|row| projector.apply(&context(row), &statements(row)));
        }
        for (name, rows) in projector.take_batches()? {
            let Some(table) = self.projections.get_mut(name).filter(|_| missing.contains(&name)) else { continue };
            let (version, _) = write_rows(table, 0, self.projected, &rows).await?;
            self.versions.insert(name, version);
        }
        projector.compare_signatures(true);
        self.projector = projector;
        Ok(())
    }

    /// Projects every version of `events` that the newest epoch does not hold yet.
    ///
    /// # Errors
    /// [`Error::Fenced`] where other writers keep being faster.
    pub async fn catch_up(&mut self) -> Result<(), Error> {
        const TRIES: usize = 5;
        for _ in 0..TRIES {
            if self.unfinished || !self.is_newest_epoch().await? {
                self.reload().await?;
            }
            self.unfinished = true;
            match self.project_log().await {
                Err(Error::Fenced { .. }) => self.reload().await?,
                Err(e) => return Err(e),
                Ok(()) => {
                    self.unfinished = false;
                    return Ok(());
                }
            }
        }
        Err(Error::Fenced { table: "epochs".to_owned() })
    }

    async fn project_log(&mut self) -> Result<(), Error> {
        let newest = self.events.refresh().await?;
        while self.projected < newest {
            let version = self.projected + 1;
            let rows: Vec<EventRow> = store::decode("events", &self.events.added(version).await?)?;
            let mut received_at = 0;
            for row in &rows {
                received_at = received_at.max(row.received_at);
                self.projector.apply(&context(row), &statements(row));
            }
            self.write_projections(version).await?;
            self.write_epoch("projection", None, received_at).await?;
        }
        Ok(())
    }

    /// Writes what the projector has learned up to a version of `events`, all tables at once: mostly they wait for the
    /// disk. A table that is ahead (a crash came between two tables, or another writer was first) has these rows already.
    async fn write_projections(&mut self, version: i64) -> Result<usize, Error> {
        let mut batches: HashMap<&'static str, RecordBatch> = self.projector.take_batches()?.into_iter().collect();
        let versions = &self.versions;
        let writes = self.projections.iter_mut().filter_map(|(name, table)| {
            let rows = batches.remove(name)?;
            let from = versions.get(name).copied().unwrap_or(0);
            Some(async move { (*name, write_rows(table, from, version, &rows).await) })
        });
        // To the end, even where one fails: nothing of this version is under way when it is tried again.
        let mut count = 0;
        for (name, written) in futures::future::join_all(writes).await {
            let (table_version, rows) = written?;
            self.versions.insert(name, table_version);
            count += rows;
        }
        self.projected = version;
        Ok(count)
    }

    async fn write_epoch(&mut self, writer: &str, ruleset: Option<&str>, at: Micros) -> Result<(), Error> {
        // A refresh may have moved the handle past another writer's epoch, which a conflict would then not show.
        if self.epochs.txn_version(PROJECTION).await?.is_some_and(|at| at >= self.projected) {
            return Err(Error::Fenced { table: "epochs".to_owned() });
        }
        let mut table_versions: BTreeMap<String, i64> =
            self.versions.iter().map(|(name, version)| ((*name).to_owned(), *version)).collect();
        table_versions.insert("events".into(), self.projected);
        table_versions.insert("dead_letters".into(), self.dead_letters.version());
        let epoch = EpochRow {
            epoch: self.epoch + 1,
            table_versions,
            writer: writer.to_owned(),
            ruleset: ruleset.map(str::to_owned),
            committed_at: at,
        };
        let as_row = self.last_epoch_row == 0 || at - self.last_epoch_row >= EPOCH_ROW_INTERVAL;
        let rows = if as_row { Some(columns::encode([&epoch])?) } else { None };
        let said = serde_json::to_value(EpochInfo { epoch: &epoch }).map_err(|e| Error::rows("epochs", e))?;
        let txn = Txn { app_id: PROJECTION.to_owned(), version: self.projected };
        self.epochs_version = self.epochs.append(rows.as_ref(), &[txn], &[("epoch", said)]).await?;
        self.epoch = epoch.epoch;
        if as_row {
            self.last_epoch_row = at;
        }
        Ok(())
    }
}

/// Appends rows that are projected from a version of `events`; the table's version then, and how many rows were new.
/// `from` is a version of the table that has nothing of it.
async fn write_rows(table: &mut Table, from: i64, version: i64, rows: &RecordBatch) -> Result<(i64, usize), Error> {
    let txn = Txn { app_id: PROJECTION.to_owned(), version };
    if table.txn_version(PROJECTION).await?.is_some_and(|v| v >= version) {
        return Ok((table.version_of_txn(&txn, from).await?, 0));
    }
    Ok((table.append([rows], &[txn], &[]).await?, rows.num_rows()))
}

#[derive(Serialize)]
#[serde(transparent)]
struct EpochInfo<'a> {
    epoch: &'a EpochRow,
}

fn context(row: &EventRow) -> Context {
    Context { event_key: row.event_key, received_at: row.received_at, at: row.event_time.unwrap_or(row.received_at) }
}

/// What a stored event says, decoded again from its payload. A payload that a format refused was never stored as an
/// event of that format, so one that does not decode says nothing.
fn statements(row: &EventRow) -> Vec<Statement> {
    let Some(format) = lineward_events::formats::by_name(&row.format) else { return Vec::new() };
    let Ok(document) = serde_json::from_str(&row.payload) else { return Vec::new() };
    lineward_events::decode(FormatChoice::Named(format), &document, &row.payload)
        .map(|event| heard(row, event.statements))
        .unwrap_or_default()
}

/// What of an event's statements counts. Anybody who may send events could send a policy that clears everything: only
/// those that were declared to this program itself are heard.
fn heard(row: &EventRow, mut statements: Vec<Statement>) -> Vec<Statement> {
    if row.source != POLICY_SOURCE {
        statements.retain(|s| !matches!(s, Statement::Clearing(_)));
    }
    statements
}

/// The hash of an event's payload as stored.
pub fn event_key(canonical: &str) -> Hash {
    Hash(lineward_events::EventKey::of_canonical(canonical).0)
}
