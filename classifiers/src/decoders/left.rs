//! What decoders leave encoded at their limits. It is counted, so that a file of which a part was not looked into is not
//! taken for one that holds nothing.

use super::{CONTEXT_BYTES, Layers};
use crate::values::ValueBatch;
use serde::{Deserialize, Serialize};
use std::ops::{AddAssign, Range};

/// Encoded places of an input that were not looked into, or not to their end. Places that lie close together are one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Undecoded {
    /// More encodings lie in each other than [`super::DEPTH_MAX`].
    pub too_deep: u64,
    /// They hold more than may be decoded of one place, or of one batch.
    pub too_large: u64,
}

impl Undecoded {
    /// How many places.
    pub fn count(&self) -> u64 {
        self.too_deep + self.too_large
    }
}

impl AddAssign for Undecoded {
    fn add_assign(&mut self, more: Self) {
        self.too_deep += more.too_deep;
        self.too_large += more.too_large;
    }
}

/// Why a place was left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Why {
    TooDeep,
    TooLarge,
    /// What is packed goes on behind the end of its value.
    GoesOn,
}

/// A place in what a layer was derived from that was left encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Left {
    pub(super) why: Why,
    pub(super) value: u32,
    pub(super) place: usize,
}

impl Layers {
    /// Counts what was left encoded of the batch that was given. Of a text that is cut into batches, `zone` is the part that
    /// this one answers for; in records a value is whole, and what ends early in it was written so. `times` says how many
    /// values one of the batch stands for.
    pub fn undecoded(&self, batch: &ValueBatch, zone: Option<Range<usize>>, times: impl Fn(u32) -> u64) -> Undecoded {
        let mut all: Vec<Left> = self.left.iter().filter_map(|(layer, left)| self.at_source(*layer, left)).collect();
        all.retain(|left| match &zone {
            Some(zone) => {
                let goes_on = left.why != Why::GoesOn || zone.end < batch.value(left.value).len();
                goes_on && zone.contains(&left.place)
            }
            None => left.why != Why::GoesOn,
        });
        all.sort_unstable();
        // One place has a way to it for each order in which its encodings can be undone.
        all.dedup_by(|next, last| {
            let is_near = next.place - last.place.min(next.place) <= 2 * CONTEXT_BYTES;
            let is_same = (next.why, next.value) == (last.why, last.value) && is_near;
            if is_same {
                last.place = next.place;
            }
            is_same
        });
        let (deep, large): (Vec<Left>, Vec<Left>) = all.iter().partition(|left| left.why == Why::TooDeep);
        let count = |all: &[Left]| all.iter().map(|left| times(left.value)).sum();
        Undecoded { too_deep: count(&deep), too_large: count(&large) }
    }

    fn at_source(&self, layer: usize, left: &Left) -> Option<Left> {
        let (value, place, _) = self.down(layer, (left.value, left.place, left.place + 1))?;
        Some(Left { value, place, ..*left })
    }
}
