//! Dominican Republic: one file per number.

pub mod ncf;
pub mod rnc;
