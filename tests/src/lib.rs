//! What end-to-end tests share: a real Kafka broker on this machine.
//!
//! A library for the tests in `tests/tests`, never part of the product.

pub mod kafka;

pub use kafka::{KafkaBroker, cache_dir};
