//! Latvia: one file per number.

pub mod pvn;
