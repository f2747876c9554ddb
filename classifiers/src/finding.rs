//! What a scan finds: the raw match inside the engine, and the finding that leaves this crate.
//!
//! A [`Match`] is a place. A [`Finding`] is a place with a keyed fingerprint and a redacted preview: the value itself
//! is in neither, and there is no way to get it from a finding without the scanned bytes.

use serde::{Deserialize, Serialize};

/// Family of sensitive data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Category {
    /// Personal data.
    Pii,
    /// Health data, and identifiers in a clinical context.
    Phi,
    /// Secrets that grant access.
    Credential,
    /// Payment and bank data.
    Financial,
}

impl Category {
    /// All, in the order of reports.
    pub const ALL: [Self; 4] = [Self::Pii, Self::Phi, Self::Credential, Self::Financial];

    /// The name used everywhere.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pii => "pii",
            Self::Phi => "phi",
            Self::Credential => "credential",
            Self::Financial => "financial",
        }
    }

    /// The category with this name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|c| c.as_str() == name)
    }
}

/// What a reader should believe.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Confidence {
    /// Below 0.5.
    Low,
    /// From 0.5.
    Medium,
    /// From 0.8.
    High,
}

impl Confidence {
    /// All, the least first.
    pub const ALL: [Self; 3] = [Self::Low, Self::Medium, Self::High];

    /// The confidence of a score (0 to 1).
    pub fn of(score: f32) -> Self {
        match score {
            s if s >= 0.8 => Self::High,
            s if s >= 0.5 => Self::Medium,
            _ => Self::Low,
        }
    }

    /// The least score with this confidence.
    pub fn score_min(self) -> f32 {
        match self {
            Self::Low => 0.0,
            Self::Medium => 0.5,
            Self::High => 0.8,
        }
    }

    /// The name used everywhere.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
        }
    }
}

/// A place where a rule matched.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Match {
    /// Index of the rule in its set.
    pub rule: u16,
    /// Index of the value (a field of a record, or the text) it lies in.
    pub value: u32,
    /// First byte, from the start of that value.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
    /// 0 to 1.
    pub score: f32,
}

/// A finding, in the shape of the output contract.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// The input as given, plus `!inner/name` for a member of an archive.
    pub path: String,
    /// Zero-based record number; `None` in plain text.
    pub row: Option<u64>,
    /// Dotted path of the field; `None` in plain text.
    pub field: Option<String>,
    /// First byte in the decoded value or (decompressed) file.
    pub start: u64,
    /// One past the last byte.
    pub end: u64,
    /// One-based line, for plain text and JSONL.
    pub line: Option<u64>,
    /// Id of the detector.
    pub detector: String,
    /// Kind of thing found.
    pub entity: String,
    /// Families.
    pub categories: Vec<Category>,
    /// What a reader should believe.
    pub confidence: Confidence,
    /// The number behind it, 0 to 1.
    pub score: f32,
    /// Keyed hash of the normalised value, with the id of the key in front.
    pub fingerprint: String,
    /// Redacted preview.
    pub preview: String,
    /// The value, only where a person at a terminal asked for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
}

/// A preview of a value: at most its first two and last two characters, none of a value shorter than 8 characters.
/// Characters that could disturb a terminal are not shown.
pub fn preview(value: &str) -> String {
    let count = value.chars().count();
    if count < 8 {
        return "*".repeat(count.clamp(3, 8));
    }
    // A quarter of the value at most: of 8 to 15 characters only the first and last show.
    let shown = if count < 16 { 1 } else { 2 };
    let visible = |c: char| if c.is_control() || c.is_whitespace() { '*' } else { c };
    let mut out = String::with_capacity(32);
    out.extend(value.chars().take(shown).map(visible));
    out.extend(std::iter::repeat_n('*', (count - 2 * shown).min(12)));
    out.extend(value.chars().skip(count - shown).map(visible));
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn previews_show_a_quarter_at_most() {
        for (value, expected) in [
            ("", "***"),
            ("1234567", "*******"),
            ("12345678", "1******8"),
            ("4111111111111111", "41************11"),
            ("grüße-an-alle-die-lesen", "gr************en"),
            ("a\x1b[31mbcdefghi", "a************i"),
        ] {
            assert_eq!(preview(value), expected);
        }
        assert!(!preview("line one\nline two").contains('\n'));
    }
}
