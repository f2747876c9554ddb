//! Which findings make a scan fail: the entries of `--fail-on`. The exit code and the JUnit report go by them.

use lineward_classifiers::{Category, Confidence, Finding};
use std::str::FromStr;

/// An entry of `--fail-on`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FailOn {
    /// The category.
    pub(crate) category: Category,
    /// The least confidence, where one was named.
    pub(crate) confidence: Option<Confidence>,
}

impl FromStr for FailOn {
    type Err = String;

    fn from_str(entry: &str) -> Result<Self, String> {
        let (name, wanted) = match entry.split_once(':') {
            Some((name, wanted)) => (name, Some(wanted)),
            None => (entry, None),
        };
        let category = Category::parse(name).ok_or(
            "write CATEGORY or CATEGORY:LEVEL, as `phi` or `credential:high`; \
             the categories are pii, phi, credential, financial",
        )?;
        let confidence = match wanted {
            Some(name) => Some(level(name).ok_or("the levels are low, medium, high")?),
            None => None,
        };
        Ok(Self { category, confidence })
    }
}

impl FailOn {
    /// Whether it names a finding.
    fn hits(self, finding: &Finding) -> bool {
        finding.categories.contains(&self.category) && self.confidence.is_none_or(|c| finding.confidence >= c)
    }
}

/// Whether one of the entries names a finding.
pub(crate) fn hit_by(entries: &[FailOn], finding: &Finding) -> bool {
    entries.iter().any(|entry| entry.hits(finding))
}

/// A level by its name.
pub(super) fn level(name: &str) -> Option<Confidence> {
    Confidence::ALL.into_iter().find(|l| l.as_str() == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fail_on_entries() {
        let entry = |text: &str| text.parse::<FailOn>();
        assert_eq!(entry("phi"), Ok(FailOn { category: Category::Phi, confidence: None }));
        let high = FailOn { category: Category::Credential, confidence: Some(Confidence::High) };
        assert_eq!(entry("credential:high"), Ok(high));
        for wrong in ["", "secrets", "pii:", "pii:sure", "PII"] {
            assert!(entry(wrong).is_err(), "{wrong}");
        }
    }
}
