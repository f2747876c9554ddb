//! Files, directories and standard input as a source of records.
//!
//! [`FileSource`] yields one record a line of NDJSON, or one a document of whole JSON, from plain, gzip or zstd content.
//! Form and compression are told from the content, never from the name. Memory stays bounded however large a file is.
//! Nothing is decoded or repaired here: a broken line is a record like any other.

mod input;
mod source;
mod splitter;
#[cfg(test)]
mod tests;

pub use source::{DOCUMENT_BYTES_MAX, FileItem, FileSource};
