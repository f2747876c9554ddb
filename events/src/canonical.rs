//! Canonical JSON and the key of an event.
//!
//! OpenLineage events carry no id and producers retry, so an event is identified by the SHA-256 of its canonical
//! JSON: object keys sorted by their UTF-8 bytes, no white space, numbers and strings as `serde_json` prints them.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::fmt;

/// SHA-256 of the canonical JSON of a payload.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct EventKey(pub [u8; 32]);

impl EventKey {
    /// The key of a payload that is canonical JSON already.
    pub fn of_canonical(json: &str) -> Self {
        Self(Sha256::digest(json.as_bytes()).into())
    }
}

impl fmt::Display for EventKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for EventKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EventKey({self})")
    }
}

/// The canonical form of a document. `serde_json`'s map is ordered by key (the `preserve_order` feature is off in
/// this workspace, which a test checks), so printing is enough.
pub fn canonical_json(value: &Value) -> String {
    // Printing as text fails for no `Value`; `to_string` of the value would say the same, more slowly.
    serde_json::to_string(value).unwrap_or_else(|_| value.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_sorted_at_every_depth() {
        let a: Value = serde_json::from_str(r#"{"b": {"y": 1, "x": [ {"q":1,"p":2} ]}, "a": 2.50}"#).expect("valid");
        assert_eq!(canonical_json(&a), r#"{"a":2.5,"b":{"x":[{"p":2,"q":1}],"y":1}}"#);
    }

    #[test]
    fn equal_documents_have_equal_keys() {
        let a: Value = serde_json::from_str(r#"{"a":1,"b":2}"#).expect("valid");
        let b: Value = serde_json::from_str(r#"{ "b" : 2, "a" : 1 }"#).expect("valid");
        assert_eq!(EventKey::of_canonical(&canonical_json(&a)), EventKey::of_canonical(&canonical_json(&b)));
    }
}
