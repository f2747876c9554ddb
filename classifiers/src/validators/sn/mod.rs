//! Senegal: one file per number.

pub mod ninea;
