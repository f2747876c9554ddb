//! Israel: one file per number.

pub mod hp;
pub mod idnr;
