//! Tables of the catalogue that are questions to others: what PostgreSQL's `information_schema` says more than the
//! engine's, users, and the settings a connection begins with.

use super::lists::list_of;
use super::{INFORMATION, absent};
use crate::postgres::first_settings;
use arrow::array::{ArrayRef, BooleanArray, Int32Array, RecordBatch, StringArray, new_null_array};
use arrow::datatypes::{DataType, Field, Schema, TimeUnit};
use datafusion::catalog::{MemTable, TableProvider};
use datafusion::error::Result;
use datafusion::prelude::SessionContext;
use std::sync::Arc;

/// Roles, of which a principal is told its own.
const ROLES: &str = "pg_roles";
/// The number of that role, which PostgreSQL has for the first one.
const ROLE: i32 = 10;
/// Settings, of which `pg_show_all_settings()` has the same rows.
const SETTINGS: &str = "pg_settings";

/// Tables by their names in the catalogue of ours, and the question that each is. Types of columns are the engine's, and
/// told as PostgreSQL's.
const VIEWS: [(&str, &str); 4] = [
    (
        "pg_user",
        "SELECT rolname AS usename, oid AS usesysid, rolcreatedb AS usecreatedb, rolsuper AS usesuper, \
         rolreplication AS userepl, rolbypassrls AS usebypassrls, CAST(NULL AS TEXT) AS passwd, \
         rolvaliduntil AS valuntil, rolconfig AS useconfig FROM pg_catalog.pg_roles",
    ),
    (
        "information_schema.columns",
        "SELECT table_catalog, table_schema, table_name, column_name, CAST(ordinal_position AS INT) + 1 AS ordinal_position, \
         column_default, is_nullable, CASE WHEN udt_name LIKE '\\_%' THEN 'ARRAY' ELSE CASE udt_name WHEN 'bool' THEN 'boolean' \
         WHEN 'int2' THEN 'smallint' WHEN 'int4' THEN 'integer' WHEN 'int8' THEN 'bigint' WHEN 'float4' THEN 'real' \
         WHEN 'float8' THEN 'double precision' WHEN 'timestamptz' THEN 'timestamp with time zone' \
         WHEN 'timestamp' THEN 'timestamp without time zone' ELSE udt_name END END AS data_type, \
         CAST(character_maximum_length AS INT) AS character_maximum_length, \
         CAST(character_octet_length AS INT) AS character_octet_length, CAST(numeric_precision AS INT) AS numeric_precision, \
         CAST(numeric_precision_radix AS INT) AS numeric_precision_radix, CAST(numeric_scale AS INT) AS numeric_scale, \
         CAST(datetime_precision AS INT) AS datetime_precision, interval_type, CAST(NULL AS INT) AS interval_precision, \
         CAST(NULL AS TEXT) AS character_set_catalog, CAST(NULL AS TEXT) AS character_set_schema, \
         CAST(NULL AS TEXT) AS character_set_name, CAST(NULL AS TEXT) AS collation_catalog, \
         CAST(NULL AS TEXT) AS collation_schema, CAST(NULL AS TEXT) AS collation_name, CAST(NULL AS TEXT) AS domain_catalog, \
         CAST(NULL AS TEXT) AS domain_schema, CAST(NULL AS TEXT) AS domain_name, table_catalog AS udt_catalog, \
         'pg_catalog' AS udt_schema, udt_name, CAST(NULL AS TEXT) AS scope_catalog, CAST(NULL AS TEXT) AS scope_schema, \
         CAST(NULL AS TEXT) AS scope_name, CAST(NULL AS INT) AS maximum_cardinality, \
         CAST(CAST(ordinal_position AS INT) + 1 AS TEXT) AS dtd_identifier, 'NO' AS is_self_referencing, 'NO' AS is_identity, \
         CAST(NULL AS TEXT) AS identity_generation, CAST(NULL AS TEXT) AS identity_start, \
         CAST(NULL AS TEXT) AS identity_increment, CAST(NULL AS TEXT) AS identity_maximum, \
         CAST(NULL AS TEXT) AS identity_minimum, 'NO' AS identity_cycle, 'NEVER' AS is_generated, \
         CAST(NULL AS TEXT) AS generation_expression, 'NO' AS is_updatable FROM (SELECT *, CASE \
         WHEN data_type LIKE 'List(Utf8%' OR data_type LIKE 'List(LargeUtf8%' THEN '_text' \
         WHEN data_type LIKE 'List(Int64%' THEN '_int8' WHEN data_type LIKE 'List(Int32%' THEN '_int4' \
         WHEN data_type LIKE 'List(Int16%' THEN '_int2' WHEN data_type LIKE 'List(Float32%' THEN '_float4' \
         WHEN data_type LIKE 'List(%' THEN '_text' WHEN data_type = 'Boolean' THEN 'bool' WHEN data_type = 'Int8' THEN 'int2' \
         WHEN data_type = 'Int16' THEN 'int2' WHEN data_type = 'Int32' THEN 'int4' WHEN data_type = 'Int64' THEN 'int8' \
         WHEN data_type = 'Float32' THEN 'float4' WHEN data_type = 'Float64' THEN 'float8' \
         WHEN data_type LIKE 'Timestamp(%, %' THEN 'timestamptz' WHEN data_type LIKE 'Timestamp(%' THEN 'timestamp' \
         WHEN data_type = 'Date32' THEN 'date' WHEN data_type LIKE '%Binary%' THEN 'bytea' ELSE 'text' END AS udt_name \
         FROM information_schema.columns) AS told",
    ),
    (
        "information_schema.views",
        "SELECT table_catalog, table_schema, table_name, definition AS view_definition, definition, 'NONE' AS check_option, \
         'NO' AS is_updatable, 'NO' AS is_insertable_into, 'NO' AS is_trigger_updatable, 'NO' AS is_trigger_deletable, \
         'NO' AS is_trigger_insertable_into FROM information_schema.views WHERE definition IS NOT NULL",
    ),
    (
        "information_schema.character_sets",
        "SELECT CAST(NULL AS TEXT) AS character_set_catalog, CAST(NULL AS TEXT) AS character_set_schema, \
         'UTF8' AS character_set_name, 'UCS' AS character_repertoire, 'UTF8' AS form_of_use, \
         current_database() AS default_collate_catalog, 'pg_catalog' AS default_collate_schema, 'C' AS default_collate_name",
    ),
];

