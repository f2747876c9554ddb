//! Names that the tagger finds, as matches of the rules in `rules/names.yaml`.
//!
//! A text is tagged in pieces of some kilobytes whose bounds depend on offsets in the text alone, so that a large text
//! read in chunks gives the names that it would give in one piece. What a rule has found at a place wins over a name
//! there. Under [`Ner::Auto`] only pieces are tagged in which, or in whose record, a rule has found something personal: a
//! name alone identifies nobody, and tagging takes most of a scan's time. In little text it takes none worth saving, so
//! there all is tagged.

use crate::finding::{Category, Confidence, Match};
use crate::ner::{Entity, Span, Tagger};
use crate::rule::{Rule, Trigger};
use crate::rule_set::RuleSet;
use crate::scan::ScanInput;
use crate::values::ValueBatch;
use std::collections::{HashMap, HashSet};
use std::ops::Range;

/// A piece begins at the first fit place behind each multiple of this many bytes of the text.
const PIECE_BYTES: u64 = 8 << 10;
/// Bytes behind such a multiple in which a line break, else a blank, is looked for.
const SEEK_BYTES: usize = 1 << 10;
/// The longest piece. A reader of text in chunks keeps as much in front of what it accepts.
pub(crate) const PIECE_BYTES_MAX: usize = PIECE_BYTES as usize + SEEK_BYTES;
/// Entities that a whole address or place may hold as separate findings of rules.
const PARTS: [&str; 3] = ["ADDRESS", "POSTAL_CODE", "LOCATION"];

/// A value of a record up to this length is tagged where another value of its record holds something personal.
const SHORT_BYTES: usize = 2 << 10;
/// Entities that stand beside names nowhere in particular: they do not make a text one about people.
const IMPERSONAL: [&str; 12] = [
    "URL",
    "DOMAIN_NAME",
    "IP_ADDRESS",
    "MAC_ADDRESS",
    "AGE",
    "LOCATION",
    "POSTAL_CODE",
    "DATE_TIME",
    "ORGANIZATION",
    "FACILITY",
    "NRP",
    "PERSON",
];

/// Bytes of an input below which [`Ner::Auto`] looks for names everywhere: it takes a tenth of a second at most then.
const SMALL_BYTES: u64 = 2_000_000;
/// Endings of files that hold records or what people wrote. In code and settings the tagger sees names where none are.
const WRITTEN: [&str; 13] =
    ["jsonl", "ndjson", "csv", "tsv", "parquet", "arrow", "avro", "txt", "text", "md", "html", "htm", "eml"];

/// Most that a date, town or company counts for that only the tagger sees: it may be sure of it, and it is nobody's.
const IMPERSONAL_SCORE_MAX: f32 = 0.75;

/// Where names are looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub enum Ner {
    /// Nowhere.
    Off,
    /// Where a rule has found something personal nearby; in a file of less than 2 MB, if it holds records or documents,
    /// everywhere.
    #[default]
    Auto,
    /// Everywhere.
    On,
}

/// Whether names are looked for everywhere in an input. It goes by this input alone, so that what is found in a file does
/// not depend on what it is scanned with.
pub(super) fn everywhere(ner: Ner, input: &ScanInput) -> bool {
    let ending = input.path.extension().and_then(|e| e.to_str());
    let is_written = ending.is_some_and(|e| WRITTEN.iter().any(|written| written.eq_ignore_ascii_case(e)));
    // A size that is not known is 0.
    let is_known = input.size_bytes > 0 || input.path.is_file();
    match ner {
        Ner::Off => false,
        Ner::Auto => is_written && is_known && input.size_bytes < SMALL_BYTES,
        Ner::On => true,
    }
}

/// Finds names in batches; one a thread.
pub(crate) struct Names {
    /// Rule and least score of each entity that is wanted.
    rules: Vec<(Entity, u16, f32)>,
    spans: Vec<Span>,
    merged: Vec<Match>,
    everywhere: bool,
    /// Of each rule, whether what it finds makes a text one about people.
    personal: Vec<bool>,
    /// Records in which something personal was found.
    rows: HashSet<u64>,
    /// Of values that are repeated, where in `merged` the matches of one of them are, by the first and whether all of it was
    /// looked at.
    repeats: HashMap<(u32, bool), Range<usize>>,
}

impl Names {
    /// For the rules of the tagger in a set; `None` where there is none, or names are not wanted.
    pub(crate) fn new(rules: &RuleSet, ner: Ner) -> Option<Self> {
        let wanted: Vec<(Entity, u16, f32)> = rules
            .iter()
            .filter_map(|(index, rule)| match rule.trigger {
                Trigger::Tagger(entity) => Some((entity, index, rule.score)),
                _ => None,
            })
            .collect();
        let is_personal = |rule: &Rule| {
            rule.categories.iter().any(|c| matches!(c, Category::Pii | Category::Phi))
                && !IMPERSONAL.contains(&rule.entity.as_str())
        };
        (!wanted.is_empty() && ner != Ner::Off).then(|| Self {
            rules: wanted,
            spans: Vec::new(),
            merged: Vec::new(),
            everywhere: ner == Ner::On,
            personal: rules.iter().map(|(_, rule)| is_personal(rule)).collect(),
            rows: HashSet::new(),
            repeats: HashMap::new(),
        })
    }

