//! The matching engine: anchors and runs first, windows next, exact matching and checks last.
//!
//! [`Engine`] holds the compiled rules and is shared by all threads; a [`Scanner`] holds the scratch space of one
//! thread and allocates nothing in its hot loop. The engine finds places in text. It does not read files, decode
//! containers, or make findings out of matches.

mod anchors;
mod fields;
mod need;
mod overlap;
pub mod runs;
mod shapes;

pub(crate) use fields::glob as fields_glob;

use crate::Error;
use crate::finding::Match;
use crate::rule::{FieldRule, NEAR_AFTER_BYTES, Near, Rule, Trigger, syntax_config};
use crate::rule_set::RuleSet;
use crate::values::{FieldTable, ValueBatch, ValueSpan};
use anchors::{AnchorScanner, Anchors, Literal};
use fields::FieldPlans;
use need::Regions;
use regex_automata::hybrid::dfa::{Cache as DfaCache, DFA};
use regex_automata::meta::Cache;
use regex_automata::util::primitives::NonMaxUsize;
use regex_automata::{Anchored, Input, MatchKind, PatternSet};
use runs::{RunKind, Wanted};
use shapes::Shapes;
use std::sync::{Arc, OnceLock};

/// Bytes after a run's start that the joint automaton of its rules looks at.
const RUN_WINDOW_BYTES: usize = 64;
/// How far a candidate is extended to the left over letters and digits before a digit run.
const LEAD_BYTES: usize = 8;
/// How far a candidate is extended to the left over the local part before an `@`.
const LOCAL_PART_BYTES: usize = 64;

/// Compiled rules, shared by all scanners.
#[derive(Debug)]
pub struct Engine {
    rules: Arc<RuleSet>,
    /// Literals that are looked for everywhere.
    anchors: Anchors,
    /// Literals of rules that need a digit, looked for near digits.
    digit_labels: Anchors,
    /// Literals of rules that need a number, looked for near numbers.
    number_labels: Anchors,
    digits: RunRules,
    at: RunRules,
    token: RunRules,
}

/// The rules of one kind of run, as one automaton that says which of them match at a place.
#[derive(Debug)]
struct RunRules {
    rules: Vec<u16>,
    dfa: OnceLock<Option<DFA>>,
}

impl RunRules {
    fn new(rules: &RuleSet, kind: RunKind) -> Self {
        Self { rules: rules.indices(|r| r.trigger == Trigger::Run(kind)), dfa: OnceLock::new() }
    }

    /// Built when the first run is seen. `None` where the rules are too many for one automaton, in which case each is
    /// tried by itself: slower, with the same result.
    fn dfa(&self, rules: &RuleSet) -> Option<&DFA> {
        self.dfa
            .get_or_init(|| {
                let sources: Vec<&str> =
                    self.rules.iter().filter_map(|i| rules.get(*i).find.as_ref()).map(|f| f.source()).collect();
                DFA::builder()
                    .syntax(syntax_config())
                    .configure(DFA::config().match_kind(MatchKind::All).cache_capacity(8 << 20))
                    .build_many(&sources)
                    .ok()
            })
            .as_ref()
    }
}

impl Engine {
    /// Compiles a rule set.
    ///
    /// # Errors
    /// [`Error::Engine`] where Vectorscan cannot be used on this machine.
    pub fn new(rules: Arc<RuleSet>) -> Result<Self, Error> {
        let mut everywhere = Vec::new();
        let mut near_digits = Vec::new();
        let mut near_numbers = Vec::new();
        for (rule, spec) in rules.iter() {
            let (Trigger::Literals { anchors, keywords }, Some(find)) = (&spec.trigger, &spec.find) else { continue };
            let literals = match need::near(find.source()) {
                need::Near::Anywhere => &mut everywhere,
                need::Near::Digit => &mut near_digits,
                need::Near::Number => &mut near_numbers,
            };
            literals.extend(anchors.iter().map(|text| Literal { text, caseless: false, rule }));
            literals.extend(keywords.iter().map(|text| Literal { text, caseless: true, rule }));
        }
        // Vectorscan takes tens of milliseconds for all labels: a start is as long as the longest of the three.
        let (anchors, digit_labels, number_labels) = std::thread::scope(|scope| {
            let digits = scope.spawn(|| Anchors::new(near_digits.into_iter()));
            let numbers = scope.spawn(|| Anchors::new(near_numbers.into_iter()));
            let anchors = Anchors::new(everywhere.into_iter());
            (anchors, digits.join(), numbers.join())
        });
        let joined = |anchors: std::thread::Result<Result<Anchors, Error>>| {
            anchors.unwrap_or_else(|_| Err(Error::Engine("compiling the anchors panicked".into())))
        };
        Ok(Self {
            anchors: anchors?,
            digit_labels: joined(digit_labels)?,
            number_labels: joined(number_labels)?,
            digits: RunRules::new(&rules, RunKind::Digits),
            at: RunRules::new(&rules, RunKind::At),
            token: RunRules::new(&rules, RunKind::Token),
            rules,
        })
    }

