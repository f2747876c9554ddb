//! Kazakhstan: one file per number.

pub mod iin;
