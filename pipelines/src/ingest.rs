//! Files of events into a store, each record once: a file that was read before goes on where it ended.

use crate::clearing::record_clearing;
use crate::process::{Counters, Processed, Processor, engine_for, now_micros};
use crate::{Error, config::ClassifySpec};
use lineward_classifiers::{Engine, FingerprintKey};
use lineward_connectors::file::{FileItem, FileSource};
use lineward_connectors::{ConnectorError, Position, Record};
use lineward_events::formats::lineward::ClearingRule;
use lineward_events::{DecodeError, DecodeReason, FormatChoice};
use lineward_store::rows::DeadLetterRow;
use lineward_store::{Batch, StoreWriter, Txn};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
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

/// What of the files is not in the events: everything else is read all the same.
#[derive(Debug, thiserror::Error)]
pub enum Unread {
    /// A file could not be read to its end.
    #[error(transparent)]
    File(ConnectorError),
    /// A record, or a document of one, is a dead letter.
    #[error("{}{}: {reason}{}; it is noted in `dead_letters`", .row.topic.as_deref().unwrap_or("-"), line_of(*.line), at(.row))]
    Record {
        /// The dead letter.
        row: Box<DeadLetterRow>,
        /// Line on which it starts, from 1, where its file has lines.
        line: Option<u64>,
        /// What is wrong with it.
        reason: &'static str,
    },
}

fn line_of(line: Option<u64>) -> String {
    line.map_or_else(String::new, |line| format!(": line {line}"))
}

fn at(row: &DeadLetterRow) -> String {
    if row.place.is_empty() { String::new() } else { format!(" ({})", row.place) }
}

/// Reads files (`-` is standard input, a folder is its files) into a store. `unread` hears of every file that could not be
/// read to its end and of every dead letter, when it is stored.
///
/// # Errors
/// [`Error::Store`] or [`Error::Classifier`]; what is wrong with an input is not an error.
pub async fn ingest(
    paths: &[String],
    options: &IngestOptions,
    mut unread: impl FnMut(&Unread),
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
                if files.take(&mut writer, &record.position, true).await? {
                    pending.bytes += record.bytes();
                    pending.records.push(record);
                }
            }
            // A dead letter for now. Its position stays: when the rest of it is written it is read again, as a whole.
            Ok(FileItem::Unfinished(record)) => {
                if files.take(&mut writer, &record.position, false).await? {
                    pending.bytes += record.bytes();
                    pending.records.push(record);
                }
            }
            Ok(FileItem::TooLarge { position, bytes }) => {
                if files.take(&mut writer, &position, true).await? {
                    pending.too_large.push((position, bytes));
                }
            }
            Err(e) => unread(&Unread::File(e)),
        }
        if pending.is_full() {
            commit(&mut writer, &mut processor, &mut pending, &mut files, &engine, &mut counters, &mut unread).await?;
            progress(&counters);
        }
    }
    commit(&mut writer, &mut processor, &mut pending, &mut files, &engine, &mut counters, &mut unread).await?;
    progress(&counters);
    for path in files.shorter() {
        tracing::warn!(
            "`{path}` has fewer records than were read of it before, and nothing of it was read now; where it was \
             replaced, give it another name and ingest that"
        );
    }
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

/// Application ids of the files met so far by their paths, and the next ordinal of each. One file may have several paths.
#[derive(Default)]
struct Files {
    app_ids: BTreeMap<String, Option<String>>,
    next: BTreeMap<String, i64>,
    /// Behind the last record of each path.
    ends: BTreeMap<String, i64>,
    /// Files that the store holds a position of and nothing was taken of yet.
    resumed: BTreeSet<String>,
    /// Of what was taken since the last commit: something is the half of a record, or may have been one when it was last
    /// read, and may have been told before.
    may_be_told: bool,
    /// Of what was taken since the last commit: a position has moved.
    moved: bool,
}

