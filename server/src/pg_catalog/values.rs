//! Functions of PostgreSQL that clients call and the engine does not know: lists of grants and of keys as rows, types by
//! name, `format`, and objects of JSON.

use super::lists::{list_of, parts_of, type_name};
use crate::Error;
use arrow::array::{
    Array as _, ArrayRef, AsArray as _, Int32Array, ListArray, StringArray, StringBuilder, StructArray, new_empty_array,
};
use arrow::buffer::OffsetBuffer;
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Fields, Int64Type};
use datafusion::error::Result;
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, TypeSignature, Volatility,
};
use pgwire::api::Type;
use serde::de::IgnoredAny;
use serde_json::Value;
use std::hash::{Hash, Hasher};
use std::sync::{Arc, LazyLock};

/// Of a list of grants, which are not told, the rows that `aclexplode` has: none.
pub(crate) const GRANTS: &str = "rows_of_grants";
/// Of a list, the rows that `_pg_expandarray` has: each element with its place.
pub(crate) const NUMBERED: &str = "rows_numbered";

/// The functions.
pub(super) fn udfs() -> Vec<ScalarUDF> {
    let all: [(&'static str, DataType, Call); 8] = [
        (GRANTS, list_of(DataType::Struct(grant())), rows_of_grants),
        (NUMBERED, list_of(DataType::Struct(numbered())), rows_numbered),
        ("to_regtype", DataType::Int32, to_regtype),
        ("oidvectortypes", DataType::Utf8, oidvectortypes),
        ("set_config", DataType::Utf8, set_config),
        ("format", DataType::Utf8, format_texts),
        ("quote_literal", DataType::Utf8, quote_literal),
        ("json_build_object", DataType::Utf8, json_build_object),
    ];
    all.into_iter().map(|(name, returns, call)| ScalarUDF::from(Named { name, returns, call })).collect()
}

type Call = fn(&[ArrayRef], usize) -> Result<ArrayRef>;

/// A function of any arguments, which looks at them itself. Two of one name are one.
#[derive(Debug)]
struct Named {
    name: &'static str,
    returns: DataType,
    call: Call,
}

impl PartialEq for Named {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Named {}

impl Hash for Named {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name.hash(state);
    }
}

static ANY: LazyLock<Signature> =
    LazyLock::new(|| Signature::one_of(vec![TypeSignature::Nullary, TypeSignature::VariadicAny], Volatility::Stable));

impl ScalarUDFImpl for Named {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &ANY
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(self.returns.clone())
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let columns = args.args.iter().map(|arg| arg.to_array(args.number_rows)).collect::<Result<Vec<_>>>()?;
        Ok(ColumnarValue::Array((self.call)(&columns, args.number_rows)?))
    }
}

/// What `aclexplode` tells of a grant.
fn grant() -> Fields {
    Fields::from(vec![
        Field::new("grantor", DataType::Int32, true),
        Field::new("grantee", DataType::Int32, true),
        Field::new("privilege_type", DataType::Utf8, true),
        Field::new("is_grantable", DataType::Boolean, true),
    ])
}

fn numbered() -> Fields {
    Fields::from(vec![Field::new("x", DataType::Int64, true), Field::new("n", DataType::Int32, true)])
}

fn rows_of_grants(_: &[ArrayRef], rows: usize) -> Result<ArrayRef> {
    let kind = DataType::Struct(grant());
    let none = new_empty_array(&kind);
    let lengths = OffsetBuffer::from_lengths(vec![0; rows]);
    Ok(Arc::new(ListArray::try_new(Arc::new(Field::new_list_field(kind, true)), lengths, none, None)?))
}

