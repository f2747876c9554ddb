//! Lists of the catalogue. The tables that this server starts from have them as texts, `[25, 18]` and `['i', 'o']`, with
//! which no client can do what it does with an array. Also what types are called whose numbers stand in them.

use arrow::array::{Array as _, ArrayRef, AsArray as _, Int64Array, ListBuilder, StringArray, StringBuilder};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Int64Type};
use datafusion::catalog::TableProvider;
use datafusion::error::Result;
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility, create_udf,
};
use datafusion::prelude::{Expr, SessionContext, cast as cast_to, ident};
use pgwire::api::Type;
use std::sync::Arc;

/// Columns that are lists, by their tables, with the types of their elements. Numbers of objects are wide where JDBC's driver
/// takes a list of them for one of longs, as PostgreSQL's are.
const LISTS: [(&str, &[(&str, DataType)]); 22] = [
    ("pg_attribute", &[("attacl", DataType::Utf8), ("attoptions", DataType::Utf8), ("attfdwoptions", DataType::Utf8)]),
    ("pg_constraint", &[("conkey", DataType::Int16), ("confkey", DataType::Int16)]),
    ("pg_database", &[("datacl", DataType::Utf8)]),
    ("pg_db_role_setting", &[("setconfig", DataType::Utf8)]),
    ("pg_default_acl", &[("defaclacl", DataType::Utf8)]),
    ("pg_event_trigger", &[("evttags", DataType::Utf8)]),
    ("pg_extension", &[("extconfig", DataType::Int32), ("extcondition", DataType::Utf8)]),
    ("pg_foreign_data_wrapper", &[("fdwacl", DataType::Utf8), ("fdwoptions", DataType::Utf8)]),
    ("pg_foreign_server", &[("srvacl", DataType::Utf8), ("srvoptions", DataType::Utf8)]),
    ("pg_foreign_table", &[("ftoptions", DataType::Utf8)]),
    (
        "pg_index",
        &[
            ("indkey", DataType::Int16),
            ("indcollation", DataType::Int32),
            ("indclass", DataType::Int32),
            ("indoption", DataType::Int16),
        ],
    ),
    ("pg_language", &[("lanacl", DataType::Utf8)]),
    ("pg_largeobject_metadata", &[("lomacl", DataType::Utf8)]),
    ("pg_namespace", &[("nspacl", DataType::Utf8)]),
    ("pg_partitioned_table", &[("partattrs", DataType::Int16)]),
    (
        "pg_proc",
        &[
            ("proallargtypes", DataType::Int64),
            ("proargmodes", DataType::Utf8),
            ("proargnames", DataType::Utf8),
            ("proconfig", DataType::Utf8),
            ("proacl", DataType::Utf8),
        ],
    ),
    ("pg_statistic_ext", &[("stxkeys", DataType::Int16), ("stxkind", DataType::Utf8)]),
    ("pg_subscription", &[("subpublications", DataType::Utf8)]),
    ("pg_tablespace", &[("spcacl", DataType::Utf8), ("spcoptions", DataType::Utf8)]),
    ("pg_trigger", &[("tgattr", DataType::Int16)]),
    ("pg_type", &[("typacl", DataType::Utf8)]),
    ("pg_user_mapping", &[("umoptions", DataType::Utf8)]),
];

/// What a type is called, by its number: `oid::regtype::text`.
pub(crate) const NAME: &str = "regtype_text";
/// The same of a list of numbers: `list::regtype[]`.
pub(crate) const NAMES: &str = "regtype_texts";

/// The functions that statements are rewritten to.
pub(super) fn udfs() -> [ScalarUDF; 2] {
    let names = ScalarUDF::from(Names(Signature::any(1, Volatility::Immutable)));
    let name = create_udf(
        NAME,
        vec![DataType::Int64],
        DataType::Utf8,
        Volatility::Immutable,
        Arc::new(|args: &[ColumnarValue]| {
            let oids = ColumnarValue::values_to_arrays(args)?;
            let oids = oids[0].as_primitive::<Int64Type>();
            let texts = oids.iter().map(|oid| oid.map(type_name));
            Ok(ColumnarValue::Array(Arc::new(texts.collect::<StringArray>())))
        }),
    );
    [name, names]
}

/// [`NAMES`], which takes lists and texts.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Names(Signature);

impl ScalarUDFImpl for Names {
    fn name(&self) -> &str {
        NAMES
    }

    fn signature(&self) -> &Signature {
        &self.0
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(list_of(DataType::Utf8))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let columns = ColumnarValue::values_to_arrays(&args.args)?;
        Ok(ColumnarValue::Array(names(&columns[0])?))
    }
}

