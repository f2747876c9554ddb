//! Files of events into a store, each record once: a file that was read before goes on where it ended.

use crate::clearing::record_clearing;
use crate::process::{Counters, Processor, engine_for, now_micros};
use crate::{Error, config::ClassifySpec};
use lineward_classifiers::{Engine, FingerprintKey};
use lineward_connectors::file::{FileItem, FileSource};
use lineward_connectors::{ConnectorError, Position, Record};
use lineward_events::formats::lineward::ClearingRule;
use lineward_events::{DecodeError, DecodeReason, FormatChoice};
use lineward_store::rows::DeadLetterRow;
use lineward_store::{Batch, StoreWriter, Txn};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::io::Read as _;

/// Records in a batch.
const BATCH_RECORDS: usize = 20_000;
/// Bytes in a batch.
const BATCH_BYTES: usize = 32 << 20;

/// How to ingest.
#[derive(Clone)]
pub struct IngestOptions {
    /// Store, made if it does not exist.
    pub store: String,
    /// Format of the events.
    pub format: FormatChoice,
    /// What is searched for.
    pub classify: ClassifySpec,
    /// Key of fingerprints.
    pub key: FingerprintKey,
    /// Which masking is trusted to take which tags away; recorded before the first event.
    pub clearing: Vec<ClearingRule>,
}

/// Reads files (`-` is standard input, a folder is its files) into a store. `problem` hears of every file that could not
/// be read to its end; the others are read all the same.
///
/// # Errors
/// [`Error::Store`] or [`Error::Classifier`]; what is wrong with an input is not an error.
pub async fn ingest(
    paths: &[String],
    options: &IngestOptions,
    mut problem: impl FnMut(&ConnectorError),
    mut progress: impl FnMut(&Counters),
) -> Result<Counters, Error> {
    let engine = engine_for(&options.classify.categories)?;
    let mut processor = Processor::new(&engine, options.key.clone(), options.classify.min_confidence, options.format)?;
    let mut writer = StoreWriter::open(&options.store).await?;
    record_clearing(&mut writer, &options.clearing, &options.key).await?;
    let mut files = Files::default();
    let source = FileSource::new("ingest", paths)?;
    let mut counters = Counters::default();
    let mut pending = Pending::default();
    for item in source {
        match item {
            Ok(FileItem::Record(record)) => {
                if files.is_new(&mut writer, &record.position).await? {
                    pending.bytes += record.bytes();
                    pending.records.push(record);
                }
            }
            Ok(FileItem::TooLarge { position, bytes }) => {
                if files.is_new(&mut writer, &position).await? {
                    pending.too_large.push((position, bytes));
                }
            }
            Err(e) => problem(&e),
        }
        if pending.is_full() {
            commit(&mut writer, &mut processor, &mut pending, &files, &engine, &mut counters).await?;
            progress(&counters);
        }
    }
    commit(&mut writer, &mut processor, &mut pending, &files, &engine, &mut counters).await?;
    progress(&counters);
    Ok(counters)
}

#[derive(Default)]
struct Pending {
    records: Vec<Record>,
    too_large: Vec<(Position, u64)>,
    bytes: usize,
}

impl Pending {
    fn is_full(&self) -> bool {
        self.records.len() + self.too_large.len() >= BATCH_RECORDS || self.bytes >= BATCH_BYTES
    }
}

/// Application ids and stored positions of the files met so far.
#[derive(Default)]
struct Files {
    known: BTreeMap<String, (Option<String>, i64)>,
}

impl Files {
    /// Whether a record lies behind what the store holds of its file.
    async fn is_new(&mut self, writer: &mut StoreWriter, position: &Position) -> Result<bool, Error> {
        let Position::File { path, ordinal, .. } = position else { return Ok(true) };
        if !self.known.contains_key(&**path) {
            let app_id = file_id(path);
            let at = match &app_id {
                Some(id) => writer.position(id).await?.unwrap_or(0),
                None => 0,
            };
            self.known.insert(path.to_string(), (app_id, at));
        }
        Ok(self.known.get(&**path).is_none_or(|(_, at)| i64::try_from(*ordinal).is_ok_and(|o| o >= *at)))
    }

