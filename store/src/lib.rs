//! The lineage graph on Delta Lake.
//!
//! `events` is the one log. Every other table is a deterministic projection of it: dropped and rebuilt from the events it
//! has the same rows. Rows are appended with the position they come from in one commit (Delta `txn` actions), so a crash
//! at any point neither loses nor doubles any; epochs tell readers which versions of the tables belong together.
//!
//! This crate knows nothing of wire formats, detectors or SQL.

mod bytes;
mod columns;
mod durable;
mod error;
pub mod graph;
mod marker;
pub mod project;
pub mod rows;
mod schema;
mod storage;
mod store;
mod table;
mod widen;
mod writer;

pub use bytes::{Bytes, Hash};
pub use error::Error;
pub use marker::FORMAT;
pub use project::clearing_holds;
pub use schema::{PROJECTIONS, TABLES, arrow_schema};
pub use store::{DataFile, Snapshot, Store};
pub use table::Txn;
pub use writer::{Batch, Committed, EventBlock, Incoming, POLICY_SOURCE, StoreWriter, event_key};
