//! Arrow columns as values: every text in a record batch, nested ones too, under its dotted path.
//!
//! Strings and binary go in as they are, dictionaries once per row (with the distinct value's text), runs once with their
//! first row, lists and structs by their elements, maps with keys of text as objects of JSON. Whole numbers of seven digits
//! and more go in as text, since identifiers are often stored so; as floats, too, which a column of integers with gaps
//! becomes on its way through other tools. Dates, times with a date and fractions go in as text where a rule looks for such
//! in a field of that name (`date_of_birth`, `latitude`): elsewhere they say nothing, and most tables have many. Nulls and
//! other types hold nothing to find.

use crate::RuleSet;
use crate::values::{FieldTable, ValueBatch};
use arrow_array::cast::AsArray;
use arrow_array::types::{Int16Type, Int32Type, Int64Type, RunEndIndexType};
use arrow_array::{Array, ArrayRef, MapArray, RecordBatch};
use arrow_schema::{DataType, TimeUnit};
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, PoisonError, RwLock};

/// Smallest magnitude of a whole number that is looked at.
pub const INTEGER_MIN: u64 = 1_000_000;

/// The whole number that a float stands for, where it is one that is looked at. Beyond 2^63 none is exact.
pub(crate) fn whole_number(number: f64) -> Option<i64> {
    let magnitude = number.abs();
    let is_wanted = number.fract() == 0.0 && magnitude >= INTEGER_MIN as f64 && magnitude < i64::MAX as f64;
    is_wanted.then_some(number as i64)
}

/// A fraction as text, where it is as fine as a place on a map is told: three decimals and more, of no more than a half
/// turn. Nothing else that is a fraction tells who somebody is.
pub(crate) fn fraction(number: f64) -> Option<String> {
    let is_fine = number.abs() <= 180.0 && (number * 100.0).fract() != 0.0;
    let text = is_fine.then(|| number.to_string())?;
    let decimals = text.split_once('.')?.1;
    (decimals.len() >= 3).then_some(text)
}

/// Which fields of dates and of fractions are looked at: those for whose name a rule takes a date, or a fraction, as the
/// value. Told by the rules once for each name.
#[derive(Debug)]
pub(crate) struct TypedNames {
    rules: Arc<RuleSet>,
    known: RwLock<HashMap<String, Typed>>,
}

/// What is looked at in fields of a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Typed {
    dates: bool,
    fractions: bool,
}

impl TypedNames {
    /// Names that are remembered; hostile ones must not fill the memory.
    const NAMES_MAX: usize = 4_096;

    pub(crate) fn of(rules: &Arc<RuleSet>) -> Arc<Self> {
        Arc::new(Self { rules: Arc::clone(rules), known: RwLock::default() })
    }

    /// Whether dates are looked at in a field.
    pub(crate) fn dates(&self, path: &str) -> bool {
        self.typed(path).dates
    }

    /// Whether fractions are. Those of a list are not: it would be every number of every embedding.
    pub(crate) fn fractions(&self, path: &str) -> bool {
        !path.ends_with(|c: char| c.is_ascii_digit()) && self.typed(path).fractions
    }

    fn typed(&self, path: &str) -> Typed {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner).get(path).copied();
        known.unwrap_or_else(|| {
            let typed = self.told(path);
            let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
            if known.len() >= Self::NAMES_MAX {
                known.clear();
            }
            known.insert(path.to_owned(), typed);
            typed
        })
    }

    fn told(&self, path: &str) -> Typed {
        let name = bare(path);
        let named = self.rules.iter().filter_map(|(_, rule)| rule.field.as_ref());
        let takes = |field: &crate::rule::FieldRule, sample: &str| {
            field.value.regex().is_some_and(|regex| regex.is_match(sample.as_bytes()))
        };
        let matches = |glob: &String| crate::engine_fields_glob(&glob.replace('_', ""), &name);
        named.filter(|field| field.names.iter().any(matches)).fold(Typed::default(), |typed, field| Typed {
            dates: typed.dates || takes(field, "1974-05-13"),
            fractions: typed.fractions || takes(field, "48.20849"),
        })
    }
}

