//! A filter in front of the digit rules: of which of them can a sign, so many letters, a run of so many digits and what
//! stands behind it be the beginning?
//!
//! Log lines are full of short numbers that no rule can match. The rules are widened first: any digit stands for all
//! digits, so that few states tell all numbers apart. Transitions are asked of the widened rules' automaton once and
//! written into a table of two bytes each, and so is which rules have matched in a state. Then most numbers are refused
//! within a few steps, the first of which, over the run itself, are one look-up by its length, and of the others a few
//! rules are known that are worth a try. A rule that is not told does not match.

use super::{RUN_WINDOW_BYTES, RunRules};
use crate::rule_set::RuleSet;
use regex_automata::hybrid::LazyStateID;
use regex_automata::hybrid::dfa::{Cache, DFA};
use regex_automata::nfa::thompson;
use regex_automata::{Anchored, Input, MatchKind};
use regex_syntax::hir::{Class, ClassBytes, ClassBytesRange, ClassUnicode, ClassUnicodeRange, Hir, HirKind, Look};
use std::collections::HashMap;

/// Longest run that is told apart; longer ones are looked at by every rule.
const LENGTH_MAX: usize = 40;

/// Not asked yet.
const UNKNOWN: u16 = u16::MAX;
/// Nothing can match any more.
const DEAD: u16 = u16::MAX - 1;
/// The automaton gave up.
const LOST: u16 = u16::MAX - 2;

/// What stands right before a number and its letters, of the signs that a rule may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sign {
    None,
    Plus,
    Bracket,
}

impl Sign {
    fn byte(self) -> Option<u8> {
        match self {
            Self::None => None,
            Self::Plus => Some(b'+'),
            Self::Bracket => Some(b'('),
        }
    }
}

/// The beginning of a number.
#[derive(Debug, Clone, Copy)]
pub(super) struct Number<'t> {
    pub(super) sign: Sign,
    /// Letters before the digits.
    pub(super) lead: &'t [u8],
    /// Digits in the run.
    pub(super) len: usize,
    /// What follows, up to the end of the value.
    pub(super) behind: &'t [u8],
}

/// The rules of a number were not all told: each must be tried.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Untold;

#[derive(Default)]
pub(super) struct Shapes {
    /// By byte, its class.
    classes: Vec<u8>,
    /// How many classes there are, the end of the value among them, which is the last.
    stride: usize,
    /// The state before anything.
    start: u16,
    /// By sign, digits and the class of the next byte, the way over them where there are no letters.
    starts: Vec<Way>,
    /// By state and class, the next state.
    next: Vec<u16>,
    /// By state, the set of rules that match there, 0 for none.
    sets: Vec<u16>,
    /// The automaton's names of the states.
    states: Vec<LazyStateID>,
    numbers: HashMap<LazyStateID, u16>,
    /// Sets of rules; the first is empty.
    rules: Vec<Box<[u16]>>,
    cache: Option<Cache>,
}

/// A way through the automaton: where it ends, and a set of rules that matched on it.
#[derive(Debug, Clone, Copy)]
struct Way {
    state: u16,
    set: u16,
}

