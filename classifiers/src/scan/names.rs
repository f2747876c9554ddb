//! Names that the tagger finds, as matches of the rules in `rules/names.yaml`.
//!
//! A text is tagged in pieces of some kilobytes whose bounds depend on offsets in the text alone, so that a large text
//! read in chunks gives the names that it would give in one piece. What a rule has found at a place wins over a name
//! there. This module does not decide whether names are looked for: rule set and options do.

use crate::finding::{Confidence, Match};
use crate::ner::{Entity, Span, Tagger};
use crate::rule::Trigger;
use crate::rule_set::RuleSet;
use crate::values::ValueBatch;

/// A piece begins at the first fit place behind each multiple of this many bytes of the text.
const PIECE_BYTES: u64 = 8 << 10;
/// Bytes behind such a multiple in which a line break, else a blank, is looked for.
const SEEK_BYTES: usize = 1 << 10;
/// The longest piece. A reader of text in chunks keeps as much in front of what it accepts.
pub(crate) const PIECE_BYTES_MAX: usize = PIECE_BYTES as usize + SEEK_BYTES;
/// Entities that a whole address or place may hold as separate findings of rules.
const PARTS: [&str; 3] = ["ADDRESS", "POSTAL_CODE", "LOCATION"];

/// Finds names in batches; one a thread.
pub(crate) struct Names {
    /// Rule and least score of each entity that is wanted.
    rules: Vec<(Entity, u16, f32)>,
    spans: Vec<Span>,
    merged: Vec<Match>,
}

impl Names {
    /// For the rules of the tagger in a set; `None` where there is none.
    pub(crate) fn new(rules: &RuleSet) -> Option<Self> {
        let wanted: Vec<(Entity, u16, f32)> = rules
            .iter()
            .filter_map(|(index, rule)| match rule.trigger {
                Trigger::Tagger(entity) => Some((entity, index, rule.score)),
                _ => None,
            })
            .collect();
        (!wanted.is_empty()).then(|| Self { rules: wanted, spans: Vec::new(), merged: Vec::new() })
    }

    /// Adds the names of a batch to its matches, which are in the order of values and starts and stay so. `base` is the
    /// offset of the first value's first byte in its text, for a text that comes in several batches.
    pub(crate) fn add(&mut self, batch: &ValueBatch, base: u64, rules: &RuleSet, matches: &mut Vec<Match>) {
        let mut found = std::mem::take(matches);
        self.merged.clear();
        let mut from = 0;
        for index in 0..batch.spans().len() as u32 {
            let to = from + found[from..].partition_point(|m| m.value == index);
            self.value(batch.value(index), index, if index == 0 { base } else { 0 }, &found[from..to], rules);
            from = to;
        }
        std::mem::swap(&mut self.merged, matches);
        found.clear();
        self.merged = found;
    }

    fn value(&mut self, text: &[u8], value: u32, base: u64, found: &[Match], rules: &RuleSet) {
        let begin = self.merged.len();
        let mut spans = std::mem::take(&mut self.spans);
        spans.clear();
        for piece in pieces(text, base) {
            tag_piece(text, piece, &mut spans);
        }
        let mut rest = found;
        for span in &spans {
            let Some((_, rule, _)) = self.rules.iter().find(|(e, _, least)| *e == span.entity && span.score >= *least)
            else {
                continue;
            };
            let before = rest.iter().take_while(|m| m.end <= span.start).count();
            self.merged.extend_from_slice(&rest[..before]);
            rest = &rest[before..];
            let here = rest.iter().take_while(|m| m.start < span.end).count();
            if rest[..here].iter().all(|m| m.end <= span.start || gives_way(m, span, rules)) {
                let stays = |m: &&Match| m.end <= span.start || !span_holds(span, m);
                self.merged.extend(rest[..here].iter().filter(stays));
                self.merged.push(Match { rule: *rule, value, start: span.start, end: span.end, score: span.score });
                rest = &rest[here..];
            }
        }
        self.merged.extend_from_slice(rest);
        self.merged[begin..].sort_by_key(|m| (m.start, m.end, m.rule));
        self.spans = spans;
    }
}

/// Whether a rule's match at the place of a name lets the name stand: one that is not reported by itself, or a part of an
/// address or place that the tagger found whole.
fn gives_way(m: &Match, span: &Span, rules: &RuleSet) -> bool {
    let is_part = matches!(span.entity, Entity::Address | Entity::Location)
        && PARTS.contains(&rules.get(m.rule).entity.as_str())
        && span_holds(span, m);
    is_part || m.score < Confidence::Medium.score_min()
}

fn span_holds(span: &Span, m: &Match) -> bool {
    span.start <= m.start && m.end <= span.end
}

/// The pieces of a text of which the first byte has this offset.
fn pieces(text: &[u8], base: u64) -> impl Iterator<Item = std::ops::Range<usize>> {
    let mut from = 0;
    std::iter::from_fn(move || {
        if from >= text.len() {
            return None;
        }
        let next = (base + from as u64) / PIECE_BYTES * PIECE_BYTES + PIECE_BYTES;
        let to = cut(text, usize::try_from(next - base).unwrap_or(usize::MAX));
        let piece = from..to;
        from = to;
        Some(piece)
    })
}

