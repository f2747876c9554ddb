//! Lithuania: one file per number.

pub mod asmens;
pub mod pvm;