    /// The rules.
    pub fn rules(&self) -> &Arc<RuleSet> {
        &self.rules
    }

    /// How many distinct literals the first pass looks for.
    pub fn anchor_count(&self) -> usize {
        self.anchors.len() + self.digit_labels.len() + self.number_labels.len()
    }

    /// A scanner for one thread.
    ///
    /// # Errors
    /// [`Error::Engine`] where scratch memory cannot be had.
    pub fn scanner(&self) -> Result<Scanner<'_>, Error> {
        let count = self.rules.len();
        Ok(Scanner {
            engine: self,
            anchors: self.anchors.scanner()?,
            digit_labels: self.digit_labels.scanner()?,
            number_labels: self.number_labels.scanner()?,
            hits: Vec::new(),
            regions: Regions::default(),
            marks: Vec::new(),
            caches: (0..count).map(|_| None).collect(),
            field_caches: (0..count).map(|_| None).collect(),
            done_until: vec![0; count],
            digits: RunCache::new(&self.digits),
            at: RunCache::new(&self.at),
            token: RunCache::new(&self.token),
            shapes: Shapes::default(),
            matched: Vec::new(),
            plans: FieldPlans::default(),
            found: Vec::new(),
        })
    }
}

/// Scratch space of one thread.
pub struct Scanner<'e> {
    engine: &'e Engine,
    anchors: AnchorScanner<'e>,
    digit_labels: AnchorScanner<'e>,
    number_labels: AnchorScanner<'e>,
    hits: Vec<(u32, usize)>,
    /// Parts of the buffer that lie near enough to digits for a label to matter.
    regions: Regions,
    marks: Vec<(RunKind, usize, usize)>,
    caches: Vec<Option<Cache>>,
    field_caches: Vec<Option<Cache>>,
    /// Per rule, where its last match ended in the buffer: a match inside another of the same rule is not looked for.
    done_until: Vec<usize>,
    digits: RunCache,
    at: RunCache,
    token: RunCache,
    /// Which digit runs can be the beginning of anything.
    shapes: Shapes,
    /// Rules that the joint automaton named at one place.
    matched: Vec<u16>,
    plans: FieldPlans,
    found: Vec<Match>,
}

struct RunCache {
    cache: Option<DfaCache>,
    set: PatternSet,
}

impl RunCache {
    fn new(rules: &RunRules) -> Self {
        Self { cache: None, set: PatternSet::new(rules.rules.len()) }
    }
}

/// A place where rules are tried.
#[derive(Clone, Copy)]
struct Candidate {
    value: u32,
    /// Bounds of the value in the buffer.
    low: usize,
    high: usize,
    /// Start of the attempt in the buffer.
    at: usize,
}

impl<'e> Scanner<'e> {
    /// Finds all matches in a batch, overlaps resolved, ordered by value and start.
    ///
    /// The result does not depend on how values are grouped into batches. Offsets are relative to each value.
    ///
    /// # Errors
    /// [`Error::Engine`] where Vectorscan fails, which it does not on valid scratch space.
    pub fn scan(&mut self, batch: &ValueBatch, fields: &FieldTable, out: &mut Vec<Match>) -> Result<(), Error> {
        self.found.clear();
        self.done_until.fill(0);
        self.mark(batch.buffer());
        self.scan_anchors(batch, fields)?;
        self.scan_labels(batch, fields)?;
        self.scan_runs(batch, fields);
        self.scan_fields(batch, fields);
        overlap::resolve(&mut self.found, &self.engine.rules);
        out.append(&mut self.found);
        Ok(())
    }

    /// Forgets what it learned about field names; call it when the field table changes to another input's.
    pub fn reset_fields(&mut self) {
        self.plans = FieldPlans::default();
    }

