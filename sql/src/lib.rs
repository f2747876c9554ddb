//! The SQL of a lineage store: a DataFusion session with the store's tables, views over them, and table functions that
//! answer lineage questions from the in-memory graph.
//!
//! [`LinewardSession`] is the entry. Everything is read-only and works on one consistent cut of the store. `raw` holds
//! every revision of every row, `current` the newest one of each, `public` the views and tables a person asks.
//! What a session offers is listed in [`functions::ALL`] and [`views::ALL`]; to add a function or view, write its file,
//! its line in that list and its `.slt` file.

mod capped;
pub mod complexity;
mod docs;
mod error;
pub mod export;
pub mod functions;
mod graphs;
pub mod memory;
mod options;
pub mod picture;
pub mod render;
pub mod scalars;
mod session;
mod suggest;
mod tables;
mod tags;
#[cfg(test)]
mod tests;
pub mod time;
pub mod views;

pub use docs::reference;
pub use error::Error;
pub use options::{WhileRunning, WithoutBeginning, hide_beginning};
pub use session::{Elsewhere, LinewardSession, Statement, plan};
pub use suggest::nearest;
pub use tables::StoredTable;
