//! Bulgaria: one file per number.

pub mod egn;
pub mod pnf;
pub mod vat;