impl Files {
    /// Whether a record lies behind what the store holds of its file and what was taken from it since. It is taken by
    /// that, unless its position has to stay free.
    async fn take(&mut self, writer: &mut StoreWriter, position: &Position, moves: bool) -> Result<bool, Error> {
        let Position::File { path, ordinal, .. } = position else { return Ok(true) };
        if !self.app_ids.contains_key(&**path) {
            let app_id = self.identify(writer, path).await?;
            self.app_ids.insert(path.to_string(), app_id);
        }
        let Some(id) = self.app_id(path) else { return Ok(true) };
        let Some(next) = self.next.get_mut(&id) else { return Ok(true) };
        let ordinal = i64::try_from(*ordinal).unwrap_or(i64::MAX);
        let is_new = ordinal >= *next;
        match self.ends.get_mut(&**path) {
            Some(end) => *end = ordinal.saturating_add(1),
            None => _ = self.ends.insert(path.to_string(), ordinal.saturating_add(1)),
        }
        if is_new && moves {
            *next = ordinal.saturating_add(1);
            self.moved = true;
        }
        if is_new {
            self.may_be_told |= self.resumed.remove(&id) || !moves;
        }
        Ok(is_new)
    }

    /// The identity under which a file was read before, or else its longest.
    async fn identify(&mut self, writer: &mut StoreWriter, path: &str) -> Result<Option<String>, Error> {
        let ids = file_ids(path);
        if let Some(known) = ids.iter().find(|id| self.next.contains_key(*id)) {
            return Ok(Some(known.clone()));
        }
        for id in &ids {
            if let Some(at) = writer.position(id).await? {
                self.next.insert(id.clone(), at);
                self.resumed.insert(id.clone());
                return Ok(Some(id.clone()));
            }
        }
        let longest = ids.into_iter().next();
        self.next.extend(longest.iter().map(|id| (id.clone(), 0)));
        Ok(longest)
    }

    /// Files that end before their position: something else stands there now, and it was not read.
    fn shorter(&self) -> impl Iterator<Item = &str> {
        let ends_before = |(path, end): &(&String, &i64)| {
            self.app_id(path).is_some_and(|id| self.next.get(&id).is_some_and(|next| *end < next))
        };
        self.ends.iter().filter(ends_before).map(|(path, _)| path.as_str())
    }

    fn app_id(&self, path: &str) -> Option<String> {
        self.app_ids.get(path)?.clone()
    }
}

/// Lengths of a file's beginning that tell it from another under the same name, bytes.
const HEADS_BYTES: [usize; 4] = [4_096, 1_024, 256, 64];

/// Identities of a file: its absolute path and how it begins, the longest beginning first. A log that only grows keeps
/// those it has, and gets longer ones. A beginning that ends within the first line is none where that line is whole: what
/// tells the file from the one it replaced may come behind it. Empty for what has no identity (standard input, a pipe).
fn file_ids(path: &str) -> Vec<String> {
    let Some(absolute) = std::fs::canonicalize(path).ok().filter(|p| p.is_file()) else { return Vec::new() };
    let mut head = Vec::new();
    let read = std::fs::File::open(&absolute).and_then(|file| file.take(HEADS_BYTES[0] as u64).read_to_end(&mut head));
    if read.is_err() {
        return Vec::new();
    }
    let id = |kind: &str, head: &[u8]| {
        let name = absolute.to_string_lossy();
        let hash = Sha256::new().chain_update(name.as_bytes()).chain_update([0]).chain_update(head);
        format!("lw1/file{kind}/{}", hex::encode(&hash.finalize()[..16]))
    };
    let line_end = first_line_end(&head);
    let heads = HEADS_BYTES.iter().filter(|n| **n > line_end);
    let mut ids: Vec<String> = heads.filter_map(|n| Some(id(&format!("-{n}"), head.get(..*n)?))).collect();
    // A shorter file, and one that an older version read: up to the first line break.
    let first = head[..head.len().min(1_024)].split(|b| *b == b'\n').next().unwrap_or_default();
    ids.push(id("", first));
    ids
}