    /// Says whether what follows is an input in which names are looked for everywhere.
    pub(super) fn look_everywhere(&mut self, everywhere: bool) {
        self.everywhere = everywhere;
    }

    /// Adds the names of a batch to its matches, which are in the order of values and starts and stay so. `base` is the
    /// offset of the first value's first byte in its text, for a text that comes in several batches.
    pub(crate) fn add(&mut self, batch: &ValueBatch, base: u64, rules: &RuleSet, matches: &mut Vec<Match>) {
        let mut found = std::mem::take(matches);
        self.merged.clear();
        self.rows.clear();
        self.repeats.clear();
        let repeats = batch.repeats() > 0;
        if !self.everywhere {
            let personal = found.iter().filter(|m| is_personal(&self.personal, m));
            self.rows.extend(personal.filter_map(|m| batch.spans().get(m.value as usize)).map(|span| span.row));
        }
        let mut from = 0;
        for (index, span) in (0u32..).zip(batch.spans()) {
            let to = from + found[from..].partition_point(|m| m.value == index);
            let (text, here) = (batch.value(index), &found[from..to]);
            from = to;
            let in_record = self.everywhere || self.rows.contains(&span.row);
            if !in_record {
                self.merged.extend_from_slice(here);
                continue;
            }
            let whole = self.everywhere || span.field.is_some() && text.len() <= SHORT_BYTES;
            let key = (batch.first_of(index), whole);
            if let Some(known) = self.repeats.get(&key) {
                let again = known.clone().map(|at| Match { value: index, ..self.merged[at] });
                let again: Vec<Match> = again.collect();
                self.merged.extend(again);
                continue;
            }
            let begin = self.merged.len();
            self.value(text, index, if index == 0 { base } else { 0 }, whole, here, rules);
            if repeats {
                self.repeats.insert(key, begin..self.merged.len());
            }
        }
        std::mem::swap(&mut self.merged, matches);
        found.clear();
        self.merged = found;
    }

    /// Adds the names of a value; where `whole` is not set, those of pieces that hold something personal.
    fn value(&mut self, text: &[u8], value: u32, base: u64, whole: bool, found: &[Match], rules: &RuleSet) {
        let begin = self.merged.len();
        let mut spans = std::mem::take(&mut self.spans);
        spans.clear();
        let mut personal = found.iter().filter(|m| is_personal(&self.personal, m)).map(|m| m.start).peekable();
        for piece in pieces(text, base) {
            while personal.next_if(|start| *start < piece.start).is_some() {}
            if whole || personal.peek().is_some_and(|start| *start < piece.end) {
                tag_piece(text, piece, &mut spans);
            }
        }
        let mut rest = found;
        for span in &spans {
            let span = &trimmed(text, *span, rest, rules);
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
                let score = if span.entity.is_personal() { span.score } else { span.score.min(IMPERSONAL_SCORE_MAX) };
                self.merged.push(Match { rule: *rule, value, start: span.start, end: span.end, score });
                rest = &rest[here..];
            }
        }
        self.merged.extend_from_slice(rest);
        self.merged[begin..].sort_by_key(|m| (m.start, m.end, m.rule));
        self.spans = spans;
    }
}

fn is_personal(personal: &[bool], m: &Match) -> bool {
    m.score >= Confidence::Medium.score_min() && personal.get(m.rule as usize).copied().unwrap_or_default()
}

/// Whether a rule's match at the place of a name lets the name stand: one that is not reported by itself, or a part of an
/// address or place that the tagger found whole.
fn gives_way(m: &Match, span: &Span, rules: &RuleSet) -> bool {
    let is_part = matches!(span.entity, Entity::Address | Entity::Location)
        && PARTS.contains(&rules.get(m.rule).entity.as_str())
        && span_holds(span, m);
    is_part || m.score < Confidence::Medium.score_min()
}

