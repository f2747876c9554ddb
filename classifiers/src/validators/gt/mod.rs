//! Guatemala: one file per number.

pub mod nit;
