//! Arrow columns as values: every text in a record batch, nested ones too, under its dotted path.
//!
//! Strings and binary go in as they are, dictionaries once per row (with the distinct value's text), lists and structs
//! by their elements. Whole numbers of seven digits and more go in as text, since identifiers are often stored so.
//! Nulls and other types hold nothing to find.

use crate::values::{FieldTable, ValueBatch};
use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_schema::DataType;

/// Smallest magnitude of a whole number that is looked at.
pub const INTEGER_MIN: u64 = 1_000_000;

/// Elements of a list beyond this one share the path segment `*`, so that paths stay few.
pub const LIST_INDEX_MAX: usize = 999;

/// Which fields are wanted.
#[derive(Debug, Clone, Default)]
pub struct FieldFilter {
    globs: Vec<String>,
}

impl FieldFilter {
    /// Only fields whose dotted path matches one of the globs or lies below one that does; none is all.
    pub fn new(globs: Vec<String>) -> Self {
        Self { globs }
    }

    /// Whether a field is wanted.
    pub fn wants(&self, path: &str) -> bool {
        self.globs.is_empty()
            || self.globs.iter().any(|g| {
                crate::engine_fields_glob(g, path)
                    || path.match_indices('.').any(|(at, _)| crate::engine_fields_glob(g, &path[..at]))
            })
    }
}

impl FieldFilter {
    /// Whether some field at or below a top-level column could be wanted; in doubt it could.
    pub fn may_want_below(&self, column: &str) -> bool {
        self.globs.is_empty()
            || self.wants(column)
            || self.globs.iter().any(|glob| {
                let first = glob.split('.').next().unwrap_or_default();
                first.contains(['*', '?', '[', '{']) || column.split('.').next() == Some(first)
            })
    }
}

/// Appends all wanted values of a record batch. `row_base` is the record number of its first row.
pub fn push_batch(
    records: &RecordBatch,
    row_base: u64,
    filter: &FieldFilter,
    fields: &mut FieldTable,
    out: &mut ValueBatch,
) {
    for (field, column) in records.schema().fields().iter().zip(records.columns()) {
        let rows: Rows = Rows::All { base: row_base };
        let name = field.name();
        if row_base == 0 && crate::values::is_value_like(name) && filter.wants(name) {
            // A column named by a value: the name is searched like one.
            let id = fields.intern("*");
            out.push(0, Some(id), name.as_bytes());
        }
        push_column(column, name, &rows, filter, fields, out);
    }
}

/// Maps positions in an array to record numbers.
enum Rows {
    All { base: u64 },
    Of(Vec<u64>),
}

impl Rows {
    fn at(&self, index: usize) -> u64 {
        match self {
            Self::All { base } => base + index as u64,
            Self::Of(rows) => rows.get(index).copied().unwrap_or_default(),
        }
    }
}

fn push_column(
    column: &ArrayRef,
    path: &str,
    rows: &Rows,
    filter: &FieldFilter,
    fields: &mut FieldTable,
    out: &mut ValueBatch,
) {
    match column.data_type() {
        DataType::Struct(children) => {
            let column = column.as_struct();
            for (field, child) in children.iter().zip(column.columns()) {
                push_column(child, &format!("{path}.{}", field.name()), rows, filter, fields, out);
            }
        }
        DataType::List(_) => {
            let list = column.as_list::<i32>();
            push_list(list.values(), |i| offsets32(list.value_offsets(), i), list, path, rows, filter, fields, out);
        }
        DataType::LargeList(_) => {
            let list = column.as_list::<i64>();
            push_list(list.values(), |i| offsets64(list.value_offsets(), i), list, path, rows, filter, fields, out);
        }
        DataType::FixedSizeList(_, size) => {
            let list = column.as_fixed_size_list();
            let size = usize::try_from(*size).unwrap_or_default();
            push_list(list.values(), |i| (i * size, (i + 1) * size), list, path, rows, filter, fields, out);
        }
        DataType::Union(members, _) => push_union(column, members, path, rows, filter, fields, out),
        DataType::Map(..) => {
            let map = column.as_map();
            let entries: ArrayRef = std::sync::Arc::new(map.entries().clone());
            push_list(&entries, |i| offsets32(map.value_offsets(), i), map, path, rows, filter, fields, out);
        }
        _ if filter.wants(path) => push_leaf(column, path, rows, fields, out),
        _ => {}
    }
}