/// The last name of a path in small letters and without what joins its words. The engine, which has the last word, tells
/// words apart; here one name too many costs nothing but time.
fn bare(path: &str) -> String {
    let is_name = |segment: &&str| !segment.is_empty() && !segment.bytes().all(|b| b.is_ascii_digit());
    let last = path.rsplit('.').find(is_name).unwrap_or(path);
    last.chars().filter(|c| !matches!(c, '-' | ' ' | '_' | '/' | ':')).flat_map(char::to_lowercase).collect()
}

/// Elements of a list beyond this one share the path segment `*`, so that paths stay few.
pub const LIST_INDEX_MAX: usize = 999;

/// Bytes of a slice of a record batch that come out of memory which its rows share, about.
const SLICE_BYTES: u64 = 8 << 20;

/// Which fields are wanted.
#[derive(Debug, Clone, Default)]
pub struct FieldFilter {
    globs: Vec<String>,
    typed: Option<Arc<TypedNames>>,
    /// What columns are called, by the names they have in the file, where those are others.
    called: Option<Arc<HashMap<String, String>>>,
}

impl FieldFilter {
    /// Only fields whose dotted path matches one of the globs or lies below one that does; none is all.
    pub fn new(globs: Vec<String>) -> Self {
        Self { globs, typed: None, called: None }
    }

    /// With dates and fractions in the fields in which rules look for them.
    pub(crate) fn with_typed(self, typed: Arc<TypedNames>) -> Self {
        Self { typed: Some(typed), ..self }
    }

    /// With other names for columns than those in the file.
    pub(crate) fn with_called(self, called: Option<Arc<HashMap<String, String>>>) -> Self {
        Self { called, ..self }
    }

    /// What a column with this name in the file is called.
    pub(crate) fn called<'a>(&'a self, name: &'a str) -> &'a str {
        self.called.as_ref().and_then(|called| called.get(name)).map_or(name, String::as_str)
    }

    /// Whether dates are looked at in a field.
    pub(crate) fn takes_dates(&self, path: &str) -> bool {
        self.typed.as_ref().is_some_and(|typed| typed.dates(path))
    }

    /// Whether fractions are.
    pub(crate) fn takes_fractions(&self, path: &str) -> bool {
        self.typed.as_ref().is_some_and(|typed| typed.fractions(path))
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
        let name = filter.called(field.name());
        if row_base == 0 && crate::values::is_value_like(name) && filter.wants(name) {
            // A column named by a value: the name is searched like one.
            let id = fields.intern("*");
            out.push(0, Some(id), name.as_bytes());
        }
        push_column(column, name, &rows, filter, fields, out);
    }
}

/// A record batch to be pushed slice by slice. Rows that share memory (views, dictionaries) can stand for far more bytes
/// than the batch has; a slice stands for a few megabytes, or is one row.
pub(crate) struct Slices {
    rest: RecordBatch,
    rows_max: usize,
}

impl Slices {
    /// Slices of no more than so many rows.
    pub(crate) fn of(records: RecordBatch, rows_max: usize) -> Self {
        Self { rest: records, rows_max }
    }
}

impl Iterator for Slices {
    type Item = RecordBatch;

    fn next(&mut self) -> Option<RecordBatch> {
        let all = self.rest.num_rows();
        let mut count = all.min(self.rows_max);
        let shared = |rows: usize| -> u64 {
            self.rest.columns().iter().map(|column| shared_bytes(&column.slice(0, rows))).fold(0, u64::saturating_add)
        };
        while count > 1 && shared(count) > SLICE_BYTES {
            count = count.div_ceil(2);
        }
        let slice = (count > 0).then(|| self.rest.slice(0, count))?;
        self.rest = self.rest.slice(count, all - count);
        Some(slice)
    }
}

