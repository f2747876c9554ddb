//! Japan: one file per number.

pub mod cn;
pub mod in_;
