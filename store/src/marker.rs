//! The marker file of a store: what makes a folder one, and which programs can read it.
//!
//! A store of a newer version is told from a damaged one, whatever that version has made of the marker: as long as it
//! is a JSON object with a `format` that is none of ours, it is newer. A table whose Delta log asks for more than this
//! program knows, or that this program has no word for, is of a newer version too.

use crate::error::Error;
use crate::storage::Storage;
use deltalake::DeltaTableError;
use deltalake::kernel::transaction::TransactionError;
use serde::Serialize;
use serde_json::{Map, Value};
use std::fmt;

/// Format of stores this program writes, and the newest it reads.
pub const FORMAT: u32 = 1;

/// Name of the file.
pub(crate) const MARKER: &str = "lineward-store.json";

/// This program's version.
const VERSION: &str = env!("CARGO_PKG_VERSION");

#[derive(Serialize)]
struct Marker {
    format: u32,
    created_by: String,
}

/// What the marker of a new store says.
///
/// # Errors
/// [`Error::Rows`] where it cannot be written as JSON, which does not happen.
pub(crate) fn of_today() -> Result<Vec<u8>, Error> {
    let marker = Marker { format: FORMAT, created_by: format!("lineward {VERSION}") };
    serde_json::to_vec_pretty(&marker).map_err(|e| Error::rows("marker", e))
}

/// Whether this program reads a store with this marker.
///
/// # Errors
/// [`Error::TooNew`] for one of a newer version, [`Error::NotAStore`] for one that is damaged.
pub(crate) fn check(uri: &str, text: &[u8]) -> Result<(), Error> {
    let damaged = |message: String| Error::NotAStore {
        uri: uri.to_owned(),
        message: format!("its `{MARKER}` is damaged ({message}); restore it from a backup"),
    };
    let marker: Value =
        serde_json::from_slice(text).map_err(|e| damaged(format!("line {} column {}", e.line(), e.column())))?;
    let Value::Object(marker) = marker else { return Err(damaged("it is no JSON object".into())) };
    let supported = 1..=u64::from(FORMAT);
    match marker.get("format") {
        None | Some(Value::Null) => Err(damaged("it has no `format`".into())),
        Some(format) if format.as_f64().is_some_and(|format| format < 1.0) => {
            Err(damaged("its `format` is below 1".into()))
        }
        Some(format) if format.as_u64().is_some_and(|format| supported.contains(&format)) => Ok(()),
        Some(format) => Err(too_new(uri, &found(format), &marker)),
    }
}

/// A store of which a part is from a newer version.
pub(crate) fn part_too_new(uri: &str, what: String) -> Error {
    too_new(uri, &what, &Map::new())
}

/// What a table's error says: that the table is of a newer version, where its log asks for features that are not known.
pub(crate) fn table_error<'a>(storage: &'a Storage, name: &'a str) -> impl FnOnce(DeltaTableError) -> Error + 'a {
    // The libraries' variants for it are in several crates, not all of which can be named here.
    let unsupported = |e: &DeltaTableError| match e {
        DeltaTableError::KernelError(e) => e.to_string().starts_with("Unsupported: "),
        DeltaTableError::Transaction { source } => matches!(source, TransactionError::UnsupportedTableFeatures(_)),
        _ => false,
    };
    move |e| match unsupported(&e) {
        true => part_too_new(&storage.uri, format!("table `{name}` asks for more than this one knows")),
        false => Error::table(name)(e),
    }
}

fn too_new(uri: &str, found: &str, marker: &Map<String, Value>) -> Error {
    let said = |key: &str| Version::parse(marker.get(key)?.as_str()?);
    // `needs` is for a newer version that changes the format of a store which an older one has made.
    let needs = said("needs").or_else(|| said("created_by"));
    let needs = needs.filter(|needs| Version::parse(VERSION).is_none_or(|own| *needs > own));
    Error::TooNew {
        uri: uri.to_owned(),
        found: found.to_owned(),
        supported: format!("this is Lineward {VERSION}, which reads formats up to {FORMAT}"),
        needs: needs.map_or_else(|| "a newer Lineward".to_owned(), |v| format!("Lineward {v} or newer")),
    }
}

/// A format in words. Only numbers are repeated: a text may be anything.
fn found(format: &Value) -> String {
    match format.as_u64() {
        Some(format) => format!("format {format}"),
        None => "a format that is no whole number".to_owned(),
    }
}

/// A version, compared number by number; what is behind the third is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Version(u64, u64, u64);

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.0, self.1, self.2)
    }
}

impl Version {
    /// The version at the end of a text such as `lineward 0.4.1`.
    fn parse(text: &str) -> Option<Self> {
        let last = text.split_whitespace().next_back()?;
        let numbers = last.split(['-', '+']).next()?;
        let mut numbers = numbers.split('.').map(str::parse::<u64>);
        let version = Self(numbers.next()?.ok()?, numbers.next()?.ok()?, numbers.next()?.ok()?);
        numbers.next().is_none().then_some(version)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_compare_number_by_number() {
        let version = |text| Version::parse(text).expect("a version");
        assert!(version("lineward 0.10.0") > version("lineward 0.9.12"));
        assert!(version("1.0.0") > version("0.99.99"));
        assert_eq!(version("lineward 0.4.1-rc.1+build").to_string(), "0.4.1");
        for none in ["", "lineward", "lineward 9", "lineward 1.2", "1.2.3.4", "a.b.c"] {
            assert!(Version::parse(none).is_none(), "{none}");
        }
    }
}
