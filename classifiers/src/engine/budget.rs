//! What rules of a user's own may cost. Any regular expression may stand in one, so one may be slow on some text, and
//! nobody can tell by looking at it: what it takes is measured, and a rule that takes far too much is stopped for the rest
//! of the batch. Whoever scans is told, and tells it as a problem of the input. Built-in rules are not measured: they are
//! tested on hostile text.

use std::collections::{BTreeSet, HashMap};
use std::time::{Duration, Instant};

/// Time that a rule may take in any case.
const BASE: Duration = Duration::from_secs(2);
/// Time a byte of text that it may take beyond: half a megabyte a second, a hundred times what a good rule takes.
const NANOS_PER_BYTE: u32 = 2_000;

/// What the rules of one scanner have taken.
#[derive(Debug, Default)]
pub(super) struct Budget {
    allowed: Duration,
    spent: HashMap<u16, Duration>,
    over: BTreeSet<u16>,
}

impl Budget {
    /// Begins a batch of so many bytes: what was not used before is left for it.
    pub(super) fn begin(&mut self, bytes: usize) {
        if self.allowed.is_zero() {
            self.allowed = BASE;
        }
        self.allowed += Duration::from_nanos(bytes as u64 * u64::from(NANOS_PER_BYTE));
    }

    /// When an attempt of a rule begins; `None` where the rule has taken all that it may.
    pub(super) fn attempt(&mut self, rule: u16) -> Option<Instant> {
        let is_over = self.spent.get(&rule).is_some_and(|spent| *spent > self.allowed);
        if is_over {
            self.over.insert(rule);
            return None;
        }
        Some(Instant::now())
    }

    /// Ends it.
    pub(super) fn end(&mut self, rule: u16, began: Instant) {
        *self.spent.entry(rule).or_default() += began.elapsed();
    }

    /// The rules that were stopped since this was asked.
    pub(super) fn take_over(&mut self) -> BTreeSet<u16> {
        std::mem::take(&mut self.over)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_is_stopped_by_itself_until_text_has_paid_for_it() {
        let mut budget = Budget::default();
        budget.begin(1_000_000);
        let long_ago = Instant::now().checked_sub(Duration::from_secs(5)).expect("a machine that runs for seconds");
        assert!(budget.attempt(7).is_some());
        budget.end(7, long_ago);
        assert!(budget.attempt(7).is_none() && budget.attempt(8).is_some());
        assert_eq!(budget.take_over().into_iter().collect::<Vec<_>>(), [7]);
        assert!(budget.take_over().is_empty());
        budget.begin(1_000_000);
        assert!(budget.attempt(7).is_some(), "4 seconds for two megabytes, and 2 in any case");
    }
}
