//! The forms in which a scan is told: one file each, all behind [`Report`].
//!
//! A report receives findings in input order and holds what it needs of them in bounded memory. It writes what it is
//! given: redaction happened before, in the classifiers.

mod html;
mod index;
mod json;
mod jsonl;
mod junit;
mod parquet;
mod sarif;
mod summary;
mod totals;
mod undecoded;

pub(crate) use index::{Index, places};
pub(crate) use totals::Totals;
pub(crate) use undecoded::undecoded;

use crate::commands::FailOn;
use lineward_classifiers::scan::{FileReport, Sample};
use lineward_classifiers::{Confidence, Engine, Finding};
use std::io::{self, Write};
use std::time::{Duration, SystemTime};

/// What a report is written to.
pub(crate) type Out = Box<dyn Write + Send>;

/// A form of report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// One JSON object a finding and line.
    Jsonl,
    /// One JSON document with findings, files and totals.
    Json,
    /// SARIF 2.1.0.
    Sarif,
    /// JUnit XML.
    Junit,
    /// A Parquet file of findings.
    Parquet,
    /// One self-contained page.
    Html,
    /// Tables for a person at a terminal.
    Summary,
}

impl Kind {
    /// All of them.
    pub(crate) const ALL: [Self; 7] =
        [Self::Jsonl, Self::Json, Self::Sarif, Self::Junit, Self::Parquet, Self::Html, Self::Summary];

    /// The name on the command line.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Jsonl => "jsonl",
            Self::Json => "json",
            Self::Sarif => "sarif",
            Self::Junit => "junit",
            Self::Parquet => "parquet",
            Self::Html => "html",
            Self::Summary => "summary",
        }
    }

    /// The form with this name.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|k| k.as_str() == name)
    }

    /// Starts a report of this form. Which findings are failures is of interest to forms that tell of tests.
    pub(crate) fn start(self, out: Out, fail_on: &[FailOn]) -> io::Result<Box<dyn Report>> {
        Ok(match self {
            Self::Jsonl => Box::new(jsonl::Jsonl::new(out)),
            Self::Json => Box::new(json::Json::start(out)?),
            Self::Sarif => Box::new(sarif::Sarif::start(out)?),
            Self::Junit => Box::new(junit::Junit::new(out, fail_on)),
            Self::Parquet => Box::new(parquet::Parquet::start(out)?),
            Self::Html => Box::new(html::Html::new(out)),
            Self::Summary => Box::new(summary::Summary::new(out)),
        })
    }
}

/// Receives a scan in input order and writes it.
pub(crate) trait Report {
    /// A finding of the file that is reported next.
    fn finding(&mut self, finding: &Finding) -> io::Result<()>;

    /// The scan is over. Writes the rest and flushes.
    fn finish(&mut self, scan: &Scanned<'_>) -> io::Result<()>;
}

/// A scan that is over.
pub(crate) struct Scanned<'a> {
    pub engine: &'a Engine,
    /// Id of the key of the fingerprints.
    pub key_id: &'a str,
    pub files: &'a [FileReport],
    pub totals: &'a Totals,
    /// Bytes of text that were looked at, decompressed.
    pub bytes_scanned: u64,
    pub started: SystemTime,
    pub elapsed: Duration,
    /// It was interrupted.
    pub stopped: bool,
    /// Least confidence of what is reported.
    pub confidence_min: Confidence,
    /// Only this part of each input was looked at.
    pub sample: Option<Sample>,
    /// The command's exit code.
    pub exit_code: u8,
}

impl Scanned<'_> {
    /// What could not be read, with its file.
    fn problems(&self) -> impl Iterator<Item = (&FileReport, &lineward_classifiers::readers::Problem)> {
        self.files.iter().flat_map(|file| file.problems.iter().map(move |problem| (file, problem)))
    }

    /// Bytes of text a second.
    fn bytes_per_s(&self) -> u64 {
        (self.bytes_scanned as f64 / self.elapsed.as_secs_f64().max(1e-6)) as u64
    }
}

/// Where in its file a finding is, for a person: its line or else its record, and its field.
fn place(f: &Finding) -> String {
    let line = f.line.map(|line| format!("line {line}"));
    let row = f.row.map(|row| format!("record {row}"));
    let field = f.field.as_ref().map(|field| format!("field {field}"));
    [line.or(row), field].into_iter().flatten().collect::<Vec<_>>().join(", ")
}

/// A text as part of an HTML page or XML document, within quotes too. XML 1.0 has no form for control characters other
/// than tab and line break.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\n' | '\t' => out.push(c),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

/// What a sample means for the result.
pub(crate) fn sampled(sample: Sample) -> String {
    match sample {
        Sample::Rows(rows) => {
            format!("a sample: the first {} of each file; what comes after was not looked at", count(rows, "record"))
        }
        Sample::Share(share) => format!("a sample: {}% of records; the others were not looked at", share * 100.0),
    }
}

/// A time as RFC 3339 in UTC, to the second.
fn rfc3339(time: SystemTime) -> String {
    chrono::DateTime::<chrono::Utc>::from(time).to_rfc3339_opts(chrono::SecondsFormat::Secs, true)
}

/// A count with its noun: `1 file`, `2 files`.
pub(crate) fn count(n: u64, noun: &str) -> String {
    let s = if n == 1 { "" } else { "s" };
    format!("{} {noun}{s}", thousands(n))
}

/// A whole number with commas.
fn thousands(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(c);
    }
    out
}

/// Bytes in decimal units: `1.5 MB`.
fn bytes(n: u64) -> String {
    const UNITS: [&str; 5] = ["kB", "MB", "GB", "TB", "PB"];
    if n < 1_000 {
        return format!("{n} B");
    }
    let mut amount = n as f64 / 1e3;
    let mut unit = 0;
    while amount >= 999.95 && unit + 1 < UNITS.len() {
        amount /= 1e3;
        unit += 1;
    }
    format!("{amount:.1} {}", UNITS[unit])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_for_people() {
        for (n, expected) in [(0, "0"), (999, "999"), (1_000, "1,000"), (1_234_567, "1,234,567")] {
            assert_eq!(thousands(n), expected);
        }
        for (n, expected) in [(999, "999 B"), (1_500, "1.5 kB"), (999_990, "1.0 MB"), (3_000_000_000, "3.0 GB")] {
            assert_eq!(bytes(n), expected);
        }
        assert_eq!(count(1, "file"), "1 file");
        assert_eq!(count(2_000, "file"), "2,000 files");
        assert_eq!(rfc3339(SystemTime::UNIX_EPOCH), "1970-01-01T00:00:00Z");
    }

    #[test]
    fn markup_and_control_characters_are_text() {
        assert_eq!(escape("<img src='x' alt=\"a&b\">"), "&lt;img src=&#39;x&#39; alt=&quot;a&amp;b&quot;&gt;");
        assert_eq!(escape("a\u{1b}\u{85}\r\n\tb"), "a\u{fffd}\u{fffd}\u{fffd}\n\tb");
    }
}
