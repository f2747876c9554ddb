//! Guinea: one file per number.

pub mod nifp;
