//! From records to rows: parse, redact, decode. Pure but for the scanner's scratch space; one processor a thread.

use crate::Error;
use lineward_classifiers::redact::{Redacted, Redactor};
use lineward_classifiers::{Category, Confidence, Engine, FingerprintKey, RuleSet};
use lineward_connectors::{Position, Record};
use lineward_events::{
    DecodeError, DecodeReason, Document, Event, EventKey, FormatChoice, canonical_json, decode, documents, formats,
};
use lineward_store::rows::{DeadLetterRow, EventRow};
use lineward_store::{Hash, Incoming};
use serde_json::{Value, json};
use std::sync::Arc;

/// What happened to records. `documents = events + dead_letters`, always.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counters {
    /// Records read.
    pub records: u64,
    /// Documents in them; a record that cannot be parsed, or that holds none, counts as one.
    pub documents: u64,
    /// Events stored.
    pub events: u64,
    /// Documents and records that are no event.
    pub dead_letters: u64,
    /// Events of a kind that no format recognises; kept, and counted in `events` too.
    pub unknown: u64,
    /// Values replaced in payloads.
    pub redactions: u64,
    /// Data sets without a name in events, of which nothing can be said.
    pub nameless: u64,
}

impl Counters {
    /// Adds another's counts.
    pub fn add(&mut self, other: &Self) {
        self.records += other.records;
        self.documents += other.documents;
        self.events += other.events;
        self.dead_letters += other.dead_letters;
        self.unknown += other.unknown;
        self.redactions += other.redactions;
        self.nameless += other.nameless;
    }
}

/// Records as rows.
#[derive(Debug, Default)]
pub struct Processed {
    /// Events with their statements, in the order of the records.
    pub events: Vec<Incoming>,
    /// Dead letters.
    pub dead_letters: Vec<DeadLetterRow>,
    /// Counts.
    pub counters: Counters,
}

/// An engine for payloads: all rules of the categories, and credentials always.
///
/// # Errors
/// [`Error::Classifier`] where the engine cannot start.
pub fn engine_for(categories: &[Category]) -> Result<Arc<Engine>, Error> {
    let mut categories = categories.to_vec();
    if !categories.is_empty() && !categories.contains(&Category::Credential) {
        categories.push(Category::Credential);
    }
    let rules = RuleSet::built_in()?.select(&[], &categories)?;
    Ok(Arc::new(Engine::new(Arc::new(rules))?))
}

/// Turns records into rows.
pub struct Processor<'e> {
    engine: &'e Engine,
    redactor: Redactor<'e>,
    key: FingerprintKey,
    choice: FormatChoice,
}

/// A document that was parsed, on its way.
struct Parsed {
    record: usize,
    ordinal: u32,
    /// The format that recognised it before it was redacted.
    choice: FormatChoice,
}

impl<'e> Processor<'e> {
    /// A processor for one thread.
    ///
    /// # Errors
    /// [`Error::Classifier`] where the engine's scratch space cannot be had.
    pub fn new(
        engine: &'e Engine,
        key: FingerprintKey,
        min_confidence: Confidence,
        choice: FormatChoice,
    ) -> Result<Self, Error> {
        Ok(Self { engine, redactor: Redactor::new(engine, key.clone(), min_confidence)?, key, choice })
    }

    /// Processes records that were received at a time (microseconds since the epoch).
    ///
    /// # Errors
    /// [`Error::Classifier`] where the engine fails. A bad record is a dead letter, not an error.
    pub fn process(&mut self, records: &[Record], received_at: i64) -> Result<Processed, Error> {
        self.process_with(records, received_at, &mut Digest::default())
    }

