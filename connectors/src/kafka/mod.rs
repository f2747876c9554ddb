//! Kafka: a consumer that starts where it is told, an idempotent producer, and an in-process broker.
//!
//! [`KafkaSource`] puts the caller's start offsets into the assign call and never seeks; the position is the caller's,
//! the group's committed offsets are only for people and lag monitors. [`KafkaSink`] and [`EmbeddedBroker`] serve the
//! demo and tests. `unsafe` is in `events`, `topic_id`, two calls of `oauth` and one of `embedded`.

mod config;
mod embedded;
mod events;
mod oauth;
mod sink;
mod source;
#[cfg(test)]
mod tests;
mod topic_id;

pub use config::{
    KafkaConfig, KafkaSinkConfig, OAuth, Protocol, SaslMechanism, SecretRef, Security, StartPolicy, Text,
};
pub use embedded::EmbeddedBroker;
pub use sink::KafkaSink;
pub use source::{Gap, GapCause, KafkaSource, PartitionStart, Polled, Start, StartOffsets};
pub use topic_id::UNKNOWN_TOPIC_ID;