/// Bytes that a column pushes out of memory that its rows share.
fn shared_bytes(column: &ArrayRef) -> u64 {
    if column.is_empty() {
        return 0;
    }
    let list = |values: &ArrayRef, start: usize, end: usize| match start < end {
        true => shared_bytes(&values.slice(start, end - start)),
        false => 0,
    };
    match column.data_type() {
        DataType::Utf8View => column.as_string_view().lengths().map(u64::from).sum(),
        DataType::BinaryView => column.as_binary_view().lengths().map(u64::from).sum(),
        DataType::Dictionary(..) => match column.as_any_dictionary_opt() {
            Some(dictionary) if !dictionary.values().is_empty() => {
                let keys = dictionary.normalized_keys();
                keys.into_iter().map(|key| value_bytes(dictionary.values(), key)).fold(0, u64::saturating_add)
            }
            _ => 0,
        },
        DataType::Struct(_) => column.as_struct().columns().iter().map(shared_bytes).fold(0, u64::saturating_add),
        DataType::List(_) => {
            let of = column.as_list::<i32>();
            list(of.values(), offsets32(of.value_offsets(), 0).0, offsets32(of.value_offsets(), of.len() - 1).1)
        }
        DataType::LargeList(_) => {
            let of = column.as_list::<i64>();
            list(of.values(), offsets64(of.value_offsets(), 0).0, offsets64(of.value_offsets(), of.len() - 1).1)
        }
        DataType::Map(..) => {
            let of = column.as_map();
            let entries: ArrayRef = Arc::new(of.entries().clone());
            list(&entries, offsets32(of.value_offsets(), 0).0, offsets32(of.value_offsets(), of.len() - 1).1)
        }
        DataType::FixedSizeList(..) => shared_bytes(column.as_fixed_size_list().values()),
        DataType::ListView(_) => {
            let of = column.as_list_view::<i32>();
            shared_by_views(of.values(), of.len(), |i| view32(of.value_offsets(), of.value_sizes(), i))
        }
        DataType::LargeListView(_) => {
            let of = column.as_list_view::<i64>();
            shared_by_views(of.values(), of.len(), |i| view64(of.value_offsets(), of.value_sizes(), i))
        }
        DataType::RunEndEncoded(..) => runs(column).map_or(0, |(_, values)| shared_bytes(&values)),
        DataType::Union(members, _) => {
            of_union(column, members).map(|(values, _)| shared_bytes(&values)).fold(0, u64::saturating_add)
        }
        _ => 0,
    }
}

fn shared_by_views(values: &ArrayRef, rows: usize, bounds: impl Fn(usize) -> (usize, usize)) -> u64 {
    match overlap(values, rows, &bounds) {
        true => shared_bytes(values),
        false => (0..rows)
            .map(&bounds)
            .map(|(start, end)| shared_bytes(&values.slice(start, end - start)))
            .fold(0, u64::saturating_add),
    }
}

/// Bytes of a value of a dictionary, about.
fn value_bytes(values: &ArrayRef, at: usize) -> u64 {
    let bytes = match values.data_type() {
        DataType::Utf8 => values.as_string::<i32>().value_length(at) as usize,
        DataType::LargeUtf8 => values.as_string::<i64>().value_length(at) as usize,
        DataType::Binary => values.as_binary::<i32>().value_length(at) as usize,
        DataType::LargeBinary => values.as_binary::<i64>().value_length(at) as usize,
        DataType::Utf8View => values.as_string_view().value(at).len(),
        DataType::BinaryView => values.as_binary_view().value(at).len(),
        DataType::FixedSizeBinary(size) => usize::try_from(*size).unwrap_or_default(),
        _ => size_of::<u64>(),
    };
    bytes as u64
}

/// Maps positions in an array to record numbers.
enum Rows {
    All {
        base: u64,
    },
    Of(Vec<u64>),
    /// All of them to one.
    One(u64),
}

