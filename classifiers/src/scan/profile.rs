//! Columns as a whole: how many of a field's values hold a match, and what that says.
//!
//! A checksum is passed by one random number in ten or eleven. So one valid card number among 10,000 order numbers says
//! nothing, and 9,800 among 10,000 say more than any of them. Counts are kept by field and detector, in memory that does
//! not grow with the number of values. What a verdict makes of single findings is done elsewhere ([`super::settle`]).

use super::FieldSummary;
use crate::engine::RunKind;
use crate::finding::{Confidence, Match};
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
/// Lengths of codes that are told apart; longer ones count as the last.
const CODE_LENGTHS: usize = 32;
/// Fewest digits, most letters and most bytes of a code.
const CODE_DIGITS_MIN: usize = 6;
const CODE_LETTERS_MAX: usize = 3;
const CODE_BYTES_MAX: usize = 48;
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

/// Whether a column full of matches is more than they are: what the tagger names and is nobody's fills columns of tables
/// about nobody.
fn is_more(trigger: &Trigger) -> bool {
    !matches!(trigger, Trigger::Tagger(entity) if !entity.is_personal())
}

/// What a verdict leaves of the score of a finding.
pub(super) fn settled_score(verdict: ColumnVerdict, score: f32) -> f32 {
    match verdict {
        ColumnVerdict::Column => score.max(COLUMN_CONFIDENCE),
        ColumnVerdict::Some => score,
        ColumnVerdict::Chance => score * CHANCE_FACTOR,
    }
}

impl FieldSummary {
    /// Whether its matches are among the findings of a scan that reports from this confidence on.
    pub fn is_told(&self, confidence_min: Confidence) -> bool {
        self.verdict != Some(ColumnVerdict::Chance) || self.confidence >= confidence_min.score_min()
    }
}

/// Values of a field, and the codes among them by their length.
#[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize)]
struct Values {
    count: u64,
    /// Made for the first code: of wide records most fields have none.
    codes: Option<Box<[u64; CODE_LENGTHS]>>,
}

impl Values {
    fn code(&mut self, length: usize) {
        let codes = self.codes.get_or_insert_default();
        if let Some(count) = codes.get_mut(length) {
            *count += 1;
        }
    }

    fn add(&mut self, other: &Self) {
        self.count += other.count;
        if let Some(more) = &other.codes {
            let codes = self.codes.get_or_insert_default();
            codes.iter_mut().zip(more.iter()).for_each(|(count, more)| *count += more);
        }
    }

    /// Codes of lengths that are bits of a mask.
    fn codes_of(&self, lengths: u64) -> u64 {
        let of_length = |(length, count): (usize, &u64)| if lengths >> length & 1 == 1 { *count } else { 0 };
        self.codes.iter().flat_map(|codes| codes.iter().enumerate()).map(of_length).sum()
    }
}

/// The letters and digits of a value that is a number, or a code that is one but for a few letters.
fn code_length(value: &[u8]) -> Option<usize> {
    if value.len() > CODE_BYTES_MAX {
        return None;
    }
    let (mut digits, mut letters) = (0, 0);
    for byte in value {
        match byte {
            b'0'..=b'9' => digits += 1,
            b'a'..=b'z' | b'A'..=b'Z' if letters < CODE_LETTERS_MAX => letters += 1,
            b' ' | b'-' | b'.' | b'/' => {}
            _ => return None,
        }
    }
    (digits >= CODE_DIGITS_MIN).then_some((digits + letters).min(CODE_LENGTHS - 1))
}

/// Counts of values and of values with a match, of an input or a part of one.
#[derive(Debug, Default)]
pub(super) struct Profile {
    by_field: BTreeMap<FieldId, Values>,
    matched_by_field: BTreeMap<(FieldId, u16), Matched>,
    /// The same under the names of fields, when a part is read.
    values: BTreeMap<String, Values>,
    matched: BTreeMap<(String, u16), Matched>,
    batches: u64,
}

/// The counts of a part as another process is told them.
#[derive(Debug, Default, Clone, Serialize, Deserialize)]
pub(super) struct ProfileCounts {
    values: BTreeMap<String, Values>,
    /// Field, rule, then as in [`Matched`]: values, matches, whole, lengths.
    matched: Vec<(String, u16, [u64; 4])>,
}

impl From<Profile> for ProfileCounts {
    fn from(profile: Profile) -> Self {
        let counts = |m: &Matched| [m.values, m.matches, m.whole, m.lengths];
        let matched = profile.matched.iter().map(|((field, rule), m)| (field.clone(), *rule, counts(m)));
        Self { matched: matched.collect(), values: profile.values }
    }
}

impl From<ProfileCounts> for Profile {
    fn from(counts: ProfileCounts) -> Self {
        let matched = counts.matched.into_iter().map(|(field, rule, [values, matches, whole, lengths])| {
            ((field, rule), Matched { values, matches, whole, lengths, ..Matched::default() })
        });
        Self { matched: matched.collect(), values: counts.values, ..Self::default() }
    }
}

#[derive(Debug, Default, Clone, Copy)]
struct Matched {
    values: u64,
    matches: u64,
    whole: u64,
    /// Lengths of the codes that matched whole, as bits.
    lengths: u64,
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
                let values = self.by_field.entry(field).or_default();
                values.count += run as u64;
                let texts = rest[..run].iter().filter_map(|span| batch.buffer().get(span.start..span.end));
                texts.filter_map(code_length).for_each(|length| values.code(length));
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
        if outside.into_iter().flatten().all(|part| part.trim_ascii().is_empty()) {
            matched.whole += 1;
            matched.lengths |= code_length(text).map_or(0, |length| 1 << length);
        }
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
                self.values.entry(name).or_default().add(&count);
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
            self.values.entry(name).or_default().add(&count);
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
            let counts = self.values.get(&field).cloned().unwrap_or_default();
            let values = counts.count.max(matched.values);
            let is_number = rules.get(rule).trigger == Trigger::Run(RunKind::Digits);
            // Where the field's name or the text around says what it is, that is believed.
            let may_be_chance = is_number && Confidence::of(summary.score_max) < Confidence::High;
            let alike = if may_be_chance { counts.codes_of(matched.lengths) } else { 0 };
            let verdict = match matched.verdict(values, alike) {
                ColumnVerdict::Column if !is_more(&rules.get(rule).trigger) => ColumnVerdict::Some,
                // A column of nothing but addresses that are nobody's is no column of addresses.
                ColumnVerdict::Column if rules.get(rule).is_lowered(summary.score_max) => ColumnVerdict::Some,
                verdict => verdict,
            };
            summary.value_count = values;
            summary.matched_values = matched.values;
            summary.share = Some(matched.values as f64 / values as f64);
            summary.confidence = settled_score(verdict, summary.score_max);
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
        self.lengths |= other.lengths;
    }

    /// The verdict on a field with so many values, so many of which are codes that could have matched by chance: as
    /// long as those that did. Words and shorter numbers beside a card number do not explain it.
    fn verdict(self, values: u64, alike: u64) -> ColumnVerdict {
        let share = self.values as f64 / values as f64;
        let share_of_alike = self.values as f64 / alike as f64;
        let is_whole = self.whole as f64 >= self.matches as f64 * WHOLE_SHARE_MIN;
        match share {
            s if s >= COLUMN_SHARE_MIN && values >= COLUMN_VALUES_MIN && is_whole => ColumnVerdict::Column,
            _ if alike >= CHANCE_VALUES_MIN && share_of_alike <= CHANCE_SHARE_MAX && is_whole => ColumnVerdict::Chance,
            _ => ColumnVerdict::Some,
        }
    }
}