/// The name in the catalogue of ours of a table of `information_schema` that the engine has not, or tells less of.
pub(crate) fn of_information(name: &str) -> Option<String> {
    let ours = format!("{INFORMATION}{name}");
    (absent::is_of_information(name) || VIEWS.iter().any(|(view, _)| *view == ours)).then_some(ours)
}

/// A table that is a question to others.
pub(super) async fn table(
    context: &SessionContext,
    principal: &str,
    name: &str,
) -> Result<Option<Arc<dyn TableProvider>>> {
    match name {
        SETTINGS => return Ok(Some(Arc::new(settings()?))),
        ROLES => return Ok(Some(Arc::new(roles(principal)?))),
        _ => {}
    }
    let Some((_, question)) = VIEWS.iter().find(|(view, _)| *view == name) else { return Ok(None) };
    Ok(Some(context.sql(question).await?.into_view()))
}

/// Whether there is such a table.
pub(super) fn is_one(name: &str) -> bool {
    VIEWS.iter().any(|(view, _)| *view == name)
}

/// `pg_roles`: who asks.
fn roles(principal: &str) -> Result<MemTable> {
    let truth = |value: bool| -> ArrayRef { Arc::new(BooleanArray::from(vec![value])) };
    let time = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
    let columns: [(&str, ArrayRef); 13] = [
        ("rolname", Arc::new(StringArray::from(vec![principal]))),
        ("rolsuper", truth(false)),
        ("rolinherit", truth(true)),
        ("rolcreaterole", truth(false)),
        ("rolcreatedb", truth(false)),
        ("rolcanlogin", truth(true)),
        ("rolreplication", truth(false)),
        ("rolconnlimit", Arc::new(Int32Array::from(vec![-1]))),
        ("rolpassword", new_null_array(&DataType::Utf8, 1)),
        ("rolvaliduntil", new_null_array(&time, 1)),
        ("rolbypassrls", truth(false)),
        ("rolconfig", new_null_array(&list_of(DataType::Utf8), 1)),
        ("oid", Arc::new(Int32Array::from(vec![ROLE]))),
    ];
    let field = |(name, column): &(&str, ArrayRef)| {
        let field = Field::new(*name, column.data_type().clone(), true);
        // As other tables of the catalogue tell what is the number of an object.
        let is_number = *name == "oid";
        if is_number { field.with_metadata([("pg.oid_alias".into(), "oid".into())].into()) } else { field }
    };
    let fields: Vec<Field> = columns.iter().map(field).collect();
    let columns = columns.into_iter().map(|(_, column)| column).collect();
    let batch = RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)?;
    MemTable::try_new(batch.schema(), vec![vec![batch]])
}

/// `pg_settings`: what each connection begins with.
fn settings() -> Result<MemTable> {
    const COLUMNS: [&str; 18] = [
        "name",
        "setting",
        "unit",
        "category",
        "short_desc",
        "extra_desc",
        "context",
        "vartype",
        "source",
        "min_val",
        "max_val",
        "enumvals",
        "boot_val",
        "reset_val",
        "sourcefile",
        "sourceline",
        "pending_restart",
        "bool_val",
    ];
    // Times that a connection set are told by `SHOW` alone.
    let all: Vec<_> = first_settings().iter().filter(|(name, _)| !name.starts_with("lineward.")).collect();
    let same = |value: &str| -> ArrayRef { Arc::new(StringArray::from(vec![value; all.len()])) };
    let columns = COLUMNS.map(|name| match name {
        "name" => Arc::new(all.iter().map(|(name, _)| Some(*name)).collect::<StringArray>()) as ArrayRef,
        "setting" | "boot_val" | "reset_val" => {
            Arc::new(all.iter().map(|(_, value)| Some(*value)).collect::<StringArray>())
        }
        "category" => same("Client Connection Defaults"),
        "context" => same("user"),
        "vartype" => same("string"),
        "source" => same("default"),
        "sourceline" => new_null_array(&DataType::Int32, all.len()),
        "pending_restart" => Arc::new(BooleanArray::from(vec![false; all.len()])),
        _ => new_null_array(&DataType::Utf8, all.len()),
    });
    let fields = COLUMNS.iter().zip(&columns).map(|(name, column)| Field::new(*name, column.data_type().clone(), true));
    let batch = RecordBatch::try_new(Arc::new(Schema::new(fields.collect::<Vec<_>>())), columns.to_vec())?;
    MemTable::try_new(batch.schema(), vec![vec![batch]])
}
