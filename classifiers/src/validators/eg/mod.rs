//! Egypt: one file per number.

pub mod tn;
