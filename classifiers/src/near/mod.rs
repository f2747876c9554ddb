//! Near copies: sketches of content by which data that is nearly the same is recognised, whatever it is called.
//!
//! Content is taken as a set of shingles, which are hashed n-grams of words (`near/words.rs` says which). A [`Sketch`]
//! keeps of all shingles of a file 1,024 of the least of one keyed hash, and in 128 places the least of another. Sketches of
//! files add up to that of their data set, in any order. What leaves is the [`Signature`] of a sketch. This module reads
//! nothing and compares nothing.

mod prf;
#[cfg(test)]
mod tests;
mod words;

use crate::FingerprintKey;
use lineward_events::{MINHASHES, SAMPLE_MAX, SIGNATURE_FORM, Signature};
use prf::{Secrets, fold};
use serde::{Deserialize, Serialize};
use std::fmt;

pub(crate) use words::Words;

/// Shingles that wait to be sorted.
const WAITING_MAX: usize = 4 * SAMPLE_MAX;
/// Shingles that were kept last, by a part of their hash: what is repeated is mostly repeated soon.
const RECENT: usize = 1 << 10;

/// What is kept of the shingles of a text, a file or a data set.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sketch {
    shingle_count: u64,
    /// The sample holds all distinct shingles.
    complete: bool,
    /// Of [`MINHASHES`] places the least hash; the largest number where there is none.
    least: Vec<u64>,
    /// The least hashes of all, ascending, [`SAMPLE_MAX`] at the most.
    sample: Vec<u64>,
}

impl Sketch {
    /// Adds the shingles of another part, file or data set. The order in which parts are added does not matter.
    pub fn merge(&mut self, other: &Self) {
        self.shingle_count += other.shingle_count;
        for (mine, theirs) in self.least.iter_mut().zip(&other.least) {
            *mine = (*mine).min(*theirs);
        }
        self.sample.extend_from_slice(&other.sample);
        self.sample.sort_unstable();
        self.sample.dedup();
        self.complete &= other.complete && self.sample.len() <= SAMPLE_MAX;
        self.sample.truncate(SAMPLE_MAX);
    }

    /// The signature, with a sample of this many hashes at the most; `None` of a text without words. `key` is the key
    /// with which the sketch was made.
    pub fn signature(&self, key: &FingerprintKey, sample_max: usize) -> Option<Signature> {
        let secrets = Secrets::of(key);
        let sample = &self.sample[..self.sample.len().min(sample_max)];
        let complete = self.complete && sample.len() == self.sample.len();
        let count = i64::try_from(self.shingle_count).unwrap_or(i64::MAX);
        Signature::new(key.id(), SIGNATURE_FORM, count, complete, self.minhash(&secrets), sample.to_vec()).ok()
    }

    /// The short hash of each place. One in which there is no shingle has that of another, chosen by its number, so that
    /// two sketches with the same shingles nearby agree there too ("optimal densification", Shrivastava 2017).
    fn minhash(&self, secrets: &Secrets) -> Vec<u16> {
        let of = |least: u64| (least != u64::MAX).then(|| secrets.minhash(least));
        let own: Vec<Option<u16>> = self.least.iter().map(|least| of(*least)).collect();
        if own.iter().all(Option::is_none) {
            return Vec::new();
        }
        let place = |at: u64, turn: u64| (fold(at + 1, (turn << 8 | 1).wrapping_mul(GOLDEN)) >> 57) as usize;
        let lent = |at: u64| (1..).find_map(|turn| own.get(place(at, turn)).copied().flatten());
        (0..).zip(&own).map(|(at, own)| own.or_else(|| lent(at)).unwrap_or_default()).collect()
    }
}

/// 2^64 by the golden ratio: its multiples are spread evenly.
const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

impl fmt::Debug for Sketch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sketch of {} shingles", self.shingle_count)
    }
}

/// Takes in shingles and keeps what a sketch needs of them.
struct Shingles {
    secrets: Secrets,
    count: u64,
    /// Shingles whose fast hash is above are not kept: so many leading zeros it needs.
    bound: u64,
    waiting: Vec<u64>,
    /// Length of `waiting` at which it is sorted and cut.
    full: usize,
    recent: Vec<u64>,
    least: [u64; MINHASHES],
}

impl Shingles {
    fn new(key: &FingerprintKey) -> Self {
        Self {
            secrets: Secrets::of(key),
            count: 0,
            bound: u64::MAX,
            waiting: Vec::new(),
            full: WAITING_MAX,
            recent: vec![0; RECENT],
            least: [u64::MAX; MINHASHES],
        }
    }

    /// Most shingles cost two products, two comparisons and nothing else.
    #[inline]
    fn add(&mut self, shingle: u64) {
        self.count += 1;
        let [mask, factor] = self.secrets.placed;
        let hash = fold(shingle ^ mask, factor);
        let (place, rest) = (&mut self.least[(hash >> 57) as usize], hash << 7 >> 7);
        // Rarely: a store each time would make the next load wait.
        if rest < *place {
            *place = rest;
        }
        let [mask, factor] = self.secrets.sampled;
        let hash = fold(shingle ^ mask, factor);
        if hash <= self.bound {
            self.keep(hash);
        }
    }

    #[inline(never)]
    fn keep(&mut self, hash: u64) {
        let recent = &mut self.recent[hash as usize % RECENT];
        if std::mem::replace(recent, hash) == hash {
            return;
        }
        self.waiting.push(hash);
        if self.waiting.len() >= self.full {
            self.cut();
        }
    }

    /// Keeps whole levels, each of hashes with one more leading zero: as few as give a sample.
    fn cut(&mut self) {
        self.waiting.sort_unstable();
        self.waiting.dedup();
        let below = |bound: u64| self.waiting.partition_point(|hash| *hash <= bound);
        while self.bound > 1 && below(self.bound >> 1) >= SAMPLE_MAX {
            self.bound >>= 1;
        }
        self.waiting.truncate(below(self.bound));
        self.full = WAITING_MAX.max(2 * self.waiting.len());
    }

    /// The sketch of what was added since the last call.
    fn take(&mut self) -> Sketch {
        self.cut();
        let mut sample: Vec<u64> = self.waiting.iter().map(|fast| self.secrets.sample(*fast)).collect();
        sample.sort_unstable();
        sample.dedup();
        let complete = self.bound == u64::MAX && sample.len() <= SAMPLE_MAX;
        sample.truncate(SAMPLE_MAX);
        let sketch = Sketch { shingle_count: self.count, complete, least: self.least.to_vec(), sample };
        self.count = 0;
        self.bound = u64::MAX;
        self.waiting.clear();
        self.full = WAITING_MAX;
        self.recent.fill(0);
        self.least.fill(u64::MAX);
        sketch
    }
}
