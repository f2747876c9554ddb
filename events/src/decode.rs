//! From bytes to documents, and from a document to an event.
//!
//! A record may hold several documents (`{"Records": [...]}`, a JSON array). Every document ends as an event or as
//! a [`DecodeError`] that says where and why, never what: no byte of the payload is in an error.

use crate::{Event, FormatChoice, formats};
use serde_json::Value;
use std::fmt;

/// Longest record that is decoded, in bytes.
pub const RECORD_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Why a record or document could not become an event. The names are those of the `dead_letters` table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DecodeReason {
    /// The record has no value (a Kafka tombstone) or only white space.
    NullPayload,
    /// Not UTF-8.
    DecodeUtf8,
    /// Not JSON.
    DecodeJson,
    /// Nested deeper than 128 levels.
    TooDeep,
    /// Longer than [`RECORD_BYTES_MAX`].
    TooLarge,
    /// JSON, but a number, string, or array of such: not a document.
    NotAnEvent,
    /// The format that was asked for needs a field that is absent or of another type.
    MissingField,
    /// A field holds what its format does not allow.
    InvalidField,
}

impl DecodeReason {
    /// The name used in tables, as `decode_json`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NullPayload => "null_payload",
            Self::DecodeUtf8 => "decode_utf8",
            Self::DecodeJson => "decode_json",
            Self::TooDeep => "too_deep",
            Self::TooLarge => "too_large",
            Self::NotAnEvent => "not_an_event",
            Self::MissingField => "missing_field",
            Self::InvalidField => "invalid_field",
        }
    }

    /// The reason in words, about the record.
    pub fn told(self) -> &'static str {
        match self {
            Self::NullPayload => "it is empty",
            Self::DecodeUtf8 => "it is not UTF-8",
            Self::DecodeJson => "it is not JSON",
            Self::TooDeep => "it is nested deeper than 128 levels",
            Self::TooLarge => "it is longer than 16 MiB",
            Self::NotAnEvent => "it is neither an object nor a list of objects",
            Self::MissingField => "a field that its format needs is missing or of another type",
            Self::InvalidField => "a field holds what its format does not allow",
        }
    }

    /// The reason of this name.
    pub fn parse(name: &str) -> Option<Self> {
        let all = [
            Self::NullPayload,
            Self::DecodeUtf8,
            Self::DecodeJson,
            Self::TooDeep,
            Self::TooLarge,
            Self::NotAnEvent,
            Self::MissingField,
            Self::InvalidField,
        ];
        all.into_iter().find(|reason| reason.as_str() == name)
    }
}

/// A record or document that is not an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecodeError {
    /// Why.
    pub reason: DecodeReason,
    /// Where: the format and the dotted path of the field, or line and column of the JSON.
    pub place: String,
}

impl DecodeError {
    /// An error at a place.
    pub fn new(reason: DecodeReason, place: impl Into<String>) -> Self {
        Self { reason, place: place.into() }
    }

    /// A field that the format needs is absent or of another type.
    pub fn missing(format: &str, field: &str) -> Self {
        Self::new(DecodeReason::MissingField, format!("{format}: `{field}`"))
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at {}", self.reason.as_str(), self.place)
    }
}

impl std::error::Error for DecodeError {}

/// One JSON document of a record.
#[derive(Debug, Clone, PartialEq)]
pub struct Document {
    /// Position in its record, from 0.
    pub ordinal: u32,
    /// The document, always an object.
    pub value: Value,
}

/// A document of a record, or its position and why it is none.
pub type DocumentResult = Result<Document, (u32, DecodeError)>;

/// The documents of a record, or the reason why the record has none. An element of an array that is no object is an
/// error of its own; the others are kept. An empty `Records` array has no documents: that is not an error.
pub fn documents(record: &[u8]) -> Result<Vec<DocumentResult>, DecodeError> {
    if record.len() > RECORD_BYTES_MAX {
        return Err(DecodeError::new(DecodeReason::TooLarge, format!("{} bytes", record.len())));
    }
    let text = std::str::from_utf8(record)
        .map_err(|e| DecodeError::new(DecodeReason::DecodeUtf8, format!("byte {}", e.valid_up_to())))?;
    if text.trim().is_empty() {
        return Err(DecodeError::new(DecodeReason::NullPayload, "the record is empty"));
    }
    let value: Value = serde_json::from_str(text.trim_start_matches('\u{feff}')).map_err(json_error)?;
    let items = match value {
        Value::Array(items) => items,
        Value::Object(map) => match formats::unwrap_envelope(map) {
            Ok(items) => items,
            Err(map) => return Ok(vec![Ok(Document { ordinal: 0, value: Value::Object(map) })]),
        },
        _ => return Err(DecodeError::new(DecodeReason::NotAnEvent, "the record is not an object")),
    };
    Ok(items
        .into_iter()
        .zip(0u32..)
        .map(|(value, ordinal)| match value {
            Value::Object(_) => Ok(Document { ordinal, value }),
            _ => Err((
                ordinal,
                DecodeError::new(DecodeReason::NotAnEvent, format!("element {ordinal} is not an object")),
            )),
        })
        .collect())
}

fn json_error(e: serde_json::Error) -> DecodeError {
    // serde_json has no error kind for its recursion limit; its message is fixed text without payload.
    let reason = if e.to_string().starts_with("recursion limit exceeded") {
        DecodeReason::TooDeep
    } else {
        DecodeReason::DecodeJson
    };
    DecodeError::new(reason, format!("line {} column {}", e.line(), e.column()))
}

/// Decodes a document by the format that is asked for, or by the first that recognises it. With
/// [`FormatChoice::Auto`] a document that no format recognises is kept as an event of kind `unknown`.
pub fn decode(choice: FormatChoice, document: &Value, canonical: &str) -> Result<Event, DecodeError> {
    let key = crate::EventKey::of_canonical(canonical);
    match choice {
        FormatChoice::Named(format) => format.decode(document, key),
        FormatChoice::Auto => match formats::all().iter().find(|f| f.recognises(document)) {
            Some(format) => format.decode(document, key),
            None => Ok(formats::unknown(document, key)),
        },
    }
}
