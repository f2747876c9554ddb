//! Malaysia: one file per number.

pub mod nric;
