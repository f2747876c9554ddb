//! Portugal: one file per number.

pub mod cc;
pub mod nif;
