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

/// What the rules of one scanner have taken of one input.
#[derive(Debug, Default)]
pub(super) struct Budget {
    /// What the newest batch allows.
    batch: Duration,
    /// What each rule has taken beyond what the batches before have allowed. What was not used of those is not kept: no
    /// length of harmless text pays for a rule that is slow on what comes then.
    debts: HashMap<u16, Duration>,
    over: BTreeSet<u16>,
}

impl Budget {
    /// Begins a batch of so many bytes.
    pub(super) fn begin(&mut self, bytes: usize) {
        self.debts.values_mut().for_each(|debt| *debt = debt.saturating_sub(self.batch));
        self.batch = Duration::from_nanos(bytes as u64 * u64::from(NANOS_PER_BYTE));
    }

    /// Forgets what was taken of another input.
    pub(super) fn restart(&mut self) {
        self.debts.clear();
    }

    /// When an attempt of a rule begins; `None` where the rule has taken all that it may.
    pub(super) fn attempt(&mut self, rule: u16) -> Option<Instant> {
        let is_over = self.debts.get(&rule).is_some_and(|debt| *debt > BASE + self.batch);
        if is_over {
            self.over.insert(rule);
            return None;
        }
        Some(Instant::now())
    }

    /// Ends it.
    pub(super) fn end(&mut self, rule: u16, began: Instant) {
        *self.debts.entry(rule).or_default() += began.elapsed();
    }

    /// The rules that were stopped since this was asked.
    pub(super) fn take_over(&mut self) -> BTreeSet<u16> {
        std::mem::take(&mut self.over)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MEGABYTE: usize = 1_000_000;

    fn ago(seconds: u64) -> Instant {
        Instant::now().checked_sub(Duration::from_secs(seconds)).expect("a machine that runs for seconds")
    }

    #[test]
    fn a_rule_is_stopped_by_itself_until_text_has_paid_for_it() {
        let mut budget = Budget::default();
        budget.begin(MEGABYTE);
        assert!(budget.attempt(7).is_some());
        budget.end(7, ago(5));
        assert!(budget.attempt(7).is_none() && budget.attempt(8).is_some());
        assert_eq!(budget.take_over().into_iter().collect::<Vec<_>>(), [7]);
        assert!(budget.take_over().is_empty());
        budget.begin(MEGABYTE);
        assert!(budget.attempt(7).is_some(), "3 seconds are left, where 4 are allowed");
        budget.end(7, ago(2));
        assert!(budget.attempt(7).is_none());
        budget.restart();
        assert!(budget.attempt(7).is_some(), "another input");
    }

    #[test]
    fn harmless_text_pays_for_nothing_behind_it() {
        let mut budget = Budget::default();
        (0..10_000).for_each(|_| budget.begin(MEGABYTE));
        assert!(budget.attempt(7).is_some());
        budget.end(7, ago(5));
        assert!(budget.attempt(7).is_none());
    }
}
