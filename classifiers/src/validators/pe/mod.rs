//! Peru: one file per number.

pub mod cui;
pub mod ruc;
