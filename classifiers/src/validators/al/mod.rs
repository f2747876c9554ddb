//! Albania: one file per number.

pub mod nipt;
