//! A check of SARIF against the standard (OASIS SARIF 2.1.0, 27 March 2020): of the objects that are written, which
//! properties they may and must have, their types, and their closed lists of words. Sections of the standard stand beside
//! each object. What is written and not in the table is an error, so whoever writes more describes it here.

use serde_json::Value;

/// What a property may hold.
enum Holds {
    Text,
    /// A URI or a reference relative to one (RFC 3986).
    Uri,
    /// A time in UTC (3.9).
    Time,
    Flag,
    /// A whole number, at least this.
    Whole(i64),
    Word(&'static [&'static str]),
    One(&'static Object),
    Many(&'static Object),
    /// An object with texts only (3.27.17).
    Texts,
    /// A property bag (3.8): anything, but for its tags.
    Bag,
}

struct Object {
    name: &'static str,
    properties: &'static [(&'static str, Holds)],
    required: &'static [&'static str],
}

/// Levels of results and notifications (3.27.10, 3.58.6).
const LEVELS: Holds = Holds::Word(&["none", "note", "warning", "error"]);

/// 3.13.
static LOG: Object = Object {
    name: "sarifLog",
    properties: &[("$schema", Holds::Uri), ("version", Holds::Word(&["2.1.0"])), ("runs", Holds::Many(&RUN))],
    required: &["version", "runs"],
};
/// 3.14.
static RUN: Object = Object {
    name: "run",
    properties: &[
        ("tool", Holds::One(&TOOL)),
        ("invocations", Holds::Many(&INVOCATION)),
        ("results", Holds::Many(&RESULT)),
        ("columnKind", Holds::Word(&["utf16CodeUnits", "unicodeCodePoints"])),
        ("properties", Holds::Bag),
    ],
    required: &["tool"],
};
/// 3.18.
static TOOL: Object = Object { name: "tool", properties: &[("driver", Holds::One(&DRIVER))], required: &["driver"] };
/// 3.19.
static DRIVER: Object = Object {
    name: "toolComponent",
    properties: &[("name", Holds::Text), ("version", Holds::Text), ("rules", Holds::Many(&RULE))],
    required: &["name"],
};
/// 3.49.
static RULE: Object = Object {
    name: "reportingDescriptor",
    properties: &[
        ("id", Holds::Text),
        ("shortDescription", Holds::One(&MESSAGE)),
        ("help", Holds::One(&MESSAGE)),
        ("helpUri", Holds::Uri),
        ("properties", Holds::Bag),
    ],
    required: &["id"],
};
/// 3.11 and 3.12, with a text in place of an id.
static MESSAGE: Object = Object { name: "message", properties: &[("text", Holds::Text)], required: &["text"] };
/// 3.27.
static RESULT: Object = Object {
    name: "result",
    properties: &[
        ("ruleId", Holds::Text),
        ("level", LEVELS),
        ("message", Holds::One(&MESSAGE)),
        ("locations", Holds::Many(&LOCATION)),
        ("partialFingerprints", Holds::Texts),
        ("properties", Holds::Bag),
    ],
    required: &["message"],
};
/// 3.28.
static LOCATION: Object = Object {
    name: "location",
    properties: &[("physicalLocation", Holds::One(&PHYSICAL)), ("logicalLocations", Holds::Many(&LOGICAL))],
    required: &[],
};
/// 3.29; one of address and artifact location must be there, and no address is written.
static PHYSICAL: Object = Object {
    name: "physicalLocation",
    properties: &[("artifactLocation", Holds::One(&ARTIFACT)), ("region", Holds::One(&REGION))],
    required: &["artifactLocation"],
};
/// 3.4; without an index a URI must be there.
static ARTIFACT: Object = Object { name: "artifactLocation", properties: &[("uri", Holds::Uri)], required: &["uri"] };
/// 3.30.
static REGION: Object = Object {
    name: "region",
    properties: &[("startLine", Holds::Whole(1)), ("byteOffset", Holds::Whole(0)), ("byteLength", Holds::Whole(0))],
    required: &[],
};
/// 3.33.
static LOGICAL: Object = Object {
    name: "logicalLocation",
    properties: &[("fullyQualifiedName", Holds::Text), ("kind", Holds::Text)],
    required: &[],
};
/// 3.20.
static INVOCATION: Object = Object {
    name: "invocation",
    properties: &[
        ("executionSuccessful", Holds::Flag),
        ("exitCode", Holds::Whole(i64::MIN)),
        ("startTimeUtc", Holds::Time),
        ("endTimeUtc", Holds::Time),
        ("toolExecutionNotifications", Holds::Many(&NOTIFICATION)),
    ],
    required: &["executionSuccessful"],
};
/// 3.58.
static NOTIFICATION: Object = Object {
    name: "notification",
    properties: &[("level", LEVELS), ("message", Holds::One(&MESSAGE)), ("locations", Holds::Many(&LOCATION))],
    required: &["message"],
};

