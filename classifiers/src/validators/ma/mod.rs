//! Morocco: one file per number.

pub mod ice;