    /// The SIMD pass, and the regions near digits.
    fn mark(&mut self, text: &[u8]) {
        let engine = self.engine;
        let labels = engine.digit_labels.len() + engine.number_labels.len() > 0;
        let wanted = Wanted {
            digits: !engine.digits.rules.is_empty() || labels,
            at: !engine.at.rules.is_empty(),
            token: !engine.token.rules.is_empty(),
        };
        let marks = &mut self.marks;
        marks.clear();
        runs::mark_runs(text, wanted, |kind, start, len| marks.push((kind, start, len)));
        let digits = marks.iter().filter(|(kind, ..)| labels && *kind == RunKind::Digits);
        self.regions.collect(text, digits.map(|(_, start, len)| (*start, *len)));
    }

    fn scan_anchors(&mut self, batch: &ValueBatch, fields: &FieldTable) -> Result<(), Error> {
        let mut hits = std::mem::take(&mut self.hits);
        hits.clear();
        let scanned = self.anchors.scan(batch.buffer(), |id, start| hits.push((id, start)));
        let engine = self.engine;
        self.attempt_hits(&engine.anchors, &hits, batch, fields);
        self.hits = hits;
        scanned
    }

    fn scan_labels(&mut self, batch: &ValueBatch, fields: &FieldTable) -> Result<(), Error> {
        let mut hits = std::mem::take(&mut self.hits);
        hits.clear();
        let mut scanned = Ok(());
        for &(low, high) in &self.regions.digit {
            let region = &batch.buffer()[low..high];
            scanned = scanned.and(self.digit_labels.scan(region, |id, start| hits.push((id, low + start))));
        }
        let engine = self.engine;
        self.attempt_hits(&engine.digit_labels, &hits, batch, fields);
        hits.clear();
        for &(low, high) in &self.regions.number {
            let region = &batch.buffer()[low..high];
            scanned = scanned.and(self.number_labels.scan(region, |id, start| hits.push((id, low + start))));
        }
        self.attempt_hits(&engine.number_labels, &hits, batch, fields);
        self.hits = hits;
        scanned
    }

    fn attempt_hits(&mut self, anchors: &Anchors, hits: &[(u32, usize)], batch: &ValueBatch, fields: &FieldTable) {
        let mut cursor = Cursor::default();
        for &(id, start) in hits {
            let anchor = anchors.get(id);
            if let Some((value, span)) = cursor.find(batch.spans(), start, start + anchor.len) {
                let c = Candidate { value, low: span.start, high: span.end, at: start };
                for &rule in &anchor.rules {
                    self.attempt(rule, c, batch, fields);
                }
            }
        }
    }

    fn scan_runs(&mut self, batch: &ValueBatch, fields: &FieldTable) {
        let engine = self.engine;
        let marks = std::mem::take(&mut self.marks);
        let has_digit_rules = !engine.digits.rules.is_empty();
        let mut cursor = Cursor::default();
        let mut last_start = usize::MAX;
        for &(kind, start, len) in &marks {
            let Some((value, span)) = cursor.find(batch.spans(), start, start + 1) else { continue };
            let text = batch.buffer();
            let c = |at| Candidate { value, low: span.start, high: span.end, at };
            match kind {
                RunKind::Digits if !has_digit_rules => {}
                RunKind::Digits => {
                    let Some(at) = lead(text, span.start, start) else { continue };
                    // A number that begins inside another (a date, a version, an address) is refused by its edges
                    // whatever it is, so it need not be looked at.
                    if at == last_start || !left_edge(text, span.start, at) {
                        continue;
                    }
                    last_start = at;
                    // With its sign or bracket first: a rule that takes it would otherwise begin behind it.
                    if at > span.start && matches!(text[at - 1], b'+' | b'(') {
                        self.attempt_run(kind, c(at - 1), batch, fields);
                    }
                    if at < start || self.shapes.viable(&engine.digits, &engine.rules, text, start, len, span.end) {
                        self.attempt_run(kind, c(at), batch, fields);
                    }
                }
                RunKind::At => {
                    let at = local_part(text, span.start, start);
                    if at < start {
                        self.attempt_run(kind, c(at), batch, fields);
                    }
                }
                RunKind::Token if len >= runs::TOKEN_RUN_MIN => self.attempt_run(kind, c(start), batch, fields),
                RunKind::Token => {}
            }
        }
        self.marks = marks;
    }

