//! Luxembourg: one file per number.

pub mod tva;
