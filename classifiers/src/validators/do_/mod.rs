//! Dominican Republic: one file per number.

pub mod cedula;
pub mod ncf;
pub mod rnc;
