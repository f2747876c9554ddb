//! Argentina: one file per number.

pub mod cbu;
pub mod cuit;
pub mod dni;