impl Shapes {
    /// Adds the rules to `out` that may match at a number where no letter, digit or `_` stands before; each once, in
    /// order.
    #[inline]
    pub(super) fn rules_at(
        &mut self,
        rules: &RunRules,
        set: &RuleSet,
        number: Number<'_>,
        out: &mut Vec<u16>,
    ) -> Result<(), Untold> {
        let Number { sign, lead, len, behind } = number;
        if len > LENGTH_MAX {
            return Err(Untold);
        }
        let dfa = rules.wide_dfa(set).ok_or(Untold)?;
        if self.starts.is_empty() {
            self.begin(rules, dfa);
        }
        let mut state = match lead.is_empty() {
            true => {
                let class = behind.first().map_or(self.stride - 1, |b| usize::from(self.classes[usize::from(*b)]));
                let place = (sign as usize * (LENGTH_MAX + 1) + len) * self.stride + class;
                let mut way = self.starts[place];
                if way.state == UNKNOWN {
                    way = self.way(rules, dfa, number);
                    self.starts[place] = way;
                }
                if way.set != 0 {
                    out.extend_from_slice(&self.rules[usize::from(way.set)]);
                }
                way.state
            }
            false => {
                let bytes = sign.byte().into_iter().chain(lead.iter().copied()).chain(std::iter::repeat_n(b'0', len));
                self.walk(rules, dfa, self.start, bytes.map(Some).chain([behind.first().copied()]), out)
            }
        };
        // A match shows one byte behind its end.
        let window = RUN_WINDOW_BYTES + 1;
        state = self.walk(rules, dfa, state, behind.iter().take(window).skip(1).map(|b| Some(*b)), out);
        if !behind.is_empty() && behind.len() < window {
            state = self.walk(rules, dfa, state, [None], out);
        }
        if state == LOST {
            return Err(Untold);
        }
        if out.len() > 1 {
            out.sort_unstable();
            out.dedup();
        }
        Ok(())
    }

    /// Goes on over bytes, or the end of the value, and adds the rules that match on the way.
    #[inline]
    fn walk(
        &mut self,
        rules: &RunRules,
        dfa: &DFA,
        mut state: u16,
        bytes: impl IntoIterator<Item = Option<u8>>,
        out: &mut Vec<u16>,
    ) -> u16 {
        for byte in bytes {
            if state >= LOST {
                break;
            }
            let class = byte.map_or(self.stride - 1, |b| usize::from(self.classes[usize::from(b)]));
            state = match self.next[usize::from(state) * self.stride + class] {
                UNKNOWN => self.ask(rules, dfa, state, byte),
                known => known,
            };
            if let Some(set @ 1..) = self.sets.get(usize::from(state)) {
                out.extend_from_slice(&self.rules[usize::from(*set)]);
            }
        }
        state
    }

    fn begin(&mut self, rules: &RunRules, dfa: &DFA) {
        let classes = dfa.byte_classes();
        self.classes = (0..=u8::MAX).map(|b| classes.get(b)).collect();
        self.stride = classes.alphabet_len();
        self.starts = vec![Way { state: UNKNOWN, set: 0 }; 3 * (LENGTH_MAX + 1) * self.stride];
        self.rules.push([].into());
        let cache = self.cache.get_or_insert_with(|| dfa.create_cache());
        // No letter, digit or `_` stands before, and no line ends there.
        let input = Input::new(b" ".as_slice()).range(1..1).anchored(Anchored::Yes);
        self.start = match dfa.start_state_forward(cache, &input) {
            Ok(start) => self.number(rules, dfa, start),
            Err(_) => LOST,
        };
    }

    /// The state behind a byte, or behind the end of the value.
    #[cold]
    fn ask(&mut self, rules: &RunRules, dfa: &DFA, state: u16, byte: Option<u8>) -> u16 {
        let cache = self.cache.get_or_insert_with(|| dfa.create_cache());
        let name = self.states[usize::from(state)];
        let next = match byte {
            Some(byte) => dfa.next_state(cache, name, byte),
            None => dfa.next_eoi_state(cache, name),
        };
        let next = match next {
            Ok(next) if next.is_dead() => DEAD,
            Ok(next) => self.number(rules, dfa, next),
            Err(_) => LOST,
        };
        let class = byte.map_or(self.stride - 1, |b| usize::from(self.classes[usize::from(b)]));
        self.next[usize::from(state) * self.stride + class] = next;
        next
    }

    /// The number of a state.
    fn number(&mut self, rules: &RunRules, dfa: &DFA, state: LazyStateID) -> u16 {
        if let Some(number) = self.numbers.get(&state) {
            return *number;
        }
        let Some(number) = u16::try_from(self.states.len()).ok().filter(|number| *number < LOST) else { return LOST };
        let set = match &self.cache {
            Some(cache) if state.is_match() => {
                let patterns = (0..dfa.match_len(cache, state)).map(|i| dfa.match_pattern(cache, state, i));
                let mut set: Vec<u16> = patterns.map(|pattern| rules.rules[pattern.as_usize()]).collect();
                set.sort_unstable();
                self.set(set)
            }
            _ => Some(0),
        };
        let Some(set) = set else { return LOST };
        self.states.push(state);
        self.sets.push(set);
        self.numbers.insert(state, number);
        self.next.resize(self.states.len() * self.stride, UNKNOWN);
        number
    }

