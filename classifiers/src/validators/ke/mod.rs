//! Kenya: one file per number.

pub mod pin;
