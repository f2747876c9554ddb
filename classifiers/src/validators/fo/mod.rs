//! Faroe Islands: one file per number.

pub mod vn;