    /// The number of a set of rules.
    fn set(&mut self, set: Vec<u16>) -> Option<u16> {
        let known = self.rules.iter().position(|known| **known == *set);
        let number = known.unwrap_or_else(|| {
            self.rules.push(set.into());
            self.rules.len() - 1
        });
        u16::try_from(number).ok()
    }

    /// The way over a sign, digits, and a byte or the end.
    #[cold]
    fn way(&mut self, rules: &RunRules, dfa: &DFA, number: Number<'_>) -> Way {
        let bytes = number.sign.byte().into_iter().chain(std::iter::repeat_n(b'0', number.len));
        let mut matched = Vec::new();
        let bytes = bytes.map(Some).chain([number.behind.first().copied()]);
        let state = self.walk(rules, dfa, self.start, bytes, &mut matched);
        matched.sort_unstable();
        matched.dedup();
        self.set(matched).map_or(Way { state: LOST, set: 0 }, |set| Way { state, set })
    }
}

/// The automaton of widened expressions. `None` where they are too many for one.
pub(super) fn wide_dfa<'a>(sources: impl Iterator<Item = &'a str>) -> Option<DFA> {
    let syntax = regex_syntax::ParserBuilder::new().unicode(false).utf8(false).multi_line(true).clone();
    let widened = |source| syntax.build().parse(source).ok().map(|hir| widen(&hir));
    let expressions = sources.map(widened).collect::<Option<Vec<Hir>>>()?;
    let nfa = thompson::Compiler::new()
        .configure(
            thompson::Config::new()
                .utf8(false)
                .which_captures(thompson::WhichCaptures::None)
                .nfa_size_limit(Some(64 << 20)),
        )
        .build_many_from_hir(&expressions)
        .ok()?;
    // States keep their names: the automaton gives up where it would have to forget them.
    let config = DFA::config().match_kind(MatchKind::All).cache_capacity(8 << 20).minimum_cache_clear_count(Some(0));
    DFA::builder().configure(config).build_from_nfa(nfa).ok()
}

/// The same expression with every digit standing for all digits. It matches whatever the expression matches.
fn widen(hir: &Hir) -> Hir {
    match hir.kind() {
        HirKind::Empty => Hir::empty(),
        // What stands before a number is not told apart: such an assertion may hold.
        HirKind::Look(Look::Start | Look::StartLF | Look::StartCRLF | Look::WordAsciiNegate) => Hir::empty(),
        HirKind::Look(look) => Hir::look(*look),
        HirKind::Literal(literal) => Hir::concat(literal.0.iter().map(|b| Hir::class(widened_byte(*b))).collect()),
        HirKind::Class(Class::Bytes(class)) => {
            let mut out = class.clone();
            let has = |low: u8, high: u8| class.ranges().iter().any(|r| r.start() <= high && r.end() >= low);
            add_ranges(has, |low, high| out.push(ClassBytesRange::new(low, high)));
            Hir::class(Class::Bytes(out))
        }
        HirKind::Class(Class::Unicode(class)) => {
            let mut out: ClassUnicode = class.clone();
            let has = |low: u8, high: u8| {
                class.ranges().iter().any(|r| r.start() <= char::from(high) && r.end() >= char::from(low))
            };
            add_ranges(has, |low, high| out.push(ClassUnicodeRange::new(low.into(), high.into())));
            Hir::class(Class::Unicode(out))
        }
        HirKind::Repetition(repetition) => {
            let mut out = repetition.clone();
            out.sub = Box::new(widen(&repetition.sub));
            Hir::repetition(out)
        }
        HirKind::Capture(capture) => widen(&capture.sub),
        HirKind::Concat(parts) => Hir::concat(parts.iter().map(widen).collect()),
        HirKind::Alternation(parts) => Hir::alternation(parts.iter().map(widen).collect()),
    }
}

