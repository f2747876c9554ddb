//! Denmark: one file per number.

pub mod cpr;
pub mod cvr;
