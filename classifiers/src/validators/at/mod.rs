//! Austria: one file per number.

pub mod businessid;
pub mod tin;
pub mod uid;
pub mod vnr;
