//! ISO/IEC 7064 check characters: one file per number.

pub mod mod_11_10;
pub mod mod_11_2;
pub mod mod_37_2;
pub mod mod_37_36;
pub mod mod_97_10;
