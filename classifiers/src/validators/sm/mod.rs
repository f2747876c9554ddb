//! San Marino: one file per number.

pub mod coe;
