//! Türkiye: one file per number.

pub mod tckimlik;
pub mod vkn;