fn rows_numbered(columns: &[ArrayRef], _: usize) -> Result<ArrayRef> {
    let lists = list_argument(columns)?;
    let lists = cast(&lists, &list_of(DataType::Int64))?;
    let lists = lists.as_list::<i32>();
    let places = lists.iter().flat_map(|list| 1..=list.map_or(0, |list| list.len() as i32));
    let places: Int32Array = places.collect();
    let values: Vec<Option<i64>> =
        lists.iter().flatten().flat_map(|list| list.as_primitive::<Int64Type>().iter().collect::<Vec<_>>()).collect();
    let values: ArrayRef = Arc::new(arrow::array::Int64Array::from(values));
    let rows = StructArray::try_new(numbered(), vec![values, Arc::new(places)], None)?;
    let lengths = OffsetBuffer::from_lengths(lists.iter().map(|list| list.map_or(0, |list| list.len())));
    let field = Arc::new(Field::new_list_field(DataType::Struct(numbered()), true));
    Ok(Arc::new(ListArray::try_new(field, lengths, Arc::new(rows), None)?))
}

/// A list, also where it is a text as the catalogue has them.
fn list_argument(columns: &[ArrayRef]) -> Result<ArrayRef> {
    let [list] = columns else { return Err(arguments("a list")) };
    match list.data_type() {
        DataType::List(_) => Ok(list.clone()),
        _ => Ok(Arc::new(parts_of(list)?)),
    }
}

/// Numbers of types by what they are called, in the catalogue or in SQL.
static TYPES: LazyLock<std::collections::HashMap<String, i32>> = LazyLock::new(|| {
    let known = (0..6000).filter_map(|oid| Some((Type::from_oid(oid)?, oid as i32)));
    known.flat_map(|(known, oid)| [(known.name().to_owned(), oid), (type_name(i64::from(oid)), oid)]).collect()
});

fn to_regtype(columns: &[ArrayRef], _: usize) -> Result<ArrayRef> {
    let [names] = texts(columns)?.try_into().map_err(|_| arguments("the name of a type"))?;
    let number = |name: &str| {
        let name = name.trim().to_ascii_lowercase();
        TYPES.get(name.strip_prefix("pg_catalog.").unwrap_or(&name)).copied()
    };
    Ok(Arc::new(names.iter().map(|name| name.and_then(number)).collect::<Int32Array>()))
}

fn oidvectortypes(columns: &[ArrayRef], _: usize) -> Result<ArrayRef> {
    let lists = cast(&list_argument(columns)?, &list_of(DataType::Int64))?;
    let named = |list: ArrayRef| {
        let oids = list.as_primitive::<Int64Type>().iter().flatten().map(type_name).collect::<Vec<_>>();
        oids.join(", ")
    };
    Ok(Arc::new(lists.as_list::<i32>().iter().map(|list| list.map(named)).collect::<StringArray>()))
}

/// `set_config(name, value, is_local)`, where a client wants to be told what it set. Settings that mean something here are
/// set by `SET`, which is not part of a query.
fn set_config(columns: &[ArrayRef], _: usize) -> Result<ArrayRef> {
    let columns = texts(columns)?;
    let [names, values, _] = columns.as_slice() else { return Err(arguments("a name, a value, and whether locally")) };
    for (name, value) in names.iter().zip(values) {
        let name = name.ok_or_else(|| arguments("a name that is not NULL"))?.to_ascii_lowercase();
        if name.starts_with("lineward.") || name == "statement_timeout" {
            return Err(Error::Unsupported(format!("`{name}` is set by `SET {name} = ...`")).into());
        }
        crate::postgres::check_setting(&name, value.unwrap_or_default())?;
    }
    Ok(Arc::new(values.clone()))
}

/// `format(text, ...)` with `%s`, `%I`, `%L`, `%%` and places (`%2$s`).
fn format_texts(columns: &[ArrayRef], rows: usize) -> Result<ArrayRef> {
    let columns = texts(columns)?;
    let Some((patterns, given)) = columns.split_first() else { return Err(arguments("a text")) };
    let mut formatted = StringBuilder::new();
    for row in 0..rows {
        match patterns.is_valid(row).then(|| patterns.value(row)) {
            Some(pattern) => formatted.append_value(format_one(pattern, |at| {
                given.get(at).map(|column| column.is_valid(row).then(|| column.value(row)))
            })?),
            None => formatted.append_null(),
        }
    }
    Ok(Arc::new(formatted.finish()))
}

