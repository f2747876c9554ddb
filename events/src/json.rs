//! Reading fields of a JSON document that may be absent, of another type, or spelt with another first letter.
//!
//! Nothing here fails: a field that is not what is asked for is `None`, because a wire format takes what it finds.

use crate::{Timestamp, parse_time, time};
use serde_json::{Map, Value};
use std::borrow::Cow;

/// The value at a path of keys. A key matches as given or with its first letter in upper case, since AWS writes
/// `roleArn` in CloudTrail and `RoleArn` in EventBridge.
pub(crate) fn at<'a>(value: &'a Value, path: &[&str]) -> Option<&'a Value> {
    path.iter().try_fold(value, |value, key| field(value, key))
}

/// The string at a path; empty strings count as absent.
pub(crate) fn text<'a>(value: &'a Value, path: &[&str]) -> Option<&'a str> {
    at(value, path)?.as_str().filter(|s| !s.is_empty())
}

/// The string or number at a path, as text.
pub(crate) fn scalar<'a>(value: &'a Value, path: &[&str]) -> Option<Cow<'a, str>> {
    scalar_of(at(value, path)?)
}

/// A string, number or Boolean as text; other values and the empty string are `None`.
pub(crate) fn scalar_of(value: &Value) -> Option<Cow<'_, str>> {
    match value {
        Value::String(s) if !s.is_empty() => Some(Cow::Borrowed(s)),
        Value::Number(n) => Some(Cow::Owned(n.to_string())),
        Value::Bool(b) => Some(Cow::Borrowed(if *b { "true" } else { "false" })),
        _ => None,
    }
}

/// The whole number at a path, also where it is written as a string or as `12.0`. Negative numbers count as absent:
/// every number that is read this way is a count, a size or a time.
pub(crate) fn count(value: &Value, path: &[&str]) -> Option<i64> {
    count_of(at(value, path)?)
}

fn count_of(value: &Value) -> Option<i64> {
    let number = match value {
        Value::Number(n) => n.as_i64().or_else(|| n.as_f64().and_then(whole)),
        Value::String(s) => s.parse().ok(),
        _ => None,
    };
    number.filter(|n| *n >= 0)
}

fn whole(number: f64) -> Option<i64> {
    // Beyond 2^53 a float no longer tells neighbouring integers apart.
    (number.abs() <= 9_007_199_254_740_992.0).then_some(number as i64)
}

/// The number at a path, also where it is written as a string.
pub(crate) fn float(value: &Value, path: &[&str]) -> Option<f64> {
    match at(value, path)? {
        Value::Number(n) => n.as_f64(),
        Value::String(s) => s.parse().ok().filter(|f: &f64| f.is_finite()),
        _ => None,
    }
}

/// The time at a path: text, or a number of seconds, milliseconds, ... since the epoch.
pub(crate) fn instant(value: &Value, path: &[&str]) -> Option<Timestamp> {
    match at(value, path)? {
        Value::String(s) => parse_time(s),
        number @ Value::Number(_) => count_of(number).and_then(time::from_epoch),
        _ => None,
    }
}

/// The elements of the array at a path; empty where there is none.
pub(crate) fn items<'a>(value: &'a Value, path: &[&str]) -> &'a [Value] {
    at(value, path).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// The object at a path.
pub(crate) fn object<'a>(value: &'a Value, path: &[&str]) -> Option<&'a Map<String, Value>> {
    at(value, path)?.as_object()
}

/// Key and value pairs at a path, whether written `{"k": "v"}` or `[{"key": "k", "value": "v"}]`.
pub(crate) fn pairs<'a>(value: &'a Value, path: &[&str]) -> Vec<(&'a str, Cow<'a, str>)> {
    match at(value, path) {
        Some(Value::Object(map)) => map.iter().filter_map(|(k, v)| Some((k.as_str(), scalar_of(v)?))).collect(),
        Some(Value::Array(list)) => {
            list.iter().filter_map(|item| Some((text(item, &["key"])?, scalar(item, &["value"])?))).collect()
        }
        _ => Vec::new(),
    }
}

/// The value at a path, which may itself be a JSON document inside a string.
pub(crate) fn embedded<'a>(value: &'a Value, path: &[&str]) -> Option<Cow<'a, Value>> {
    match at(value, path)? {
        Value::String(s) => serde_json::from_str(s).ok().map(Cow::Owned),
        Value::Null => None,
        other => Some(Cow::Borrowed(other)),
    }
}

/// 32 bytes from 64 hexadecimal digits, with or without `sha256:` in front.
pub(crate) fn sha256_hex(digits: &str) -> Option<[u8; 32]> {
    let digits = digits.strip_prefix("sha256:").unwrap_or(digits);
    let mut hash = [0; 32];
    hex::decode_to_slice(digits, &mut hash).ok()?;
    Some(hash)
}

const KEY_BYTES_MAX: usize = 48;

fn field<'a>(value: &'a Value, key: &str) -> Option<&'a Value> {
    let map = value.as_object()?;
    if let Some(found) = map.get(key) {
        return Some(found);
    }
    // Keys are in order and capitals sort before small letters: mostly one look tells that there are none.
    if map.keys().next()?.as_bytes().first().is_some_and(|first| *first > b'Z') {
        return None;
    }
    let bytes = key.as_bytes();
    if !bytes.first()?.is_ascii_lowercase() || bytes.len() > KEY_BYTES_MAX {
        return None;
    }
    let mut upper = [0; KEY_BYTES_MAX];
    let upper = &mut upper[..bytes.len()];
    upper.copy_from_slice(bytes);
    upper[0].make_ascii_uppercase();
    map.get(std::str::from_utf8(upper).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_key_matches_with_either_first_letter() {
        let value = json!({"": 0, "RoleArn": "r", "inner": {"S3Uri": "u"}, "both": 1, "Both": 2});
        assert_eq!(text(&value, &["roleArn"]), Some("r"));
        assert_eq!(text(&value, &["inner", "s3Uri"]), Some("u"));
        assert_eq!(count(&value, &["both"]), Some(1));
        assert_eq!(text(&value, &["absent"]), None);
    }

    #[test]
    fn counts_are_read_from_what_producers_write() {
        let value = json!({"a": 5, "b": "5", "c": 5.0, "d": -5, "e": "five", "f": 1e300, "g": null, "h": [5]});
        for key in ["a", "b", "c"] {
            assert_eq!(count(&value, &[key]), Some(5), "{key}");
        }
        for key in ["d", "e", "f", "g", "h"] {
            assert_eq!(count(&value, &[key]), None, "{key}");
        }
    }

    #[test]
    fn pairs_are_read_from_maps_and_lists() {
        let map = json!({"tags": {"a": "x", "n": 1, "skipped": [1]}});
        let list = json!({"tags": [{"key": "a", "value": "x"}, {"key": "n", "value": 1}, {"value": "no key"}]});
        let expected = vec![("a", Cow::Borrowed("x")), ("n", Cow::Borrowed("1"))];
        assert_eq!(pairs(&map, &["tags"]), expected);
        assert_eq!(pairs(&list, &["tags"]), expected);
    }

    #[test]
    fn hashes_have_32_bytes() {
        let hash = "ab".repeat(32);
        assert_eq!(sha256_hex(&hash), Some([0xab; 32]));
        assert_eq!(sha256_hex(&format!("sha256:{hash}")), Some([0xab; 32]));
        for wrong in ["", "ab", &hash[1..], "sha256:", "zz"] {
            assert_eq!(sha256_hex(wrong), None, "{wrong}");
        }
    }
}
