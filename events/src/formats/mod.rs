//! The wire formats, one file each. To add one: a file here, a line in [`all`], a folder in `testdata/`.

mod cloudtrail;
pub mod lineward;
mod macie;
mod mlflow;
mod openlineage;
mod purview;

use crate::json::instant;
use crate::{DecodeError, Event, EventKey, EventKind};
use serde_json::{Map, Value};

/// A wire format: recognises and decodes one kind of document.
///
/// `recognises` is cheap, looks at few fields, and is true for at most one format per document (a test tries all
/// pairs). `decode` never panics on any document, and ignores what it does not know.
pub trait Format: Sync {
    /// The name in configuration and tables, lower case.
    fn name(&self) -> &'static str;
    /// Whether a document is of this format.
    fn recognises(&self, document: &Value) -> bool;
    /// The event of a document, or what is missing.
    fn decode(&self, document: &Value, key: EventKey) -> Result<Event, DecodeError>;
    /// Dotted paths (with `*` for any key or index) of fields that say *who* and *what* rather than hold content:
    /// principals, resource names, ids, times, addresses of the caller. They are not searched for personal data,
    /// since an audit trail without them answers nothing; credentials are searched for everywhere.
    fn identity_fields(&self) -> &'static [&'static str];
}

/// Which format to decode by.
#[derive(Clone, Copy)]
pub enum FormatChoice {
    /// The first that recognises the document.
    Auto,
    /// This one; a document that is not of it is an error.
    Named(&'static dyn Format),
}

/// All formats, in the order in which they are tried.
pub fn all() -> &'static [&'static dyn Format] {
    &[
        &openlineage::OpenLineage,
        &cloudtrail::CloudTrail,
        &mlflow::Mlflow,
        &macie::Macie,
        &purview::Purview,
        &lineward::Lineward,
    ]
}

/// The format with this name.
pub fn by_name(name: &str) -> Option<&'static dyn Format> {
    all().iter().copied().find(|f| f.name() == name)
}

/// Keys that hold the documents of a record: CloudTrail, Azure Event Hub, Macie, MLflow searches.
const ENVELOPES: [&str; 7] =
    ["Records", "records", "findings", "runs", "model_versions", "registered_models", "models"];

/// What else an envelope may hold: the place of its next page.
const PAGE_TOKENS: [&str; 2] = ["nextToken", "next_page_token"];

/// The elements of a known envelope (`{"Records": [...]}` and the like), or the map back where it is none. A map with
/// any other key is a document of its own, so that nothing in it is lost.
pub(crate) fn unwrap_envelope(mut map: Map<String, Value>) -> Result<Vec<Value>, Map<String, Value>> {
    let Some(key) = ENVELOPES.iter().find(|key| map.get(**key).is_some_and(Value::is_array)) else { return Err(map) };
    if map.keys().any(|other| other != key && !PAGE_TOKENS.contains(&other.as_str())) {
        return Err(map);
    }
    match map.remove(*key) {
        Some(Value::Array(items)) => Ok(items),
        _ => Err(map),
    }
}

/// Fields in which documents of unknown formats often have their time.
const TIME_FIELDS: [&str; 7] =
    ["time", "timestamp", "eventTime", "event_time", "created_at", "createdAt", "@timestamp"];

/// The event of a document that no format recognises.
pub(crate) fn unknown(document: &Value, key: EventKey) -> Event {
    let mut event = Event::new(key, "unknown", EventKind::Unknown);
    event.event_time = TIME_FIELDS.iter().find_map(|field| instant(document, &[field]));
    event
}