    /// Tries all rules of a kind of run at a place: the joint automaton says which can match, each of those is matched
    /// by itself for its bounds.
    fn attempt_run(&mut self, kind: RunKind, c: Candidate, batch: &ValueBatch, fields: &FieldTable) {
        let engine = self.engine;
        let rules = match kind {
            RunKind::Digits => &engine.digits,
            RunKind::At => &engine.at,
            RunKind::Token => &engine.token,
        };
        let window = match kind {
            RunKind::Digits => RUN_WINDOW_BYTES,
            RunKind::At => LOCAL_PART_BYTES + 256,
            RunKind::Token => 1_024,
        };
        let Some(dfa) = rules.dfa(&engine.rules) else {
            return rules.rules.iter().for_each(|&rule| self.attempt(rule, c, batch, fields));
        };
        let state = match kind {
            RunKind::Digits => &mut self.digits,
            RunKind::At => &mut self.at,
            RunKind::Token => &mut self.token,
        };
        let cache = state.cache.get_or_insert_with(|| dfa.create_cache());
        if !state.set.is_empty() {
            state.set.clear();
        }
        let text = &batch.buffer()[c.low..c.high];
        let at = c.at - c.low;
        let input = Input::new(text).range(at..text.len().min(at + window)).anchored(Anchored::Yes);
        if dfa.try_which_overlapping_matches(cache, &input, &mut state.set).is_err() {
            // A search that gave up has not said no to anything.
            return rules.rules.iter().for_each(|&rule| self.attempt(rule, c, batch, fields));
        }
        if state.set.is_empty() {
            return;
        }
        let mut matched = std::mem::take(&mut self.matched);
        matched.extend(state.set.iter().map(|pattern| rules.rules[pattern.as_usize()]));
        matched.drain(..).for_each(|rule| self.attempt(rule, c, batch, fields));
        self.matched = matched;
    }

    fn scan_fields(&mut self, batch: &ValueBatch, fields: &FieldTable) {
        let engine = self.engine;
        for (index, span) in batch.spans().iter().enumerate() {
            let Some(field) = span.field else { continue };
            for &rule_index in self.plans.rules(field, fields, &engine.rules) {
                let rule = engine.rules.get(rule_index);
                let Some(field_rule) = &rule.field else { continue };
                let cache = &mut self.field_caches[rule_index as usize];
                let value = &batch.buffer()[span.start..span.end];
                if let Some((start, end)) = whole_value(field_rule, value, cache)
                    && std::str::from_utf8(&value[start..end]).is_ok_and(|v| rule.accepts(v))
                {
                    let score = field_rule.score;
                    self.found.push(Match { rule: rule_index, value: index as u32, start, end, score });
                }
            }
        }
    }

    /// Tries one rule at one place.
    fn attempt(&mut self, rule_index: u16, c: Candidate, batch: &ValueBatch, fields: &FieldTable) {
        let engine = self.engine;
        let index = rule_index as usize;
        if c.at < self.done_until[index] {
            return;
        }
        let rule = engine.rules.get(rule_index);
        let Some(regex) = rule.find.as_ref().and_then(|f| f.regex()) else { return };
        let cache = self.caches[index].get_or_insert_with(|| regex.create_cache());
        let text = &batch.buffer()[c.low..c.high];
        let at = c.at - c.low;
        let input =
            Input::new(text).range(at..text.len().min(at.saturating_add(rule.window_bytes))).anchored(Anchored::Yes);
        let mut slots: [Option<NonMaxUsize>; 4] = [None; 4];
        if regex.search_slots_with(cache, &input, &mut slots).is_none() {
            return;
        }
        let bounds = |n: usize| Some((slots[n]?.get(), slots[n + 1]?.get()));
        let Some(whole) = bounds(0) else { return };
        let (start, end) = bounds(2).unwrap_or(whole);
        if start == end || (rule.trigger == Trigger::Run(RunKind::Digits) && !number_edges(text, start, end)) {
            return;
        }
        let Ok(value) = std::str::from_utf8(&text[start..end]) else { return };
        if !rule.accepts(value) {
            return;
        }
        let field = batch.spans()[c.value as usize].field.map(|f| fields.path(f));
        let Some(score) = score(rule, text, start, end, field) else { return };
        self.done_until[index] = c.low + end;
        self.found.push(Match { rule: rule_index, value: c.value, start, end, score });
    }
}

/// Walks the values beside ordered (or nearly ordered) positions.
#[derive(Default)]
struct Cursor {
    index: usize,
}

impl Cursor {
    /// The value that holds `start..end` whole.
    fn find(&mut self, spans: &[ValueSpan], start: usize, end: usize) -> Option<(u32, ValueSpan)> {
        let here = spans.get(self.index).is_some_and(|s| s.start <= start && start < s.end.max(s.start + 1));
        if !here {
            self.index = spans.partition_point(|s| s.end <= start);
        }
        let span = *spans.get(self.index)?;
        (span.start <= start && end <= span.end).then_some((self.index as u32, span))
    }
}

