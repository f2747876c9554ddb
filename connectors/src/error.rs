//! What can go wrong between Lineward and the world, by what the caller can do about it.
//!
//! A broken record is no error: sources pass it on and decoding reports it. Messages say where and what to check; they
//! never hold a payload, a password or the value of a setting that may be one.

use rdkafka::error::KafkaError;
use std::io;

/// An error of a source or a sink.
#[derive(Debug, thiserror::Error)]
pub enum ConnectorError {
    /// A setting is missing, contradicts another or is not accepted. Stops start-up.
    #[error("`{field}`: {problem}")]
    Config {
        /// Dotted path of the setting.
        field: String,
        /// What is wrong and what to write instead.
        problem: String,
    },
    /// A bucket or an object cannot be listed or read.
    #[error("cannot read `{url}`: {problem}")]
    Object {
        /// The URL as given.
        url: String,
        /// What happened and what to do.
        problem: String,
    },
    /// No broker answered in time. Worth another try once the broker is up.
    #[error(
        "no Kafka broker answered at `{brokers}` within {waited_ms} ms{reason}; check that the broker runs, that this \
         host reaches its advertised listeners, and that `security.protocol` is what the listener speaks"
    )]
    Unreachable {
        /// The bootstrap list.
        brokers: String,
        /// How long was waited.
        waited_ms: u128,
        /// What librdkafka said last, led by `: `, or empty.
        reason: String,
    },
    /// No token for SASL OAUTHBEARER. Worth another try where the endpoint did not answer.
    #[error("no token for Kafka: {reason}; see `security.oauth`")]
    Token {
        /// What went wrong, and what to check.
        reason: String,
    },
    /// The topic does not exist, or this user may not see it.
    #[error(
        "topic `{topic}` is not on the cluster at `{brokers}`{hint}; create it, or grant Describe on it to this user"
    )]
    UnknownTopic {
        /// The topic that was asked for.
        topic: String,
        /// The bootstrap list.
        brokers: String,
        /// A near name, led by `; did you mean `, or empty.
        hint: String,
    },
    /// The caller could not say where to start a partition. The partition stays unassigned and the next poll asks
    /// again.
    #[error("start offset of `{topic}` partition {partition} is not known")]
    StartOffset {
        /// Topic name.
        topic: String,
        /// Partition number.
        partition: i32,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The Kafka client refused a call.
    #[error("Kafka client: cannot {action}")]
    Kafka {
        /// What was being done, as `subscribe`.
        action: &'static str,
        /// What the client said.
        #[source]
        source: KafkaError,
    },
    /// The Kafka client is broken for good, for instance fenced by another member with the same `instance_id`. Only a
    /// new client helps.
    #[error("Kafka client stopped: {reason}")]
    Fatal {
        /// What librdkafka said.
        reason: String,
    },
    /// Records that the broker did not take.
    #[error("{failed} records were not delivered; the first was for topic `{topic}`: {reason}")]
    Delivery {
        /// How many since the last report.
        failed: u64,
        /// Topic of the first.
        topic: String,
        /// What the broker said of the first.
        reason: String,
    },
    /// The client did not stop in time and was left to its own thread. The process may exit.
    #[error("Kafka client did not close within {waited_ms} ms")]
    CloseTimeout {
        /// How long was waited.
        waited_ms: u128,
    },
    /// A file could not be opened or read on. What was read before is delivered.
    #[error("cannot read `{path}`{}", past(*byte_offset))]
    File {
        /// Path as given or found.
        path: String,
        /// Bytes of decompressed content that were read.
        byte_offset: u64,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

/// Where reading a file ended, if not at once.
fn past(byte_offset: u64) -> String {
    match byte_offset {
        0 => String::new(),
        _ => format!(" past byte {byte_offset} of its decompressed content"),
    }
}

impl ConnectorError {
    /// A configuration error at a field.
    pub fn config(field: impl Into<String>, problem: impl Into<String>) -> Self {
        Self::Config { field: field.into(), problem: problem.into() }
    }

    /// An error of the Kafka client, stripped of setting values.
    pub(crate) fn kafka(action: &'static str, source: KafkaError) -> Self {
        match source {
            // Both the description and the value may repeat a password, so only the key is kept.
            KafkaError::ClientConfig(_, _, key, _) => {
                Self::config(key, "is not a librdkafka setting, or its value is not accepted")
            }
            KafkaError::ClientCreation(reason) => Self::config("kafka", reason),
            source => Self::Kafka { action, source },
        }
    }
}
