//! Canada: one file per number.

pub mod bc_phn;
pub mod bn;
pub mod ohip;
pub mod sin;
