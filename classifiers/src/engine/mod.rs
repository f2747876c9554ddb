//! The matching engine: literals and runs first, windows next, exact matching and checks last.
//!
//! [`Engine`] holds the compiled rules and is shared by all threads; a [`Scanner`] holds the scratch space of one
//! thread and allocates nothing in its hot loop. Text is taken a segment at a time, small enough for the second-level
//! cache: marked, searched for literals, and looked at closely where something could be. The engine finds places in text.
//! It does not read files, decode containers, or make findings out of matches.

mod budget;
mod codes;
mod context;
mod fields;
mod grams;
mod labels;
mod marks;
mod need;
pub(crate) mod overlap;
mod shapes;
mod shares;

pub(crate) use fields::glob as fields_glob;
pub use marks::RunKind;
pub(crate) use need::Need;
use need::TOKEN_BEHIND;

use crate::Error;
use crate::finding::Match;
use crate::rule::{FieldRule, NEAR_AFTER_BYTES, Rule, Trigger, Until, syntax_config};
use crate::rule_set::RuleSet;
use crate::values::{FieldId, FieldTable, ValueBatch, ValueSpan};
use budget::Budget;
use codes::{BLANK, CodeSet, code};
use context::{Context, ContextWords};
use fields::{FieldPlans, KnownNames};
use grams::{Grams, Wanted, Wanting};
use marks::Marks;
use regex_automata::hybrid::dfa::{Cache as DfaCache, DFA};
use regex_automata::meta::Cache;
use regex_automata::util::primitives::NonMaxUsize;
use regex_automata::{Anchored, Input, MatchKind, PatternSet};
use shapes::{Number, Shapes, Sign};
use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

/// Bytes of a segment, a multiple of 64.
const SEGMENT_BYTES: usize = 64 << 10;
/// Bytes after a run's start that the joint automaton of its rules looks at.
const RUN_WINDOW_BYTES: usize = 64;
/// Time that a batch may still take when it is to end.
const STOP_AFTER: Duration = Duration::from_millis(500);
/// How far a candidate is extended to the left over letters and digits before a digit run.
const LEAD_BYTES: usize = 8;
/// How far a candidate is extended to the left over the local part before an `@`.
const LOCAL_PART_BYTES: usize = 64;

const DIGITS: Trigger = Trigger::Run(RunKind::Digits);

/// Compiled rules, shared by all scanners.
#[derive(Debug)]
pub struct Engine {
    rules: Arc<RuleSet>,
    literals: Grams,
    context: ContextWords,
    digits: RunRules,
    /// Digit rules that find nothing without context: most of them.
    digits_in_context: Vec<u16>,
    at: RunRules,
    token: RunRules,
    /// Rules without a trigger.
    slow: Vec<u16>,
    /// Built when the first table is seen that could be one.
    field_names: OnceLock<KnownNames>,
}

/// The rules of one kind of run, as one automaton that says which of them match at a place.
#[derive(Debug)]
struct RunRules {
    rules: Vec<u16>,
    /// The best score that any of them can have.
    score_max: f32,
    dfa: OnceLock<Option<DFA>>,
    wide: OnceLock<Option<DFA>>,
}

impl RunRules {
    fn new(rules: &RuleSet, kind: RunKind) -> Self {
        let indices = rules.indices(|r| r.trigger == Trigger::Run(kind));
        let score_max = indices.iter().map(|i| rules.get(*i).score_max()).fold(0.0, f32::max);
        Self { rules: indices, score_max, dfa: OnceLock::new(), wide: OnceLock::new() }
    }

    /// Built when the first run is seen. `None` where the rules are too many for one automaton, in which case each is
    /// tried by itself: slower, with the same result.
    fn dfa(&self, rules: &RuleSet) -> Option<&DFA> {
        self.dfa
            .get_or_init(|| {
                let sources: Vec<&str> = self.sources(rules).collect();
                DFA::builder()
                    .syntax(syntax_config())
                    .configure(DFA::config().match_kind(MatchKind::All).cache_capacity(8 << 20))
                    .build_many(&sources)
                    .ok()
            })
            .as_ref()
    }

    /// The automaton of the widened rules (see [`shapes`]).
    fn wide_dfa(&self, rules: &RuleSet) -> Option<&DFA> {
        self.wide.get_or_init(|| shapes::wide_dfa(self.sources(rules))).as_ref()
    }

