//! Batches of values: many field values in one buffer, scanned in one pass.
//!
//! A reader appends the text of each field; the engine sees one contiguous buffer and never a row at a time. Values
//! are kept apart by a NUL byte and a match never crosses one. Offsets in matches are those of the single value.

use std::collections::HashMap;

/// Whether a key or column name could be data, as in `{"jane.doe@example.org": 3}` or a CSV file without a header: it has
/// an `@`, five digits, or is as long as a token and has a digit. Such a name is scanned as a value and is not shown as a field's name.
pub(crate) fn is_value_like(name: &str) -> bool {
    let digits = name.bytes().filter(u8::is_ascii_digit).count();
    name.contains('@') || digits >= 5 || (digits > 0 && name.len() >= 16)
}

/// A field path, interned in a [`FieldTable`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FieldId(pub u32);

/// The distinct field paths of an input.
#[derive(Debug, Default, Clone)]
pub struct FieldTable {
    paths: Vec<String>,
    ids: HashMap<String, FieldId>,
}

impl FieldTable {
    /// The id of a path, new or known.
    pub fn intern(&mut self, path: &str) -> FieldId {
        if let Some(id) = self.ids.get(path) {
            return *id;
        }
        let id = FieldId(self.paths.len() as u32);
        self.paths.push(path.to_owned());
        self.ids.insert(path.to_owned(), id);
        id
    }

    /// The path of an id of this table.
    pub fn path(&self, id: FieldId) -> &str {
        self.paths.get(id.0 as usize).map_or("", String::as_str)
    }

    /// How many paths there are.
    pub fn len(&self) -> usize {
        self.paths.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.paths.is_empty()
    }
}

/// One value in a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ValueSpan {
    /// First byte in the buffer.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
    /// Record number of the input, from 0.
    pub row: u64,
    /// Field, `None` in plain text.
    pub field: Option<FieldId>,
}

/// Values in one buffer.
#[derive(Debug, Default)]
pub struct ValueBatch {
    buffer: Vec<u8>,
    spans: Vec<ValueSpan>,
    /// For each value the first one that it is a repeat of, which is itself where it is none. Empty as long as nothing is.
    first_of: Vec<u32>,
}

impl ValueBatch {
    /// An empty batch.
    pub fn new() -> Self {
        Self::default()
    }

    /// A batch of one value without a field: plain text.
    pub fn of_text(text: Vec<u8>) -> Self {
        let spans = vec![ValueSpan { start: 0, end: text.len(), row: 0, field: None }];
        Self { buffer: text, spans, first_of: Vec::new() }
    }

    /// Appends a value.
    pub fn push(&mut self, row: u64, field: Option<FieldId>, value: &[u8]) {
        let start = self.buffer.len();
        self.buffer.extend_from_slice(value);
        self.close(start, row, field);
    }

    /// Appends a value written by a closure, for readers that decode as they go.
    pub fn push_with(&mut self, row: u64, field: Option<FieldId>, write: impl FnOnce(&mut Vec<u8>)) {
        let start = self.buffer.len();
        write(&mut self.buffer);
        self.close(start, row, field);
    }

    fn close(&mut self, start: usize, row: u64, field: Option<FieldId>) {
        if !self.first_of.is_empty() {
            self.first_of.push(self.spans.len() as u32);
        }
        self.spans.push(ValueSpan { start, end: self.buffer.len(), row, field });
        self.buffer.push(0);
    }

    /// Gives the values from `from` on, which have places in an array for rows so far, the rows of these places; and notes
    /// which of them repeat one before. `of_place` gives row and key: equal keys mean equal values.
    pub(crate) fn key_rows(&mut self, from: usize, of_place: impl Fn(u64) -> (u64, usize)) {
        if self.first_of.is_empty() {
            self.first_of.extend((0u32..).take(self.spans.len()));
        }
        let mut by_key: HashMap<usize, u32> = HashMap::new();
        for index in from..self.spans.len() {
            let (row, key) = of_place(self.spans[index].row);
            self.spans[index].row = row;
            self.first_of[index] = *by_key.entry(key).or_insert(index as u32);
        }
    }

    /// The first value that this one is known to be a repeat of: same field, same bytes.
    pub(crate) fn first_of(&self, index: u32) -> u32 {
        self.first_of.get(index as usize).copied().unwrap_or(index)
    }

    /// How many values are known to be repeats.
    pub(crate) fn repeats(&self) -> usize {
        (0u32..).zip(&self.first_of).filter(|(index, first)| index != *first).count()
    }

    /// Takes back the values after the first `count`.
    pub fn truncate(&mut self, count: usize) {
        if let Some(span) = self.spans.get(count) {
            self.buffer.truncate(span.start);
            self.spans.truncate(count);
            self.first_of.truncate(count);
        }
    }

    /// Keeps the values that are wanted.
    pub fn retain(&mut self, mut wanted: impl FnMut(&ValueSpan) -> bool) {
        if self.spans.iter().all(&mut wanted) {
            return;
        }
        let all = std::mem::take(self);
        let mut by_key: HashMap<u32, u32> = HashMap::new();
        for (index, span) in (0u32..).zip(&all.spans).filter(|(_, span)| wanted(span)) {
            self.push(span.row, span.field, &all.buffer[span.start..span.end]);
            if !all.first_of.is_empty() {
                let new = self.spans.len() as u32 - 1;
                self.first_of.truncate(new as usize);
                self.first_of.push(*by_key.entry(all.first_of(index)).or_insert(new));
            }
        }
    }

    /// Forgets the values, keeps the memory.
    pub fn clear(&mut self) {
        self.buffer.clear();
        self.spans.clear();
        self.first_of.clear();
    }

    /// All bytes.
    pub fn buffer(&self) -> &[u8] {
        &self.buffer
    }

    /// The values, in the order of the buffer.
    pub fn spans(&self) -> &[ValueSpan] {
        &self.spans
    }

    /// The bytes of a value.
    pub fn value(&self, index: u32) -> &[u8] {
        self.spans.get(index as usize).and_then(|s| self.buffer.get(s.start..s.end)).unwrap_or_default()
    }

    /// Bytes of the buffer.
    pub fn len(&self) -> usize {
        self.buffer.len()
    }

    /// Whether no value was pushed.
    pub fn is_empty(&self) -> bool {
        self.spans.is_empty()
    }
}
