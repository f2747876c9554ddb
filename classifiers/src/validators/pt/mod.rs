//! Portugal: one file per number.

pub mod cc;
pub mod nib;
pub mod nif;
pub mod niss;
