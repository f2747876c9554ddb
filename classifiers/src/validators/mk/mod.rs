//! North Macedonia: one file per number.

pub mod edb;
