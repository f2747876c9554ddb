//! Parquet: text columns are built anew with the new values, at any depth. A number or a date that is sensitive becomes
//! null, or 0 (for a date, 1700-01-01) where its column takes no null. Bytes of a fixed length keep it.

use super::{Cleaner, Mode};
use crate::Error;
use crate::columns::{
    ByKey, FieldFilter, INTEGER_MIN, NOBODYS_DAY, by_key, fraction, is_typed, typed_texts, whole_number,
};
use crate::readers::{Input, ParquetBatches};
use crate::values::{FieldId, FieldTable, ValueBatch};
use arrow_array::builder::{BinaryBuilder, FixedSizeBinaryBuilder, StringBuilder};
use arrow_array::cast::AsArray;
use arrow_array::types::{Decimal128Type, Float64Type, Int64Type};
use arrow_array::{
    Array, ArrayRef, BooleanArray, Date32Array, FixedSizeListArray, Float64Array, GenericListArray, Int32Array,
    MapArray, OffsetSizeTrait, RecordBatch, StringArray, StructArray, UInt32Array,
};
use arrow_schema::{ArrowError, DataType, FieldRef};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;
use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;

/// Rows of a batch.
const BATCH_ROWS: usize = 2_048;

pub(super) fn clean(cleaner: &mut Cleaner<'_>, from: &Path, out: &mut (dyn Write + Send)) -> Result<(), Error> {
    let failed = |e: &dyn std::fmt::Display| Error::read(from, e);
    let source = Input::open(from, &Default::default())
        .map_err(|e| failed(&e))?
        .whole()
        .ok_or_else(|| failed(&"it is no file"))?;
    let reader = ParquetBatches::open(source, &cleaner.options.limits, BATCH_ROWS, |_| true).map_err(|e| failed(&e))?;
    let schema = reader.schema();
    let properties = WriterProperties::builder().set_compression(Compression::ZSTD(ZstdLevel::default())).build();
    let mut writer = ArrowWriter::try_new(out, schema, Some(properties)).map_err(|e| failed(&e))?;
    let mut fields = FieldTable::default();
    for records in reader {
        let records = records.map_err(|e| failed(&e))?;
        let cleaned = cleaned(cleaner, &records, &mut fields, from)?;
        writer.write(&cleaned).map_err(|e| failed(&e))?;
    }
    writer.close().map(drop).map_err(|e| failed(&e))
}

fn cleaned(
    cleaner: &mut Cleaner<'_>,
    records: &RecordBatch,
    fields: &mut FieldTable,
    from: &Path,
) -> Result<RecordBatch, Error> {
    let failed = |e: ArrowError| Error::read(from, e);
    let first = cleaner.report.rows;
    let rows: Vec<u64> = (first..first + records.num_rows() as u64).collect();
    cleaner.report.rows += rows.len() as u64;
    let filter = cleaner.filter.clone();
    let mut collect = Collect { batch: ValueBatch::new(), fields };
    walk_columns(records, &rows, &filter, &mut collect).map_err(failed)?;
    let Collect { batch, fields } = collect;
    let edits = cleaner.edit(&batch, fields)?;
    if cleaner.mode == Mode::Drop {
        cleaner.report.rows_dropped += edits.rows.len() as u64;
        let keep: BooleanArray = rows.iter().map(|row| Some(!edits.rows.contains(row))).collect();
        return arrow_select::filter::filter_record_batch(records, &keep).map_err(failed);
    }
    if edits.values.is_empty() {
        return Ok(records.clone());
    }
    let columns =
        walk_columns(records, &rows, &filter, &mut Rebuild { edits: &edits.values, next: 0 }).map_err(failed)?;
    RecordBatch::try_new(records.schema(), columns).map_err(failed)
}