    fn process_with(&mut self, records: &[Record], received_at: i64, digest: &mut Digest) -> Result<Processed, Error> {
        let mut out = Processed::default();
        let mut parsed = Vec::new();
        let mut values = Vec::new();
        for (index, record) in records.iter().enumerate() {
            out.counters.records += 1;
            let bytes = record.value.as_deref().unwrap_or_default();
            match documents(bytes) {
                Ok(found) if found.is_empty() => {
                    let e = DecodeError::new(DecodeReason::NullPayload, "the record holds no documents");
                    out.dead_letter(record, digest.of(&self.key, index, record), 0, &e, received_at);
                }
                Ok(found) => {
                    for document in found {
                        match document {
                            Ok(Document { ordinal, value }) => {
                                parsed.push(Parsed { record: index, ordinal, choice: self.recognise(&value) });
                                values.push(value);
                            }
                            Err((ordinal, e)) => {
                                let digest = digest.of(&self.key, index, record);
                                out.dead_letter(record, digest, ordinal, &e, received_at);
                            }
                        }
                    }
                }
                Err(e) => out.dead_letter(record, digest.of(&self.key, index, record), 0, &e, received_at),
            }
        }
        let redacted = self.redact(&parsed, &mut values)?;
        for ((parsed, value), redacted) in parsed.iter().zip(values).zip(redacted) {
            let record = &records[parsed.record];
            let canonical = canonical_json(&value);
            // What was redacted may be what it was recognised by.
            let choice = if redacted.is_empty() { parsed.choice } else { self.choice };
            match decode(choice, &value, &canonical) {
                Ok(event) => out.event(self.engine, record, parsed.ordinal, event, canonical, &redacted, received_at),
                Err(e) => {
                    let digest = digest.of(&self.key, parsed.record, record);
                    out.dead_letter(record, digest, parsed.ordinal, &e, received_at);
                }
            }
        }
        Ok(out)
    }

    fn redact(&mut self, parsed: &[Parsed], values: &mut [Value]) -> Result<Vec<Vec<Redacted>>, Error> {
        let identity = |i: usize| match parsed.get(i).map(|p| p.choice) {
            Some(FormatChoice::Named(format)) => format.identity_fields(),
            Some(FormatChoice::Auto) | None => &[],
        };
        Ok(self.redactor.redact(values, &identity)?)
    }

    /// The format of a document, as it is set or as it is recognised; `Auto` where none does.
    fn recognise(&self, value: &Value) -> FormatChoice {
        match self.choice {
            FormatChoice::Named(_) => self.choice,
            FormatChoice::Auto => formats::all()
                .iter()
                .find(|f| f.recognises(value))
                .map_or(FormatChoice::Auto, |f| FormatChoice::Named(*f)),
        }
    }
}

/// The digest of the last record that was asked for: a record of many bad documents is hashed once.
#[derive(Default)]
struct Digest {
    last: Option<(usize, Hash)>,
    /// How many records were hashed.
    #[cfg(test)]
    hashed: usize,
}

impl Digest {
    fn of(&mut self, key: &FingerprintKey, index: usize, record: &Record) -> Option<Hash> {
        let bytes = record.value.as_deref()?;
        if let Some((_, hash)) = self.last.filter(|(last, _)| *last == index) {
            return Some(hash);
        }
        #[cfg(test)]
        {
            self.hashed += 1;
        }
        Some(self.last.insert((index, Hash(key.digest(bytes)))).1)
    }
}

impl Processed {
    fn dead_letter(&mut self, record: &Record, digest: Option<Hash>, ordinal: u32, e: &DecodeError, received_at: i64) {
        let place = Place::of(record);
        self.counters.documents += 1;
        self.counters.dead_letters += 1;
        self.dead_letters.push(DeadLetterRow {
            source: place.source,
            topic: place.topic,
            topic_id: place.topic_id,
            partition: place.partition,
            offset: place.offset,
            ordinal: ordinal as i32,
            reason: e.reason.as_str().to_owned(),
            place: e.place.clone(),
            size_bytes: record.value.as_deref().map_or(0, |b| b.len() as i64),
            payload_hmac: digest,
            received_at,
        });
    }

