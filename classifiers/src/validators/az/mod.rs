//! Azerbaijan: one file per number.

pub mod voen;