impl Rows {
    fn at(&self, index: usize) -> u64 {
        match self {
            Self::All { base } => base + index as u64,
            Self::Of(rows) => rows.get(index).copied().unwrap_or_default(),
            Self::One(row) => *row,
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
                push_column(child, &format!("{path}.{}", filter.called(field.name())), rows, filter, fields, out);
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
            let bounds = |i| view32(list.value_offsets(), list.value_sizes(), i);
            push_list(list.values(), bounds, list, path, rows, filter, fields, out);
        }
        DataType::LargeListView(_) => {
            let list = column.as_list_view::<i64>();
            let bounds = |i| view64(list.value_offsets(), list.value_sizes(), i);
            push_list(list.values(), bounds, list, path, rows, filter, fields, out);
        }
        DataType::RunEndEncoded(..) => {
            // A run of millions of rows has one value, which is looked at once.
            if let Some((firsts, values)) = runs(column) {
                let rows = Rows::Of(firsts.into_iter().map(|first| rows.at(first)).collect());
                push_column(&values, path, &rows, filter, fields, out);
            }
        }
        DataType::Union(members, _) => push_union(column, members, path, rows, filter, fields, out),
        DataType::Map(..) => push_map(column.as_map(), path, rows, filter, fields, out),
        _ if filter.wants(path) => push_leaf(column, path, rows, filter, fields, out),
        _ => {}
    }
}

/// The values of a map under their keys, as those of an object in JSON.
fn push_map(
    map: &MapArray,
    path: &str,
    rows: &Rows,
    filter: &FieldFilter,
    fields: &mut FieldTable,
    out: &mut ValueBatch,
) {
    let Some(by_key) = by_key(map) else {
        let entries: ArrayRef = Arc::new(map.entries().clone());
        return push_list(&entries, |i| offsets32(map.value_offsets(), i), map, path, rows, filter, fields, out);
    };
    for (key, places) in by_key {
        let indices = arrow_array::UInt32Array::from_iter_values(places.iter().map(|(at, _)| *at));
        let rows = Rows::Of(places.iter().map(|(_, row)| rows.at(*row)).collect());
        let mut push = |column: &ArrayRef| {
            // Indices come from the map's own offsets, so taking them cannot fail.
            if let Ok(taken) = arrow_select::take::take(column, &indices, None) {
                push_column(&taken, &format!("{path}.{}", key.as_deref().unwrap_or("*")), &rows, filter, fields, out);
            }
        };
        if key.is_none() {
            push(map.keys());
        }
        push(map.values());
    }
}

/// Keys of a map that are fields of their own; the values of others share one.
const KEYS_MAX: usize = 1_000;
/// Longest of them, in bytes.
const KEY_BYTES_MAX: usize = 128;

/// The places of entries by key: among the entries, and their row.
pub(crate) type ByKey = BTreeMap<Option<String>, Vec<(u32, usize)>>;

/// The entries of a map by key, each with its place among the entries and its row; those whose keys could be values, or
/// are too many, come first and without a key. `None` where keys are no text.
pub(crate) fn by_key(map: &MapArray) -> Option<ByKey> {
    if !matches!(map.keys().data_type(), DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View) {
        return None;
    }
    let keys = arrow_cast::cast(map.keys(), &DataType::LargeUtf8).ok()?;
    let keys = keys.as_string::<i64>();
    let mut by_key = ByKey::new();
    for row in (0..map.len()).filter(|row| map.is_valid(*row)) {
        let (start, end) = offsets32(map.value_offsets(), row);
        for at in start..end {
            let name = Some(keys.value(at)).filter(|key| {
                let is_name = !key.is_empty() && key.len() <= KEY_BYTES_MAX && !crate::values::is_value_like(key);
                is_name && keys.is_valid(at)
            });
            let name = name.map(str::to_owned);
            let name = if by_key.len() < KEYS_MAX || by_key.contains_key(&name) { name } else { None };
            by_key.entry(name).or_default().push((at as u32, row));
        }
    }
    Some(by_key)
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
    for (values, places) in of_union(column, members) {
        let rows = Rows::Of(places.into_iter().map(|place| rows.at(place)).collect());
        push_column(&values, path, &rows, filter, fields, out);
    }
}

/// The values of each kind in a union column, and where they stand in it.
fn of_union<'a>(
    column: &'a ArrayRef,
    members: &'a arrow_schema::UnionFields,
) -> impl Iterator<Item = (ArrayRef, Vec<usize>)> + 'a {
    let union = column.as_union();
    members.iter().filter_map(|(type_id, _)| {
        let places: Vec<usize> = (0..union.len()).filter(|i| union.type_id(*i) == type_id).collect();
        let indices = arrow_array::UInt32Array::from_iter_values(places.iter().map(|i| union.value_offset(*i) as u32));
        // As for lists: the offsets are the union's own.
        let taken = arrow_select::take::take(union.child(type_id), &indices, None).ok()?;
        Some((taken, places))
    })
}

