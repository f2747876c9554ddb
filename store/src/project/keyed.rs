//! Current rows by key, with the rows that are to be written.
//!
//! A row is held once: one that waits to be written is the current row itself, unless a later event has replaced it in the
//! meantime. Rows lie in pages, so that a table that grows is never copied to a larger place.

use super::{Context, Ids};
use crate::columns::{self, Encode};
use crate::error::Error;
use crate::rows::Row;
use arrow::array::RecordBatch;

/// Rows of one event that are looked through for an earlier step; beyond it steps become revisions of their own.
const STEPS_MAX: usize = 64;
/// Rows in a page.
const PAGE_ROWS: usize = 1_024;

/// The current row of each key, and what was added since the last write.
#[derive(Debug)]
pub(super) struct Keyed<R: Row> {
    places: Ids,
    count: usize,
    pages: Vec<Vec<Held<R>>>,
    pending: Vec<Pending<R>>,
}

#[derive(Debug)]
struct Held<R> {
    row: R,
    /// Where it waits to be written.
    pending: Option<u32>,
}

/// A row that is to be written.
#[derive(Debug)]
enum Pending<R> {
    /// The current row at a place.
    Current(usize),
    /// One that is no longer current.
    Replaced(Box<R>),
}

impl<R: Row> Default for Keyed<R> {
    fn default() -> Self {
        Self { places: Ids::default(), count: 0, pages: Vec::new(), pending: Vec::new() }
    }
}

impl<R: Row> Keyed<R> {
    /// The state that rows leave, lower revisions first. A retracted row stays, so that its key's revisions go on.
    pub(super) fn load(rows: Vec<R>) -> Self {
        let mut out = Self::default();
        for row in rows {
            match out.place(&row.key()).and_then(|at| out.held_mut(at)) {
                Some(held) => held.row = row,
                None => out.push(row, None),
            }
        }
        out
    }

    fn place(&self, key: &R::Key) -> Option<usize> {
        let is = |at: i64| self.held(at as usize).is_some_and(|held| held.row.key() == *key);
        self.places.get(key, is).map(|at| at as usize)
    }

    fn held(&self, at: usize) -> Option<&Held<R>> {
        self.pages.get(at / PAGE_ROWS)?.get(at % PAGE_ROWS)
    }

    fn held_mut(&mut self, at: usize) -> Option<&mut Held<R>> {
        self.pages.get_mut(at / PAGE_ROWS)?.get_mut(at % PAGE_ROWS)
    }

    fn push(&mut self, row: R, pending: Option<u32>) {
        let at = self.count;
        self.count += 1;
        self.places.insert(&row.key(), at as i64);
        if at.is_multiple_of(PAGE_ROWS) {
            // A small table stays small.
            self.pages.push(Vec::with_capacity(if at == 0 { 0 } else { PAGE_ROWS }));
        }
        if let Some(page) = self.pages.last_mut() {
            page.push(Held { row, pending });
        }
    }

    /// The last row of a key, retracted or not.
    fn last(&self, key: &R::Key) -> Option<(usize, &R)> {
        let at = self.place(key)?;
        Some((at, &self.held(at)?.row))
    }

    /// The current row of a key; `None` where there is none or it was retracted.
    pub(super) fn get(&self, key: &R::Key) -> Option<&R> {
        self.last(key).map(|(_, row)| row).filter(|r| r.recorded().retracted_at.is_none())
    }

    /// The last row of a key, also one that was retracted.
    pub(super) fn ever(&self, key: &R::Key) -> Option<&R> {
        self.last(key).map(|(_, row)| row)
    }

    /// How many keys there ever were: the next dense id.
    pub(super) fn next_id(&self) -> i64 {
        self.count as i64
    }

    /// All keys ever, with their last rows, retracted ones too; in no order.
    pub(super) fn all(&self) -> impl Iterator<Item = &R> {
        self.pages.iter().flatten().map(|held| &held.row)
    }

    /// Current rows, in no order.
    pub(super) fn iter(&self) -> impl Iterator<Item = &R> {
        self.all().filter(|r| r.recorded().retracted_at.is_none())
    }

