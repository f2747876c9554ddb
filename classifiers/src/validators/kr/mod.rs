//! Korea (Republic of): one file per number.

pub mod brn;
pub mod rrn;