    fn app_id(&self, position: &Position) -> Option<(String, i64)> {
        let Position::File { path, ordinal, .. } = position else { return None };
        let id = self.known.get(&**path)?.0.clone()?;
        Some((id, i64::try_from(*ordinal).ok()? + 1))
    }
}

/// Identity of a file: its absolute path and how it begins. A log that only grows keeps it; a file that is replaced under
/// the same name does not. `None` for what has no identity (standard input, a pipe).
fn file_id(path: &str) -> Option<String> {
    const HEAD_BYTES: u64 = 1_024;
    let absolute = std::fs::canonicalize(path).ok().filter(|p| p.is_file())?;
    let mut head = Vec::new();
    std::fs::File::open(&absolute).ok()?.take(HEAD_BYTES).read_to_end(&mut head).ok()?;
    // Up to the first line break, so that a file of one short line keeps its identity when it grows.
    let first = head.split(|b| *b == b'\n').next().unwrap_or_default();
    let hash = Sha256::new().chain_update(absolute.to_string_lossy().as_bytes()).chain_update([0]).chain_update(first);
    Some(format!("lw1/file/{}", hex::encode(&hash.finalize()[..16])))
}

async fn commit(
    writer: &mut StoreWriter,
    processor: &mut Processor<'_>,
    pending: &mut Pending,
    files: &Files,
    engine: &Engine,
    counters: &mut Counters,
) -> Result<(), Error> {
    if pending.records.is_empty() && pending.too_large.is_empty() {
        return Ok(());
    }
    let received_at = now_micros();
    let batch = std::mem::take(pending);
    let mut processed = processor.process(&batch.records, received_at)?;
    for (position, bytes) in &batch.too_large {
        processed.dead_letters.push(too_large(position, *bytes, received_at));
        processed.counters.records += 1;
        processed.counters.documents += 1;
        processed.counters.dead_letters += 1;
    }
    let mut next: BTreeMap<String, i64> = BTreeMap::new();
    let positions = batch.records.iter().map(|r| &r.position).chain(batch.too_large.iter().map(|(p, _)| p));
    for (id, version) in positions.filter_map(|p| files.app_id(p)) {
        let at = next.entry(id).or_default();
        *at = version.max(*at);
    }
    let app_of = |row: &DeadLetterRow| files.known.get(row.topic.as_deref()?)?.0.clone();
    writer
        .commit(Batch {
            blocks: Vec::new(),
            events: processed.events,
            dead_letters: processed
                .dead_letters
                .into_iter()
                .map(|row| {
                    let app = app_of(&row);
                    (row, app)
                })
                .collect(),
            txns: next.into_iter().map(|(app_id, version)| Txn { app_id, version }).collect(),
            writer: "ingest".into(),
            ruleset: Some(engine.rules().hash().to_owned()),
            received_at,
        })
        .await?;
    counters.add(&processed.counters);
    Ok(())
}

fn too_large(position: &Position, bytes: u64, received_at: i64) -> DeadLetterRow {
    let e = DecodeError::new(DecodeReason::TooLarge, format!("{bytes} bytes"));
    let (topic, offset) = match position {
        Position::File { path, ordinal, .. } => (path.to_string(), i64::try_from(*ordinal).ok()),
        Position::Kafka { topic, offset, .. } => (topic.to_string(), Some(*offset)),
    };
    DeadLetterRow {
        source: "file".into(),
        topic: Some(topic),
        topic_id: None,
        partition: None,
        offset,
        ordinal: 0,
        reason: e.reason.as_str().to_owned(),
        place: e.place,
        size_bytes: i64::try_from(bytes).unwrap_or(i64::MAX),
        payload_hmac: None,
        received_at,
    }
}