    fn sources<'a>(&'a self, rules: &'a RuleSet) -> impl Iterator<Item = &'a str> {
        self.rules.iter().filter_map(|i| rules.get(*i).find.as_ref()).map(|f| f.source())
    }
}

impl Engine {
    /// Compiles a rule set.
    ///
    /// # Errors
    /// None today; the signature leaves room for engines that can fail to start.
    pub fn new(rules: Arc<RuleSet>) -> Result<Self, Error> {
        let literals = rules.iter().flat_map(|(rule, spec)| {
            let (anchors, keywords): (&[String], &[String]) = match &spec.trigger {
                Trigger::Literals { anchors, keywords } => (anchors, keywords),
                _ => (&[], &[]),
            };
            let texts = anchors.iter().map(|a| (a, false)).chain(keywords.iter().map(|k| (k, true)));
            texts.zip(&spec.need.around).map(move |((text, caseless), around)| Wanted {
                text,
                caseless,
                rule,
                around: *around,
            })
        });
        Ok(Self {
            literals: Grams::new(literals),
            context: ContextWords::new(&rules),
            digits: RunRules::new(&rules, RunKind::Digits),
            digits_in_context: rules.indices(|r| r.trigger == DIGITS && r.needs_context()),
            at: RunRules::new(&rules, RunKind::At),
            token: RunRules::new(&rules, RunKind::Token),
            slow: rules.indices(|r| r.trigger == Trigger::Slow),
            field_names: OnceLock::new(),
            rules,
        })
    }

    /// The rules.
    pub fn rules(&self) -> &Arc<RuleSet> {
        &self.rules
    }

    /// How many distinct literals the first pass looks for.
    pub fn literal_count(&self) -> usize {
        self.literals.len()
    }

    /// A scanner for one thread.
    ///
    /// # Errors
    /// None today; see [`Engine::new`].
    pub fn scanner(&self) -> Result<Scanner<'_>, Error> {
        let count = self.rules.len();
        Ok(Scanner {
            engine: self,
            marks: Marks::default(),
            hits: Vec::new(),
            context: Context::new(&self.context),
            caches: (0..count).map(|_| None).collect(),
            field_caches: (0..count).map(|_| None).collect(),
            field_words: HashMap::new(),
            done_until: vec![0; count],
            digits: RunCache::new(&self.digits),
            at: RunCache::new(&self.at),
            token: RunCache::new(&self.token),
            shapes: Shapes::default(),
            fields_in_context: HashMap::new(),
            matched: Vec::new(),
            beaten: Vec::new(),
            bare: Vec::new(),
            covers: Vec::new(),
            plans: FieldPlans::default(),
            found: Vec::new(),
            budget: Budget::default(),
            stop: None,
            began: Instant::now(),
            interrupted: false,
        })
    }
}

/// Scratch space of one thread.
pub struct Scanner<'e> {
    engine: &'e Engine,
    marks: Marks,
    /// Literals that were found: start and id.
    hits: Vec<(usize, u16)>,
    context: Context<'e>,
    caches: Vec<Option<Cache>>,
    field_caches: Vec<Option<Cache>>,
    /// Whether a field's name has one of a rule's context words.
    field_words: HashMap<(u16, FieldId), bool>,
    /// Per rule, where its last match ended in the buffer: a match inside another of the same rule is not looked for.
    done_until: Vec<usize>,
    digits: RunCache,
    at: RunCache,
    token: RunCache,
    /// Which digit runs can be the beginning of what.
    shapes: Shapes,
    /// Whether a field's name has a context word of any digit rule that needs one.
    fields_in_context: HashMap<FieldId, bool>,
    /// Rules that are worth a try at one place.
    matched: Vec<u16>,
    /// Token-shaped runs that could be a token by themselves: start and end.
    bare: Vec<(usize, usize)>,
    /// Matches of the newest batch that others have beaten and that reach beyond them.
    beaten: Vec<Match>,
    /// What was found without looking at those: value, start, end and score.
    covers: Vec<(u32, usize, usize, f32)>,
    plans: FieldPlans,
    found: Vec<Match>,
    /// What users' rules have taken.
    budget: Budget,
    /// Set by whoever wants the scan to end.
    stop: Option<&'e AtomicBool>,
    /// When the newest batch began.
    began: Instant,
    /// A batch was not scanned to its end.
    interrupted: bool,
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

/// Rules that are tried together.
#[derive(Debug, Clone, Copy)]
enum Pool {
    Digits,
    At,
    Token,
}

