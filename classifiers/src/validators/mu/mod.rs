//! Mauritius: one file per number.

pub mod nid;
