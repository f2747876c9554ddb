//! A filter in front of the digit rules' automaton: can a run of so many digits, followed by such a byte, be the
//! beginning of anything?
//!
//! Log lines are full of short numbers that no rule can match. The answer for each length and next byte is found once,
//! by walking the automaton over all digits at a time, and remembered; after that it is one look-up. The filter is
//! exact: what it refuses no rule matches.

use super::RunRules;
use crate::rule_set::RuleSet;
use regex_automata::hybrid::LazyStateID;
use regex_automata::hybrid::dfa::{Cache, DFA};
use regex_automata::{Anchored, Input};

/// Longest run that is told apart; longer ones always pass.
const LENGTH_MAX: usize = 24;
/// States that a set may hold; a larger one always passes.
const STATES_MAX: usize = 2_000;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Answer {
    Unknown,
    No,
    Yes,
}

/// Answers by length and next byte; the last column is the end of the value.
#[derive(Default)]
pub(super) struct Shapes {
    answers: Vec<[Answer; 257]>,
    /// By length: the states after so many digits, and whether something matched on the way. Kept as witness strings,
    /// because the automaton may forget its states.
    witnesses: Vec<Option<Witnesses>>,
    cache: Option<Cache>,
}

/// One string of digits for each state that is alive after so many digits.
#[derive(Clone, Default)]
struct Witnesses {
    strings: Vec<Vec<u8>>,
    /// Something may match already, or there are too many states to tell.
    pass: bool,
}

impl Shapes {
    /// Whether the digit run `text[start..start + len]` can be the beginning of a match. `high` is the value's end.
    pub(super) fn viable(
        &mut self,
        rules: &RunRules,
        set: &RuleSet,
        text: &[u8],
        start: usize,
        len: usize,
        high: usize,
    ) -> bool {
        // What stands before decides look-behind assertions; only the usual case is remembered.
        let plain = start == 0 || !super::is_word(text[start - 1]);
        if len > LENGTH_MAX || !plain {
            return true;
        }
        let next = if start + len < high { usize::from(text[start + len]) } else { 256 };
        if self.answers.is_empty() {
            self.answers = vec![[Answer::Unknown; 257]; LENGTH_MAX + 1];
            self.witnesses = vec![None; LENGTH_MAX + 1];
        }
        match self.answers[len][next] {
            Answer::Yes => true,
            Answer::No => false,
            Answer::Unknown => {
                let answer = rules.dfa(set).is_none_or(|dfa| self.find_out(dfa, len, next).unwrap_or(true));
                self.answers[len][next] = if answer { Answer::Yes } else { Answer::No };
                answer
            }
        }
    }

    /// `None` where the automaton gives up.
    fn find_out(&mut self, dfa: &DFA, len: usize, next: usize) -> Option<bool> {
        let witnesses = self.witnesses(dfa, len)?;
        if witnesses.pass {
            return Some(true);
        }
        let cache = self.cache.get_or_insert_with(|| dfa.create_cache());
        for digits in &witnesses.strings {
            let state = walk(dfa, cache, digits)?;
            let after = match u8::try_from(next) {
                Ok(byte) => dfa.next_state(cache, state, byte).ok()?,
                Err(_) => dfa.next_eoi_state(cache, state).ok()?,
            };
            // A match shows one byte late, so it is the state after the next byte that tells.
            if after.is_match() || (next < 256 && !after.is_dead()) {
                return Some(true);
            }
        }
        Some(false)
    }

    fn witnesses(&mut self, dfa: &DFA, len: usize) -> Option<Witnesses> {
        if let Some(Some(known)) = self.witnesses.get(len) {
            return Some(known.clone());
        }
        let before = match len {
            0 => Witnesses { strings: vec![Vec::new()], pass: false },
            n => self.witnesses(dfa, n - 1)?,
        };
        let found = if before.pass || len == 0 { before } else { self.extend(dfa, &before)? };
        if let Some(slot) = self.witnesses.get_mut(len) {
            *slot = Some(found.clone());
        }
        Some(found)
    }

    /// The states after one more digit, one string each.
    fn extend(&mut self, dfa: &DFA, before: &Witnesses) -> Option<Witnesses> {
        let cache = self.cache.get_or_insert_with(|| dfa.create_cache());
        let clears = cache.clear_count();
        let mut seen: Vec<LazyStateID> = Vec::new();
        let mut out = Witnesses::default();
        for digits in &before.strings {
            let state = walk(dfa, cache, digits)?;
            for digit in b'0'..=b'9' {
                let after = dfa.next_state(cache, state, digit).ok()?;
                if after.is_match() {
                    return Some(Witnesses { strings: Vec::new(), pass: true });
                }
                if after.is_dead() || seen.contains(&after) {
                    continue;
                }
                seen.push(after);
                let mut string = digits.clone();
                string.push(digit);
                out.strings.push(string);
            }
        }
        // States that were forgotten on the way cannot be told apart any more.
        out.pass = out.strings.len() > STATES_MAX || cache.clear_count() != clears;
        Some(out)
    }
}

/// The state after some digits at the beginning of a plain text.
fn walk(dfa: &DFA, cache: &mut Cache, digits: &[u8]) -> Option<LazyStateID> {
    let input = Input::new(b" ".as_slice()).range(1..1).anchored(Anchored::Yes);
    let mut state = dfa.start_state_forward(cache, &input).ok()?;
    for digit in digits {
        state = dfa.next_state(cache, state, *digit).ok()?;
    }
    Some(state)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::runs::RunKind;

    #[test]
    fn what_it_refuses_no_rule_matches() {
        let set = RuleSet::built_in().expect("rules");
        let rules = RunRules::new(&set, RunKind::Digits);
        let dfa = rules.dfa(&set).expect("automaton");
        let mut cache = dfa.create_cache();
        let mut shapes = Shapes::default();
        let mut seed = 0x2545_f491_4f6c_dd1du64;
        let mut refused = 0;
        for _ in 0..20_000 {
            let mut next = || {
                seed ^= seed << 13;
                seed ^= seed >> 7;
                seed ^= seed << 17;
                seed
            };
            let len = 1 + (next() % 20) as usize;
            let tails: [&[u8]; 8] = [b"", b" ", b" 123 456", b"-45-6789", b".25.1.7", b":10", b"x", b"/8/2026"];
            let mut text = b" ".to_vec();
            text.extend((0..len).map(|_| b'0' + (next() % 10) as u8));
            text.extend_from_slice(tails[(next() % 8) as usize]);
            if !shapes.viable(&rules, &set, &text, 1, len, text.len()) {
                refused += 1;
                let input = Input::new(&text).range(1..).anchored(Anchored::Yes);
                let mut matched = regex_automata::PatternSet::new(rules.rules.len());
                dfa.try_which_overlapping_matches(&mut cache, &input, &mut matched).expect("search");
                assert!(matched.is_empty(), "refused {:?}", String::from_utf8_lossy(&text));
            }
        }
        assert!(refused > 1_000, "the filter refuses almost nothing: {refused}");
    }
}
