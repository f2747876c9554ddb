//! Answers written row by row, for functions whose answers are small; and large ones in parts, on all threads.

use super::{Function, Type};
use crate::Error;
use arrow::array::{
    ArrayRef, BooleanArray, Float32Array, Int64Array, Int64Builder, ListBuilder, RecordBatch, StringArray,
    StringBuilder, TimestampMicrosecondArray,
};
use std::num::NonZero;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A value of an answer.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Cell {
    Null,
    Text(String),
    Texts(Vec<String>),
    Integer(i64),
    Float(f32),
    Boolean(bool),
    Time(i64),
}

impl<C: Into<Cell>> From<Option<C>> for Cell {
    fn from(value: Option<C>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<i64> for Cell {
    fn from(number: i64) -> Self {
        Self::Integer(number)
    }
}

impl From<u32> for Cell {
    fn from(number: u32) -> Self {
        Self::Integer(i64::from(number))
    }
}

impl From<f32> for Cell {
    fn from(number: f32) -> Self {
        Self::Float(number)
    }
}

impl From<bool> for Cell {
    fn from(value: bool) -> Self {
        Self::Boolean(value)
    }
}

impl From<Vec<String>> for Cell {
    fn from(texts: Vec<String>) -> Self {
        Self::Texts(texts)
    }
}

/// `complete` and `gap_reason`, the last columns of an answer.
pub(super) fn completeness(gap: Option<String>) -> [Cell; 2] {
    [gap.is_none().into(), gap.into()]
}

/// The answer of a function. A cell of another type than its column's, or a missing one, is null.
pub(super) fn batch(function: &Function, rows: &[Vec<Cell>]) -> Result<Vec<RecordBatch>, Error> {
    in_parts(rows.len(), |range| {
        let rows = &rows[range];
        let columns = function.columns.iter().enumerate().map(|(at, (_, kind, _))| {
            let cells = || rows.iter().map(move |row| row.get(at).unwrap_or(&Cell::Null));
            column(*kind, cells)
        });
        Ok(RecordBatch::try_new(function.schema(), columns.collect())?)
    })
}

/// Rows of a part of an answer; few in tests, so that all of them put answers together from parts.
const PART_ROWS: usize = if cfg!(test) { 3 } else { 16_384 };

/// An answer in parts, in the order of its rows, made on all threads where there are several: `of` makes the rows of a range.
/// Arrow's offsets of 32 bits hold 2 GiB of text a column and part, which is 128 KiB a row; a whole answer may have more.
pub(super) fn in_parts(
    rows: usize,
    of: impl Fn(Range<usize>) -> Result<RecordBatch, Error> + Sync,
) -> Result<Vec<RecordBatch>, Error> {
    let part = |number: usize| number * PART_ROWS..rows.min((number + 1) * PART_ROWS);
    let parts = rows.div_ceil(PART_ROWS).max(1);
    let threads = std::thread::available_parallelism().map_or(1, NonZero::get).min(parts);
    let next = AtomicUsize::new(0);
    let work = || {
        let mut made = Vec::new();
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= parts {
                return made;
            }
            made.push((number, of(part(number))));
        }
    };
    let mut made = std::thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(work)).collect();
        let mut made = work();
        for other in others {
            let stopped = |_| vec![(0, Err(Error::Argument("a thread that makes the answer stopped".to_owned())))];
            made.extend(other.join().unwrap_or_else(stopped));
        }
        made
    });
    made.sort_by_key(|(number, _)| *number);
    made.into_iter().map(|(_, batch)| batch).collect()
}

macro_rules! collect {
    ($cells:expr, $array:ty, $variant:ident) => {
        $cells()
            .map(|cell| if let Cell::$variant(value) = cell { Some(value.clone()) } else { None })
            .collect::<$array>()
    };
}

fn column<'a, I: Iterator<Item = &'a Cell>>(kind: Type, cells: impl Fn() -> I) -> ArrayRef {
    match kind {
        Type::Text => Arc::new(collect!(cells, StringArray, Text)),
        Type::Integer => Arc::new(collect!(cells, Int64Array, Integer)),
        Type::Float => Arc::new(collect!(cells, Float32Array, Float)),
        Type::Boolean => Arc::new(collect!(cells, BooleanArray, Boolean)),
        Type::Time => Arc::new(collect!(cells, TimestampMicrosecondArray, Time).with_timezone("UTC")),
        Type::Texts => {
            let mut lists = ListBuilder::new(StringBuilder::new());
            for cell in cells() {
                match cell {
                    Cell::Texts(texts) => lists.append_value(texts.iter().map(Some)),
                    _ => lists.append_null(),
                }
            }
            Arc::new(lists.finish())
        }
        Type::Integers => {
            let mut lists = ListBuilder::new(Int64Builder::new());
            cells().for_each(|_| lists.append_null());
            Arc::new(lists.finish())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::functions::upstream::FUNCTION;
    use arrow::array::AsArray as _;
    use arrow::datatypes::Int64Type;

    #[test]
    fn parts_are_in_the_order_of_their_rows() {
        for rows in [0, 1, PART_ROWS, 5 * PART_ROWS + 7] {
            let made = in_parts(rows, |range| {
                let numbers: Int64Array = range.map(|row| Some(row as i64)).collect();
                Ok(RecordBatch::try_from_iter([("n", Arc::new(numbers) as ArrayRef)])?)
            });
            let made = made.expect("made");
            assert!(!made.is_empty() && made.iter().all(|part| part.num_rows() <= PART_ROWS));
            let all = made.iter().flat_map(|part| part.column(0).as_primitive::<Int64Type>().values().to_vec());
            assert!(all.eq(0..rows as i64), "{rows} rows");
        }
    }

    #[test]
    fn a_part_that_fails_is_told() {
        let made = in_parts(3 * PART_ROWS, |range| match range.start {
            0 => Err(Error::Argument("no".to_owned())),
            _ => Ok(RecordBatch::new_empty(FUNCTION.schema())),
        });
        assert!(made.is_err_and(|error| error.to_string() == "no"));
    }
}
