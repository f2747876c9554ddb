//! Current rows by key, with the rows that are to be written.

use super::Context;
use crate::rows::Row;
use std::collections::HashMap;

/// Rows of one event that are looked through for an earlier step; beyond it steps become revisions of their own.
const STEPS_MAX: usize = 64;

/// The current row of each key, and what was added since the last write.
#[derive(Debug)]
pub(super) struct Keyed<R: Row> {
    current: HashMap<R::Key, R>,
    pending: Vec<R>,
}

impl<R: Row> Default for Keyed<R> {
    fn default() -> Self {
        Self { current: HashMap::new(), pending: Vec::new() }
    }
}

impl<R: Row> Keyed<R> {
    /// The state that rows leave, lower revisions first. A retracted row stays, so that its key's revisions go on.
    pub(super) fn load(rows: Vec<R>) -> Self {
        let mut current = HashMap::with_capacity(rows.len());
        for row in rows {
            current.insert(row.key(), row);
        }
        Self { current, pending: Vec::new() }
    }

    /// The current row of a key; `None` where there is none or it was retracted.
    pub(super) fn get(&self, key: &R::Key) -> Option<&R> {
        self.current.get(key).filter(|r| r.recorded().retracted_at.is_none())
    }

    /// How many keys there ever were: the next dense id.
    pub(super) fn next_id(&self) -> i64 {
        self.current.len() as i64
    }

    /// All keys ever, with their last rows, retracted ones too; in no order.
    pub(super) fn all(&self) -> impl Iterator<Item = &R> {
        self.current.values()
    }

    /// Current rows, in no order.
    pub(super) fn iter(&self) -> impl Iterator<Item = &R> {
        self.current.values().filter(|r| r.recorded().retracted_at.is_none())
    }

    /// Makes a row current. Nothing happens where it says what is current already.
    pub(super) fn put(&mut self, context: &Context, mut row: R) {
        let mut recorded = context.recorded();
        if let Some(before) = self.current.get(&row.key()) {
            // Compare what the rows say, not when it was learned.
            *row.recorded_mut() = before.recorded().clone();
            if *before == row && before.recorded().retracted_at.is_none() {
                return;
            }
            recorded.revision = before.recorded().revision + 1;
        }
        *row.recorded_mut() = recorded;
        self.add(context, row);
    }

    /// Adds a row. What one event says in several steps is one revision: the row of an earlier step is replaced.
    fn add(&mut self, context: &Context, mut row: R) {
        let key = row.key();
        let same_event = self.current.get(&key).is_some_and(|r| r.recorded().event_key == context.event_key);
        let steps = self.pending.iter().rev().take_while(|r| r.recorded().event_key == context.event_key);
        let earlier = if same_event { steps.take(STEPS_MAX).position(|r| r.key() == key) } else { None };
        match earlier.map(|n| self.pending.len() - 1 - n) {
            Some(at) => {
                row.recorded_mut().revision = self.pending[at].recorded().revision;
                self.pending[at] = row.clone();
            }
            None => self.pending.push(row.clone()),
        }
        self.current.insert(key, row);
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
        if let Some(mut row) = self.get(key).cloned() {
            let mut recorded = context.recorded();
            recorded.revision = row.recorded().revision + 1;
            recorded.retracted_at = Some(context.received_at);
            *row.recorded_mut() = recorded;
            self.add(context, row);
        }
    }

    pub(super) fn take(&mut self) -> Vec<R> {
        std::mem::take(&mut self.pending)
    }
}
