//! The lineage graph in memory: which versions flow into which, and what travels with them.
//!
//! Nodes are asset versions and runs. A run's inputs and outputs hang on the run, so that a run of 1,000 inputs and
//! 1,000 outputs is 2,000 edges and not a million; `edges` rows link versions directly. [`LineageGraph::build`] takes
//! the rows of the store as they are known at a time, [`View`] looks at them as valid at a time. This module does no
//! I/O, knows no SQL, and answers with indexes ([`Version`]) whose rows the graph hands out.

mod build;
mod clearing;
mod columns;
mod csr;
mod diff;
mod erasure;
mod exposure;
mod field_labels;
mod flow;
mod gaps;
mod grow;
mod kept;
mod labels;
mod levels;
mod names;
mod near;
mod paths;
mod questions;
mod reach;
mod same;
mod scans;
mod tables;
#[cfg(test)]
mod tests;
mod threads;
mod walk;

pub use build::{AsOf, GraphRows, GraphTables, Kind, LineageGraph, Version};
pub use columns::{Column, ColumnSource, ReachedColumn};
pub use diff::{Change, Changed};
pub use erasure::{Affected, ErasureAction, Impact, Reach};
pub use exposure::{Exposed, ExposedStatus};
pub use field_labels::FieldTags;
pub use gaps::{Gap, GapKind};
pub use labels::{Labels, TagMasks};
pub use levels::Levels;
pub use names::{ResolveError, asset_text};
pub use paths::Paths;
pub use questions::{Details, Granularity, ModelState, Status, Trained, TrainingData, What};
pub use same::{Method, Same};
pub use scans::Scan;
pub use tables::{Run, VersionRow};
pub use walk::{Direction, Hop, Reached, Step, View};
