//! Arrow columns as values: every text in a record batch, nested ones too, under its dotted path.
//!
//! Strings and binary go in as they are, dictionaries once per row (with the distinct value's text), lists and structs
//! by their elements. Whole numbers of seven digits and more go in as text, since identifiers are often stored so; as
//! floats, too, which a column of integers with gaps becomes on its way through other tools.
//! Nulls and other types hold nothing to find.

use crate::values::{FieldTable, ValueBatch};
use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_schema::DataType;

/// Smallest magnitude of a whole number that is looked at.
pub const INTEGER_MIN: u64 = 1_000_000;

/// The whole number that a float stands for, where it is one that is looked at. Beyond 2^63 none is exact.
pub(crate) fn whole_number(number: f64) -> Option<i64> {
    let magnitude = number.abs();
    let is_wanted = number.fract() == 0.0 && magnitude >= INTEGER_MIN as f64 && magnitude < i64::MAX as f64;
    is_wanted.then_some(number as i64)
}

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
        DataType::ListView(_) => {
            let list = column.as_list_view::<i32>();
            let bounds =
                |i| (list.value_offsets()[i] as usize, (list.value_offsets()[i] + list.value_sizes()[i]) as usize);
            push_list(list.values(), bounds, list, path, rows, filter, fields, out);
        }
        DataType::LargeListView(_) => {
            let list = column.as_list_view::<i64>();
            let bounds =
                |i| (list.value_offsets()[i] as usize, (list.value_offsets()[i] + list.value_sizes()[i]) as usize);
            push_list(list.values(), bounds, list, path, rows, filter, fields, out);
        }
        DataType::RunEndEncoded(_, values) => {
            // Decoded row by row, as dictionaries are.
            if let Ok(plain) = arrow_cast::cast(column, values.data_type()) {
                push_column(&plain, path, rows, filter, fields, out);
            }
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
        DataType::FixedSizeBinary(_) => push_all!(column.as_fixed_size_binary(), |b| b),
        DataType::Dictionary(_, value) if !value.is_nested() => {
            // Decoded row by row: a finding names its row, and the engine's cost per value is small.
            if let Ok(plain) = arrow_cast::cast(column, value) {
                push_leaf(&plain, path, rows, fields, out);
            }
        }
        DataType::Int64
        | DataType::UInt64
        | DataType::Int32
        | DataType::UInt32
        | DataType::Decimal32(_, 0)
        | DataType::Decimal64(_, 0)
        | DataType::Decimal128(_, 0)
        | DataType::Decimal256(_, 0) => push_integers(column, id, rows, out),
        DataType::Float64 => push_floats(column, id, rows, out),
        _ => {}
    }
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

fn push_floats(column: &ArrayRef, id: crate::FieldId, rows: &Rows, out: &mut ValueBatch) {
    use std::io::Write as _;
    let floats = column.as_primitive::<arrow_array::types::Float64Type>();
    for i in (0..floats.len()).filter(|i| floats.is_valid(*i)) {
        if let Some(number) = whole_number(floats.value(i)) {
            out.push_with(rows.at(i), Some(id), |buffer| drop(write!(buffer, "{number}")));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow_array::types::Int32Type;
    use arrow_array::{FixedSizeBinaryArray, Float64Array, Int32Array, ListViewArray, RunArray, StringArray};
    use std::sync::Arc;

    fn values(column: ArrayRef) -> Vec<(u64, String)> {
        let records = RecordBatch::try_from_iter_with_nullable([("c", column, true)]).expect("a batch");
        let (mut fields, mut batch) = (FieldTable::default(), ValueBatch::new());
        push_batch(&records, 10, &FieldFilter::default(), &mut fields, &mut batch);
        let of = |(n, span): (u32, &crate::values::ValueSpan)| {
            (span.row, String::from_utf8_lossy(batch.value(n)).into_owned())
        };
        (0u32..).zip(batch.spans()).map(of).collect()
    }

    fn expect(column: ArrayRef, expected: &[(u64, &str)]) {
        let found = values(column);
        assert_eq!(found.iter().map(|(row, text)| (*row, text.as_str())).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn columns_of_every_kind_that_can_hold_text() {
        let bytes = FixedSizeBinaryArray::try_from_sparse_iter_with_size([Some(b"abc"), None].into_iter(), 3);
        expect(Arc::new(bytes.expect("bytes")), &[(10, "abc")]);
        let floats =
            vec![Some(4_012_888_888_881_881.0), None, Some(1.5), Some(12.0), Some(-1e6), Some(1e300), Some(f64::NAN)];
        expect(Arc::new(Float64Array::from(floats)), &[(10, "4012888888881881"), (14, "-1000000")]);
        let runs = RunArray::<Int32Type>::try_new(&Int32Array::from(vec![2, 3]), &StringArray::from(vec!["x", "y"]));
        expect(Arc::new(runs.expect("runs")), &[(10, "x"), (11, "x"), (12, "y")]);
        let item = Arc::new(arrow_schema::Field::new("item", DataType::Utf8, true));
        let texts = Arc::new(StringArray::from(vec!["a", "b", "c"]));
        let list = ListViewArray::try_new(item, vec![1, 0].into(), vec![2, 1].into(), texts, None);
        expect(Arc::new(list.expect("a list")), &[(10, "b"), (11, "a"), (10, "c")]);
    }
}
