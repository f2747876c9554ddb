//! Moldova: one file per number.

pub mod idno;
