//! A record and where it was read.
//!
//! [`Record`] is what every source yields. It is bytes and a position; what the bytes mean is decided later. `Debug`
//! prints lengths, never contents.

use std::fmt;
use std::sync::Arc;

/// A topic name and a partition number.
pub type TopicPartition = (Arc<str>, i32);

/// One record as a source read it.
#[derive(Clone, PartialEq, Eq)]
pub struct Record {
    /// Label of the source, as the pipeline names it.
    pub source: Arc<str>,
    /// Where the record was read.
    pub position: Position,
    /// Kafka key; `None` for a null key and for files.
    pub key: Option<Vec<u8>>,
    /// Payload; `None` for a Kafka tombstone. Never decoded or repaired here.
    pub value: Option<Vec<u8>>,
    /// Time of the record in microseconds since 1970-01-01 UTC, as the producer or the broker set it.
    pub timestamp_us: Option<i64>,
    /// Kafka headers in order, names as given; empty for files.
    pub headers: Vec<(String, Option<Vec<u8>>)>,
}

/// Where a record was read: unique within its source, and ordered within a partition or file.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Position {
    /// A record of a Kafka topic.
    Kafka {
        /// Topic name.
        topic: Arc<str>,
        /// Topic id (KIP-516) as 22 characters of URL-safe base64, or `-` where the broker has none. A topic that was deleted and
        /// created again has the same name and another id.
        topic_id: Arc<str>,
        /// Partition number.
        partition: i32,
        /// Offset in the partition.
        offset: i64,
    },
    /// A document of a file or of standard input.
    File {
        /// Path as given or found, `-` for standard input.
        path: Arc<str>,
        /// Index of the document in the file, from 0. Blank lines have none.
        ordinal: u64,
        /// Line on which the document starts, from 1.
        line: Option<u64>,
        /// Offset of its first byte in the decompressed content.
        byte_offset: u64,
    },
}

impl Record {
    /// Bytes this record holds in memory for key, value and headers.
    pub fn bytes(&self) -> usize {
        let length = |part: &Option<Vec<u8>>| part.as_ref().map_or(0, Vec::len);
        let headers: usize = self.headers.iter().map(|(name, value)| name.len() + length(value)).sum();
        length(&self.key) + length(&self.value) + headers
    }
}

impl fmt::Debug for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Record")
            .field("source", &self.source)
            .field("position", &self.position)
            .field("key_bytes", &self.key.as_ref().map(Vec::len))
            .field("value_bytes", &self.value.as_ref().map(Vec::len))
            .field("timestamp_us", &self.timestamp_us)
            .field("headers", &self.headers.len())
            .finish()
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kafka { topic, partition, offset, .. } => write!(f, "{topic}[{partition}]@{offset}"),
            Self::File { path, line: Some(line), .. } => write!(f, "{path}:{line}"),
            Self::File { path, byte_offset, .. } => write!(f, "{path}@{byte_offset}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_lengths_and_no_payload() {
        let record = Record {
            source: "orders".into(),
            position: Position::Kafka { topic: "t".into(), topic_id: "-".into(), partition: 3, offset: 7 },
            key: Some(b"canary-key".to_vec()),
            value: Some(b"canary-value".to_vec()),
            timestamp_us: None,
            headers: vec![("h".into(), Some(b"canary-header".to_vec()))],
        };
        let shown = format!("{record:?} {}", record.position);
        assert!(!shown.contains("canary"), "{shown}");
        assert!(shown.contains("value_bytes: Some(12)") && shown.ends_with("t[3]@7"), "{shown}");
        assert_eq!(record.bytes(), 10 + 12 + 1 + 13);
    }
}
