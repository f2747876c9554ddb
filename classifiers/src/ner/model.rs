//! The weights of the tagger: how they are stored, and the score of a label at a place.
//!
//! A model is a table of small integers, one row a feature slot and one column a label. Stored as `LWNER1`, the number of
//! labels, then the rows, one signed byte a weight. It is made by `examples/train_ner`.

use super::features::{FEATURES, SLOT_BITS};

/// Labels: none, and begin and inside of each kind.
pub(super) const LABELS: usize = 1 + 2 * KINDS;
/// Kinds of span: person, place, organisation, address, date.
pub(super) const KINDS: usize = 5;
/// Columns of a row in memory, so that a row is one register.
const COLUMNS: usize = 16;
const MAGIC: &[u8] = b"LWNER1";

/// The label of a token outside of all names.
pub(super) const OUTSIDE: u8 = 0;

/// The first label of a kind.
pub(super) const fn begin(kind: u8) -> u8 {
    1 + 2 * kind
}

/// The label of the other tokens of a kind.
pub(super) const fn inside(kind: u8) -> u8 {
    2 + 2 * kind
}

/// The kind of a label other than [`OUTSIDE`].
pub(super) const fn kind_of(label: u8) -> u8 {
    (label - 1) / 2
}

/// Whether a label can follow another: the inside of a name only its beginning or its inside.
pub(super) fn follows(label: u8, before: u8) -> bool {
    label == OUTSIDE || label % 2 == 1 || before == label || before + 1 == label
}

/// Weights, ready to be added.
pub(super) struct Model {
    rows: Vec<[i8; COLUMNS]>,
}

impl Model {
    /// Reads a stored model.
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        let rest = bytes.strip_prefix(MAGIC)?;
        let (labels, weights) = rest.split_first()?;
        if usize::from(*labels) != LABELS || weights.len() != (LABELS << SLOT_BITS) {
            return None;
        }
        let mut rows = vec![[0; COLUMNS]; 1 << SLOT_BITS];
        for (row, stored) in rows.iter_mut().zip(weights.chunks_exact(LABELS)) {
            for (weight, byte) in row.iter_mut().zip(stored) {
                *weight = byte.cast_signed();
            }
        }
        Some(Self { rows })
    }

    /// The stored form of some weights.
    pub(super) fn store(weights: &[[i8; LABELS]]) -> Vec<u8> {
        let mut out = MAGIC.to_vec();
        out.push(LABELS as u8);
        out.extend(weights.iter().flatten().map(|w| w.cast_unsigned()));
        out
    }

    /// Scores of all labels for the features of a place.
    pub(super) fn scores(&self, slots: &[u32; FEATURES]) -> [i16; COLUMNS] {
        let mut sums = [0i16; COLUMNS];
        for &slot in slots {
            let row = &self.rows[slot as usize & ((1 << SLOT_BITS) - 1)];
            for (sum, weight) in sums.iter_mut().zip(row) {
                *sum += i16::from(*weight);
            }
        }
        sums
    }
}

impl Model {
    /// A model without weights, which labels nothing.
    pub(super) fn empty() -> Self {
        Self { rows: vec![[0; COLUMNS]; 1 << SLOT_BITS] }
    }
}
