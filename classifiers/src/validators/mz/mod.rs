//! Mozambique: one file per number.

pub mod nuit;
