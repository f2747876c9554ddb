//! Texts one by one: which kinds of sensitive data each holds, and the text without them.
//!
//! What `classify`, `redact` and `fingerprint` in SQL do with a column. A value that matched is in nothing that is
//! returned.

use crate::engine::overlap::{Beaten, Own};
use crate::finding::{Confidence, Match};
use crate::inner_json::{self, Edit};
use crate::values::{FieldTable, ValueBatch};
use crate::{Engine, Error, FingerprintKey, Rule};

/// A text with the name of the field it stands in, where it has one.
pub type Named<'a> = (Option<&'a str>, &'a str);

/// The entities in each text at or above a confidence, sorted, each once.
///
/// # Errors
/// [`Error::Engine`] where matching fails.
pub fn entities(engine: &Engine, texts: &[Named<'_>], min: Confidence) -> Result<Vec<Vec<String>>, Error> {
    let mut out = vec![Vec::new(); texts.len()];
    for m in matches(engine, texts, min)?.0 {
        out[m.value as usize].push(engine.rules().get(m.rule).entity.clone());
    }
    for found in &mut out {
        found.sort();
        found.dedup();
    }
    Ok(out)
}

/// Each text with what was found at or above a confidence replaced by `[ENTITY:FINGERPRINT]`, or by `[ENTITY]` where
/// there is no key.
///
/// # Errors
/// [`Error::Engine`] where matching fails.
pub fn redacted(
    engine: &Engine,
    texts: &[Named<'_>],
    min: Confidence,
    key: Option<&FingerprintKey>,
) -> Result<Vec<String>, Error> {
    let (mut found, beaten) = matches(engine, texts, min)?;
    let own = beaten.stretch(&mut found);
    found.sort_by_key(|m| (m.value, m.start, std::cmp::Reverse(m.end)));
    let mut at = 0;
    let redacted = (0u32..).zip(texts).map(|(value, (_, text))| {
        let count = found[at..].iter().take_while(|m| m.value == value).count();
        let here = &found[at..at + count];
        at += count;
        without(engine, text, here, &own, key)
    });
    Ok(redacted.collect())
}

fn without(engine: &Engine, text: &str, found: &[Match], own: &Own, key: Option<&FingerprintKey>) -> String {
    replaced(text, found, &|m, value| {
        let rule = engine.rules().get(m.rule);
        let own = own.get(&(m.value, m.start, m.end, m.rule)).and_then(|(start, end)| text.get(*start..*end));
        let value = own.unwrap_or(value);
        match key {
            Some(key) => format!("[{}:{}]", rule.entity, key.fingerprint(&rule.entity, value, rule.normalise)),
            None => format!("[{}]", rule.entity),
        }
    })
}

/// A text with matches replaced; where it holds JSON it does so afterwards (see [`inner_json`]). Matches that overlap, as a
/// password in a URL or a number that begins in one, are replaced as one by what `label` gives for the longest of them and
/// its text. `found` is in the order of starts.
pub(crate) fn replaced(text: &str, found: &[Match], label: &dyn Fn(&Match, &str) -> String) -> String {
    let mut edits: Vec<Edit> = Vec::new();
    let mut rest = found;
    while let Some(first) = rest.first() {
        let (mut whole, mut end, mut count) = (first, first.end, 1);
        while let Some(next) = rest.get(count).filter(|m| m.start < end) {
            if next.end - next.start > whole.end - whole.start {
                whole = next;
            }
            end = end.max(next.end);
            count += 1;
        }
        rest = &rest[count..];
        let value = String::from_utf8_lossy(text.as_bytes().get(whole.start..whole.end).unwrap_or_default());
        // Whole characters go, wherever a match may end.
        let done = edits.last().map_or(0, |edit| edit.range.end);
        let start =
            (0..=first.start.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0).max(done);
        let end = (end..text.len()).find(|at| text.is_char_boundary(*at)).unwrap_or(text.len()).max(start);
        edits.push(Edit { range: start..end, new: Some(label(whole, &value).into_bytes()) });
    }
    String::from_utf8_lossy(&inner_json::edited(text.as_bytes(), &edits).0).into_owned()
}

/// The rule by which values of an entity are normalised before they are fingerprinted; `None` for an entity that no rule
/// finds.
pub fn rule_of<'e>(engine: &'e Engine, entity: &str) -> Option<&'e Rule> {
    engine.rules().iter().map(|(_, rule)| rule).find(|rule| rule.entity.eq_ignore_ascii_case(entity))
}