/// Visits leaves, always in the same order, and gives what stands in their place.
trait Visit {
    /// A leaf of text or bytes, or of whole numbers as text where `is_number`: the number of values visited must not
    /// depend on the visitor.
    fn value(&mut self, path: FieldId, row: u64, value: &[u8]) -> Option<Vec<u8>>;
    fn field(&mut self, path: &str) -> FieldId;
    /// Whether leaves are to be built anew.
    fn builds(&self) -> bool;
}

struct Collect<'a> {
    batch: ValueBatch,
    fields: &'a mut FieldTable,
}

impl Visit for Collect<'_> {
    fn value(&mut self, path: FieldId, row: u64, value: &[u8]) -> Option<Vec<u8>> {
        self.batch.push(row, Some(path), value);
        None
    }

    fn field(&mut self, path: &str) -> FieldId {
        self.fields.intern(path)
    }

    fn builds(&self) -> bool {
        false
    }
}

struct Rebuild<'a> {
    edits: &'a BTreeMap<u32, Vec<u8>>,
    next: u32,
}

impl Visit for Rebuild<'_> {
    fn value(&mut self, _: FieldId, _: u64, _: &[u8]) -> Option<Vec<u8>> {
        self.next += 1;
        self.edits.get(&(self.next - 1)).cloned()
    }

    fn field(&mut self, _: &str) -> FieldId {
        FieldId(0)
    }

    fn builds(&self) -> bool {
        true
    }
}

fn walk_columns(
    records: &RecordBatch,
    rows: &[u64],
    filter: &FieldFilter,
    visit: &mut dyn Visit,
) -> Result<Vec<ArrayRef>, ArrowError> {
    let schema = records.schema();
    let columns = schema.fields().iter().zip(records.columns());
    columns.map(|(field, column)| walk(column, field, filter.called(field.name()), rows, filter, visit)).collect()
}

/// Visits a column; `rows` names the record of each of its elements.
fn walk(
    array: &ArrayRef,
    field: &FieldRef,
    path: &str,
    rows: &[u64],
    filter: &FieldFilter,
    visit: &mut dyn Visit,
) -> Result<ArrayRef, ArrowError> {
    Ok(match array.data_type() {
        DataType::Struct(children) => {
            let of = array.as_struct();
            let columns = children
                .iter()
                .zip(of.columns())
                .map(|(child, column)| {
                    walk(column, child, &format!("{path}.{}", filter.called(child.name())), rows, filter, visit)
                })
                .collect::<Result<Vec<_>, _>>()?;
            Arc::new(StructArray::try_new(children.clone(), columns, of.nulls().cloned())?)
        }
        DataType::List(item) => list(array.as_list::<i32>(), item, path, rows, filter, visit)?,
        DataType::LargeList(item) => list(array.as_list::<i64>(), item, path, rows, filter, visit)?,
        DataType::FixedSizeList(item, size) => {
            let of = array.as_fixed_size_list();
            let each = usize::try_from(*size).unwrap_or_default();
            let of_rows: Vec<u64> = rows.iter().flat_map(|row| std::iter::repeat_n(*row, each)).collect();
            let values = walk(of.values(), item, &format!("{path}.*"), &of_rows, filter, visit)?;
            Arc::new(FixedSizeListArray::try_new(Arc::clone(item), *size, values, of.nulls().cloned())?)
        }
        DataType::Map(item, sorted) => {
            let of = array.as_map();
            let entries = match by_key(of) {
                Some(by_key) => map_entries(of, &by_key, path, rows, filter, visit)?,
                None => {
                    let entries: ArrayRef = Arc::new(of.entries().clone());
                    let of_rows = rows_of(of.value_offsets().iter().map(|n| *n as usize), entries.len(), rows);
                    walk(&entries, item, &format!("{path}.*"), &of_rows, filter, visit)?.as_struct().clone()
                }
            };
            Arc::new(MapArray::try_new(Arc::clone(item), of.offsets().clone(), entries, of.nulls().cloned(), *sorted)?)
        }
        DataType::Dictionary(_, value) if !value.is_nested() => {
            let plain = arrow_cast::cast(array, value)?;
            let new = walk(&plain, field, path, rows, filter, visit)?;
            arrow_cast::cast(&new, array.data_type())?
        }
        DataType::FixedSizeBinary(size) => fixed(array, *size, path, rows, visit)?,
        DataType::Float64 => floats(array, field.is_nullable(), path, rows, filter.takes_fractions(path), visit)?,
        leaf if is_text(leaf) => text(array, path, rows, visit)?,
        DataType::Int64 | DataType::UInt64 | DataType::Int32 | DataType::UInt32 | DataType::Decimal128(_, 0) => {
            numbers(array, field.is_nullable(), path, rows, visit)?
        }
        leaf if is_typed(leaf) => typed(array, field.is_nullable(), path, rows, filter, visit)?,
        _ => Arc::clone(array),
    })
}

