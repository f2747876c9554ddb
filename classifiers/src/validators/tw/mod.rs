//! Taiwan: one file per number.

pub mod nid;
pub mod ubn;
