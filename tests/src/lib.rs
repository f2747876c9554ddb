//! What end-to-end tests share: a real Kafka broker on this machine, and what programs in Java need.
//!
//! A library for the tests in `tests/tests`, never part of the product.

pub mod cache;
pub mod java;
pub mod kafka;

pub use cache::cache_dir;
pub use kafka::KafkaBroker;
use std::path::PathBuf;

/// The folder of this package in the checkout that is tested. Cargo starts every test in the folder of its package; what
/// the compiler could tell is where a test was compiled, which may have been in another checkout with the same cache.
///
/// # Panics
/// Where the working directory is gone.
pub fn folder() -> PathBuf {
    std::env::current_dir().expect("a working directory")
}