/// The value of each run of a column, and the position of its first row.
fn runs(column: &ArrayRef) -> Option<(Vec<usize>, ArrayRef)> {
    fn of<R: RunEndIndexType<Native: Into<i64>>>(column: &ArrayRef) -> Option<(Vec<usize>, ArrayRef)> {
        let runs = column.as_run_opt::<R>().filter(|runs| !runs.is_empty())?;
        let ends = runs.run_ends().sliced_values().map(|end| usize::try_from(end.into()).unwrap_or_default());
        let values = runs.values_slice();
        Some((std::iter::once(0).chain(ends).take(values.len()).collect(), values))
    }
    of::<Int32Type>(column).or_else(|| of::<Int64Type>(column)).or_else(|| of::<Int16Type>(column))
}

fn offsets32(offsets: &[i32], i: usize) -> (usize, usize) {
    (offsets[i] as usize, offsets[i + 1] as usize)
}

fn offsets64(offsets: &[i64], i: usize) -> (usize, usize) {
    (offsets[i] as usize, offsets[i + 1] as usize)
}

fn view32(offsets: &[i32], sizes: &[i32], i: usize) -> (usize, usize) {
    (offsets[i] as usize, offsets[i] as usize + sizes[i] as usize)
}

fn view64(offsets: &[i64], sizes: &[i64], i: usize) -> (usize, usize) {
    (offsets[i] as usize, offsets[i] as usize + sizes[i] as usize)
}

/// Whether rows of a list have elements in common, as views may, or elements that take no memory: what rows name is then
/// far more than there is.
fn overlap(values: &ArrayRef, rows: usize, bounds: impl Fn(usize) -> (usize, usize)) -> bool {
    let named = (0..rows).map(bounds).fold(0_usize, |sum, (start, end)| sum.saturating_add(end.saturating_sub(start)));
    named > values.len() || has_runs(values.data_type())
}

/// Whether elements of this type may be runs.
fn has_runs(data_type: &DataType) -> bool {
    match data_type {
        DataType::RunEndEncoded(..) => true,
        DataType::Struct(children) => children.iter().any(|child| has_runs(child.data_type())),
        DataType::FixedSizeList(child, _) => has_runs(child.data_type()),
        _ => false,
    }
}

/// Whether an element of this type can hold something to find. Those that cannot may take no memory, and be many.
fn holds_something(data_type: &DataType) -> bool {
    match data_type {
        DataType::Null | DataType::Boolean | DataType::FixedSizeBinary(0) | DataType::FixedSizeList(_, 0) => false,
        DataType::Struct(children) => children.iter().any(|child| holds_something(child.data_type())),
        DataType::FixedSizeList(child, _) => holds_something(child.data_type()),
        _ => true,
    }
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
    if list.is_empty() || !holds_something(values.data_type()) {
        return;
    }
    if overlap(values, list.len(), &bounds) {
        return push_column(values, &format!("{path}.*"), &Rows::One(rows.at(0)), filter, fields, out);
    }
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

fn push_leaf(
    column: &ArrayRef,
    path: &str,
    rows: &Rows,
    filter: &FieldFilter,
    fields: &mut FieldTable,
    out: &mut ValueBatch,
) {
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
            if let Ok(plain) = arrow_cast::cast(column, value) {
                let from = out.spans().len();
                push_leaf(&plain, path, &Rows::All { base: 0 }, filter, fields, out);
                let keys = match column.as_any_dictionary_opt() {
                    Some(dictionary) if !dictionary.values().is_empty() => dictionary.normalized_keys(),
                    _ => Vec::new(),
                };
                // A row without a key has no value either, and none was pushed for it.
                out.key_rows(from, |place| {
                    let place = place as usize;
                    (rows.at(place), keys.get(place).copied().unwrap_or_default())
                });
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
        DataType::Float64 => push_floats(column, id, rows, filter.takes_fractions(path), out),
        other if is_typed(other) => {
            if let Some(texts) = typed_texts(column, filter.takes_dates(path), filter.takes_fractions(path)) {
                for (i, text) in texts.into_iter().enumerate() {
                    if let Some(text) = text {
                        out.push(rows.at(i), Some(id), text.as_bytes());
                    }
                }
            }
        }
        _ => {}
    }
}

/// Whether a column is one of dates, of times with a date, or of fractions that are no floats of 64 bits.
pub(crate) fn is_typed(data_type: &DataType) -> bool {
    is_date(data_type) || is_fraction(data_type)
}

fn is_date(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Date32 | DataType::Date64 | DataType::Timestamp(..))
}

