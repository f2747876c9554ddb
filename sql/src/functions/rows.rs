//! Answers written row by row, for functions whose answers are small.

use super::{Function, Type};
use crate::Error;
use arrow::array::{
    ArrayRef, BooleanArray, Float32Array, Int64Array, Int64Builder, ListBuilder, RecordBatch, StringArray,
    StringBuilder, TimestampMicrosecondArray,
};
use std::sync::Arc;

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
pub(super) fn batch(function: &Function, rows: &[Vec<Cell>]) -> Result<RecordBatch, Error> {
    let columns = function.columns.iter().enumerate().map(|(at, (_, kind, _))| {
        let cells = || rows.iter().map(move |row| row.get(at).unwrap_or(&Cell::Null));
        column(*kind, cells)
    });
    Ok(RecordBatch::try_new(function.schema(), columns.collect())?)
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
