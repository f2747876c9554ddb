//! Croatia: one file per number.

pub mod oib;
