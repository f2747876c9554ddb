//! Belarus: one file per number.

pub mod unp;