/// Where each kind of candidate is among the values.
#[derive(Default)]
struct Cursors {
    literal: Cursor,
    digits: Cursor,
    at: Cursor,
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
    /// None today; see [`Engine::new`].
    pub fn scan(&mut self, batch: &ValueBatch, fields: &FieldTable, out: &mut Vec<Match>) -> Result<(), Error> {
        self.found.clear();
        self.beaten.clear();
        self.bare.clear();
        self.hits.clear();
        self.done_until.fill(0);
        self.marks.restart();
        self.context.restart();
        let text = batch.buffer();
        self.budget.begin(text.len());
        self.began = Instant::now();
        let mut cursors = Cursors::default();
        let mut from = 0;
        while from < text.len() && !self.is_stopped() {
            let to = text.len().min(from + SEGMENT_BYTES);
            self.marks.segment(text, from, to);
            self.scan_literals(from, to, &mut cursors, batch, fields);
            self.scan_digits(from, &mut cursors.digits, batch, fields);
            self.scan_ats(&mut cursors.at, batch, fields);
            self.bare.extend(
                self.marks.tokens.iter().filter(|run| run.is_bare()).map(|run| (run.start, run.start + run.len)),
            );
            from = to;
        }
        self.scan_fields(batch, fields);
        self.scan_slow(batch, fields);
        self.scan_tokens(batch, fields);
        overlap::resolve(&mut self.found, &self.engine.rules, &mut self.beaten);
        out.append(&mut self.found);
        Ok(())
    }

    /// Matches of the newest batch that better ones overlap, and that reach beyond them: no findings, but parts of one.
    pub(crate) fn beaten(&self) -> &[Match] {
        &self.beaten
    }

    /// Lets a flag end a batch before its end, or none. What was found by then is given, and
    /// [`Scanner::was_interrupted`] tells it.
    pub(crate) fn stop_on(&mut self, stop: Option<&'e AtomicBool>) {
        self.stop = stop;
    }

    /// Whether the flag has ended a batch.
    pub(crate) fn was_interrupted(&self) -> bool {
        self.interrupted
    }

    /// The users' rules that were stopped since this was asked, for the time that they took (see [`budget`]).
    pub(crate) fn take_stopped_rules(&mut self) -> BTreeSet<u16> {
        self.budget.take_over()
    }

    /// Whether a batch is to end here: what was read when the stop came is still looked at, if that does not take long.
    fn is_stopped(&mut self) -> bool {
        let is_asked = self.stop.is_some_and(|stop| stop.load(Ordering::Relaxed));
        let is_stopped = is_asked && self.began.elapsed() > STOP_AFTER;
        self.interrupted |= is_stopped;
        is_stopped
    }

    /// Since when a rule of a user's own is tried once more; `None` where it is not.
    fn begin_attempt(&mut self, rule_index: u16) -> Option<Instant> {
        if self.is_stopped() { None } else { self.budget.attempt(rule_index) }
    }

    /// Whether a rule looks for fields of this name.
    pub(crate) fn is_known_field(&self, name: &str) -> bool {
        let engine = self.engine;
        engine.field_names.get_or_init(|| KnownNames::of(&engine.rules)).hold(name)
    }

    /// Forgets what it learned about field names, and what users' rules have taken; call it when the field table changes
    /// to another input's.
    pub fn reset_fields(&mut self) {
        self.budget.restart();
        self.plans.reset();
        self.field_words.clear();
        self.fields_in_context.clear();
    }

