//! Ecuador: one file per number.

pub mod ci;
pub mod ruc;
