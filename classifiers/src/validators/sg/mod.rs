//! Singapore: one file per number.

pub mod nric;
pub mod uen;
