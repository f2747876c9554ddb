//! Venezuela: one file per number.

pub mod rif;