/// An address without what a rule has found at one of its ends: the phone number on the next line, the name before the
/// house. What a rule found in its middle, or what leaves less than half of it, it does not survive.
fn trimmed(text: &[u8], span: Span, found: &[Match], rules: &RuleSet) -> Span {
    if span.entity != Entity::Address {
        return span;
    }
    let mut cut = span;
    let others = found.iter().take_while(|m| m.start < span.end);
    for m in others.filter(|m| m.end > span.start && !gives_way(m, &span, rules)) {
        if m.start <= cut.start {
            cut.start = cut.start.max(m.end);
        } else if m.end >= cut.end {
            cut.end = cut.end.min(m.start);
        }
    }
    let edge = |b: &u8| b.is_ascii_whitespace() || matches!(b, b',' | b'.' | b';' | b':' | b'>' | b'|');
    let Some(kept) = text.get(cut.start..cut.end) else { return span };
    let (before, behind) =
        (kept.iter().take_while(|b| edge(b)).count(), kept.iter().rev().take_while(|b| edge(b)).count());
    if before == kept.len() || (kept.len() - before - behind) * 2 < span.end - span.start {
        return span;
    }
    Span { start: cut.start + before, end: cut.end - behind, ..cut }
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
    let mut tagged = Vec::new();
    for chunk in text[piece].utf8_chunks() {
        // The tagger takes what it is given to append to as what it found in this text.
        tagged.clear();
        if is_prose(chunk.valid()) {
            Tagger::built_in().tag(chunk.valid(), &mut tagged);
        }
        spans.extend(tagged.iter().map(|s| Span { start: s.start + at, end: s.end + at, ..*s }));
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
        Names::new(rules, Ner::On).expect("rules of the tagger").add(&batch, 0, rules, &mut matches);
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
    fn names_are_looked_for_beside_what_is_personal() {
        let rules = Arc::new(RuleSet::built_in().expect("rules"));
        let engine = Engine::new(Arc::clone(&rules)).expect("engine");
        let mut fields = FieldTable::default();
        let (note, mail) = (fields.intern("note"), fields.intern("mail"));
        let mut batch = ValueBatch::new();
        let name = "Yesterday Ulrike Brandt drove home.";
        batch.push(0, Some(note), name.as_bytes());
        batch.push(0, Some(mail), b"u.brandt@hospital-north.org");
        batch.push(1, Some(note), name.as_bytes());
        batch.push(1, Some(mail), b"http://192.168.4.4/");
        let long = format!("{name} Write to u.brandt@hospital-north.org. {}{name}", "and so on, ".repeat(2_000));
        batch.push(2, Some(note), long.as_bytes());
        for (ner, expected) in [(Ner::Off, vec![]), (Ner::Auto, vec![0, 4]), (Ner::On, vec![0, 2, 4, 4])] {
            let mut matches = Vec::new();
            engine.scanner().expect("scratch").scan(&batch, &fields, &mut matches).expect("scan");
            if let Some(mut names) = Names::new(&rules, ner) {
                names.add(&batch, 0, &rules, &mut matches);
            }
            let names = matches.iter().filter(|m| rules.get(m.rule).id == "tagged-person").map(|m| m.value);
            assert_eq!(names.collect::<Vec<_>>(), expected, "{ner:?}");
        }
    }

    #[test]
    fn addresses_give_up_their_ends_and_nothing_else() {
        let rules = "- { id: id, title: t, entity: BADGE, categories: [pii], keywords: [badge], find: '(?i:badge)', score: 0.6 }";
        let rules = RuleSet::from_files([("t.yaml", rules)]).expect("rules");
        let text = "Ms Apt 9, 4471 Larkspur Hollow Road,\nBenton 97331\n0610";
        let place = |part: &str| text.find(part).map(|n| n..n + part.len()).expect("there");
        let all = place("Apt 9, 4471 Larkspur Hollow Road,\nBenton 97331\n0610");
        let span = Span { start: all.start, end: all.end, entity: Entity::Address, score: 0.7 };
        for (found, entity, expected) in [
            (vec![], Entity::Address, all.clone()),
            (vec![place("0610")], Entity::Address, place("Apt 9, 4471 Larkspur Hollow Road,\nBenton 97331")),
            (
                vec![place("Ms Apt"), place("0610")],
                Entity::Address,
                place("9, 4471 Larkspur Hollow Road,\nBenton 97331"),
            ),
            (vec![place("Hollow")], Entity::Address, all.clone()),
            (vec![place("Road,\nBenton 97331\n0610"), place("Ms Apt 9, 4471")], Entity::Address, all.clone()),
            (vec![place("0610")], Entity::Person, all.clone()),
        ] {
            let of = |r: &std::ops::Range<usize>| Match { rule: 0, value: 0, start: r.start, end: r.end, score: 0.6 };
            let mut matches: Vec<Match> = found.iter().map(of).collect();
            matches.sort_by_key(|m| m.start);
            let kept = trimmed(text.as_bytes(), Span { entity, ..span }, &matches, &rules);
            assert_eq!((kept.start, kept.end), (expected.start, expected.end), "{found:?}");
        }
    }

    #[test]
    fn names_are_looked_for_everywhere_in_little_that_people_wrote() {
        for (path, size_bytes, expected) in [
            ("a.jsonl", 1_900_000, true),
            ("b.TXT", 9, true),
            ("a.jsonl", 2_000_000, false),
            ("a.py", 9, false),
            ("Makefile", 9, false),
            ("stream-of-unknown-size.jsonl", 0, false),
            ("a.csv", u64::MAX, false),
        ] {
            let input = ScanInput::file(path.into(), size_bytes);
            assert_eq!(everywhere(Ner::Auto, &input), expected, "{input:?}");
            assert!(everywhere(Ner::On, &input) && !everywhere(Ner::Off, &input));
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
        let again = text.len() + 14;
        text.extend_from_slice(b"The letter of Ulrike Brandt came.");
        let mut spans = Vec::new();
        tag_piece(&text, 0..text.len(), &mut spans);
        let places: Vec<_> = spans.iter().map(|s| (s.start, s.end)).collect();
        assert_eq!(places, [(start, start + 13), (again, again + 13)]);
    }
}