    fn scan_literals(
        &mut self,
        from: usize,
        to: usize,
        cursors: &mut Cursors,
        batch: &ValueBatch,
        fields: &FieldTable,
    ) {
        let (engine, text) = (self.engine, batch.buffer());
        let mut hits = std::mem::take(&mut self.hits);
        let literals = &engine.literals;
        literals.scan(text, from, &self.marks.codes, &self.marks.leads, |id, start| hits.push((start, id)));
        // A run that is open at the end of a segment is looked at as far as it goes, and again from a little before.
        let again = from.saturating_sub(2 * TOKEN_BEHIND as usize);
        let open = self.marks.open_token().map(|start| (start, to - start));
        for (start, len) in self.marks.tokens.iter().map(|run| (run.start, run.len)).chain(open) {
            let (start, end) = (start.max(again), start + len);
            literals.scan_token(text, start, end - start, |id, start| hits.push((start, id)));
        }
        hits.sort_unstable();
        hits.dedup();
        let settle = literals.len_max().max(3 * TOKEN_BEHIND as usize);
        // A literal whose piece lies in the next segment may begin before one that is known already: those near the end
        // wait, so that the order of attempts never depends on where segments end.
        let settled = match to == text.len() {
            true => hits.len(),
            false => hits.partition_point(|(start, _)| start + settle < to),
        };
        for (start, id) in hits.drain(..settled) {
            let literal = literals.get(id);
            let Some((value, span)) = cursors.literal.find(batch.spans(), start, start + literal.len()) else {
                continue;
            };
            let c = Candidate { value, low: span.start, high: span.end, at: start };
            for wanting in &literal.rules {
                if self.could_match(wanting, literal.len(), c, text) {
                    self.attempt(wanting.rule, c, batch, fields);
                }
            }
        }
        self.hits = hits;
    }

    /// Whether what a rule's expression needs around a literal is there (see [`need`]).
    fn could_match(&self, wanting: &Wanting, len: usize, c: Candidate, text: &[u8]) -> bool {
        let rule = self.engine.rules.get(wanting.rule);
        let need = &rule.need;
        let around = &wanting.around;
        let stands = |set: CodeSet, at: usize| {
            let there = if at < c.high { code(text[at]) } else { BLANK };
            set & 1 << there != 0
        };
        let before = c.at == c.low || around.before & 1 << code(text[c.at - 1]) != 0;
        let behind = c.at + len;
        if !before || !stands(around.behind[0], behind) || !stands(around.behind[1], behind + 1) {
            return false;
        }
        if !around.ahead.iter().zip(behind + 2..).all(|(set, at)| *set == CodeSet::MAX || stands(*set, at)) {
            return false;
        }
        let reach = match need.reach_bytes as usize {
            0 => rule.window_bytes,
            reach => reach,
        };
        let reach = &text[c.at..c.high.min(c.at + reach)];
        (need.digits == 0 || reach.iter().filter(|b| b.is_ascii_digit()).count() >= need.digits as usize)
            && (need.run == 0 || has_run(reach, need.run as usize))
    }

    fn scan_digits(&mut self, from: usize, cursor: &mut Cursor, batch: &ValueBatch, fields: &FieldTable) {
        if self.engine.digits.rules.is_empty() {
            return;
        }
        let text = batch.buffer();
        for block in 0..self.marks.digits.len() {
            let (mut plain, mut led) = (self.marks.plain[block], self.marks.led[block]);
            let base = from + block * 64;
            while plain | led != 0 {
                let bit = (plain | led).trailing_zeros();
                let is_led = led >> bit & 1 != 0;
                (plain, led) = (plain & !(1 << bit), led & !(1 << bit));
                let start = base + bit as usize;
                let len = self.marks.digit_run(text, from, start);
                self.attempt_digits(start, len, is_led, cursor, batch, fields);
            }
        }
    }

    /// Tries the digit rules at a run of digits. One that begins inside another number (a date, a version, an address)
    /// is refused by its edges whatever it is, and was not marked.
    fn attempt_digits(
        &mut self,
        start: usize,
        len: usize,
        is_led: bool,
        cursor: &mut Cursor,
        batch: &ValueBatch,
        fields: &FieldTable,
    ) {
        let text = batch.buffer();
        // The marks know nothing of values, but what ends one is a blank to them.
        let at = if is_led { letters_before(text, start) } else { Some(start) };
        let Some(at) = at else { return };
        let Some((value, span)) = cursor.find(batch.spans(), start, start + 1) else { return };
        if at < span.start || !left_edge(text, span.start, at) {
            return;
        }
        let number = Number {
            sign: Sign::None,
            lead: &text[at..start],
            len,
            behind: text.get(start + len..span.end).unwrap_or_default(),
        };
        let c = |at| Candidate { value, low: span.start, high: span.end, at };
        // With its sign or bracket first: a rule that takes it would otherwise begin behind it.
        let sign = match at.checked_sub(1).filter(|before| *before >= span.start).map(|before| text[before]) {
            Some(b'+') => Sign::Plus,
            Some(b'(') => Sign::Bracket,
            _ => Sign::None,
        };
        if sign != Sign::None {
            self.attempt_number(Number { sign, ..number }, c(at - 1), batch, fields);
        }
        self.attempt_number(number, c(at), batch, fields);
    }