fn is_fraction(data_type: &DataType) -> bool {
    use DataType::{Decimal32, Decimal64, Decimal128, Decimal256, Float16, Float32};
    match data_type {
        Float16 | Float32 => true,
        Decimal32(_, scale) | Decimal64(_, scale) | Decimal128(_, scale) | Decimal256(_, scale) => *scale > 0,
        _ => false,
    }
}

/// A day before all that are looked at, 1700-01-01, in days from 1970-01-01: what a date becomes that has to go where none
/// may be missing.
pub(crate) const NOBODYS_DAY: i32 = -98_615;

/// The values of a column of dates or fractions as text, where those are looked at: a date as `1974-05-13`, a time with a
/// date as `1974-05-13T08:30:00`, and as its date at midnight, which is how tables without dates keep them. Days before
/// 1800 are nobody's that data protection knows; tables have them in the place of missing ones.
pub(crate) fn typed_texts(column: &ArrayRef, dates: bool, fractions: bool) -> Option<Vec<Option<String>>> {
    let text_of = |column: &ArrayRef| {
        let texts = arrow_cast::cast(column, &DataType::Utf8).ok()?;
        let texts = texts.as_string::<i32>();
        Some(texts.iter().map(|text| text.map(str::to_owned)).collect::<Vec<_>>())
    };
    let recent = |texts: Vec<Option<String>>| -> Vec<Option<String>> {
        texts.into_iter().map(|text| text.filter(|text| text.as_str() >= "1800")).collect()
    };
    match column.data_type() {
        DataType::Date32 if dates => text_of(column).map(recent),
        DataType::Date64 | DataType::Timestamp(..) if dates => {
            // Without a zone: what time it was there needs a table of zones, and the day is told well enough.
            let plain = arrow_cast::cast(column, &DataType::Timestamp(TimeUnit::Microsecond, None)).ok()?;
            let day = |text: String| text.strip_suffix("T00:00:00").map_or(text.clone(), str::to_owned);
            Some(recent(text_of(&plain)?).into_iter().map(|text| text.map(day)).collect())
        }
        other if fractions && is_fraction(other) => {
            let is_fine = |text: &String| text.split_once('.').is_some_and(|(_, decimals)| decimals.len() >= 3);
            Some(text_of(column)?.into_iter().map(|text| text.filter(is_fine)).collect())
        }
        _ => None,
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

fn push_floats(column: &ArrayRef, id: crate::FieldId, rows: &Rows, fractions: bool, out: &mut ValueBatch) {
    use std::io::Write as _;
    let floats = column.as_primitive::<arrow_array::types::Float64Type>();
    for i in (0..floats.len()).filter(|i| floats.is_valid(*i)) {
        if let Some(number) = whole_number(floats.value(i)) {
            out.push_with(rows.at(i), Some(id), |buffer| drop(write!(buffer, "{number}")));
        } else if fractions && let Some(text) = fraction(floats.value(i)) {
            out.push(rows.at(i), Some(id), text.as_bytes());
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
            vec![Some(4_079_463_617_430_119.0), None, Some(1.5), Some(12.0), Some(-1e6), Some(1e300), Some(f64::NAN)];
        expect(Arc::new(Float64Array::from(floats)), &[(10, "4079463617430119"), (14, "-1000000")]);
        let runs = RunArray::<Int32Type>::try_new(&Int32Array::from(vec![2, 3]), &StringArray::from(vec!["x", "y"]));
        expect(Arc::new(runs.expect("runs")), &[(10, "x"), (12, "y")]);
        let item = Arc::new(arrow_schema::Field::new("item", DataType::Utf8, true));
        let texts = Arc::new(StringArray::from(vec!["a", "b", "c"]));
        let list = ListViewArray::try_new(item, vec![1, 0].into(), vec![2, 1].into(), texts, None);
        expect(Arc::new(list.expect("a list")), &[(10, "b"), (11, "a"), (10, "c")]);
    }

    #[test]
    fn dates_and_fractions_are_read_in_fields_that_rules_name() {
        use arrow_array::{Date32Array, Decimal128Array, Float32Array, TimestampMillisecondArray};
        let typed = TypedNames::of(&Arc::new(RuleSet::built_in().expect("rules")));
        let filter = FieldFilter::default().with_typed(typed);
        let texts = |name: &str, column: ArrayRef| -> Vec<String> {
            let records = RecordBatch::try_from_iter_with_nullable([(name, column, true)]).expect("a batch");
            let (mut fields, mut batch) = (FieldTable::default(), ValueBatch::new());
            push_batch(&records, 0, &filter, &mut fields, &mut batch);
            (0..batch.spans().len()).map(|n| String::from_utf8_lossy(batch.value(n as u32)).into_owned()).collect()
        };
        let days: ArrayRef = Arc::new(Date32Array::from(vec![Some(1_593), None, Some(NOBODYS_DAY)]));
        let nobodys = arrow_cast::cast(&days.slice(2, 1), &DataType::Utf8).expect("text");
        assert_eq!(nobodys.as_string::<i32>().value(0), "1700-01-01");
        assert_eq!(texts("patient_date_of_birth", Arc::clone(&days)), ["1974-05-13"]);
        assert_eq!(texts("loaded_on", days), [""; 0]);
        let times = TimestampMillisecondArray::from(vec![1_593 * 86_400_000, 1_593 * 86_400_000 + 30_600_000]);
        let times: ArrayRef = Arc::new(times.with_timezone("Europe/Berlin"));
        assert_eq!(texts("dob", times), ["1974-05-13", "1974-05-13T08:30:00"]);
        let places: ArrayRef = Arc::new(Float64Array::from(vec![48.20849, 48.5, 4_079_463_617_430_119.0]));
        assert_eq!(texts("Latitude", Arc::clone(&places)), ["48.20849", "4079463617430119"]);
        assert_eq!(texts("score", places), ["4079463617430119"]);
        assert_eq!(texts("lon", Arc::new(Float32Array::from(vec![16.37208, 16.0]))), ["16.37208"]);
        let decimals = Decimal128Array::from(vec![4_820_849, 4_800_000]).with_precision_and_scale(10, 5);
        assert_eq!(texts("lat", Arc::new(decimals.expect("decimals"))), ["48.20849", "48.00000"]);
    }

    #[test]
    fn values_of_a_map_stand_under_their_keys() {
        use arrow_array::builder::{MapBuilder, StringBuilder};
        let mut map = MapBuilder::new(None, StringBuilder::new(), StringBuilder::new());
        for row in [vec![("city", "Bonn"), ("jane@x.example", "yes")], vec![], vec![("city", "Ulm"), ("dob", "x")]] {
            for (key, value) in row {
                map.keys().append_value(key);
                map.values().append_value(value);
            }
            map.append(true).expect("as many keys as values");
        }
        let column: ArrayRef = Arc::new(map.finish());
        let records = RecordBatch::try_from_iter([("m", column)]).expect("a batch").slice(0, 3);
        let (mut fields, mut batch) = (FieldTable::default(), ValueBatch::new());
        push_batch(&records, 10, &FieldFilter::default(), &mut fields, &mut batch);
        let got: Vec<(u64, &str, String)> = (0u32..)
            .zip(batch.spans())
            .map(|(n, span)| {
                let text = String::from_utf8_lossy(batch.value(n)).into_owned();
                (span.row, fields.path(span.field.expect("a field")), text)
            })
            .collect();
        let value = |row, field, text: &str| (row, field, text.to_owned());
        assert_eq!(
            got,
            [
                value(10, "m.*", "jane@x.example"),
                value(10, "m.*", "yes"),
                value(10, "m.city", "Bonn"),
                value(12, "m.city", "Ulm"),
                value(12, "m.dob", "x"),
            ]
        );
    }

    #[test]
    fn a_run_of_any_length_is_one_value() {
        let text = "long ".repeat(1_000);
        let ends = Int32Array::from(vec![2, 1_000_000_000, 1_000_000_001]);
        let values_of = StringArray::from(vec!["x", text.as_str(), "z"]);
        let runs: ArrayRef = Arc::new(RunArray::<Int32Type>::try_new(&ends, &values_of).expect("runs"));
        expect(Arc::clone(&runs), &[(10, "x"), (12, &text), (1_000_000_010, "z")]);
        expect(runs.slice(1, 999_999_999), &[(10, "x"), (11, &text)]);
        expect(runs.slice(5, 0), &[]);
    }

    #[test]
    fn lists_that_share_elements_are_looked_at_once() {
        const ROWS: i32 = 4_096;
        const VALUES: i32 = 200_000;
        let item = Arc::new(arrow_schema::Field::new("item", DataType::Utf8, true));
        let texts = Arc::new(StringArray::from_iter_values((0..VALUES).map(|n| n.to_string())));
        let (offsets, sizes) = (vec![0; ROWS as usize], vec![VALUES; ROWS as usize]);
        let list = ListViewArray::try_new(item, offsets.into(), sizes.into(), texts, None).expect("a list");
        let found = values(Arc::new(list));
        assert_eq!((found.len(), found[7].clone()), (VALUES as usize, (10, "7".to_owned())));
    }

    #[test]
    fn elements_that_take_no_memory_hold_nothing() {
        let field = |data_type: DataType| Arc::new(arrow_schema::Field::new("f", data_type, true));
        let structure = |types: &[DataType]| DataType::Struct(types.iter().cloned().map(field).collect());
        for nothing in [
            DataType::Null,
            DataType::FixedSizeBinary(0),
            DataType::FixedSizeList(field(DataType::Utf8), 0),
            DataType::FixedSizeList(field(DataType::Null), 1 << 30),
            structure(&[]),
            structure(&[DataType::Null, DataType::Boolean]),
        ] {
            assert!(!holds_something(&nothing), "{nothing}");
        }
        for something in
            [DataType::Utf8, structure(&[DataType::Null, DataType::Int64]), DataType::List(field(DataType::Null))]
        {
            assert!(holds_something(&something), "{something}");
        }
    }

    #[test]
    fn rows_that_share_a_long_value_come_in_short_slices() {
        let long = "x".repeat(1 << 20);
        let of = |columns: Vec<(&str, ArrayRef)>| -> Vec<usize> {
            let records = RecordBatch::try_from_iter(columns).expect("a batch");
            Slices::of(records, 100).map(|slice| slice.num_rows()).collect()
        };
        let plain: ArrayRef = Arc::new(StringArray::from_iter_values((0..250).map(|n| n.to_string())));
        assert_eq!(of(vec![("n", Arc::clone(&plain))]), [100, 100, 50]);
        let keys = Int32Array::from_iter_values((0..250).map(|n| i32::from(n >= 100)));
        let words: ArrayRef = Arc::new(StringArray::from(vec!["short", long.as_str()]));
        let dictionary = arrow_array::DictionaryArray::try_new(keys.clone(), Arc::clone(&words)).expect("a dictionary");
        let views = arrow_select::take::take(&words, &keys, None).expect("taken");
        let views = arrow_cast::cast(&views, &DataType::Utf8View).expect("views");
        for shared in [Arc::new(dictionary) as ArrayRef, views] {
            let rows = of(vec![("n", Arc::clone(&plain)), ("shared", shared)]);
            assert_eq!((rows[0], rows.iter().sum::<usize>()), (100, 250), "{rows:?}");
            assert!(rows[1..].iter().all(|rows| *rows <= 8), "{rows:?}");
        }
    }
}
