//! The nouns that travel through Lineward.
//!
//! A record from the outside world (a Kafka message, a line of a file, an HTTP body) is parsed into JSON
//! documents, each document is recognised by one wire format and becomes one [`Event`]: an envelope
//! (who sent what, when) and the [`Statement`]s it makes about runs, assets, links, accesses and findings.
//! Statements are format-independent: the store projects its tables from them and never looks at a payload again.
//!
//! This crate does no I/O and knows no engine. It does not decide what is sensitive.
#![warn(missing_docs)]

mod asset;
mod canonical;
mod decode;
mod event;
pub mod formats;
mod json;
mod naming;
mod signature;
mod statement;
mod time;

pub use asset::{AssetRef, AssetType, Field, VersionRef, VersionScheme};
pub use canonical::{EventKey, canonical_json};
pub use decode::{DecodeError, DecodeReason, Document, DocumentResult, RECORD_BYTES_MAX, decode, documents};
pub use event::{Event, EventKind};
pub use formats::{Format, FormatChoice};
pub use signature::{MINHASHES, SAMPLE_MAX, SIGNATURE_FORM, Signature, SignatureError};
pub use statement::{
    Access, AccessAction, ClearingPolicy, ColumnMapping, ColumnProfile, DataFinding, Declaration, DeclaredSources,
    EdgeType, Evidence, FindingOrigin, Indexed, IndexedRecord, Inputs, Io, JobInfo, JobRef, Link, MappingType, RunInfo,
    RunState, Signed, Sources, Statement, is_evaluation,
};
pub use time::{Timestamp, parse_time};
