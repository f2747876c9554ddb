//! The tags that the built-in rules can find, whether a store has any of them or not: a question about what nobody has
//! found yet has an answer, a question about a name that nothing knows has none.

use lineward_classifiers::RuleSet;
use std::sync::OnceLock;

static TAGS: OnceLock<Vec<String>> = OnceLock::new();

/// All of them, sorted: categories (`PHI`), and entities behind theirs (`PII.US_SSN`).
pub fn of_rules() -> &'static [String] {
    TAGS.get_or_init(|| {
        // Built-in rules that cannot be read fail every test of theirs.
        RuleSet::built_in().map(|rules| rules.tags().into_iter().collect()).unwrap_or_default()
    })
}

/// Whether the rules can find what a text names: a category, an entity or both, in any case.
pub fn rules_know(text: &str) -> bool {
    let entity = |tag: &str| tag.split_once('.').is_some_and(|(_, entity)| entity.eq_ignore_ascii_case(text));
    of_rules().iter().any(|tag| tag.eq_ignore_ascii_case(text) || entity(tag))
}

#[cfg(test)]
mod tests {
    use super::rules_know;

    #[test]
    fn names_of_the_rules() {
        for known in ["PHI", "us_ssn", "PII.US_SSN", "pii.us_ssn", "PERSON"] {
            assert!(rules_know(known), "{known}");
        }
        for unknown in ["PHY", "PHI.US_SSNN", "", ".US_SSN"] {
            assert!(!rules_know(unknown), "{unknown}");
        }
    }
}
