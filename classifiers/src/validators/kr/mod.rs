//! Korea (Republic of): one file per number.

pub mod arn;
pub mod brn;
pub mod rrn;
