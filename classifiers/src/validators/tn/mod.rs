//! Tunisia: one file per number.

pub mod mf;
