//! Ghana: one file per number.

pub mod tin;
