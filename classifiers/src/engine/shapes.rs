//! A filter in front of the digit rules' automaton: can so many letters, a run of so many digits and then such a byte be
//! the beginning of anything?
//!
//! Log lines are full of short numbers that no rule can match. The rules are widened first: any digit stands for all
//! digits, any letter for all letters. The answer for each shape is found once, by walking the widened rules' automaton,
//! and remembered; after that it is one look-up. What passes is looked at again with the skeleton of its first sixteen
//! bytes, which log lines repeat. What the filter refuses no rule matches.

use super::RunRules;
use crate::rule_set::RuleSet;
use regex_automata::hybrid::dfa::{Cache, DFA};
use regex_automata::nfa::thompson;
use regex_automata::{Anchored, Input, MatchKind};
use regex_syntax::hir::{Class, ClassBytes, ClassBytesRange, ClassUnicode, ClassUnicodeRange, Hir, HirKind};
use wide::u8x16;

/// Longest run that is told apart; longer ones always pass.
const LENGTH_MAX: usize = 24;
/// Most letters before the run.
const LEAD_MAX: usize = super::LEAD_BYTES;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Answer {
    Unknown,
    No,
    Yes,
}

/// Bytes of a skeleton.
pub(super) const SKELETON: usize = 16;
/// Skeletons that are remembered.
const SKELETONS: usize = 1 << 11;

#[derive(Default)]
pub(super) struct Shapes {
    /// By letters, digits and next byte; the last column is the end of the value.
    answers: Vec<[Answer; 257]>,
    /// Skeletons met, each in the one place that it can have.
    skeletons: Vec<(u128, bool)>,
    cache: Option<Cache>,
}

impl Shapes {
    /// Whether `lead` letters, `len` digits and then the byte `next` (or the end of the value) can be the beginning of a
    /// match where no letter, digit or `_` stands before.
    #[inline]
    pub(super) fn viable(
        &mut self,
        rules: &RunRules,
        set: &RuleSet,
        lead: usize,
        len: usize,
        next: Option<u8>,
    ) -> bool {
        if len > LENGTH_MAX || lead > LEAD_MAX {
            return true;
        }
        if self.answers.is_empty() {
            self.answers = vec![[Answer::Unknown; 257]; (LEAD_MAX + 1) * (LENGTH_MAX + 1)];
        }
        // A NUL is most likely the end of the value, and may be a byte of it.
        if next == Some(0) && self.viable(rules, set, lead, len, None) {
            return true;
        }
        let (row, column) = (lead * (LENGTH_MAX + 1) + len, next.map_or(256, usize::from));
        match self.answers[row][column] {
            Answer::Yes => true,
            Answer::No => false,
            Answer::Unknown => {
                let answer = rules.wide_dfa(set).is_none_or(|dfa| self.find_out(dfa, lead, len, next).unwrap_or(true));
                self.answers[row][column] = if answer { Answer::Yes } else { Answer::No };
                answer
            }
        }
    }

    /// Whether a text that goes on like this can be the beginning of a match; for a start as in [`Self::viable`].
    #[inline]
    pub(super) fn skeleton_viable(&mut self, rules: &RunRules, set: &RuleSet, text: [u8; SKELETON]) -> bool {
        let bones = skeleton(text);
        if self.skeletons.is_empty() {
            self.skeletons = vec![(0, true); SKELETONS];
        }
        let key = u128::from_le_bytes(bones);
        let hash = (key as u64 ^ (key >> 64) as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let place = (hash >> (64 - SKELETONS.trailing_zeros())) as usize;
        match self.skeletons[place] {
            (known, answer) if known == key => answer,
            _ => {
                let answer = rules
                    .wide_dfa(set)
                    .is_none_or(|dfa| self.walk(dfa, bones.into_iter()).is_none_or(|end| end != Answer::No));
                self.skeletons[place] = (key, answer);
                answer
            }
        }
    }

    /// `None` where the automaton gives up; `Unknown` where it could go on.
    fn walk(&mut self, dfa: &DFA, bytes: impl Iterator<Item = u8>) -> Option<Answer> {
        let cache = self.cache.get_or_insert_with(|| dfa.create_cache());
        let input = Input::new(b" ".as_slice()).range(1..1).anchored(Anchored::Yes);
        let mut state = dfa.start_state_forward(cache, &input).ok()?;
        for byte in bytes {
            state = dfa.next_state(cache, state, byte).ok()?;
            if state.is_match() {
                return Some(Answer::Yes);
            }
            if state.is_dead() {
                return Some(Answer::No);
            }
        }
        // Something may match right at the end.
        match dfa.next_eoi_state(cache, state).ok()?.is_match() {
            true => Some(Answer::Yes),
            false => Some(Answer::Unknown),
        }
    }

    /// `None` where the automaton gives up.
    fn find_out(&mut self, dfa: &DFA, lead: usize, len: usize, next: Option<u8>) -> Option<bool> {
        let witness = std::iter::repeat_n(b'A', lead).chain(std::iter::repeat_n(b'0', len)).chain(next);
        match self.walk(dfa, witness)? {
            Answer::Yes => Some(true),
            Answer::No => Some(false),
            // What goes on behind a byte is not known; behind the end nothing does.
            Answer::Unknown => Some(next.is_some()),
        }
    }
}

/// Every digit as `0`, every letter as `A`.
#[inline]
fn skeleton(text: [u8; SKELETON]) -> [u8; SKELETON] {
    let x = u8x16::new(text);
    let in_range = |x: u8x16, low: u8, high: u8| {
        let shifted = x - u8x16::splat(low);
        shifted.min(u8x16::splat(high - low)).simd_eq(shifted)
    };
    let digits = in_range(x, b'0', b'9');
    let letters = in_range(x | u8x16::splat(0x20), b'a', b'z');
    let kept = !(digits | letters) & x;
    ((digits & u8x16::splat(b'0')) | (letters & u8x16::splat(b'A')) | kept).to_array()
}

/// The automaton of widened expressions. `None` where they are too many for one.
pub(super) fn wide_dfa<'a>(sources: impl Iterator<Item = &'a str>) -> Option<DFA> {
    let syntax = regex_syntax::ParserBuilder::new().unicode(false).utf8(false).multi_line(true).clone();
    let widened = |source| syntax.build().parse(source).ok().map(|hir| widen(&hir));
    let expressions = sources.map(widened).collect::<Option<Vec<Hir>>>()?;
    let nfa = thompson::Compiler::new()
        .configure(thompson::Config::new().utf8(false).which_captures(thompson::WhichCaptures::None))
        .build_many_from_hir(&expressions)
        .ok()?;
    DFA::builder().configure(DFA::config().match_kind(MatchKind::All)).build_from_nfa(nfa).ok()
}

