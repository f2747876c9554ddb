//! Switzerland: one file per number.

pub mod esr;
pub mod ssn;
pub mod uid;
pub mod vat;