/// A table of the catalogue with its lists as lists.
pub(super) fn with_lists(
    context: &SessionContext,
    name: &str,
    built_in: Arc<dyn TableProvider>,
) -> Result<Arc<dyn TableProvider>> {
    let Some((_, lists)) = LISTS.iter().find(|(table, _)| *table == name) else { return Ok(built_in) };
    let parts = create_udf(
        "parts_of_list",
        vec![DataType::Utf8],
        list_of(DataType::Utf8),
        Volatility::Immutable,
        Arc::new(|args: &[ColumnarValue]| {
            let texts = ColumnarValue::values_to_arrays(args)?;
            Ok(ColumnarValue::Array(Arc::new(parts_of(&texts[0])?)))
        }),
    );
    let schema = built_in.schema();
    let columns = schema.fields().iter().map(|field| {
        let list = lists.iter().find(|(column, _)| column == field.name());
        match list.filter(|_| field.data_type().is_string()) {
            Some((column, kind)) => cast_to(parts.call(vec![ident(*column)]), list_of(kind.clone())).alias(*column),
            None => ident(field.name()),
        }
    });
    let columns: Vec<Expr> = columns.collect();
    Ok(context.read_table(built_in)?.select(columns)?.into_view())
}

pub(super) fn list_of(kind: DataType) -> DataType {
    DataType::List(Arc::new(Field::new_list_field(kind, true)))
}

/// What stands in such texts, and in those that PostgreSQL writes so: `{1,2}` and `1 2`.
pub(super) fn parts_of(texts: &ArrayRef) -> Result<arrow::array::ListArray> {
    let texts = cast(texts, &DataType::Utf8)?;
    let mut lists = ListBuilder::new(StringBuilder::new());
    for text in texts.as_string::<i32>() {
        match text {
            Some(text) => lists.append_value(parts(text).map(Some)),
            None => lists.append_null(),
        }
    }
    Ok(lists.finish())
}

fn parts(text: &str) -> impl Iterator<Item = &str> {
    let inside = text.trim().trim_start_matches(['[', '{']).trim_end_matches([']', '}']);
    let parts = inside.split([',', ' ']).map(|part| part.trim_matches(['\'', '"']));
    parts.filter(|part| !part.is_empty())
}

/// The names of a list of numbers, or of a text of them.
fn names(column: &ArrayRef) -> Result<ArrayRef> {
    let list = match column.data_type() {
        kind if kind.is_string() => parts_of(column)?,
        DataType::List(_) => column.as_list::<i32>().clone(),
        _ => cast(column, &list_of(DataType::Int64))?.as_list::<i32>().clone(),
    };
    let mut names = ListBuilder::new(StringBuilder::new());
    for row in 0..list.len() {
        if list.is_null(row) {
            names.append_null();
            continue;
        }
        let numbers: Int64Array = cast(&list.value(row), &DataType::Int64)?.as_primitive::<Int64Type>().clone();
        names.append_value(numbers.iter().map(|oid| oid.map(type_name)));
    }
    Ok(Arc::new(names.finish()))
}

/// A type as SQL has it; its number where nobody gave it a name.
pub(super) fn type_name(oid: i64) -> String {
    if oid == 0 {
        return "-".to_owned();
    }
    let Some(known) = u32::try_from(oid).ok().and_then(Type::from_oid) else { return oid.to_string() };
    let (name, is_array) = match known.name().strip_prefix('_') {
        Some(element) => (element, true),
        None => (known.name(), false),
    };
    let name = match name {
        "bool" => "boolean",
        "int2" => "smallint",
        "int4" => "integer",
        "int8" => "bigint",
        "float4" => "real",
        "float8" => "double precision",
        "bpchar" => "character",
        "varchar" => "character varying",
        "char" => "\"char\"",
        "varbit" => "bit varying",
        "time" => "time without time zone",
        "timetz" => "time with time zone",
        "timestamp" => "timestamp without time zone",
        "timestamptz" => "timestamp with time zone",
        other => other,
    };
    if is_array { format!("{name}[]") } else { name.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_taken_apart() {
        for (text, expected) in [
            ("[25, 18]", vec!["25", "18"]),
            ("['i', 'o']", vec!["i", "o"]),
            ("2275 26", vec!["2275", "26"]),
            ("{1,2}", vec!["1", "2"]),
            ("[]", vec![]),
            ("", vec![]),
        ] {
            assert_eq!(parts(text).collect::<Vec<_>>(), expected, "{text}");
        }
    }

    #[test]
    fn types_are_called_as_in_sql() {
        for (oid, expected) in [
            (23, "integer"),
            (25, "text"),
            (1009, "text[]"),
            (1016, "bigint[]"),
            (0, "-"),
            (-1, "-1"),
            (99_999_999, "99999999"),
        ] {
            assert_eq!(type_name(oid), expected);
        }
    }
}
