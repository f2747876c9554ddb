//! Ukraine: one file per number.

pub mod edrpou;
pub mod rntrc;
