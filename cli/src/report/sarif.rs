//! SARIF 2.1.0 (OASIS standard, 27 March 2020): one run, a rule for each detector, results written as they come.

use super::{Out, Report, Scanned, rfc3339, totals};
use lineward_classifiers::scan::FileReport;
use lineward_classifiers::{Confidence, Finding, Rule};
use serde_json::{Value, json};
use std::io;
use std::time::SystemTime;

const SCHEMA: &str = "https://json.schemastore.org/sarif-2.1.0.json";

pub(super) struct Sarif {
    out: Out,
    first: bool,
}

impl Sarif {
    pub(super) fn start(mut out: Out) -> io::Result<Self> {
        write!(out, "{{\"$schema\":\"{SCHEMA}\",\"version\":\"2.1.0\",\"runs\":[{{\"results\":[")?;
        Ok(Self { out, first: true })
    }
}

impl Report for Sarif {
    fn finding(&mut self, finding: &Finding) -> io::Result<()> {
        self.out.write_all(if self.first { b"\n" } else { b",\n" })?;
        self.first = false;
        Ok(serde_json::to_writer(&mut self.out, &result(finding))?)
    }

    fn finish(&mut self, scan: &Scanned<'_>) -> io::Result<()> {
        let driver = json!({
            "name": "lineward",
            "version": env!("CARGO_PKG_VERSION"),
            "rules": scan.engine.rules().iter().map(|(_, r)| rule(r)).collect::<Vec<_>>(),
        });
        write!(self.out, "\n],\n\"columnKind\":\"unicodeCodePoints\",\n\"tool\":{},\n", json!({ "driver": driver }))?;
        if let Some(sample) = scan.sample {
            writeln!(self.out, "\"properties\":{},", json!({ "sample": super::sampled(sample) }))?;
        }
        writeln!(self.out, "\"invocations\":[{}]}}]}}", invocation(scan))?;
        self.out.flush()
    }
}

fn result(f: &Finding) -> Value {
    let mut physical = json!({ "artifactLocation": { "uri": uri(&f.path) } });
    if let Some(region) = region(f) {
        physical["region"] = region;
    }
    let mut location = json!({ "physicalLocation": physical });
    if let Some(place) = record_place(f) {
        location["logicalLocations"] = json!([{ "fullyQualifiedName": place, "kind": "member" }]);
    }
    let place = record_place(f).map(|p| format!(" at {p}")).unwrap_or_default();
    json!({
        "ruleId": f.detector,
        "level": level(f.confidence),
        "message": { "text": format!("{}{place}: {} ({} confidence)", f.entity, f.preview, f.confidence.as_str()) },
        "locations": [location],
        "partialFingerprints": { "linewardValue/v1": f.fingerprint },
        "properties": {
            "entity": f.entity, "categories": f.categories, "confidence": f.confidence, "score": f.score,
            "row": f.row, "field": f.field, "start": f.start, "end": f.end,
        },
    })
}

/// Where in the file: bytes and the line in plain text, the line in JSONL. Offsets in a decoded field are none in the
/// file, so they are properties only.
fn region(f: &Finding) -> Option<Value> {
    match (f.row, f.line) {
        (None, Some(line)) => {
            Some(json!({ "startLine": line, "byteOffset": f.start, "byteLength": f.end.saturating_sub(f.start) }))
        }
        (Some(_), Some(line)) => Some(json!({ "startLine": line })),
        (None, None) => Some(json!({ "byteOffset": f.start, "byteLength": f.end.saturating_sub(f.start) })),
        (Some(_), None) => None,
    }
}

fn record_place(f: &Finding) -> Option<String> {
    let row = f.row?;
    Some(match &f.field {
        Some(field) => format!("record {row}, field {field}"),
        None => format!("record {row}"),
    })
}

fn level(confidence: Confidence) -> &'static str {
    match confidence {
        Confidence::High => "error",
        Confidence::Medium => "warning",
        Confidence::Low => "note",
    }
}

fn rule(rule: &Rule) -> Value {
    let checks = rule.checked_by();
    let checked = match checks.is_empty() {
        true => "its shape only".to_owned(),
        false => checks.join(", "),
    };
    let categories = totals::category_names(&rule.categories);
    let mut out = json!({
        "id": rule.id,
        "shortDescription": { "text": rule.title },
        "help": { "text": format!("{}. Entity {}, category {categories}. Checked by {checked}.", rule.title, rule.entity) },
        "properties": {
            "tags": rule.categories.iter().map(|c| c.as_str()).collect::<Vec<_>>(),
            "country": rule.country, "provider": rule.provider,
        },
    });
    if let Some(reference) = rule.refs.iter().find(|r| r.starts_with("https://")) {
        out["helpUri"] = json!(reference);
    }
    out
}

fn invocation(scan: &Scanned<'_>) -> Value {
    let notification = |level: &str, file: &FileReport, message: String| {
        json!({
            "level": level,
            "message": { "text": message },
            "locations": [{ "physicalLocation": {
                "artifactLocation": { "uri": uri(&file.path.to_string_lossy()) }
            } }],
        })
    };
    let problems = scan.problems().map(|(file, p)| notification("error", file, format!("{}: {}", p.place, p.message)));
    let undecoded =
        scan.files.iter().filter_map(|file| Some(notification("note", file, super::undecoded(file.undecoded)?)));
    let notifications: Vec<Value> = problems.chain(undecoded).collect();
    json!({
        "executionSuccessful": scan.problems().next().is_none() && !scan.stopped,
        "exitCode": scan.exit_code,
        "startTimeUtc": rfc3339(scan.started),
        "endTimeUtc": rfc3339(scan.started.checked_add(scan.elapsed).unwrap_or_else(SystemTime::now)),
        "toolExecutionNotifications": notifications,
    })
}

/// A path as a URI reference (RFC 3986): absolute ones with their scheme, others relative to where the scan ran. An object
/// in a bucket has its scheme already.
fn uri(path: &str) -> String {
    let is_scheme = |name: &str| name.len() > 1 && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    let (mut out, rest) = match path.split_once("://").filter(|(name, _)| is_scheme(name)) {
        Some((scheme, rest)) => (format!("{scheme}://"), rest),
        None if path.starts_with('/') => ("file://".to_owned(), path),
        None => (String::new(), path),
    };
    for byte in rest.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' | b'!' | b'@' | b'+' | b'=' => {
                out.push(char::from(byte));
            }
            // A colon in the first segment would read as a scheme.
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::uri;

    #[test]
    fn paths_are_uri_references() {
        for (path, expected) in [
            ("notes/a b.txt", "notes/a%20b.txt"),
            ("/srv/ä.txt", "file:///srv/%C3%A4.txt"),
            ("c:x?y#z", "c%3Ax%3Fy%23z"),
            ("a.zip!b/c.txt", "a.zip!b/c.txt"),
            ("s3://bucket/a b/c:d.txt", "s3://bucket/a%20b/c%3Ad.txt"),
            ("C://a.txt", "C%3A//a.txt"),
        ] {
            assert_eq!(uri(path), expected);
        }
    }
}