/// Where the first line of a file's beginning ends; 0 where more of it may come, as of an array on one line.
fn first_line_end(head: &[u8]) -> usize {
    let may_go_on = || match head.trim_ascii_start().first() {
        Some(b'[') => true,
        Some(b'{') => !is_one_event(head),
        _ => false,
    };
    head.iter().position(|b| *b == b'\n').unwrap_or(if may_go_on() { 0 } else { head.len() })
}

/// Whether a text is one whole object, and no envelope to which records may still have been added.
fn is_one_event(text: &[u8]) -> bool {
    let fields: Result<BTreeMap<String, serde::de::IgnoredAny>, _> = serde_json::from_slice(text);
    fields.is_ok_and(|fields| !fields.contains_key("Records"))
}

async fn commit(
    writer: &mut StoreWriter,
    processor: &mut Processor<'_>,
    pending: &mut Pending,
    files: &mut Files,
    engine: &Engine,
    counters: &mut Counters,
    unread: &mut impl FnMut(&Unread),
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
    if std::mem::take(&mut files.may_be_told) && !processed.dead_letters.is_empty() {
        drop_told(writer, &mut processed).await?;
    }
    let moved = std::mem::take(&mut files.moved);
    if !moved && processed.events.is_empty() && processed.dead_letters.is_empty() {
        return Ok(());
    }
    let positions = batch.records.iter().map(|r| &r.position).chain(batch.too_large.iter().map(|(p, _)| p));
    let mut paths: Vec<&str> = positions.filter_map(path_of).collect();
    paths.dedup();
    // All that was taken is in this batch or in one before it.
    let next: BTreeMap<String, i64> = paths
        .into_iter()
        .filter_map(|path| files.app_id(path))
        .filter_map(|id| Some((id.clone(), *files.next.get(&id)?)))
        .collect();
    let app_of = |row: &DeadLetterRow| files.app_id(row.topic.as_deref()?);
    let told: Vec<Unread> = dead_letters_of(&batch, &processed.dead_letters);
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
    told.iter().for_each(unread);
    Ok(())
}

/// The dead letters of a batch, with the lines on which they start.
fn dead_letters_of(batch: &Pending, rows: &[DeadLetterRow]) -> Vec<Unread> {
    if rows.is_empty() {
        return Vec::new();
    }
    let positions = batch.records.iter().map(|r| &r.position).chain(batch.too_large.iter().map(|(p, _)| p));
    let lines: BTreeMap<(&str, i64), u64> = positions
        .filter_map(|position| match position {
            Position::File { path, ordinal, line, .. } => Some(((&**path, i64::try_from(*ordinal).ok()?), (*line)?)),
            Position::Kafka { .. } => None,
        })
        .collect();
    let of_row = |row: &DeadLetterRow| {
        let place = row.topic.as_deref().zip(row.offset);
        let line = place.and_then(|place| lines.get(&place).copied());
        let reason = DecodeReason::parse(&row.reason).map_or("it is no event", DecodeReason::told);
        Unread::Record { row: Box::new(row.clone()), line, reason }
    };
    rows.iter().map(of_row).collect()
}

/// Drops dead letters that the store holds already: a half line is read at every start until it is whole, and once more
/// where it turns out to have been all of its line; its bytes are told once.
async fn drop_told(writer: &StoreWriter, processed: &mut Processed) -> Result<(), Error> {
    let told = writer.store().snapshot().await?.dead_letters().await?;
    let place = |row: &DeadLetterRow| (row.topic.clone(), row.offset, row.payload_hmac.map(|hash| hash.0));
    let told: BTreeSet<_> = told.iter().filter(|row| row.payload_hmac.is_some()).map(place).collect();
    let before = processed.dead_letters.len();
    processed.dead_letters.retain(|row| !told.contains(&place(row)));
    let dropped = (before - processed.dead_letters.len()) as u64;
    let counters = &mut processed.counters;
    for count in [&mut counters.records, &mut counters.documents, &mut counters.dead_letters] {
        *count = count.saturating_sub(dropped);
    }
    Ok(())
}

