//! The store's tables: every revision (`raw`), and the newest one of each key (`current`).

mod current;
mod raw;

pub(crate) use current::CurrentTable;
pub(crate) use raw::RawSchema;