/// Sources of a column, and for each of its entries the source and the place in it.
type Patched = (Vec<ArrayRef>, Vec<(usize, usize)>);

/// The entries of a map, whose values are visited under their keys.
fn map_entries(
    map: &MapArray,
    by_key: &ByKey,
    path: &str,
    rows: &[u64],
    filter: &FieldFilter,
    visit: &mut dyn Visit,
) -> Result<StructArray, ArrowError> {
    let entries = map.entries();
    // Of each column what there was and what was made, and where each entry of the new one comes from.
    let there = |column: &ArrayRef| (vec![Arc::clone(column)], (0..entries.len()).map(|i| (0, i)).collect::<Vec<_>>());
    let mut made: Vec<Patched> = entries.columns().iter().map(there).collect();
    for (key, places) in by_key {
        let indices = UInt32Array::from_iter_values(places.iter().map(|(at, _)| *at));
        let of_rows: Vec<u64> = places.iter().map(|(_, row)| rows.get(*row).copied().unwrap_or_default()).collect();
        let path = format!("{path}.{}", key.as_deref().unwrap_or("*"));
        // A key that is a field's name is no value.
        let first = usize::from(key.is_some());
        for (column, field) in entries.fields().iter().enumerate().skip(first) {
            let taken = arrow_select::take::take(entries.column(column), &indices, None)?;
            let walked = walk(&taken, field, &path, &of_rows, filter, visit)?;
            if visit.builds() && !Arc::ptr_eq(&taken, &walked) {
                let (sources, at) = &mut made[column];
                (0..).zip(places).for_each(|(n, (place, _))| at[*place as usize] = (sources.len(), n));
                sources.push(walked);
            }
        }
    }
    let new = made.into_iter().map(|(sources, at)| match sources.as_slice() {
        [unchanged] => Ok(Arc::clone(unchanged)),
        all => arrow_select::interleave::interleave(&all.iter().map(AsRef::as_ref).collect::<Vec<_>>(), &at),
    });
    StructArray::try_new(entries.fields().clone(), new.collect::<Result<_, _>>()?, entries.nulls().cloned())
}

fn list<O: OffsetSizeTrait>(
    of: &GenericListArray<O>,
    item: &FieldRef,
    path: &str,
    rows: &[u64],
    filter: &FieldFilter,
    visit: &mut dyn Visit,
) -> Result<ArrayRef, ArrowError> {
    let of_rows = rows_of(of.value_offsets().iter().map(|n| n.as_usize()), of.values().len(), rows);
    let values = walk(of.values(), item, &format!("{path}.*"), &of_rows, filter, visit)?;
    Ok(Arc::new(GenericListArray::<O>::try_new(Arc::clone(item), of.offsets().clone(), values, of.nulls().cloned())?))
}

/// The record of each element of lists with these offsets.
fn rows_of(offsets: impl Iterator<Item = usize>, len: usize, rows: &[u64]) -> Vec<u64> {
    let mut out = vec![rows.first().copied().unwrap_or_default(); len];
    let offsets: Vec<usize> = offsets.collect();
    for (bounds, row) in offsets.windows(2).zip(rows) {
        if let Some(elements) = out.get_mut(bounds[0]..bounds[1]) {
            elements.fill(*row);
        }
    }
    out
}

