//! Poland: one file per number.

pub mod dowod;
pub mod nip;
pub mod pesel;
pub mod regon;
