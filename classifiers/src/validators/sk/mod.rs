//! Slovakia: one file per number.

pub mod dph;
pub mod rc;
