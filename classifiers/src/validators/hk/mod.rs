//! Hong Kong: one file per number.

pub mod hkid;