    #[expect(clippy::too_many_arguments, reason = "joins what the caller's loop holds")]
    fn event(
        &mut self,
        engine: &Engine,
        record: &Record,
        ordinal: u32,
        event: Event,
        canonical: String,
        redacted: &[Redacted],
        received_at: i64,
    ) {
        let place = Place::of(record);
        self.counters.documents += 1;
        self.counters.events += 1;
        self.counters.unknown += u64::from(event.format == "unknown");
        self.counters.nameless += u64::from(event.nameless);
        self.counters.redactions += redacted.iter().map(|r| r.match_count).sum::<u64>();
        self.events.push(incoming(engine, place, ordinal, event, canonical, redacted, received_at));
    }
}

/// Where a record stood, as columns.
struct Place {
    source: String,
    topic: Option<String>,
    topic_id: Option<String>,
    partition: Option<i32>,
    offset: Option<i64>,
}

impl Place {
    fn of(record: &Record) -> Self {
        match &record.position {
            Position::Kafka { topic, topic_id, partition, offset } => Self {
                source: "kafka".into(),
                topic: Some(topic.to_string()),
                topic_id: Some(topic_id.to_string()),
                partition: Some(*partition),
                offset: Some(*offset),
            },
            Position::File { path, ordinal, .. } => Self {
                source: "file".into(),
                topic: Some(path.to_string()),
                topic_id: None,
                partition: None,
                offset: i64::try_from(*ordinal).ok(),
            },
        }
    }
}

fn incoming(
    engine: &Engine,
    place: Place,
    ordinal: u32,
    event: Event,
    payload: String,
    redacted: &[Redacted],
    received_at: i64,
) -> Incoming {
    let redactions = (!redacted.is_empty()).then(|| {
        let said = redacted.iter().map(|r| {
            let rule = engine.rules().get(r.rule);
            json!({ "field": r.field, "entity": rule.entity, "detector": rule.id, "match_count": r.match_count })
        });
        Value::Array(said.collect()).to_string()
    });
    let EventKey(key) = event.key;
    let row = EventRow {
        event_key: Hash(key),
        source: place.source,
        format: event.format.to_owned(),
        event_kind: event.kind.as_str().to_owned(),
        event_type: event.event_type,
        event_time: event.event_time,
        received_at,
        producer: event.producer,
        schema_url: event.schema_url,
        run_id: event.run_id,
        job_namespace: event.job_namespace,
        job_name: event.job_name,
        principal: event.principal,
        topic: place.topic,
        topic_id: place.topic_id,
        partition: place.partition,
        offset: place.offset,
        ordinal: ordinal as i32,
        payload,
        redactions,
    };
    Incoming { row, statements: event.statements }
}

/// Microseconds since the epoch, now.
pub(crate) fn now_micros() -> i64 {
    chrono::Utc::now().timestamp_micros()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_of_many_bad_documents_is_hashed_once() {
        let key = FingerprintKey::new(&[7; 32]).expect("long enough");
        let engine = engine_for(&[Category::Credential]).expect("an engine");
        let mut processor =
            Processor::new(&engine, key.clone(), Confidence::Medium, FormatChoice::Auto).expect("a processor");
        let record = |value: String| Record {
            source: "test".into(),
            position: Position::File { path: "f".into(), ordinal: 0, line: None, byte_offset: 0 },
            key: None,
            value: Some(value.into_bytes()),
            timestamp_us: None,
            headers: Vec::new(),
        };
        // Two records, so that the digest of the one is not taken for that of the other.
        let many = record(format!("[{}1]", "1,{},".repeat(20_000)));
        let records = [record("[2]".into()), many];
        let mut digest = Digest::default();
        let processed = processor.process_with(&records, 0, &mut digest).expect("processed");
        assert_eq!(processed.dead_letters.len(), 20_002);
        for letter in [&processed.dead_letters[0], &processed.dead_letters[1], &processed.dead_letters[20_001]] {
            let record = &records[usize::from(letter.size_bytes > 3)];
            assert_eq!(letter.payload_hmac, Some(Hash(key.digest(record.value.as_deref().unwrap_or_default()))));
        }
        assert_eq!(digest.hashed, records.len(), "once a record, not once a dead letter");
    }
}