/// Each kind of value in a union column under the column's own path.
fn push_union(
    column: &ArrayRef,
    members: &arrow_schema::UnionFields,
    path: &str,
    rows: &Rows,
    filter: &FieldFilter,
    fields: &mut FieldTable,
    out: &mut ValueBatch,
) {
    let union = column.as_union();
    for (type_id, _) in members.iter() {
        let places = (0..union.len()).filter(|i| union.type_id(*i) == type_id);
        let (indices, of_rows): (Vec<u32>, Vec<u64>) =
            places.map(|i| (union.value_offset(i) as u32, rows.at(i))).unzip();
        let indices = arrow_array::UInt32Array::from(indices);
        // As for lists: the offsets are the union's own.
        let Ok(taken) = arrow_select::take::take(union.child(type_id), &indices, None) else { continue };
        push_column(&taken, path, &Rows::Of(of_rows), filter, fields, out);
    }
}

fn offsets32(offsets: &[i32], i: usize) -> (usize, usize) {
    (offsets[i] as usize, offsets[i + 1] as usize)
}

fn offsets64(offsets: &[i64], i: usize) -> (usize, usize) {
    (offsets[i] as usize, offsets[i + 1] as usize)
}

#[expect(clippy::too_many_arguments, reason = "one recursion, all of it context")]
fn push_list(
    values: &ArrayRef,
    bounds: impl Fn(usize) -> (usize, usize),
    list: &dyn Array,
    path: &str,
    rows: &Rows,
    filter: &FieldFilter,
    fields: &mut FieldTable,
    out: &mut ValueBatch,
) {
    // The elements of all rows at one list position form one column, so that `messages.0.content` is one field.
    let mut by_index: Vec<(Vec<u32>, Vec<u64>)> = Vec::new();
    for i in 0..list.len() {
        if list.is_null(i) {
            continue;
        }
        let (start, end) = bounds(i);
        for (n, at) in (start..end).enumerate() {
            let slot = n.min(LIST_INDEX_MAX + 1);
            if by_index.len() <= slot {
                by_index.resize_with(slot + 1, Default::default);
            }
            by_index[slot].0.push(at as u32);
            by_index[slot].1.push(rows.at(i));
        }
    }
    for (slot, (indices, of_rows)) in by_index.into_iter().enumerate() {
        let indices = arrow_array::UInt32Array::from(indices);
        // Indices come from the list's own offsets, so taking them cannot fail; if it does, the list holds nothing.
        let Ok(taken) = arrow_select::take::take(values, &indices, None) else { continue };
        let segment = if slot > LIST_INDEX_MAX { "*".to_owned() } else { slot.to_string() };
        push_column(&taken, &format!("{path}.{segment}"), &Rows::Of(of_rows), filter, fields, out);
    }
}

fn push_leaf(column: &ArrayRef, path: &str, rows: &Rows, fields: &mut FieldTable, out: &mut ValueBatch) {
    let id = fields.intern(path);
    macro_rules! push_all {
        ($array:expr, $bytes:expr) => {{
            let array = $array;
            for i in 0..array.len() {
                if array.is_valid(i) {
                    let value: &[u8] = $bytes(array.value(i));
                    if !value.is_empty() {
                        out.push(rows.at(i), Some(id), value);
                    }
                }
            }
        }};
    }
    match column.data_type() {
        DataType::Utf8 => push_all!(column.as_string::<i32>(), str::as_bytes),
        DataType::LargeUtf8 => push_all!(column.as_string::<i64>(), str::as_bytes),
        DataType::Utf8View => push_all!(column.as_string_view(), str::as_bytes),
        DataType::Binary => push_all!(column.as_binary::<i32>(), |b| b),
        DataType::LargeBinary => push_all!(column.as_binary::<i64>(), |b| b),
        DataType::BinaryView => push_all!(column.as_binary_view(), |b| b),
        DataType::Dictionary(_, value) if is_text(value) => {
            // Decoded row by row: a finding names its row, and the engine's cost per value is small.
            if let Ok(plain) = arrow_cast::cast(column, value) {
                push_leaf(&plain, path, rows, fields, out);
            }
        }
        DataType::Int64 | DataType::UInt64 | DataType::Int32 | DataType::UInt32 | DataType::Decimal128(_, 0) => {
            push_integers(column, id, rows, out);
        }
        _ => {}
    }
}

fn is_text(data_type: &DataType) -> bool {
    matches!(
        data_type,
        DataType::Utf8
            | DataType::LargeUtf8
            | DataType::Utf8View
            | DataType::Binary
            | DataType::LargeBinary
            | DataType::BinaryView
    )
}

fn push_integers(column: &ArrayRef, id: crate::FieldId, rows: &Rows, out: &mut ValueBatch) {
    use std::io::Write as _;
    let Ok(wide) = arrow_cast::cast(column, &DataType::Decimal128(38, 0)) else { return };
    let wide = wide.as_primitive::<arrow_array::types::Decimal128Type>();
    for i in 0..wide.len() {
        if wide.is_valid(i) && wide.value(i).unsigned_abs() >= u128::from(INTEGER_MIN) {
            // Writing to memory cannot fail.
            out.push_with(rows.at(i), Some(id), |buffer| drop(write!(buffer, "{}", wide.value(i))));
        }
    }
}
