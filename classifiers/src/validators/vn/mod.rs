//! Viet Nam: one file per number.

pub mod mst;
