//! New Zealand: one file per number.

pub mod bankaccount;
pub mod ird;
pub mod nhi;