fn format_one<'a>(pattern: &str, given: impl Fn(usize) -> Option<Option<&'a str>>) -> Result<String> {
    let (mut out, mut next, mut rest) = (String::new(), 0, pattern);
    while let Some((before, after)) = rest.split_once('%') {
        out.push_str(before);
        let digits = after.len() - after.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let (number, behind) = after.split_at(digits);
        let (place, after) = match behind.strip_prefix('$') {
            Some(behind) if digits > 0 => (place_of(number)?, behind),
            _ => (next, after),
        };
        let kind = after.chars().next().ok_or_else(|| arguments("`%s`, `%I`, `%L` or `%%`"))?;
        rest = &after[kind.len_utf8()..];
        if kind == '%' {
            out.push('%');
            continue;
        }
        let value = given(place).ok_or_else(|| arguments("a value for each `%`"))?;
        next = place + 1;
        match (kind, value) {
            ('s', value) => out.push_str(value.unwrap_or_default()),
            ('I', Some(value)) => out.push_str(&identifier(value)),
            ('L', Some(value)) => out.push_str(&literal(value)),
            ('L', None) => out.push_str("NULL"),
            _ => return Err(arguments("`%s`, `%I` (not NULL), `%L` or `%%`")),
        }
    }
    Ok(out + rest)
}

fn place_of(digits: &str) -> Result<usize> {
    let place: usize = digits.parse().map_err(|_| arguments("a place"))?;
    place.checked_sub(1).ok_or_else(|| arguments("places from 1"))
}

/// A name as it is written in SQL: in quotes unless it is a plain one.
fn identifier(name: &str) -> String {
    let is_plain = name.starts_with(|c: char| c.is_ascii_lowercase() || c == '_')
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    if is_plain { name.to_owned() } else { format!("\"{}\"", name.replace('"', "\"\"")) }
}

fn literal(text: &str) -> String {
    let quoted = text.replace('\'', "''");
    if text.contains('\\') { format!(" E'{}'", quoted.replace('\\', "\\\\")) } else { format!("'{quoted}'") }
}

fn quote_literal(columns: &[ArrayRef], _: usize) -> Result<ArrayRef> {
    let [texts] = texts(columns)?.try_into().map_err(|_| arguments("a text"))?;
    Ok(Arc::new(texts.iter().map(|text| text.map(literal)).collect::<StringArray>()))
}

/// `json_build_object(name, value, ...)` of texts, numbers and truths. An object within another comes here as a text, and is
/// refused, since it would be quoted.
fn json_build_object(columns: &[ArrayRef], rows: usize) -> Result<ArrayRef> {
    if columns.len() % 2 == 1 {
        return Err(arguments("names and values by turns"));
    }
    let mut objects = vec!["{".to_owned(); rows];
    for pair in columns.chunks(2) {
        let bare = pair[1].data_type().is_numeric() || pair[1].data_type() == &DataType::Boolean;
        let told = texts(pair)?;
        for (row, object) in objects.iter_mut().enumerate() {
            let name = told[0].is_valid(row).then(|| told[0].value(row));
            let name = name.ok_or_else(|| arguments("names that are not NULL"))?;
            let value = match told[1].is_valid(row).then(|| told[1].value(row)) {
                None => "null".to_owned(),
                // Not what no number of JSON is, as `NaN`.
                Some(value) if bare && serde_json::from_str::<IgnoredAny>(value).is_ok() => value.to_owned(),
                Some(value) if is_json(value) => return Err(arguments("values that are no JSON themselves")),
                Some(value) => Value::from(value).to_string(),
            };
            let comma = if object.len() > 1 { ", " } else { "" };
            object.push_str(&format!("{comma}{} : {value}", Value::from(name)));
        }
    }
    Ok(Arc::new(objects.into_iter().map(|object| Some(object + "}")).collect::<StringArray>()))
}

fn is_json(text: &str) -> bool {
    text.starts_with(['{', '[']) && serde_json::from_str::<IgnoredAny>(text).is_ok()
}

fn texts(columns: &[ArrayRef]) -> Result<Vec<StringArray>> {
    let texts = columns.iter().map(|column| Ok(cast(column, &DataType::Utf8)?.as_string::<i32>().clone()));
    texts.collect()
}

