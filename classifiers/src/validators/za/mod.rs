//! South Africa: one file per number.

pub mod idnr;
pub mod tin;
