//! Algeria: one file per number.

pub mod nif;