fn arguments(wanted: &str) -> datafusion::error::DataFusionError {
    Error::Parameter(format!("the function takes {wanted}")).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::datatypes::Int32Type;

    fn column(values: &[Option<&str>]) -> ArrayRef {
        Arc::new(StringArray::from(values.to_vec()))
    }

    #[test]
    fn texts_are_formatted() {
        let given = [Some("a b"), Some("it's"), None];
        for (pattern, expected) in [
            ("%s", Ok("a b")),
            ("%I.%I", Ok("\"a b\".\"it's\"")),
            ("%2$L %1$s %%", Ok("'it''s' a b %")),
            ("%3$s|%3$L", Ok("|NULL")),
            ("none", Ok("none")),
            ("%s%s%s%s", Err(())),
            ("%3$I", Err(())),
            ("%0$s", Err(())),
            ("%d", Err(())),
            ("%", Err(())),
        ] {
            let formatted = format_one(pattern, |at| given.get(at).copied());
            assert_eq!(formatted.as_deref().map_err(|_| ()), expected, "{pattern}");
        }
        assert_eq!(identifier("runs_2"), "runs_2");
        assert_eq!(identifier("Runs\""), "\"Runs\"\"\"");
        assert_eq!(literal("a\\b"), " E'a\\\\b'");
    }

    #[test]
    fn lists_become_rows() {
        let lists = column(&[Some("10 20"), None, Some("")]);
        let numbered = rows_numbered(std::slice::from_ref(&lists), 3).expect("rows");
        let numbered = numbered.as_list::<i32>();
        assert_eq!([0, 1, 2].map(|row| numbered.value_length(row)), [2, 0, 0]);
        let rows = numbered.values().as_struct();
        assert_eq!(rows.column(0).as_primitive::<Int64Type>().values(), &[10, 20]);
        assert_eq!(rows.column(1).as_primitive::<Int32Type>().values(), &[1, 2]);
        assert_eq!(rows_of_grants(&[lists], 3).expect("none").as_list::<i32>().values().len(), 0);
    }

    #[test]
    fn types_have_numbers() {
        let names = column(&[Some("int8"), Some("pg_catalog.TEXT"), Some("bigint[]"), Some("hstore"), None]);
        let numbers = to_regtype(&[names], 5).expect("numbers");
        let numbers: Vec<Option<i32>> = numbers.as_primitive::<Int32Type>().iter().collect();
        assert_eq!(numbers, [Some(20), Some(25), Some(1016), None, None]);
        let types = oidvectortypes(&[column(&[Some("25 20"), Some("")])], 2).expect("names");
        assert_eq!(types.as_string::<i32>().iter().collect::<Vec<_>>(), [Some("text, bigint"), Some("")]);
    }

    #[test]
    fn objects_of_json() {
        let numbers: ArrayRef = Arc::new(Int32Array::from(vec![Some(1), None]));
        let names = column(&[Some("z"), Some("b")]);
        let objects = json_build_object(&[names.clone(), numbers, column(&[Some("c"); 2]), names.clone()], 2);
        let objects = objects.expect("objects");
        let objects: Vec<_> = objects.as_string::<i32>().iter().collect();
        assert_eq!(objects, [Some(r#"{"z" : 1, "c" : "z"}"#), Some(r#"{"b" : null, "c" : "b"}"#)]);
        assert!(json_build_object(std::slice::from_ref(&names), 2).is_err());
        assert!(json_build_object(&[column(&[None]), column(&[None])], 1).is_err());
        assert!(json_build_object(&[column(&[Some("a")]), column(&[Some("{}")])], 1).is_err());
    }

    #[test]
    fn settings_that_matter_are_not_told_to_be_set() {
        let set = |name: &str| set_config(&[column(&[Some(name)]), column(&[Some("x")]), column(&[Some("f")])], 1);
        assert_eq!(set("jit").expect("told").as_string::<i32>().value(0), "x");
        for refused in ["lineward.as_of", "Statement_Timeout", "client_encoding", "datafusion.execution.batch_size"] {
            assert!(set(refused).is_err(), "{refused}");
        }
    }
}
