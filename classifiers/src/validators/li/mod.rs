//! Liechtenstein: one file per number.

pub mod peid;
