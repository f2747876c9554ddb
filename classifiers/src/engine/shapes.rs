//! A filter in front of the digit rules' automaton: can so many letters, a run of so many digits and what stands behind
//! it be the beginning of anything?
//!
//! Log lines are full of short numbers that no rule can match. The rules are widened first: any digit stands for all
//! digits, any letter for all letters, so that few states tell all numbers apart. Transitions are asked of the widened
//! rules' automaton once and written into a table of two bytes each; after that a number is refused within a few steps,
//! and the first of them, over the run itself, are one look-up by its length. What the filter refuses no rule matches.

use super::RunRules;
use crate::rule_set::RuleSet;
use regex_automata::hybrid::LazyStateID;
use regex_automata::hybrid::dfa::{Cache, DFA};
use regex_automata::nfa::thompson;
use regex_automata::{Anchored, Input, MatchKind};
use regex_syntax::hir::{Class, ClassBytes, ClassBytesRange, ClassUnicode, ClassUnicodeRange, Hir, HirKind};

/// Longest run that is told apart; longer ones always pass.
const LENGTH_MAX: usize = 24;
/// Most letters before the run.
const LEAD_MAX: usize = super::LEAD_BYTES;
/// Bytes behind a run that are looked at.
const BEHIND_MAX: usize = 48;

/// Not asked yet.
const UNKNOWN: u16 = u16::MAX;
/// Nothing can match any more.
const DEAD: u16 = u16::MAX - 1;
/// Something may have matched, or the automaton gave up.
const MATCH: u16 = u16::MAX - 2;

#[derive(Default)]
pub(super) struct Shapes {
    /// By letters, digits and the class of the next byte, the state behind it.
    starts: Vec<u16>,
    /// By state and class, the next state.
    next: Vec<u16>,
    /// The automaton's names of the states.
    states: Vec<LazyStateID>,
    cache: Option<Cache>,
}

impl Shapes {
    /// Whether `lead` letters, `len` digits and then `behind`, with which the value ends, can be the beginning of a match
    /// where no letter, digit or `_` stands before. A NUL may be the end of the value too.
    #[inline]
    pub(super) fn viable(&mut self, rules: &RunRules, set: &RuleSet, lead: usize, len: usize, behind: &[u8]) -> bool {
        if len > LENGTH_MAX || lead > LEAD_MAX {
            return true;
        }
        let Some(dfa) = rules.wide_dfa(set) else { return true };
        let classes = dfa.byte_classes();
        let stride = classes.alphabet_len();
        if self.starts.is_empty() {
            self.starts = vec![UNKNOWN; (LEAD_MAX + 1) * (LENGTH_MAX + 1) * stride];
        }
        let class = behind.first().map_or(stride - 1, |b| usize::from(classes.get(*b)));
        let place = (lead * (LENGTH_MAX + 1) + len) * stride + class;
        let mut state = self.starts[place];
        if state == UNKNOWN {
            state = self.start(dfa, lead, len, behind.first().copied());
            self.starts[place] = state;
        }
        for byte in behind.iter().take(BEHIND_MAX).skip(1) {
            match state {
                DEAD => return false,
                MATCH => return true,
                _ => state = self.step(dfa, state, Some(*byte), usize::from(classes.get(*byte)), stride),
            }
        }
        match state {
            DEAD => false,
            MATCH => true,
            _ if behind.is_empty() || behind.len() > BEHIND_MAX => true,
            _ => self.step(dfa, state, None, stride - 1, stride) == MATCH,
        }
    }

    #[inline]
    fn step(&mut self, dfa: &DFA, state: u16, byte: Option<u8>, class: usize, stride: usize) -> u16 {
        match self.next[usize::from(state) * stride + class] {
            UNKNOWN => {
                let next = self.ask(dfa, self.states[usize::from(state)], byte, stride);
                self.next[usize::from(state) * stride + class] = next;
                next
            }
            known => known,
        }
    }

    /// The state behind a byte, or behind the end of the value.
    fn ask(&mut self, dfa: &DFA, state: LazyStateID, byte: Option<u8>, stride: usize) -> u16 {
        let cache = self.cache.get_or_insert_with(|| dfa.create_cache());
        let next = match byte {
            Some(byte) => dfa.next_state(cache, state, byte),
            None => dfa.next_eoi_state(cache, state),
        };
        match (next, byte) {
            (Ok(next), _) if next.is_match() => MATCH,
            (Ok(next), Some(_)) if !next.is_dead() => self.number(next, stride),
            (Ok(_), _) => DEAD,
            // An automaton that gave up has not said no to anything.
            (Err(_), _) => MATCH,
        }
    }

    /// The number of a state.
    fn number(&mut self, state: LazyStateID, stride: usize) -> u16 {
        let known = self.states.iter().position(|known| *known == state);
        let number = known.unwrap_or_else(|| {
            self.states.push(state);
            self.next.resize(self.states.len() * stride, UNKNOWN);
            self.states.len() - 1
        });
        u16::try_from(number).ok().filter(|number| *number < MATCH).unwrap_or(MATCH)
    }

    /// The state behind letters, digits and a byte or the end.
    fn start(&mut self, dfa: &DFA, lead: usize, len: usize, next: Option<u8>) -> u16 {
        let stride = dfa.byte_classes().alphabet_len();
        let cache = self.cache.get_or_insert_with(|| dfa.create_cache());
        let input = Input::new(b" ".as_slice()).range(1..1).anchored(Anchored::Yes);
        let Ok(start) = dfa.start_state_forward(cache, &input) else { return MATCH };
        let mut state = self.number(start, stride);
        let run = std::iter::repeat_n(b'A', lead).chain(std::iter::repeat_n(b'0', len));
        for byte in run.chain(next).map(Some).chain(next.is_none().then_some(None)) {
            if state >= MATCH {
                break;
            }
            let class = byte.map_or(stride - 1, |b| usize::from(dfa.byte_classes().get(b)));
            state = self.step(dfa, state, byte, class, stride);
        }
        state
    }
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
    // States keep their names: the automaton gives up where it would have to forget them.
    let config = DFA::config().match_kind(MatchKind::All).cache_capacity(8 << 20).minimum_cache_clear_count(Some(0));
    DFA::builder().configure(config).build_from_nfa(nfa).ok()
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
        let mut refused = 0;
        for _ in 0..60_000 {
            let mut next = |n: usize| {
                seed ^= seed << 13;
                seed ^= seed >> 7;
                seed ^= seed << 17;
                (seed % n as u64) as usize
            };
            let (lead, len) = (next(3) * next(5), 1 + next(20));
            let tails: [&[u8]; 9] =
                [b"", b" ", b" 123 456", b"-45-6789", b".25.1.7", b":10", b"x", b"/8/2026", b"\0 1"];
            let mut text = b" ".to_vec();
            text.extend((0..lead).map(|_| b"ABCDEFGHIJKLMNOPQRSTUVWXYZabdeilnst"[next(35)]));
            text.extend((0..len).map(|_| b'0' + next(10) as u8));
            text.extend_from_slice(tails[next(9)]);
            if !shapes.viable(&rules, &set, lead, len, &text[1 + lead + len..]) {
                refused += 1;
                let input = Input::new(&text).range(1..).anchored(Anchored::Yes);
                let mut matched = regex_automata::PatternSet::new(rules.rules.len());
                dfa.try_which_overlapping_matches(&mut cache, &input, &mut matched).expect("search");
                assert!(matched.is_empty(), "refused {:?}", String::from_utf8_lossy(&text));
            }
        }
        assert!(refused > 3_000, "the filter refuses almost nothing: {refused}");
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