/// Where a piece ends that goes on to `place` at least: behind the next line break, else behind the next blank, else
/// where a character begins.
fn cut(text: &[u8], place: usize) -> usize {
    let Some(ahead) = text.get(place..) else { return text.len() };
    let near = &ahead[..ahead.len().min(SEEK_BYTES)];
    if let Some(n) = memchr::memchr(b'\n', near).or_else(|| memchr::memchr(b' ', near)) {
        return place + n + 1;
    }
    if near.len() < SEEK_BYTES {
        return text.len();
    }
    let place = place + SEEK_BYTES - 4;
    place + text[place..].iter().take_while(|b| **b & 0xc0 == 0x80).take(3).count()
}

/// Tags what of a piece is UTF-8.
fn tag_piece(text: &[u8], piece: std::ops::Range<usize>, spans: &mut Vec<Span>) {
    let mut at = piece.start;
    for chunk in text[piece].utf8_chunks() {
        let first = spans.len();
        if is_prose(chunk.valid()) {
            Tagger::built_in().tag(chunk.valid(), spans);
        }
        for span in &mut spans[first..] {
            span.start += at;
            span.end += at;
        }
        at += chunk.valid().len() + chunk.invalid().len();
    }
}

/// Whether a text could hold a name: it has a blank, and a capital or a digit. Costs a look at its first bytes, mostly.
fn is_prose(text: &str) -> bool {
    let bytes = text.as_bytes();
    memchr::memchr2(b' ', b'\n', bytes).is_some()
        && bytes.iter().any(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || *b >= 0xc3)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Engine, FieldTable};
    use std::sync::Arc;

    fn found(rules: &Arc<RuleSet>, text: &str) -> Vec<(String, String)> {
        let engine = Engine::new(Arc::clone(rules)).expect("engine");
        let batch = ValueBatch::of_text(text.as_bytes().to_vec());
        let mut matches = Vec::new();
        engine.scanner().expect("scratch").scan(&batch, &FieldTable::default(), &mut matches).expect("scan");
        Names::new(rules).expect("rules of the tagger").add(&batch, 0, rules, &mut matches);
        matches.iter().map(|m| (rules.get(m.rule).id.clone(), text[m.start..m.end].to_owned())).collect()
    }

    #[test]
    fn rules_win_over_names_and_whole_addresses_over_their_parts() {
        let rules = r"
- { id: tagged-person, title: t, entity: PERSON, categories: [pii], tagger: true, score: 0.65 }
- { id: tagged-address, title: t, entity: ADDRESS, categories: [pii], tagger: true, score: 0.65 }
- { id: zip, title: t, entity: POSTAL_CODE, categories: [pii], run: digits, find: '97331', score: 0.6 }
- { id: badge, title: t, entity: BADGE, categories: [pii], keywords: [brandt], find: '(?i:brandt)', score: 0.6 }
- { id: faint, title: t, entity: FAINT, categories: [pii], keywords: [lindqvist], find: '(?i:lindqvist)', score: 0.2 }
";
        let rules = Arc::new(RuleSet::from_files([("t.yaml", rules)]).expect("rules"));
        let pair = |id: &str, text: &str| (id.to_owned(), text.to_owned());
        let address = "4471 Larkspur Hollow Road, Apt 12, Benton Falls, OR 97331";
        for (text, expected) in [
            ("Yesterday Ulrike Brandt drove home.", vec![pair("badge", "Brandt")]),
            ("Yesterday Ulrike Lindqvist drove home.", vec![pair("tagged-person", "Ulrike Lindqvist")]),
            (&*format!("Send it to {address} please."), vec![pair("tagged-address", address)]),
            ("The number 97331 is free.", vec![pair("zip", "97331")]),
        ] {
            assert_eq!(found(&rules, text), expected, "{text}");
        }
    }

    #[test]
    fn pieces_do_not_depend_on_where_a_text_is_cut() {
        let mut text = String::new();
        for n in 0..4_000 {
            text.push_str(match n % 5 {
                0 => "Yesterday Ulrike Brandt drove to Rostock.\n",
                1 => "a line without any name in it; ",
                2 => "and_a_very_long_word_without_a_blank_",
                3 => "x",
                _ => " and so on, ",
            });
        }
        let text = format!("{text}{}{text}", "y".repeat(30_000));
        let bounds = |base: usize| -> Vec<usize> {
            pieces(&text.as_bytes()[base..], base as u64).map(|p| p.end + base).collect()
        };
        let whole = bounds(0);
        assert_eq!(*whole.last().expect("a piece"), text.len());
        assert!(whole.windows(2).all(|w| w[0] < w[1] && w[1] - w[0] <= 2 * PIECE_BYTES_MAX));
        for base in [1, 100, 8_191, 8_192, 8_200, 9_000, 9_300, 20_000, 70_001, 90_000] {
            let part = bounds(base);
            // From the first cut on that both know, all are the same.
            let common = whole.iter().filter(|c| **c > base + PIECE_BYTES_MAX);
            assert!(common.clone().count() > 3);
            assert!(common.clone().all(|c| part.contains(c)), "{base}");
            assert!(part.iter().filter(|c| **c > base + PIECE_BYTES_MAX).all(|c| whole.contains(c)), "{base}");
        }
    }

    #[test]
    fn what_is_not_utf8_is_left_out_and_offsets_hold() {
        let mut text = b"\xff\xfe The letter of ".to_vec();
        let start = text.len();
        text.extend_from_slice(b"Ulrike Brandt came. \xc3");
        let mut spans = Vec::new();
        tag_piece(&text, 0..text.len(), &mut spans);
        assert_eq!(spans.iter().map(|s| (s.start, s.end)).collect::<Vec<_>>(), [(start, start + 13)]);
    }
}