/// The start of the alphanumeric token that a digit run lies in, if it is near enough for the token to be a number.
fn lead(text: &[u8], low: usize, start: usize) -> Option<usize> {
    let mut at = start;
    while at > low && text[at - 1].is_ascii_alphanumeric() {
        at -= 1;
        if start - at > LEAD_BYTES {
            return None;
        }
    }
    Some(at)
}

fn local_part(text: &[u8], low: usize, at_sign: usize) -> usize {
    let low = low.max(at_sign.saturating_sub(LOCAL_PART_BYTES));
    let is_local = |b: u8| b.is_ascii_alphanumeric() || b"._%+'-".contains(&b);
    let mut at = at_sign;
    while at > low && is_local(text[at - 1]) {
        at -= 1;
    }
    at
}

/// Whether a number may begin here: not inside a word, nor right behind a byte that joins it to a digit before.
fn left_edge(text: &[u8], low: usize, start: usize) -> bool {
    let before = |n: usize| start.checked_sub(n).filter(|i| *i >= low).map(|i| text[i]);
    match before(1) {
        Some(b) if is_word(b) => false,
        Some(b) if joins(b) => !before(2).is_some_and(|d| d.is_ascii_digit()),
        _ => true,
    }
}

fn is_word(b: u8) -> bool {
    b.is_ascii_alphanumeric() || b == b'_'
}

/// Bytes that join two numbers to one thing. A comma does not: it separates the columns of CSV text.
fn joins(b: u8) -> bool {
    matches!(b, b'.' | b'-' | b'/' | b':')
}

/// Whether a number stands by itself: not inside a word, a longer number, a version, a date or an amount.
fn number_edges(text: &[u8], start: usize, end: usize) -> bool {
    let right = match text.get(end) {
        Some(&b) if is_word(b) => false,
        Some(&b) if joins(b) => !text.get(end + 1).is_some_and(u8::is_ascii_digit),
        _ => true,
    };
    left_edge(text, 0, start) && right
}

/// The score of a match in its context; `None` where the rule needs context and there is none.
fn score(rule: &Rule, text: &[u8], start: usize, end: usize, field: Option<&str>) -> Option<f32> {
    let Some(near) = &rule.near else { return Some(rule.score) };
    let before = start.saturating_sub(near.before_bytes);
    let after = text.len().min(end + NEAR_AFTER_BYTES);
    // A line break ends the context behind a value: the next line's label belongs to the next line's value.
    let tail = &text[end..after];
    let tail = &tail[..memchr::memchr(b'\n', tail).unwrap_or(tail.len())];
    let has = has_word(near, &text[before..start])
        || has_word(near, tail)
        || field.is_some_and(|f| has_word(near, fields::normalise(f).as_bytes()));
    match (has, near.required) {
        (true, _) => Some(near.score),
        (false, true) => None,
        (false, false) => Some(rule.score),
    }
}

fn has_word(near: &Near, text: &[u8]) -> bool {
    let Some(matcher) = near.matcher() else { return false };
    let input = aho_corasick::Input::new(text);
    let mut state = aho_corasick::automaton::OverlappingState::start();
    // Short words must stand alone: `nin` is in `evening`, `pan` in `company`.
    let letter = |b: Option<&u8>| b.is_some_and(|b| b.is_ascii_alphabetic());
    while matcher.try_find_overlapping(input.clone(), &mut state).is_ok()
        && let Some(m) = state.get_match()
    {
        let alone = || !letter(m.start().checked_sub(1).and_then(|i| text.get(i))) && !letter(text.get(m.end()));
        if m.len() > 4 || alone() {
            return true;
        }
    }
    false
}

/// Bounds of the trimmed value where the field rule's expression matches all of it.
fn whole_value(rule: &FieldRule, value: &[u8], cache: &mut Option<Cache>) -> Option<(usize, usize)> {
    let start = value.iter().position(|b| !b.is_ascii_whitespace())?;
    let end = value.iter().rposition(|b| !b.is_ascii_whitespace())? + 1;
    // No rule describes a value of this length; a long text in a field called `name` is not a name.
    if end - start > crate::rule::WINDOW_BYTES_MAX {
        return None;
    }
    let regex = rule.value.regex()?;
    let cache = cache.get_or_insert_with(|| regex.create_cache());
    regex.search_half_with(cache, &Input::new(&value[start..end]).anchored(Anchored::Yes)).map(|_| (start, end))
}