/// The same expression with every digit standing for all digits and every letter for all letters. It matches whatever
/// the expression matches.
fn widen(hir: &Hir) -> Hir {
    match hir.kind() {
        HirKind::Empty => Hir::empty(),
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
    if has(b'a', b'z') || has(b'A', b'Z') {
        add(b'a', b'z');
        add(b'A', b'Z');
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::RunKind;

    #[test]
    fn what_it_refuses_no_rule_matches() {
        let set = RuleSet::built_in().expect("rules");
        let rules = RunRules::new(&set, RunKind::Digits);
        let dfa = rules.dfa(&set).expect("automaton");
        let mut cache = dfa.create_cache();
        let mut shapes = Shapes::default();
        let mut seed = 0x2545_f491_4f6c_dd1du64;
        let (mut refused, mut by_skeleton_alone) = (0, 0);
        for _ in 0..60_000 {
            let mut next = |n: usize| {
                seed ^= seed << 13;
                seed ^= seed >> 7;
                seed ^= seed << 17;
                (seed % n as u64) as usize
            };
            let (lead, len) = (next(3) * next(5), 1 + next(20));
            let tails: [&[u8]; 8] = [b"", b" ", b" 123 456", b"-45-6789", b".25.1.7", b":10", b"x", b"/8/2026"];
            let mut text = b" ".to_vec();
            text.extend((0..lead).map(|_| b"ABCDEFGHIJKLMNOPQRSTUVWXYZabdeilnst"[next(35)]));
            text.extend((0..len).map(|_| b'0' + next(10) as u8));
            text.extend_from_slice(tails[next(8)]);
            let by_shape = shapes.viable(&rules, &set, lead, len, text.get(1 + lead + len).copied());
            let first = text.get(1..1 + SKELETON).and_then(|b| b.try_into().ok());
            let by_skeleton = first.is_none_or(|first| shapes.skeleton_viable(&rules, &set, first));
            if !by_shape || !by_skeleton {
                refused += 1;
                by_skeleton_alone += usize::from(by_shape);
                let input = Input::new(&text).range(1..).anchored(Anchored::Yes);
                let mut matched = regex_automata::PatternSet::new(rules.rules.len());
                dfa.try_which_overlapping_matches(&mut cache, &input, &mut matched).expect("search");
                assert!(matched.is_empty(), "refused {:?}", String::from_utf8_lossy(&text));
            }
        }
        assert!(refused > 2_000, "the filter refuses almost nothing: {refused}");
        assert!(by_skeleton_alone > 500, "the skeleton refuses almost nothing: {by_skeleton_alone}");
    }

    #[test]
    fn widened_rules_match_what_the_rules_match() {
        let dfa = wide_dfa([r"\bDE\d{2}(?: ?[1-9]{4}){2}\b", r"(?i)x[0-4]-[abc]"].into_iter()).expect("automaton");
        let mut cache = dfa.create_cache();
        let mut matched = regex_automata::PatternSet::new(2);
        for (text, expected) in [("DE12 3456 7891", 0), ("fr00 0000 0000", 0), ("X3-A", 1), ("q9-z", 1)] {
            matched.clear();
            let input = Input::new(text).anchored(Anchored::Yes);
            dfa.try_which_overlapping_matches(&mut cache, &input, &mut matched).expect("search");
            assert_eq!(matched.iter().map(|p| p.as_usize()).collect::<Vec<_>>(), [expected], "{text}");
        }
    }
}
