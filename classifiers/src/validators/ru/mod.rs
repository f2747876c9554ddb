//! Russia: one file per number.

pub mod inn;
pub mod ogrn;
pub mod snils;