fn is_text(data_type: &DataType) -> bool {
    use DataType::{Binary, BinaryView, LargeBinary, LargeUtf8, Utf8, Utf8View};
    matches!(data_type, Utf8 | LargeUtf8 | Utf8View | Binary | LargeBinary | BinaryView)
}

fn text(array: &ArrayRef, path: &str, rows: &[u64], visit: &mut dyn Visit) -> Result<ArrayRef, ArrowError> {
    let is_binary = matches!(array.data_type(), DataType::Binary | DataType::LargeBinary | DataType::BinaryView);
    let bytes = arrow_cast::cast(array, &DataType::Binary)?;
    let bytes = bytes.as_binary::<i32>();
    let id = visit.field(path);
    let mut new: Vec<Option<Vec<u8>>> = Vec::new();
    for i in 0..bytes.len() {
        let changed = match bytes.is_valid(i) && !bytes.value(i).is_empty() {
            true => visit.value(id, rows.get(i).copied().unwrap_or_default(), bytes.value(i)),
            false => None,
        };
        if visit.builds() {
            new.push(changed);
        }
    }
    if new.iter().all(Option::is_none) {
        return Ok(Arc::clone(array));
    }
    let value = |i: usize| bytes.is_valid(i).then(|| new[i].as_deref().unwrap_or_else(|| bytes.value(i)));
    let built: ArrayRef = match is_binary {
        true => {
            let mut out = BinaryBuilder::new();
            (0..bytes.len()).for_each(|i| out.append_option(value(i)));
            Arc::new(out.finish())
        }
        false => {
            let mut out = StringBuilder::new();
            (0..bytes.len()).for_each(|i| out.append_option(value(i).map(String::from_utf8_lossy)));
            Arc::new(out.finish())
        }
    };
    arrow_cast::cast(&built, array.data_type())
}

/// Bytes of a fixed length: what takes their place is cut or filled up with blanks.
fn fixed(array: &ArrayRef, size: i32, path: &str, rows: &[u64], visit: &mut dyn Visit) -> Result<ArrayRef, ArrowError> {
    let plain = arrow_cast::cast(array, &DataType::Binary)?;
    let new = text(&plain, path, rows, visit)?;
    if Arc::ptr_eq(&plain, &new) {
        return Ok(Arc::clone(array));
    }
    let new = new.as_binary::<i32>();
    let length = usize::try_from(size).unwrap_or_default();
    let mut out = FixedSizeBinaryBuilder::with_capacity(new.len(), size);
    for i in 0..new.len() {
        if new.is_valid(i) {
            let mut value = new.value(i).to_vec();
            value.resize(length, b' ');
            out.append_value(value)?;
        } else {
            out.append_null();
        }
    }
    Ok(Arc::new(out.finish()))
}

fn floats(
    array: &ArrayRef,
    nullable: bool,
    path: &str,
    rows: &[u64],
    fractions: bool,
    visit: &mut dyn Visit,
) -> Result<ArrayRef, ArrowError> {
    let of = array.as_primitive::<Float64Type>();
    let id = visit.field(path);
    let mut new: Vec<Option<f64>> = of.iter().collect();
    let mut is_hit = false;
    for (value, row) in new.iter_mut().zip(rows) {
        let Some(number) = *value else { continue };
        let text = whole_number(number).map(|n| n.to_string()).or_else(|| fraction(number).filter(|_| fractions));
        let Some(text) = text else { continue };
        let changed = visit.value(id, *row, text.as_bytes());
        if visit.builds() && changed.is_some() {
            *value = (!nullable).then_some(0.0);
            is_hit = true;
        }
    }
    Ok(if is_hit { Arc::new(Float64Array::from(new)) } else { Arc::clone(array) })
}

