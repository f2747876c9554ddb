//! Paraguay: one file per number.

pub mod ruc;
