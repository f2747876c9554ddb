//! Andorra: one file per number.

pub mod nrt;
