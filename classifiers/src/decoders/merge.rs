//! One list of matches out of those in plain text and those in decoded text.

use crate::engine::overlap;
use crate::finding::Match;
use crate::rule_set::RuleSet;
use std::collections::{BTreeMap, VecDeque};

/// Of matches in decoded text, what they matched. Several may stand at one place with one rule: what is packed as a whole
/// (base64 of gzip) has one place in the source, however much it holds.
#[derive(Debug, Default)]
pub(crate) struct DecodedValues(BTreeMap<Key, VecDeque<Decoded>>);

/// Value (its number in the batch), start in the source, rule and score of matches. The score, so that those that are left
/// out for theirs do not take the text of another.
type Key = (u32, usize, u16, u32);

fn key(m: &Match) -> Key {
    (m.value, m.start, m.rule, m.score.to_bits())
}

impl DecodedValues {
    /// Whether there are none.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Forgets all.
    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    /// What a match matched; `None` for one in plain text. Each is given once, to equal matches in their order.
    pub(crate) fn take(&mut self, m: &Match) -> Option<Decoded> {
        self.0.get_mut(&key(m)).and_then(VecDeque::pop_front)
    }

    /// Adds those of a value of others as those of a value here.
    pub(crate) fn add_as(&mut self, index: u32, others: &Self, value: u32) {
        let here = others.0.range((value, 0, 0, 0)..=(value, usize::MAX, u16::MAX, u32::MAX));
        self.0.extend(here.map(|((_, start, rule, score), texts)| ((index, *start, *rule, *score), texts.clone())));
    }

    fn add(&mut self, m: &Match, decoded: Decoded) {
        self.0.entry(key(m)).or_default().push_back(decoded);
    }
}

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
    /// Where it stands in each layer of decoded text, the first layer first: value, start, end.
    pub(crate) layers: Vec<(u32, usize, usize)>,
}

impl DecodedMatch {
    /// Whether both stand apart in one decoded text, wherever that stands in the source.
    fn stands_apart(&self, other: &Self) -> bool {
        let both = self.layers.iter().zip(&other.layers).rev().find(|(a, b)| a.0 == b.0);
        both.is_some_and(|(a, b)| a.2 <= b.1 || b.2 <= a.1)
    }
}

/// How many matches at and before a place are looked at for one that overlaps it. More stand only where very much is packed into
/// one place, which was resolved when it was found there: comparing each with each would take for ever.
const NEAR_MAX: usize = 256;

/// Adds decoded matches to plain ones; both are places in the source. Gives the decoded values of those that stay.
///
/// Of two that overlap the better score stays, then the longer, then the plain one: the same thing is not told twice.
/// What lies wholly inside a plain match of another kind (a claim in a token) is a thing of its own, and so are two that
/// do not overlap in the text that both were decoded to. A plain match that begins inside an escape, or holds it
/// (`njane@...` and `x%2Cjane@...`), was misread.
pub(crate) fn merge(plain: &mut Vec<Match>, mut decoded: Vec<DecodedMatch>, rules: &RuleSet) -> DecodedValues {
    let mut values = DecodedValues::default();
    if decoded.is_empty() {
        return values;
    }
    let is_container = |m: &Match| overlap::is_container(m, rules);
    // By value, kind and start. The number is that of the decoded match, from one on; plain ones have none.
    let mut kept: BTreeMap<(u32, bool, usize, usize), Match> = BTreeMap::new();
    for m in plain.iter() {
        kept.insert((m.value, is_container(m), m.start, 0), *m);
    }
    for (number, this) in (1..).zip(&decoded) {
        let m = &this.matched;
        let group = |start| (m.value, is_container(m), start, 0);
        let (mut rivals, mut is_taken) = (Vec::new(), false);
        for (key, other) in kept.range(group(0)..group(m.end)).rev().take(NEAR_MAX) {
            if other.end <= m.start {
                break;
            }
            let apart =
                key.3.checked_sub(1).and_then(|at| decoded.get(at)).is_some_and(|other| this.stands_apart(other));
            let inside = other.start <= m.start && m.end <= other.end && (m.start, m.end) != (other.start, other.end);
            let same_kind = rules.get(other.rule).entity == rules.get(m.rule).entity;
            if !apart && (!inside || same_kind) {
                rivals.push((*key, *other));
            }
            is_taken |= !apart && other.start == m.start;
        }
        let misread = |other: &Match| {
            this.escape.is_some_and(|(start, end)| {
                (start + 1..end).contains(&other.start) || (other.start < start && other.end == m.end)
            })
        };
        let better = |other: &Match| {
            m.score > other.score
                || misread(other)
                || (m.score == other.score && m.end - m.start > other.end - other.start)
        };
        if is_taken && rivals.is_empty() || !rivals.iter().all(|(_, other)| better(other)) {
            continue;
        }
        for (key, _) in rivals {
            kept.remove(&key);
        }
        kept.insert((m.value, is_container(m), m.start, number), *m);
    }
    let mut all: Vec<(usize, Match)> = kept.into_iter().map(|(key, m)| (key.3, m)).collect();
    all.sort_by_key(|(number, m)| (m.value, m.start, m.end, m.rule, *number));
    for (number, m) in &all {
        if let Some(this) = number.checked_sub(1).and_then(|at| decoded.get_mut(at)) {
            values.add(m, Decoded { text: std::mem::take(&mut this.value), stretch: this.stretch });
        }
    }
    plain.clear();
    plain.extend(all.into_iter().map(|(_, m)| m));
    values
}
