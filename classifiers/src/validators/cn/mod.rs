//! China: one file per number.

pub mod ric;
pub mod uscc;
