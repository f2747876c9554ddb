//! Cyprus: one file per number.

pub mod vat;