fn path_of(position: &Position) -> Option<&str> {
    match position {
        Position::File { path, .. } => Some(path),
        Position::Kafka { .. } => None,
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::{Path, PathBuf};

    fn ingested(folder: &Path, paths: &[PathBuf]) -> (u64, u64) {
        let paths: Vec<String> = paths.iter().map(|p| p.display().to_string()).collect();
        let options = IngestOptions {
            store: folder.join("store").display().to_string(),
            format: FormatChoice::Auto,
            classify: ClassifySpec::default(),
            key: FingerprintKey::new(&[7; 32]).expect("long enough"),
            clearing: Vec::new(),
        };
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
        let counters = runtime
            .block_on(ingest(
                &paths,
                &options,
                |unread| assert!(matches!(unread, Unread::Record { .. }), "{unread}"),
                |_| (),
            ))
            .expect("ingested");
        (counters.events, counters.dead_letters)
    }

    #[test]
    fn a_line_that_is_half_written_is_read_again_when_it_is_whole() {
        let folder = tempfile::tempdir().expect("a folder");
        let log = folder.path().join("log.ndjson");
        std::fs::write(&log, "{\"n\": 1}\n{\"n\": 2, \"te").expect("write");
        assert_eq!(ingested(folder.path(), std::slice::from_ref(&log)), (1, 1), "the half line is told");
        assert_eq!(ingested(folder.path(), std::slice::from_ref(&log)), (0, 0), "and told once");
        std::fs::write(&log, "{\"n\": 1}\n{\"n\": 2, \"text\": ").expect("write");
        assert_eq!(ingested(folder.path(), std::slice::from_ref(&log)), (0, 1), "more of it is another half");
        std::fs::write(&log, "{\"n\": 1}\n{\"n\": 2, \"text\": \"x\"}\n{\"n\": 3}").expect("write");
        assert_eq!(ingested(folder.path(), std::slice::from_ref(&log)), (2, 0));
        assert_eq!(ingested(folder.path(), &[log]), (0, 0));
    }

    #[test]
    fn a_file_with_two_names_in_one_command_is_stored_once() {
        let folder = tempfile::tempdir().expect("a folder");
        let log = folder.path().join("d.ndjson");
        std::fs::write(&log, "{\"n\": 1}\n{\"n\": 2}\n").expect("write");
        let again = PathBuf::from(format!("{}/./d.ndjson", folder.path().display()));
        assert_eq!(ingested(folder.path(), &[log.clone(), again]), (2, 0));
        assert_eq!(ingested(folder.path(), &[log]), (0, 0));
    }

    #[test]
    fn a_file_that_is_replaced_is_read_anew_and_one_that_grows_is_not() {
        let folder = tempfile::tempdir().expect("a folder");
        let log = folder.path().join("d.json");
        let write = |numbers: std::ops::Range<u32>| {
            let rows: Vec<String> = numbers.map(|n| format!("{{\"number\": {n}}}")).collect();
            std::fs::write(&log, format!("[\n{}", rows.join(",\n"))).expect("write");
        };
        // Growing past each of the lengths that tell files apart.
        let mut last = 0;
        for end in [1, 5, 20, 80, 400, 800] {
            write(0..end);
            assert_eq!(ingested(folder.path(), std::slice::from_ref(&log)), (u64::from(end - last), 0), "{end}");
            last = end;
        }
        let other = folder.path().join("e.json");
        std::fs::rename(&log, &other).expect("renamed");
        assert_eq!(ingested(folder.path(), std::slice::from_ref(&other)), (800, 0));
        std::fs::rename(&other, &log).expect("renamed");
        assert_eq!(ingested(folder.path(), std::slice::from_ref(&log)), (0, 0));
        // Another file with the same first line.
        write(5_000..5_400);
        std::fs::rename(&log, &other).expect("renamed");
        assert_eq!(ingested(folder.path(), &[other]), (400, 0));
    }

    #[test]
    fn a_file_that_is_replaced_in_its_place_is_read_anew() {
        // Both begin with the same 64 bytes, are as long and have as many lines.
        let first = |n: u32| format!("{{\"text\": \"{}\", \"number\": {n}}}", "x".repeat(70));
        for (name, end) in [("one.json", ""), ("line.jsonl", "\n"), ("lines.jsonl", "\n{\"more\": 1}\n")] {
            let folder = tempfile::tempdir().expect("a folder");
            let log = folder.path().join(name);
            let lines = 1 + u64::from(end.len() > 1);
            for number in [1, 2] {
                std::fs::write(&log, first(number) + end).expect("write");
                assert_eq!(ingested(folder.path(), std::slice::from_ref(&log)), (lines, 0), "{name} {number}");
                assert_eq!(ingested(folder.path(), std::slice::from_ref(&log)), (0, 0), "{name} {number}");
            }
            // One that grows is the same.
            std::fs::write(&log, format!("{}{}\n{}\n", first(2), end.trim_end(), first(3))).expect("write");
            assert_eq!(ingested(folder.path(), std::slice::from_ref(&log)), (1, 0), "{name} grows");
        }
    }

    #[test]
    fn an_array_or_envelope_on_one_line_grows_in_its_place() {
        for (name, open, close) in [("a.json", "[", "]"), ("b.json", "{\"Records\": [", "]}")] {
            let folder = tempfile::tempdir().expect("a folder");
            let log = folder.path().join(name);
            let rows: Vec<String> = (1000..1010).map(|n| format!("{{\"number\": {n}}}")).collect();
            std::fs::write(&log, format!("{open}{}", rows[..6].join(","))).expect("write");
            assert_eq!(ingested(folder.path(), std::slice::from_ref(&log)), (6, 0), "{name}");
            std::fs::write(&log, format!("{open}{}{close}", rows.join(","))).expect("write");
            assert_eq!(ingested(folder.path(), std::slice::from_ref(&log)), (4, 0), "{name}");
        }
    }

    #[test]
    fn a_half_line_that_was_a_whole_bad_one_is_told_once() {
        let folder = tempfile::tempdir().expect("a folder");
        let log = folder.path().join("log.ndjson");
        std::fs::write(&log, "{\"n\": 1}\nnot json").expect("write");
        assert_eq!(ingested(folder.path(), std::slice::from_ref(&log)), (1, 1));
        // Nothing is left to store but the position, which goes past it.
        std::fs::write(&log, "{\"n\": 1}\nnot json\n").expect("write");
        assert_eq!(ingested(folder.path(), std::slice::from_ref(&log)), (0, 0));
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
        let store = folder.path().join("store").display().to_string();
        let mut writer = runtime.block_on(StoreWriter::open(&store)).expect("a store");
        let ids = file_ids(&log.display().to_string());
        let position = ids.iter().find_map(|id| runtime.block_on(writer.position(id)).expect("read"));
        assert_eq!(position, Some(2));
        drop(writer);
        std::fs::write(&log, "{\"n\": 1}\nnot json\nnot json either").expect("write");
        assert_eq!(ingested(folder.path(), std::slice::from_ref(&log)), (0, 1));
        std::fs::write(&log, "{\"n\": 1}\nnot json\nnot json either\n{\"n\": 2}\n").expect("write");
        assert_eq!(ingested(folder.path(), std::slice::from_ref(&log)), (1, 0), "it is not told again");
    }

    #[test]
    fn a_file_that_ends_before_its_position_is_told() {
        let mut files = Files::default();
        files.app_ids.insert("a".into(), Some("id".into()));
        files.next.insert("id".into(), 3);
        for (end, shorter) in [(2, true), (3, false)] {
            files.ends.insert("a".into(), end);
            assert_eq!(files.shorter().count() == 1, shorter, "{end}");
        }
    }
}
