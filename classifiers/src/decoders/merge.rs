//! One list of matches out of those in plain text and those in decoded text.

use crate::engine::overlap;
use crate::finding::Match;
use crate::rule_set::RuleSet;
use std::collections::BTreeMap;

/// Of matches in decoded text, what they matched: by value (its number in the batch), start in the source, and rule.
pub(crate) type DecodedValues = BTreeMap<(u32, usize, u16), Decoded>;

/// What a match in decoded text matched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Decoded {
    /// The decoded value.
    pub(crate) text: Vec<u8>,
    /// All that has to go from the source with it: of base64 the whole run, which holds nothing when a part is replaced.
    pub(crate) stretch: (usize, usize),
}

/// A match in decoded text, with its place in the source and the decoded value.
#[derive(Debug)]
pub(crate) struct DecodedMatch {
    pub(crate) matched: Match,
    pub(crate) value: Vec<u8>,
    /// As in [`Decoded`].
    pub(crate) stretch: (usize, usize),
    /// The escape that stands right before it in the source.
    pub(crate) escape: Option<(usize, usize)>,
}

/// Adds decoded matches to plain ones; both are places in the source. Gives the decoded values of those that stay, by
/// value, start and rule.
///
/// Of two that overlap the better score stays, then the longer, then the plain one: the same thing is not told twice.
/// What lies wholly inside a plain match of another kind (a claim in a token) is a thing of its own. A plain match that
/// begins inside an escape, or holds it (`njane@...` and `x%2Cjane@...`), was misread.
pub(crate) fn merge(plain: &mut Vec<Match>, decoded: Vec<DecodedMatch>, rules: &RuleSet) -> DecodedValues {
    let is_container = |m: &Match| overlap::is_container(m, rules);
    let mut kept: BTreeMap<(u32, bool, usize), Match> = BTreeMap::new();
    for m in plain.iter() {
        kept.insert((m.value, is_container(m), m.start), *m);
    }
    let mut values = BTreeMap::new();
    for DecodedMatch { matched: m, value, stretch, escape } in decoded {
        let key = (m.value, is_container(&m), m.start);
        let group = |start| (m.value, key.1, start);
        let mut rivals = Vec::new();
        for (other_key, other) in kept.range(group(0)..group(m.end)).rev() {
            if other.end <= m.start {
                break;
            }
            let inside = other.start <= m.start && m.end <= other.end && (m.start, m.end) != (other.start, other.end);
            let same_kind = rules.get(other.rule).entity == rules.get(m.rule).entity;
            if !inside || same_kind {
                rivals.push((*other_key, *other));
            }
        }
        let misread = |other: &Match| {
            escape.is_some_and(|(start, end)| {
                (start + 1..end).contains(&other.start) || (other.start < start && other.end == m.end)
            })
        };
        let better = |other: &Match| {
            m.score > other.score
                || misread(other)
                || (m.score == other.score && m.end - m.start > other.end - other.start)
        };
        if kept.contains_key(&key) && rivals.is_empty() || !rivals.iter().all(|(_, other)| better(other)) {
            continue;
        }
        for (key, other) in rivals {
            kept.remove(&key);
            values.remove(&(other.value, other.start, other.rule));
        }
        values.insert((m.value, m.start, m.rule), Decoded { text: value, stretch });
        kept.insert(key, m);
    }
    if !values.is_empty() {
        plain.clear();
        plain.extend(kept.into_values());
        plain.sort_by_key(|m| (m.value, m.start, m.end, m.rule));
    }
    values
}
