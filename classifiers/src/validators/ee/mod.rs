//! Estonia: one file per number.

pub mod ik;
pub mod kmkr;
pub mod registrikood;
