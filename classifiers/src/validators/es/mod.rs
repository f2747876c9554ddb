//! Spain: one file per number.

pub mod cae;
pub mod ccc;
pub mod cif;
pub mod cups;
pub mod dni;
pub mod iban;
pub mod nie;
pub mod nif;
pub mod nuss;
pub mod postal_code;
pub mod referenciacatastral;