    /// Tries the digit rules that a number can be the beginning of.
    fn attempt_number(&mut self, number: Number<'_>, c: Candidate, batch: &ValueBatch, fields: &FieldTable) {
        let engine = self.engine;
        let mut rules = std::mem::take(&mut self.matched);
        let told = self.shapes.rules_at(&engine.digits, &engine.rules, number, &mut rules);
        if told.is_err() {
            self.attempt_run(Pool::Digits, c, 0.0, batch, fields);
        } else if !rules.is_empty() {
            let mut has_context = None;
            for &rule in &rules {
                if !engine.rules.get(rule).needs_context()
                    || *has_context.get_or_insert_with(|| self.number_has_context(c, batch, fields))
                {
                    self.attempt(rule, c, batch, fields);
                }
            }
        }
        rules.clear();
        self.matched = rules;
    }

    /// Whether a word stands near a number, or in its field's name, that any of the rules asks for which need context.
    fn number_has_context(&mut self, c: Candidate, batch: &ValueBatch, fields: &FieldTable) -> bool {
        let engine = self.engine;
        let named = batch.spans()[c.value as usize].field.is_some_and(|field| {
            let rules = &engine.digits_in_context;
            let known = self.fields_in_context.get(&field).copied();
            known.unwrap_or_else(|| {
                let has = rules.iter().any(|&rule| self.field_has_word(rule, engine.rules.get(rule), field, fields));
                self.fields_in_context.insert(field, has);
                has
            })
        });
        let low = c.low.max(c.at.saturating_sub(engine.context.number_before_bytes()));
        let high = c.high.min(c.at + RUN_WINDOW_BYTES + NEAR_AFTER_BYTES);
        named || self.context.has_for_number(batch.buffer(), low, high)
    }

    fn scan_ats(&mut self, cursor: &mut Cursor, batch: &ValueBatch, fields: &FieldTable) {
        let text = batch.buffer();
        let ats = std::mem::take(&mut self.marks.ats);
        for &start in &ats {
            let Some((value, span)) = cursor.find(batch.spans(), start, start + 1) else { continue };
            let at = local_part(text, span.start, start);
            if at < start {
                let c = Candidate { value, low: span.start, high: span.end, at };
                self.attempt_run(Pool::At, c, 0.0, batch, fields);
            }
        }
        self.marks.ats = ats;
    }

    /// Tries the rules of token-shaped runs. They come last: a rule that knows no more than the shape of a token is not
    /// tried on a run in which a better match was found that holds all of it.
    fn scan_tokens(&mut self, batch: &ValueBatch, fields: &FieldTable) {
        let runs = std::mem::take(&mut self.bare);
        if !runs.is_empty() && !self.found.is_empty() {
            // Of a copy: what a match beats here comes back where a token beats that match.
            let (mut known, rules) = (self.found.clone(), &self.engine.rules);
            overlap::resolve(&mut known, rules, &mut Vec::new());
            let matches = known.iter().filter(|m| !overlap::is_container(m, rules));
            self.covers.extend(matches.map(|m| (m.value, m.start, m.end, m.score)));
        }
        let mut cursor = Cursor::default();
        for &(start, end) in &runs {
            let Some((value, span)) = cursor.find(batch.spans(), start, start + 1) else { continue };
            let known = self.best_over(value, start - span.start, end.min(span.end) - span.start);
            if known <= self.engine.token.score_max {
                let c = Candidate { value, low: span.start, high: span.end, at: start };
                self.attempt_run(Pool::Token, c, known, batch, fields);
            }
        }
        self.covers.clear();
        self.bare = runs;
        self.bare.clear();
    }

    /// The score of the match that holds a part of a value whole; 0 where there is none.
    fn best_over(&self, value: u32, start: usize, end: usize) -> f32 {
        let behind = self.covers.partition_point(|(v, s, ..)| (*v, *s) <= (value, start));
        let before = behind.checked_sub(1).map(|at| self.covers[at]);
        before.filter(|(v, _, e, _)| *v == value && end <= *e).map_or(0.0, |(.., score)| score)
    }