fn widened_byte(byte: u8) -> Class {
    let mut class = ClassBytes::new([ClassBytesRange::new(byte, byte)]);
    add_ranges(|low, high| (low..=high).contains(&byte), |low, high| class.push(ClassBytesRange::new(low, high)));
    Class::Bytes(class)
}

fn add_ranges(has: impl Fn(u8, u8) -> bool, mut add: impl FnMut(u8, u8)) {
    if has(b'0', b'9') {
        add(b'0', b'9');
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::RunKind;

    #[test]
    fn rules_that_it_does_not_tell_do_not_match() {
        let set = RuleSet::built_in().expect("rules");
        let rules = RunRules::new(&set, RunKind::Digits);
        let dfa = rules.dfa(&set).expect("automaton");
        let mut cache = dfa.create_cache();
        let mut shapes = Shapes::default();
        let mut seed = 0x2545_f491_4f6c_dd1du64;
        let (mut refused, mut told, mut right) = (0, 0, 0);
        for _ in 0..60_000 {
            let mut next = |n: usize| {
                seed ^= seed << 13;
                seed ^= seed >> 7;
                seed ^= seed << 17;
                (seed % n as u64) as usize
            };
            let (lead, len) = (next(3) * next(5), 1 + next(20));
            let tails: [&[u8]; 12] = [
                b"",
                b" ",
                b" 123 456",
                b"-45-6789",
                b".25.1.7",
                b":10",
                b"x",
                b"/8/2026",
                b"\0 1",
                b") 555-0142 x",
                b"-1234-5678-9012 and more of it that goes on for longer than any rule looks at numbers, as text does",
                b"\n",
            ];
            let (sign, mark) = [(Sign::None, ""), (Sign::Plus, "+"), (Sign::Bracket, "(")][next(3)];
            let mut text = format!(" {mark}").into_bytes();
            text.extend((0..lead).map(|_| b"ABCDEFGHIJKLMNOPQRSTUVWXYZabdeilnst"[next(35)]));
            text.extend((0..len).map(|_| b'0' + next(10) as u8));
            text.extend_from_slice(tails[next(12)]);
            let behind = &text[1 + mark.len() + lead + len..];
            let mut out = Vec::new();
            shapes
                .rules_at(&rules, &set, Number { sign, lead: &text[1 + mark.len()..][..lead], len, behind }, &mut out)
                .expect("told");
            let end = text.len().min(1 + RUN_WINDOW_BYTES);
            let input = Input::new(&text).range(1..end).anchored(Anchored::Yes);
            let mut matched = regex_automata::PatternSet::new(rules.rules.len());
            dfa.try_which_overlapping_matches(&mut cache, &input, &mut matched).expect("search");
            for rule in matched.iter().map(|pattern| rules.rules[pattern.as_usize()]) {
                assert!(out.contains(&rule), "{} in {:?}", set.get(rule).id, String::from_utf8_lossy(&text));
                right += 1;
            }
            (refused, told) = (refused + usize::from(out.is_empty()), told + out.len());
        }
        assert!(refused > 3_000 && right > 3_000, "{refused} refused, {right} of {told} right");
    }

    #[test]
    fn widened_rules_match_what_the_rules_match() {
        let dfa = wide_dfa([r"\bDE\d{2}(?: ?[1-9]{4}){2}\b", r"(?i)x[0-4]-[abc]"].into_iter()).expect("automaton");
        let mut cache = dfa.create_cache();
        let mut matched = regex_automata::PatternSet::new(2);
        for (text, expected) in [("DE12 3456 7891", 0), ("DE00 0000 0000", 0), ("X3-A", 1), ("x9-c", 1)] {
            matched.clear();
            let input = Input::new(text).anchored(Anchored::Yes);
            dfa.try_which_overlapping_matches(&mut cache, &input, &mut matched).expect("search");
            assert_eq!(matched.iter().map(|p| p.as_usize()).collect::<Vec<_>>(), [expected], "{text}");
        }
    }
}
