//! A batch without its repeats. The rows of a dictionary that refer to one value have one text between them: it is scanned
//! once, and each row gets what was found in it.

use crate::decoders::DecodedValues;
use crate::finding::Match;
use crate::values::ValueBatch;

/// A batch that was folded, and how to unfold what was found in it.
pub(super) struct Folded {
    /// Values that stand for themselves.
    pub(super) batch: ValueBatch,
    /// For each value of the whole batch, its value in the folded one.
    values: Vec<u32>,
    /// For each value of the folded batch, how many it stands for.
    counts: Vec<u64>,
}

impl Folded {
    /// Folds a batch; `None` where it has few repeats, and folding would cost more than it saves.
    pub(super) fn of(whole: &ValueBatch) -> Option<Self> {
        let count = whole.spans().len();
        if whole.repeats() * 4 < count {
            return None;
        }
        let mut folded = Self { batch: ValueBatch::new(), values: Vec::with_capacity(count), counts: Vec::new() };
        for (index, span) in (0u32..).zip(whole.spans()) {
            let first = whole.first_of(index);
            let value = match folded.values.get(first as usize) {
                Some(value) => *value,
                None => {
                    folded.batch.push(span.row, span.field, whole.value(index));
                    folded.counts.push(0);
                    folded.counts.len() as u32 - 1
                }
            };
            folded.values.push(value);
            if let Some(count) = folded.counts.get_mut(value as usize) {
                *count += 1;
            }
        }
        Some(folded)
    }

    /// How many values of the whole batch a folded one stands for.
    pub(super) fn times(&self, value: u32) -> u64 {
        self.counts.get(value as usize).copied().unwrap_or(1)
    }

    /// Makes of what was found in the folded batch, which is in the order of values, what the whole one holds, in the same
    /// order.
    pub(super) fn unfold(&self, matches: &mut Vec<Match>, decoded: &mut DecodedValues) {
        let found = std::mem::take(matches);
        let texts = std::mem::take(decoded);
        for (index, value) in (0u32..).zip(&self.values) {
            let from = found.partition_point(|m| m.value < *value);
            let here = found[from..].iter().take_while(|m| m.value == *value);
            matches.extend(here.map(|m| Match { value: index, ..*m }));
            if !texts.is_empty() {
                decoded.add_as(index, &texts, *value);
            }
        }
    }
}
