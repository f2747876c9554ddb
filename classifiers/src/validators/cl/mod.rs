//! Chile: one file per number.

pub mod rut;
