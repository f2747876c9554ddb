//! Thailand: one file per number.

pub mod moa;
pub mod pin;
pub mod tin;
