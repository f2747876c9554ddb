//! Pakistan: one file per number.

pub mod cnic;
