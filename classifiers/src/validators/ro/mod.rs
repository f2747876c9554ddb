//! Romania: one file per number.

pub mod cf;
pub mod cnp;
pub mod cui;
pub mod onrc;
