//! Mexico: one file per number.

pub mod curp;
pub mod rfc;
