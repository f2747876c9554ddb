//! Czechia: one file per number.

pub mod bankaccount;
pub mod dic;
pub mod rc;