/// What is wrong with a report, each with its place; nothing where it is SARIF.
pub fn wrong_with(report: &Value) -> Vec<String> {
    let mut wrong = Vec::new();
    object(&LOG, report, "", &mut wrong);
    for run in report["runs"].as_array().into_iter().flatten() {
        let rules = run["tool"]["driver"]["rules"].as_array().map(Vec::as_slice).unwrap_or_default();
        let mut ids: Vec<&str> = rules.iter().filter_map(|rule| rule["id"].as_str()).collect();
        let all = ids.len();
        ids.sort_unstable();
        ids.dedup();
        if ids.len() < all {
            wrong.push("rules: an id stands twice".into());
        }
        for result in run["results"].as_array().into_iter().flatten() {
            if result["ruleId"].as_str().is_none_or(|id| ids.binary_search(&id).is_err()) {
                wrong.push(format!("results: no rule has the id {}", result["ruleId"]));
            }
        }
    }
    wrong
}

fn object(of: &Object, value: &Value, place: &str, wrong: &mut Vec<String>) {
    let Some(map) = value.as_object() else { return wrong.push(format!("{place}: no {}", of.name)) };
    for name in of.required.iter().filter(|name| !map.contains_key(**name)) {
        wrong.push(format!("{place}: a {} without `{name}`", of.name));
    }
    for (name, value) in map {
        let place = format!("{place}/{name}");
        match of.properties.iter().find(|(known, _)| known == name) {
            Some((_, holds)) => property(holds, value, &place, wrong),
            None => wrong.push(format!("{place}: a {} has no such property", of.name)),
        }
    }
}

fn property(holds: &Holds, value: &Value, place: &str, wrong: &mut Vec<String>) {
    let text = value.as_str();
    let is_right = match holds {
        Holds::Text => text.is_some_and(|text| !text.is_empty()),
        Holds::Uri => text.is_some_and(is_uri),
        Holds::Time => {
            text.is_some_and(|text| text.ends_with('Z') && chrono::DateTime::parse_from_rfc3339(text).is_ok())
        }
        Holds::Flag => value.is_boolean(),
        Holds::Whole(least) => value.as_i64().is_some_and(|n| n >= *least),
        Holds::Word(words) => text.is_some_and(|text| words.contains(&text)),
        Holds::Texts => value.as_object().is_some_and(|map| map.values().all(Value::is_string)),
        Holds::Bag => value.as_object().is_some_and(|map| map.get("tags").is_none_or(are_tags)),
        Holds::One(of) => return object(of, value, place, wrong),
        Holds::Many(of) => match value.as_array() {
            Some(items) => {
                let each = items.iter().enumerate();
                return each.for_each(|(n, item)| object(of, item, &format!("{place}/{n}"), wrong));
            }
            None => false,
        },
    };
    if !is_right {
        wrong.push(format!("{place}: {value}"));
    }
}

/// Tags are different texts (3.8.2).
fn are_tags(value: &Value) -> bool {
    let Some(tags) = value.as_array() else { return false };
    tags.iter().enumerate().all(|(n, tag)| tag.is_string() && !tags[..n].contains(tag))
}

/// Whether a text is of the characters of a URI reference, with its percent signs followed by two digits.
fn is_uri(text: &str) -> bool {
    let bytes = text.as_bytes();
    let is_allowed = |b: &u8| b.is_ascii_alphanumeric() || b"-._~:/?#[]@!$&'()*+,;=%".contains(b);
    let escapes = bytes.iter().enumerate().filter(|(_, b)| **b == b'%');
    let are_escapes = |at: usize| bytes.get(at + 1..at + 3).is_some_and(|two| two.iter().all(u8::is_ascii_hexdigit));
    !text.is_empty() && bytes.iter().all(is_allowed) && escapes.into_iter().all(|(at, _)| are_escapes(at))
}
