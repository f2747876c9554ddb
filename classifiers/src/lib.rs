//! Text, bytes or an Arrow column in; findings of personal, health, credential and financial data out.
//!
//! The engine marks anchors and runs in one fast pass over whole buffers, and looks closely only there. Detectors are
//! data: `rules/*.yaml`, each with its examples. A matched value never leaves this crate except as a keyed fingerprint
//! and a redacted preview (or a replacement, see [`redact`]).
//!
//! ```
//! use lineward_classifiers::{Engine, RuleSet, FieldTable, ValueBatch};
//! use std::sync::Arc;
//!
//! let engine = Engine::new(Arc::new(RuleSet::built_in()?))?;
//! let mut scanner = engine.scanner()?;
//! let mut fields = FieldTable::default();
//! let mut batch = ValueBatch::new();
//! batch.push(0, Some(fields.intern("note")), b"SSN 536-22-8726, admitted 2026-03-02");
//! let mut matches = Vec::new();
//! scanner.scan(&batch, &fields, &mut matches)?;
//! assert_eq!(engine.rules().get(matches[0].rule).entity, "US_SSN");
//! # Ok::<(), lineward_classifiers::Error>(())
//! ```

pub mod clean;
pub mod columns;
pub mod datasets;
pub mod decoders;
mod engine;
mod error;
mod finding;
mod fingerprint;
mod inner_json;
pub mod near;
pub mod ner;
pub mod readers;
pub mod redact;
mod rule;
mod rule_set;
pub mod rule_test;
pub mod scan;
mod spool;
pub mod structure;
pub mod tables;
pub mod text;
pub mod validators;
mod values;

pub(crate) use engine::fields_glob as engine_fields_glob;
pub use engine::{Engine, RunKind, Scanner};
pub use error::Error;
pub use finding::{Category, Confidence, Finding, Match, preview};
pub use fingerprint::FingerprintKey;
pub use rule::{Check, Negative, Normalise, Positive, Rule, Trigger, verify};
pub use rule_set::RuleSet;
pub use spool::Spool;
pub use values::{FieldId, FieldTable, ValueBatch, ValueSpan};

#[cfg(test)]
mod harness;