    /// Tries all rules of a kind of run at a place that can have at least a score: the joint automaton says which can
    /// match, each of those is matched by itself for its bounds.
    fn attempt_run(&mut self, pool: Pool, c: Candidate, score_min: f32, batch: &ValueBatch, fields: &FieldTable) {
        let engine = self.engine;
        let is_tried = |rule: &u16| engine.rules.get(*rule).score_max() >= score_min;
        let (rules, window) = match pool {
            Pool::Digits => (&engine.digits, RUN_WINDOW_BYTES),
            Pool::At => (&engine.at, LOCAL_PART_BYTES + 256),
            Pool::Token => (&engine.token, 1_024),
        };
        let Some(dfa) = rules.dfa(&engine.rules) else {
            return rules.rules.iter().filter(|r| is_tried(r)).for_each(|&rule| self.attempt(rule, c, batch, fields));
        };
        let state = match pool {
            Pool::Digits => &mut self.digits,
            Pool::At => &mut self.at,
            Pool::Token => &mut self.token,
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
            return rules.rules.iter().filter(|r| is_tried(r)).for_each(|&rule| self.attempt(rule, c, batch, fields));
        }
        if state.set.is_empty() {
            return;
        }
        let mut matched = std::mem::take(&mut self.matched);
        matched.extend(state.set.iter().map(|pattern| rules.rules[pattern.as_usize()]).filter(is_tried));
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
                let began = match rule.is_users {
                    true => match self.budget.attempt(rule_index) {
                        None => continue,
                        began => began,
                    },
                    false => None,
                };
                let whole = whole_value(field_rule, value, cache);
                if let Some(began) = began {
                    self.budget.end(rule_index, began);
                }
                if let Some((start, end)) = whole
                    && let Ok(value) = std::str::from_utf8(&value[start..end])
                    && rule.accepts(value)
                {
                    let score = rule.score_of(value, field_rule.score);
                    self.found.push(Match { rule: rule_index, value: index as u32, start, end, score });
                }
            }
        }
    }

    /// Tries the rules that have no trigger wherever a word or a sign begins. No built-in rule is one.
    fn scan_slow(&mut self, batch: &ValueBatch, fields: &FieldTable) {
        let engine = self.engine;
        if engine.slow.is_empty() {
            return;
        }
        let text = batch.buffer();
        for (value, span) in (0u32..).zip(batch.spans()) {
            for at in span.start..span.end {
                let is_inside = at > span.start && is_word(text[at - 1]) && is_word(text[at]);
                // Nor inside a character.
                if is_inside || text[at].is_ascii_whitespace() || text[at] & 0xc0 == 0x80 {
                    continue;
                }
                let c = Candidate { value, low: span.start, high: span.end, at };
                engine.slow.iter().for_each(|&rule| self.attempt(rule, c, batch, fields));
            }
        }
    }

    /// Tries one rule at one place, if it may take the time.
    fn attempt(&mut self, rule_index: u16, c: Candidate, batch: &ValueBatch, fields: &FieldTable) {
        if !self.engine.rules.get(rule_index).is_users {
            return self.attempt_now(rule_index, c, batch, fields);
        }
        if let Some(began) = self.begin_attempt(rule_index) {
            self.attempt_now(rule_index, c, batch, fields);
            self.budget.end(rule_index, began);
        }
    }

    fn attempt_now(&mut self, rule_index: u16, c: Candidate, batch: &ValueBatch, fields: &FieldTable) {
        let engine = self.engine;
        let index = rule_index as usize;
        if c.at < self.done_until[index] {
            return;
        }
        let rule = engine.rules.get(rule_index);
        if !self.could_have_context(rule_index, rule, c, batch, fields) {
            return;
        }
        let Some(regex) = rule.find.as_ref().and_then(|f| f.regex()) else { return };
        let cache = self.caches[index].get_or_insert_with(|| regex.create_cache());
        let text = &batch.buffer()[c.low..c.high];
        let at = c.at - c.low;
        let input =
            Input::new(text).range(at..text.len().min(at.saturating_add(rule.window_bytes))).anchored(Anchored::Yes);
        let mut slots: [Option<NonMaxUsize>; 4] = [None; 4];
        // Where nothing is captured, asking for captures would only keep the fast automaton from answering.
        let asked = if regex.captures_len() > 1 { 4 } else { 2 };
        if regex.search_slots_with(cache, &input, &mut slots[..asked]).is_none() {
            return;
        }
        let bounds = |n: usize| Some((slots[n]?.get(), slots[n + 1]?.get()));
        let Some(whole) = bounds(0) else { return };
        let (mut start, mut end) = bounds(2).unwrap_or(whole);
        if let Some(lead) = &rule.lead {
            let Some(before) = lead.start(text, at) else { return };
            start = before;
        }
        if rule.until == Some(Until::Label) {
            end = labels::before_label(text, start, end);
        }
        if start == end || (rule.trigger == Trigger::Run(RunKind::Digits) && !number_edges(text, start, end)) {
            return;
        }
        let Ok(value) = std::str::from_utf8(&text[start..end]) else { return };
        if !rule.accepts(value) {
            return;
        }
        let field = batch.spans()[c.value as usize].field;
        let Some(score) = self.score(rule_index, batch.buffer(), c, (start, end), field, fields) else { return };
        let score = rule.score_of(value, score);
        self.done_until[index] = c.low + end;
        self.found.push(Match { rule: rule_index, value: c.value, start, end, score });
    }

    /// Whether a rule that needs context could have it here: asked before its expression is tried, because in text full of
    /// numbers the answer is mostly no, and is cheaper than the expression.
    fn could_have_context(
        &mut self,
        rule_index: u16,
        rule: &Rule,
        c: Candidate,
        batch: &ValueBatch,
        fields: &FieldTable,
    ) -> bool {
        let Some(near) = rule.near.as_ref().filter(|near| near.required) else { return true };
        // Where the match will begin and end is not known yet: the widest the context can be.
        let reach = match rule.need.reach_bytes as usize {
            0 => return true,
            reach => reach,
        };
        let low = c.low.max(c.at.saturating_sub(near.before_bytes));
        let high = c.high.min(c.at + reach + NEAR_AFTER_BYTES);
        let field = batch.spans()[c.value as usize].field;
        field.is_some_and(|f| self.field_has_word(rule_index, rule, f, fields))
            || self.context.has(rule_index, batch.buffer(), low, high)
    }

    /// The score of a match in its context; `None` where the rule needs context and there is none.
    fn score(
        &mut self,
        rule_index: u16,
        buffer: &[u8],
        c: Candidate,
        (start, end): (usize, usize),
        field: Option<FieldId>,
        fields: &FieldTable,
    ) -> Option<f32> {
        let engine = self.engine;
        let rule = engine.rules.get(rule_index);
        let (start, end) = (c.low + start, c.low + end);
        let is_doubtful = rule.caseless && std::str::from_utf8(&buffer[start..end]).is_ok_and(|v| rule.is_doubtful(v));
        let Some(near) = &rule.near else { return (!is_doubtful).then_some(rule.score) };
        let before = c.low.max(start.saturating_sub(near.before_bytes));
        let after = c.high.min(end + NEAR_AFTER_BYTES);
        // A line break ends the context behind a value: the next line's label belongs to the next line's value.
        let tail = &buffer[end..after];
        let after = end + memchr::memchr(b'\n', tail).unwrap_or(tail.len());
        let has = field.is_some_and(|f| self.field_has_word(rule_index, rule, f, fields))
            || self.context.has(rule_index, buffer, before, start)
            || self.context.has(rule_index, buffer, end, after);
        match (has, near.required || is_doubtful) {
            (true, _) => Some(near.score),
            (false, true) => None,
            (false, false) => Some(rule.score),
        }
    }

    fn field_has_word(&mut self, rule_index: u16, rule: &Rule, field: FieldId, fields: &FieldTable) -> bool {
        *self.field_words.entry((rule_index, field)).or_insert_with(|| {
            let name = fields::normalise(fields.path(field));
            rule.near.as_ref().is_some_and(|near| near.words.iter().any(|word| context::has_word(&name, word)))
        })
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

/// The start of the letters right before a run of digits; `None` where there are too many for the token to be a number,
/// or where a digit or `_` stands before them.
fn letters_before(text: &[u8], start: usize) -> Option<usize> {
    let letters = text[..start].iter().rev().take(LEAD_BYTES + 1).take_while(|b| b.is_ascii_alphabetic()).count();
    let at = start - letters;
    (letters > 0 && letters <= LEAD_BYTES && !at.checked_sub(1).is_some_and(|i| is_word(text[i]))).then_some(at)
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

/// Whether a text holds so many token characters in a row. It looks at one in so many where there is no such run.
fn has_run(text: &[u8], count: usize) -> bool {
    let mut from = 0;
    while let Some(run) = text.get(from..from + count) {
        match run.iter().rposition(|b| !need::of_token(*b)) {
            Some(at) => from += at + 1,
            None => return true,
        }
    }
    false
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
