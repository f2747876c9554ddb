//! Montenegro: one file per number.

pub mod iban;
pub mod pib;
