//! Indonesia: one file per number.

pub mod nik;
pub mod npwp;
