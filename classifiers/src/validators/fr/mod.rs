//! France: one file per number.

pub mod accise;
pub mod nif;
pub mod nir;
pub mod rcs;
pub mod siren;
pub mod siret;
pub mod tva;
