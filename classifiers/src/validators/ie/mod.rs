//! Ireland: one file per number.

pub mod pps;
pub mod vat;
