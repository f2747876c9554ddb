//! Tables inside values: their cells are scanned as fields of the column's name, and what is found is told at the place
//! of the cell. What the plain scan found there stays, unless the cell's finding is the better one.

use crate::decoders::{self, DecodedMatch, Layers};
use crate::finding::Match;
use crate::rule_set::RuleSet;
use crate::tables::{self, Cell};
use crate::values::{FieldTable, ValueBatch};
use crate::{Error, Scanner};

/// How much of a table is looked at in plain text: a reader of text in chunks keeps as much in front of what it accepts.
const TEXT_BYTES_MAX: usize = 12 << 10;
/// How much of a table is looked at in a field.
const FIELD_BYTES_MAX: usize = 1 << 20;
/// Distinct names of columns that are learnt; a hostile text has as many as it has lines.
const NAMES_MAX: usize = 20_000;

/// Scratch space of one thread.
#[derive(Default)]
pub(crate) struct Cells {
    cells: Vec<Cell>,
    batch: ValueBatch,
    /// For each value of the batch, value and offset where it stands.
    origins: Vec<(u32, usize)>,
    found: Vec<Match>,
}

impl Cells {
    /// Adds what cells of tables hold to the matches of a batch. `base` is the offset of the batch's text in its file.
    pub(crate) fn add(
        &mut self,
        source: &ValueBatch,
        base: u64,
        rules: &RuleSet,
        scanner: &mut Scanner<'_>,
        fields: &mut FieldTable,
        matches: &mut Vec<Match>,
    ) -> Result<(), Error> {
        let plain = |matched: Match| {
            let stretch = (matched.start, matched.end);
            DecodedMatch { matched, value: Vec::new(), stretch, escape: None, layers: Vec::new() }
        };
        let found: Vec<DecodedMatch> = self.find(source, base, scanner, fields)?.map(plain).collect();
        drop(decoders::merge(matches, found, rules));
        Ok(())
    }

    /// The same of a layer of decoded text, at the places of the batch that it was decoded from.
    pub(crate) fn of_layer(
        &mut self,
        layers: &Layers,
        layer: usize,
        (given, source): (&ValueBatch, &ValueBatch),
        scanner: &mut Scanner<'_>,
        fields: &mut FieldTable,
        all: &mut Vec<DecodedMatch>,
    ) -> Result<(), Error> {
        for m in self.find(source, 0, scanner, fields)? {
            if let Some((value, start, end)) = layers.place_of(layer, m.value, m.start, m.end) {
                let text = source.value(m.value).get(m.start..m.end).unwrap_or_default().to_vec();
                let escape = layers.escape_before(layer, m.value, m.start);
                let stretch = layers.stretch_of(layer, given, &m).unwrap_or((start, end));
                let layers = layers.places_of(layer, &m);
                all.push(DecodedMatch {
                    matched: Match { value, start, end, ..m },
                    value: text,
                    stretch,
                    escape,
                    layers,
                });
            }
        }
        Ok(())
    }

    /// What cells of the tables of a batch hold.
    fn find(
        &mut self,
        source: &ValueBatch,
        base: u64,
        scanner: &mut Scanner<'_>,
        fields: &mut FieldTable,
    ) -> Result<impl Iterator<Item = Match>, Error> {
        self.batch.clear();
        self.origins.clear();
        for (index, span) in (0u32..).zip(source.spans()) {
            let bytes_max = if span.field.is_some() { FIELD_BYTES_MAX } else { TEXT_BYTES_MAX };
            self.cells.clear();
            let text = source.value(index);
            let is_known = |name: &str| scanner.is_known_field(name);
            tables::find(text, index > 0 || base == 0, bytes_max, &is_known, &mut self.cells);
            for cell in &self.cells {
                let Ok(name) = std::str::from_utf8(&text[cell.name.clone()]) else { continue };
                if fields.len() < NAMES_MAX {
                    self.batch.push(span.row, Some(fields.intern(name)), &text[cell.value.clone()]);
                    self.origins.push((index, cell.value.start));
                }
            }
        }
        self.found.clear();
        if !self.origins.is_empty() {
            scanner.scan(&self.batch, fields, &mut self.found)?;
        }
        Ok(self.found.iter().filter_map(|m| {
            let (value, offset) = *self.origins.get(m.value as usize)?;
            Some(Match { value, start: m.start + offset, end: m.end + offset, ..*m })
        }))
    }
}
