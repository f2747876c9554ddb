//! Columns as a whole: how many of a field's values hold a match, and what that says.
//!
//! A checksum is passed by one random number in ten or eleven. So one valid card number among 10,000 order numbers says
//! nothing, and 9,800 among 10,000 say more than any of them. Counts are kept by field and detector, in memory that does
//! not grow with the number of values. What single findings say is left as it is: they are told before their column ends.

use super::FieldSummary;
use crate::engine::RunKind;
use crate::finding::Match;
use crate::rule::Trigger;
use crate::rule_set::RuleSet;
use crate::values::{FieldId, ValueBatch};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Least share of values with a match in a column of that kind.
const COLUMN_SHARE_MIN: f64 = 0.8;
/// Fewer values make no column.
const COLUMN_VALUES_MIN: u64 = 5;
/// Least confidence of such a column.
const COLUMN_CONFIDENCE: f32 = 0.95;
/// Share up to which numbers that pass a checksum may do so by chance. One in ten does; prefixes make it fewer.
const CHANCE_SHARE_MAX: f64 = 0.2;
/// Values from which on a share says so.
const CHANCE_VALUES_MIN: u64 = 50;
/// What is left of the score of what chance explains.
const CHANCE_FACTOR: f32 = 0.5;
/// Share of a detector's matches that are the whole of their value in a column of numbers.
const WHOLE_SHARE_MIN: f64 = 0.9;

/// What the share of matching values says of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ColumnVerdict {
    /// It is a column of this kind of value.
    Column,
    /// Some of its values hold such a value.
    Some,
    /// It is a column of other numbers, of which a few look like this by chance.
    Chance,
}

impl ColumnVerdict {
    /// The name used everywhere.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Column => "column",
            Self::Some => "some",
            Self::Chance => "chance",
        }
    }
}

/// Counts of values and of values with a match, of an input or a part of one.
#[derive(Debug, Default)]
pub(super) struct Profile {
    by_field: BTreeMap<FieldId, u64>,
    matched_by_field: BTreeMap<(FieldId, u16), Matched>,
    /// The same under the names of fields, when a part is read.
    values: BTreeMap<String, u64>,
    matched: BTreeMap<(String, u16), Matched>,
    batches: u64,
}

/// The counts of a part as another process is told them.
#[derive(Debug, Default, Clone, Serialize, Deserialize)]
pub(super) struct ProfileCounts {
    values: BTreeMap<String, u64>,
    /// Field, rule, then as in [`Matched`]: values, matches, whole.
    matched: Vec<(String, u16, [u64; 3])>,
}

impl From<Profile> for ProfileCounts {
    fn from(profile: Profile) -> Self {
        let counts = |m: &Matched| [m.values, m.matches, m.whole];
        let matched = profile.matched.iter().map(|((field, rule), m)| (field.clone(), *rule, counts(m)));
        Self { matched: matched.collect(), values: profile.values }
    }
}

impl From<ProfileCounts> for Profile {
    fn from(counts: ProfileCounts) -> Self {
        let matched = counts.matched.into_iter().map(|(field, rule, [values, matches, whole])| {
            ((field, rule), Matched { values, matches, whole, ..Matched::default() })
        });
        Self { matched: matched.collect(), values: counts.values, ..Self::default() }
    }
}

#[derive(Debug, Default, Clone, Copy)]
struct Matched {
    values: u64,
    matches: u64,
    whole: u64,
    /// Batch and value of the last match: several in one value count once.
    last: (u64, u32),
}

impl Profile {
    /// Counts the values of a batch.
    pub(super) fn values(&mut self, batch: &ValueBatch) {
        self.batches += 1;
        // Values of one column follow each other: the map is asked once a column.
        let mut rest = batch.spans();
        while let Some(field) = rest.first().map(|span| span.field) {
            let run = rest.iter().take_while(|span| span.field == field).count();
            if let Some(field) = field {
                *self.by_field.entry(field).or_default() += run as u64;
            }
            rest = &rest[run..];
        }
    }

    /// Counts a match in the batch whose values were counted last.
    pub(super) fn matched(&mut self, batch: &ValueBatch, m: &Match) {
        let Some(field) = batch.spans().get(m.value as usize).and_then(|span| span.field) else { return };
        let matched = self.matched_by_field.entry((field, m.rule)).or_default();
        matched.matches += 1;
        let text = batch.value(m.value);
        let outside = [text.get(..m.start), text.get(m.end..)];
        matched.whole += u64::from(outside.into_iter().flatten().all(|part| part.trim_ascii().is_empty()));
        if matched.last != (self.batches, m.value) {
            matched.last = (self.batches, m.value);
            matched.values += 1;
        }
    }

    /// The fields whose values were counted, if anything was found in the input's part at all.
    pub(super) fn fields(&self) -> Vec<FieldId> {
        self.by_field.keys().copied().collect()
    }

    /// Puts the counts under the names of the fields.
    pub(super) fn name(&mut self, name: impl Fn(FieldId) -> Option<String>) {
        for (field, count) in std::mem::take(&mut self.by_field) {
            if let Some(name) = name(field) {
                *self.values.entry(name).or_default() += count;
            }
        }
        for ((field, rule), matched) in std::mem::take(&mut self.matched_by_field) {
            if let Some(name) = name(field) {
                self.matched.entry((name, rule)).or_default().add(matched);
            }
        }
    }

    /// Adds the counts of another part.
    pub(super) fn merge(&mut self, other: Self) {
        for (name, count) in other.values {
            *self.values.entry(name).or_default() += count;
        }
        for (key, matched) in other.matched {
            self.matched.entry(key).or_default().add(matched);
        }
    }

    /// Fills in what summaries say of their fields.
    pub(super) fn judge(&self, mut summaries: Vec<FieldSummary>, rules: &RuleSet) -> Vec<FieldSummary> {
        for summary in &mut summaries {
            let Some(field) = summary.field.clone() else { continue };
            let Some(rule) = rules.index_of(&summary.detector) else { continue };
            let Some(matched) = self.matched.get(&(field.clone(), rule)) else { continue };
            let values = self.values.get(&field).copied().unwrap_or_default().max(matched.values);
            let is_number = rules.get(rule).trigger == Trigger::Run(RunKind::Digits);
            let verdict = matched.verdict(values, is_number);
            summary.value_count = values;
            summary.matched_values = matched.values;
            summary.share = Some(matched.values as f64 / values as f64);
            summary.confidence = match verdict {
                ColumnVerdict::Column => summary.score_max.max(COLUMN_CONFIDENCE),
                ColumnVerdict::Some => summary.score_max,
                ColumnVerdict::Chance => summary.score_max * CHANCE_FACTOR,
            };
            summary.verdict = Some(verdict);
        }
        summaries
    }
}

impl Matched {
    fn add(&mut self, other: Self) {
        self.values += other.values;
        self.matches += other.matches;
        self.whole += other.whole;
    }

    fn verdict(self, values: u64, is_number: bool) -> ColumnVerdict {
        let share = self.values as f64 / values as f64;
        let is_whole = self.whole as f64 >= self.matches as f64 * WHOLE_SHARE_MIN;
        match share {
            s if s >= COLUMN_SHARE_MIN && values >= COLUMN_VALUES_MIN && is_whole => ColumnVerdict::Column,
            s if s <= CHANCE_SHARE_MAX && values >= CHANCE_VALUES_MIN && is_whole && is_number => ColumnVerdict::Chance,
            _ => ColumnVerdict::Some,
        }
    }
}
