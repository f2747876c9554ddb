//! Greece: one file per number.

pub mod amka;
pub mod vat;
