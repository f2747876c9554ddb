//! Uruguay: one file per number.

pub mod cedula;
pub mod rut;