/// Dates, and fractions that are no floats of 64 bits. A made-up date takes the place of a date.
fn typed(
    array: &ArrayRef,
    nullable: bool,
    path: &str,
    rows: &[u64],
    filter: &FieldFilter,
    visit: &mut dyn Visit,
) -> Result<ArrayRef, ArrowError> {
    let (dates, fractions) = (filter.takes_dates(path), filter.takes_fractions(path));
    let Some(texts) = typed_texts(array, dates, fractions) else { return Ok(Arc::clone(array)) };
    let id = visit.field(path);
    let mut new: Vec<Option<Option<String>>> = Vec::with_capacity(texts.len());
    for (text, row) in texts.into_iter().zip(rows) {
        let changed = text.and_then(|text| visit.value(id, *row, text.as_bytes()));
        new.push(changed.map(|changed| String::from_utf8(changed).ok()));
    }
    if new.iter().all(Option::is_none) {
        return Ok(Arc::clone(array));
    }
    // What is no date becomes null when it is cast to one, as a masked one does.
    let is_day = matches!(array.data_type(), DataType::Date32);
    let made: StringArray = new.iter().map(|new| new.as_ref().and_then(Option::as_ref).filter(|_| is_day)).collect();
    let made = arrow_cast::cast(&made, array.data_type())?;
    let zero = match nullable {
        true => arrow_array::new_null_array(array.data_type(), 1),
        false => match dates_of(array.data_type()) {
            Some(day) => arrow_cast::cast(&Date32Array::from(vec![day]), array.data_type())?,
            None => arrow_cast::cast(&Int32Array::from(vec![0]), array.data_type())?,
        },
    };
    let place = |(i, new): (usize, &Option<Option<String>>)| match new {
        None => (0, i),
        Some(_) if made.is_valid(i) => (1, i),
        Some(_) => (2, 0),
    };
    let places: Vec<(usize, usize)> = new.iter().enumerate().map(place).collect();
    arrow_select::interleave::interleave(&[array.as_ref(), made.as_ref(), zero.as_ref()], &places)
}

/// The day that stands for one that had to go, in a column of dates.
fn dates_of(data_type: &DataType) -> Option<i32> {
    matches!(data_type, DataType::Date32 | DataType::Date64 | DataType::Timestamp(..)).then_some(NOBODYS_DAY)
}

fn numbers(
    array: &ArrayRef,
    nullable: bool,
    path: &str,
    rows: &[u64],
    visit: &mut dyn Visit,
) -> Result<ArrayRef, ArrowError> {
    let wide = arrow_cast::cast(array, &DataType::Decimal128(38, 0))?;
    let wide = wide.as_primitive::<Decimal128Type>();
    let id = visit.field(path);
    let mut hit = Vec::new();
    for i in 0..wide.len() {
        if wide.is_valid(i) && wide.value(i).unsigned_abs() >= u128::from(INTEGER_MIN) {
            let text = wide.value(i).to_string();
            let changed = visit.value(id, rows.get(i).copied().unwrap_or_default(), text.as_bytes());
            if visit.builds() && changed.is_some() {
                hit.push(i);
            }
        }
    }
    if hit.is_empty() {
        return Ok(Arc::clone(array));
    }
    let mut is_hit = vec![false; wide.len()];
    hit.iter().for_each(|i| is_hit[*i] = true);
    let of = |i: usize| match (wide.is_valid(i), is_hit[i]) {
        (false, _) => None,
        (true, true) => (!nullable).then_some(0),
        (true, false) => Some(wide.value(i)),
    };
    // Decimals keep their precision; the others go by way of 64 bits or of a decimal that holds them.
    let new: arrow_array::Decimal128Array = (0..wide.len()).map(of).collect();
    let new: ArrayRef = Arc::new(new.with_precision_and_scale(38, 0)?);
    match array.data_type() {
        DataType::Int64 => Ok(Arc::new(arrow_cast::cast(&new, &DataType::Int64)?.as_primitive::<Int64Type>().clone())),
        other => arrow_cast::cast(&new, other),
    }
}
