//! Cuba: one file per number.

pub mod ni;
