//! Mexico: one file per number.

pub mod clabe;
pub mod curp;
pub mod rfc;
