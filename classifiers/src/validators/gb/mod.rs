//! United Kingdom: one file per number.

pub mod chi;
pub mod nhs;
pub mod nino;
pub mod sedol;
pub mod upn;
pub mod utr;
pub mod vat;