/// What is found at or above a confidence, and what that has beaten.
fn matches(engine: &Engine, texts: &[Named<'_>], min: Confidence) -> Result<(Vec<Match>, Beaten), Error> {
    let mut scanner = engine.scanner()?;
    let (mut fields, mut batch) = (FieldTable::default(), ValueBatch::new());
    for (row, (field, text)) in (0u64..).zip(texts) {
        let field = field.map(|name| fields.intern(name));
        batch.push(row, field, text.as_bytes());
    }
    let mut found = Vec::new();
    scanner.scan(&batch, &fields, &mut found)?;
    found.retain(|m| m.score >= min.score_min());
    Ok((found, Beaten::of(scanner.beaten(), min.score_min())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::RuleSet;
    use std::sync::Arc;

    #[test]
    fn what_overlaps_is_replaced_as_one() {
        let found = |list: &[(usize, usize)]| -> Vec<Match> {
            let of = |(rule, (start, end)): (u16, &(usize, usize))| Match {
                rule,
                value: 0,
                start: *start,
                end: *end,
                score: 1.0,
            };
            (0u16..).zip(list).map(of).collect()
        };
        let label = |m: &Match, value: &str| format!("[{}:{value}]", m.rule);
        assert_eq!(replaced("ab cdef gh", &found(&[(1, 5), (3, 9)]), &label), "a[1:cdef g]h", "partly");
        assert_eq!(
            replaced("ab cdef gh", &found(&[(0, 2), (0, 5), (5, 6)]), &label),
            "[1:ab cd][2:e]f gh",
            "same start"
        );
        assert_eq!(replaced("ab cdef gh", &found(&[(0, 7), (3, 5)]), &label), "[0:ab cdef] gh", "inside");
        assert_eq!(replaced("aéb", &found(&[(0, 2)]), &label), "[0:a\u{fffd}]b", "whole characters");
        assert_eq!(replaced(r#"{"a":12}"#, &found(&[(5, 7)]), &label), r#"{"a":"[0:12]"}"#, "JSON in it");
    }

    #[test]
    fn a_card_that_begins_in_a_url_goes_whole() {
        let engine = Engine::new(Arc::new(RuleSet::built_in().expect("rules"))).expect("an engine");
        let texts: [Named<'_>; 1] = [(Some("a"), "his website: https://host.com/4079 4636 1743 0119 now")];
        let plain = redacted(&engine, &texts, Confidence::Medium, None).expect("scanned");
        assert!(!plain[0].contains("1111") && plain[0].ends_with(" now"), "{}", plain[0]);
    }

    #[test]
    fn texts_are_classified_and_redacted_one_by_one() {
        let engine = Engine::new(Arc::new(RuleSet::built_in().expect("rules"))).expect("an engine");
        let texts: [Named<'_>; 3] =
            [(None, "nothing here"), (Some("ssn"), "SSN 536-22-8726"), (None, "card 4079 4636 1743 0119 declined")];
        let found = entities(&engine, &texts, Confidence::Medium).expect("scanned");
        assert_eq!(found[0], [""; 0]);
        assert_eq!(found[1], ["US_SSN"]);
        assert_eq!(found[2], ["CREDIT_CARD"]);
        let plain = redacted(&engine, &texts, Confidence::Medium, None).expect("scanned");
        assert_eq!(plain, ["nothing here", "SSN [US_SSN]", "card [CREDIT_CARD] declined"]);
        let key = FingerprintKey::new(&[7; 32]).expect("a key");
        let keyed = redacted(&engine, &texts, Confidence::Medium, Some(&key)).expect("scanned");
        let rule = rule_of(&engine, "us_ssn").expect("a rule");
        let fingerprint = key.fingerprint("US_SSN", "536228726", rule.normalise);
        assert_eq!(keyed[1], format!("SSN [US_SSN:{fingerprint}]"));
        assert!(rule_of(&engine, "NO_SUCH_THING").is_none());
    }
}
