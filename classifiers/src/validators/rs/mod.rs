//! Serbia: one file per number.

pub mod pib;
