//! Hungary: one file per number.

pub mod anum;
