//! Luxembourg: one file per number.

pub mod matricule;
pub mod tva;
