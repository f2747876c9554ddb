//! What drivers of Flight SQL ask about the server: schemas, tables and their columns, types, abilities.

use crate::access::CATALOG;
use crate::service::Session;
use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, Field, Schema};
use arrow_flight::error::FlightError;
use arrow_flight::sql::metadata::{
    SqlInfoData, SqlInfoDataBuilder, XdbcTypeInfo, XdbcTypeInfoData, XdbcTypeInfoDataBuilder,
};
use arrow_flight::sql::{CommandGetDbSchemas, CommandGetTables, Nullable, Searchable, SqlInfo, XdbcDataType};
use datafusion::datasource::TableType;
use std::sync::LazyLock;

/// Kinds of tables, as clients know them.
pub(super) const TABLE_TYPES: [&str; 2] = ["TABLE", "VIEW"];

/// The schemas that a session sees.
pub(super) fn schemas(session: &Session, query: CommandGetDbSchemas) -> Result<RecordBatch, FlightError> {
    let mut builder = query.into_builder();
    for (schema, _) in tables_by_schema(session) {
        builder.append(CATALOG, schema);
    }
    builder.build()
}

/// The tables that a session sees.
pub(super) async fn tables(session: &Session, query: CommandGetTables) -> Result<RecordBatch, FlightError> {
    let catalog = session.context.catalog(CATALOG);
    let mut builder = query.into_builder();
    for (schema, tables) in tables_by_schema(session) {
        let Some(provider) = catalog.as_ref().and_then(|c| c.schema(&schema)) else { continue };
        for name in tables {
            // A table that cannot be opened is not listed; asking it says why.
            let Ok(Some(table)) = provider.table(&name).await else { continue };
            let kind = match table.table_type() {
                TableType::View => "VIEW",
                _ => "TABLE",
            };
            builder.append(CATALOG, &schema, &name, kind, &table.schema())?;
        }
    }
    builder.build()
}

/// Tables by schema, sorted; schemas of which nothing may be seen are left out.
fn tables_by_schema(session: &Session) -> Vec<(String, Vec<String>)> {
    let Some(catalog) = session.context.catalog(CATALOG) else { return Vec::new() };
    let mut schemas = catalog.schema_names();
    schemas.sort();
    let tables = schemas.into_iter().filter_map(|name| {
        let mut tables = catalog.schema(&name)?.table_names();
        tables.sort();
        (!tables.is_empty()).then_some((name, tables))
    });
    tables.collect()
}

/// What the server is and can.
pub(super) fn sql_info() -> &'static SqlInfoData {
    static INFO: LazyLock<SqlInfoData> = LazyLock::new(|| {
        let mut builder = SqlInfoDataBuilder::new();
        builder.append(SqlInfo::FlightSqlServerName, "Lineward");
        builder.append(SqlInfo::FlightSqlServerVersion, env!("CARGO_PKG_VERSION"));
        builder.append(SqlInfo::FlightSqlServerArrowVersion, "1.3");
        builder.append(SqlInfo::FlightSqlServerReadOnly, true);
        builder.append(SqlInfo::FlightSqlServerSql, true);
        builder.append(SqlInfo::FlightSqlServerSubstrait, false);
        builder.append(SqlInfo::FlightSqlServerTransaction, 0_i32);
        builder.append(SqlInfo::FlightSqlServerCancel, false);
        builder.append(SqlInfo::SqlIdentifierQuoteChar, "\"");
        builder.append(SqlInfo::SqlDdlCatalog, false);
        builder.append(SqlInfo::SqlDdlSchema, false);
        builder.append(SqlInfo::SqlDdlTable, false);
        #[expect(clippy::expect_used, reason = "constants of this file")]
        builder.build().expect("the list above is whole")
    });
    &INFO
}

/// The types of columns, in JDBC's terms.
pub(super) fn xdbc() -> &'static XdbcTypeInfoData {
    static TYPES: LazyLock<XdbcTypeInfoData> = LazyLock::new(|| {
        let mut builder = XdbcTypeInfoDataBuilder::new();
        for (name, kind, size) in [
            ("VARCHAR", XdbcDataType::XdbcVarchar, None),
            ("BIGINT", XdbcDataType::XdbcBigint, Some(64)),
            ("INTEGER", XdbcDataType::XdbcInteger, Some(32)),
            ("REAL", XdbcDataType::XdbcReal, Some(24)),
            ("BOOLEAN", XdbcDataType::XdbcBit, Some(1)),
            ("VARBINARY", XdbcDataType::XdbcVarbinary, None),
            ("TIMESTAMP", XdbcDataType::XdbcTimestamp, Some(26)),
        ] {
            builder.append(XdbcTypeInfo {
                type_name: name.into(),
                data_type: kind,
                column_size: size,
                literal_prefix: (kind == XdbcDataType::XdbcVarchar).then(|| "'".into()),
                literal_suffix: (kind == XdbcDataType::XdbcVarchar).then(|| "'".into()),
                create_params: None,
                nullable: Nullable::NullabilityNullable,
                case_sensitive: true,
                searchable: Searchable::Full,
                unsigned_attribute: None,
                fixed_prec_scale: false,
                auto_increment: None,
                local_type_name: None,
                minimum_scale: None,
                maximum_scale: None,
                sql_data_type: kind,
                datetime_subcode: None,
                num_prec_radix: None,
                interval_precision: None,
            });
        }
        #[expect(clippy::expect_used, reason = "constants of this file")]
        builder.build().expect("the list above is whole")
    });
    &TYPES
}

/// Columns of a list of primary keys, of which there are none.
pub(super) fn primary_keys() -> Schema {
    let text = |name: &str, nullable| Field::new(name, DataType::Utf8, nullable);
    Schema::new(vec![
        text("catalog_name", true),
        text("db_schema_name", true),
        text("table_name", false),
        text("column_name", false),
        Field::new("key_sequence", DataType::Int32, false),
        text("key_name", true),
    ])
}

/// Columns of a list of foreign keys, of which there are none.
pub(super) fn foreign_keys() -> Schema {
    let text = |name: &str, nullable| Field::new(name, DataType::Utf8, nullable);
    let rule = |name: &str| Field::new(name, DataType::UInt8, false);
    Schema::new(vec![
        text("pk_catalog_name", true),
        text("pk_db_schema_name", true),
        text("pk_table_name", false),
        text("pk_column_name", false),
        text("fk_catalog_name", true),
        text("fk_db_schema_name", true),
        text("fk_table_name", false),
        text("fk_column_name", false),
        Field::new("key_sequence", DataType::Int32, false),
        text("fk_key_name", true),
        text("pk_key_name", true),
        rule("update_rule"),
        rule("delete_rule"),
    ])
}
