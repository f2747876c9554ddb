//! Taiwan: one file per number.

pub mod ubn;