    /// Makes a row current. Nothing happens where it says what is current already.
    pub(super) fn put(&mut self, context: &Context, mut row: R) {
        let mut recorded = context.recorded();
        let before = self.last(&row.key());
        let at = before.map(|(at, _)| at);
        if let Some((_, before)) = before {
            // Compare what the rows say, not when it was learned.
            *row.recorded_mut() = before.recorded().clone();
            if *before == row && before.recorded().retracted_at.is_none() {
                return;
            }
            recorded.revision = before.recorded().revision + 1;
        }
        *row.recorded_mut() = recorded;
        self.add(context, at, row);
    }

    /// Adds a row. What one event says in several steps is one revision: the row of an earlier step is replaced.
    fn add(&mut self, context: &Context, at: Option<usize>, mut row: R) {
        let next = self.pending.len() as u32;
        let Some(at) = at else {
            self.pending.push(Pending::Current(self.count));
            return self.push(row, Some(next));
        };
        let is_step = self.held(at).and_then(|held| held.pending).is_some_and(|n| self.is_step(context, n as usize));
        let Some(held) = self.held_mut(at) else { return };
        if is_step {
            row.recorded_mut().revision = held.row.recorded().revision;
            held.row = row;
            return;
        }
        let waiting = held.pending.replace(next);
        let before = std::mem::replace(&mut held.row, row);
        if let Some(waiting) = waiting
            && let Some(pending) = self.pending.get_mut(waiting as usize)
        {
            *pending = Pending::Replaced(Box::new(before));
        }
        self.pending.push(Pending::Current(at));
    }

    /// Whether all that waits since a row is of the event at hand.
    fn is_step(&self, context: &Context, since: usize) -> bool {
        let steps = self.pending.get(since..).unwrap_or_default();
        let of_event = |p: &Pending<R>| self.row(p).is_some_and(|r| r.recorded().event_key == context.event_key);
        steps.len() <= STEPS_MAX && steps.iter().all(of_event)
    }

    fn row<'a>(&'a self, pending: &'a Pending<R>) -> Option<&'a R> {
        match pending {
            Pending::Current(at) => self.held(*at).map(|held| &held.row),
            Pending::Replaced(row) => Some(row),
        }
    }

    /// Changes the current row of a key.
    pub(super) fn update(&mut self, context: &Context, key: &R::Key, change: impl FnOnce(&mut R)) {
        if let Some(mut row) = self.get(key).cloned() {
            change(&mut row);
            self.put(context, row);
        }
    }

    /// Takes a row away.
    pub(super) fn retract(&mut self, context: &Context, key: &R::Key) {
        if let Some((at, row)) = self.last(key).filter(|(_, r)| r.recorded().retracted_at.is_none()) {
            let mut row = row.clone();
            let mut recorded = context.recorded();
            recorded.revision = row.recorded().revision + 1;
            recorded.retracted_at = Some(context.received_at);
            *row.recorded_mut() = recorded;
            self.add(context, Some(at), row);
        }
    }

    fn waiting(&self) -> impl Iterator<Item = &R> {
        self.pending.iter().filter_map(|pending| self.row(pending))
    }

    /// Nothing waits any more.
    fn forget(&mut self) {
        for pending in std::mem::take(&mut self.pending) {
            if let Pending::Current(at) = pending
                && let Some(held) = self.held_mut(at)
            {
                held.pending = None;
            }
        }
    }

    /// Takes out the rows that were added since the last call, in that order.
    pub(super) fn take(&mut self) -> Vec<R> {
        let rows = self.waiting().cloned().collect();
        self.forget();
        rows
    }
}

impl<R: Row + Encode> Keyed<R> {
    /// Takes out the rows that were added since the last call as they are written; `None` where there is none.
    pub(super) fn take_batch(&mut self) -> Result<Option<RecordBatch>, Error> {
        let batch = match self.pending.is_empty() {
            true => None,
            false => Some(columns::encode(self.waiting())?),
        };
        self.forget();
        Ok(batch)
    }
}
