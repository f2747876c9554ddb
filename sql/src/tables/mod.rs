//! The store's tables: every revision (`raw`), and the newest one of each key (`current`).

mod current;
mod log;
mod raw;
mod stored;

pub(crate) use current::CurrentTable;
pub(crate) use log::LogTable;
pub(crate) use raw::RawSchema;
pub use stored::StoredTable;
