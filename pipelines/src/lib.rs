//! Wires connectors, formats, classifiers and the store into a running graph.
//!
//! Records come in, are parsed, searched for sensitive data, redacted, decoded and committed with the positions they came
//! from. Every record ends in exactly one of events, dead letters or a counted filter, which the counters prove:
//! `records = events + dead letters` over the documents of each record. Nothing here reads files or topics by itself, and
//! nothing decides what is sensitive.

mod clearing;
mod config;
mod error;
mod ingest;
mod process;
mod record_scan;
mod run;
mod scan_inputs;

pub use clearing::{read_clearing, record_clearing};
pub use config::{BatchSpec, ClassifySpec, PipelineSpec, SourceSpec, format_choice, with_suggestion};
pub use error::Error;
pub use ingest::{IngestOptions, Unread, ingest};
pub use process::{Counters, Processed, Processor, engine_for};
pub use record_scan::{Places, ScanRecord, data_set_location, part_of, record_scan};
pub use run::{RunOptions, Stop, run};
pub use scan_inputs::scan_inputs;
