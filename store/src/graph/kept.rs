//! Rows by their number: those that were there when the graph was built, and what later epochs added to them.
//!
//! The large part is shared by all graphs that grew from one; what was added is small and each graph's own.

use crate::rows::{AssetRow, FieldRow, FindingRow, JobRow, Recorded, Row as _};
use std::collections::HashMap;
use std::sync::Arc;

/// A row with a number of its own.
pub(super) trait Numbered {
    fn number(&self) -> i64;
    fn bookkeeping(&self) -> &Recorded;
}

macro_rules! numbered {
    ($($row:ident),*) => {$(
        impl Numbered for $row {
            fn number(&self) -> i64 {
                self.key()
            }

            fn bookkeeping(&self) -> &Recorded {
                self.recorded()
            }
        }
    )*};
}
numbered!(AssetRow, FieldRow, FindingRow, JobRow);

/// Rows in the order of their numbers.
#[derive(Debug)]
pub(super) struct Kept<R> {
    base: Arc<Vec<R>>,
    /// Rows of `base` of which there is a newer revision.
    changed: HashMap<u32, R, ahash::RandomState>,
    /// Rows behind those of `base`.
    new: Vec<R>,
}

impl<R: Numbered> Kept<R> {
    /// Of current rows.
    pub fn new(mut rows: Vec<R>) -> Self {
        rows.sort_by_key(R::number);
        Self { base: Arc::new(rows), changed: HashMap::default(), new: Vec::new() }
    }

    /// The rows of `base` with newer ones: the newest revision of each, what was taken back too. `None` where that does
    /// not just change rows or add them at the end.
    pub fn grown(&self, rows: Vec<R>) -> Option<Self> {
        let mut grown = Self { base: self.base.clone(), changed: HashMap::default(), new: Vec::new() };
        for row in rows {
            let gone = row.bookkeeping().retracted_at.is_some();
            match self.place_in_base(row.number()) {
                Some(_) if gone => return None,
                Some(at) => _ = grown.changed.insert(at, row),
                None if gone => {}
                None if self.base.last().is_some_and(|last| row.number() < last.number()) => return None,
                None => grown.new.push(row),
            }
        }
        grown.new.sort_by_key(R::number);
        Some(grown)
    }

    pub fn len(&self) -> usize {
        self.base.len() + self.new.len()
    }

    pub fn at(&self, at: u32) -> &R {
        match (at as usize).checked_sub(self.base.len()) {
            Some(new) => &self.new[new],
            None if self.changed.is_empty() => &self.base[at as usize],
            None => self.changed.get(&at).unwrap_or(&self.base[at as usize]),
        }
    }

    pub fn iter(&self) -> impl Iterator<Item = &R> {
        (0..self.len() as u32).map(|at| self.at(at))
    }

    /// Where the row of a number is.
    pub fn place(&self, number: i64) -> Option<u32> {
        self.place_in_base(number).or_else(|| {
            let new = self.new.binary_search_by_key(&number, R::number).ok()?;
            Some((self.base.len() + new) as u32)
        })
    }

    pub fn get(&self, number: i64) -> Option<&R> {
        self.place(number).map(|at| self.at(at))
    }

    fn place_in_base(&self, number: i64) -> Option<u32> {
        // Mostly a number is its own place.
        let own = usize::try_from(number).ok()?;
        if self.base.get(own).is_some_and(|row| row.number() == number) {
            return Some(own as u32);
        }
        self.base.binary_search_by_key(&number, R::number).ok().map(|at| at as u32)
    }

    /// Places whose rows are other than in `base`, and those behind it.
    pub fn fresh(&self) -> impl Iterator<Item = u32> {
        self.changed.keys().copied().chain(self.base.len() as u32..self.len() as u32)
    }
}
