//! El Salvador: one file per number.

pub mod nit;
