//! Bytes in and out of the world: Kafka, files, standard input, objects in buckets, and an in-process broker for the demo.
//!
//! A source yields [`Record`]s in partition or file order, each with the [`Position`] it was read from. A source keeps
//! no progress of its own: the caller says where to start and remembers how far it has come. This crate knows nothing
//! of event formats or of sensitivity, and no error, log line or `Debug` output holds a byte of a payload.

#![warn(clippy::undocumented_unsafe_blocks)]

pub mod error;
pub mod file;
pub mod kafka;
pub mod object;
pub mod record;

pub use error::ConnectorError;
pub use record::{Position, Record, TopicPartition};
