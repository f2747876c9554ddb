//! Iceland: one file per number.

pub mod kennitala;
pub mod vsk;
