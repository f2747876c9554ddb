//! The catalogue that PostgreSQL's clients ask: `pg_catalog` over the tables a principal may see, with the lineage
//! functions among its functions.

mod absent;
pub(crate) mod lists;
pub(crate) mod values;
pub(crate) mod views;

use crate::Error;
use crate::access::{Access, CATALOG};
use arrow::array::{
    ArrayRef, AsArray, BooleanArray, Int32Array, ListBuilder, RecordBatch, StringArray, StringBuilder, new_null_array,
};
use arrow::datatypes::{DataType, Field, Int64Type, Schema, SchemaRef};
use async_trait::async_trait;
use datafusion::catalog::{MemTable, SchemaProvider, TableProvider};
use datafusion::common::ScalarValue;
use datafusion::error::Result;
use datafusion::logical_expr::JoinType;
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, SimpleScalarUDF, TypeSignature, Volatility,
    create_udf,
};
use datafusion::prelude::{Expr, SessionContext, ident, lit};
use datafusion_pg_catalog::pg_catalog::context::EmptyContextProvider;
use datafusion_pg_catalog::setup_pg_catalog;
use lineward_sql::functions::{self, Function};
use lineward_sql::scalars::{self, Scalar};
use std::sync::Arc;

const SCHEMA: &str = "pg_catalog";
/// How tables of `information_schema` begin that are kept in this catalogue: the engine's own schema takes no others.
const INFORMATION: &str = "information_schema.";
const FUNCTIONS: &str = "pg_proc";
const NAMESPACE: &str = "pronamespace";
/// What is known of the values in columns, of which nothing is told: a table without rows.
pub(crate) const STATISTICS: &str = "pg_stats";
/// Columns of which nothing is told, by their tables; lists of texts where no type is given.
const UNTOLD: [(&str, &[(&str, DataType)]); 3] = [
    (
        "pg_class",
        &[
            ("relacl", DataType::Null),
            ("reloptions", DataType::Null),
            ("relhasoids", DataType::Boolean),
            ("relpartbound", DataType::Utf8),
        ],
    ),
    ("pg_collation", &[("colliculocale", DataType::Utf8), ("colllocale", DataType::Utf8)]),
    ("pg_database", &[("datcollversion", DataType::Utf8), ("datlocale", DataType::Utf8)]),
];
/// Number of the first lineage function; PostgreSQL's own lie below, numbers of tables are handed out from 16384.
const FIRST_OID: i32 = 1_000_000;
/// `record`, of which a function in FROM returns a set.
const RECORD: i32 = 2249;
/// `text`.
const TEXT: i32 = 25;

/// Adds the catalogue to the context of a principal.
pub(crate) fn add(context: &SessionContext, access: &Arc<Access>, principal: &str) -> std::result::Result<(), Error> {
    setup_pg_catalog(context, CATALOG, EmptyContextProvider).map_err(|e| Error::from(*e))?;
    let Some(catalog) = context.catalog(CATALOG) else { return Ok(()) };
    let Some(inner) = catalog.schema(SCHEMA) else { return Ok(()) };
    let granted = granted(access);
    let catalogue =
        Catalogue { inner, functions: granted.clone(), context: context.clone(), principal: principal.to_owned() };
    catalog.register_schema(SCHEMA, Arc::new(catalogue))?;
    for udf in function_udfs(granted) {
        context.register_udf(udf);
    }
    for udf in told_of_objects().into_iter().chain(lists::udfs()).chain(values::udfs()) {
        context.register_udf(udf);
    }
    crate::postgres::arrays::add(context)?;
    context.register_udf(version());
    // `current_user` and `user` are this one too, by the rewriting of statements.
    context.register_udf(session_user(principal));
    context.register_udf(current_setting());
    Ok(())
}

/// A function as `pg_proc` has it.
#[derive(Debug, Clone)]
struct Procedure {
    oid: i32,
    name: &'static str,
    arguments: String,
    result: String,
    /// What it returns: the columns of its rows, or one value without a name.
    returns: Vec<(&'static str, functions::Type)>,
    /// Whether it stands in FROM.
    returns_rows: bool,
}

impl Procedure {
    /// Names of its arguments, all of which may be texts.
    fn argument_names(&self) -> impl Iterator<Item = &str> {
        self.arguments.split([',', ' ', '[', ']']).filter(|name| !name.is_empty())
    }

    /// Arguments that may be left out, each of which stands behind a bracket.
    fn defaults(&self) -> usize {
        self.arguments.matches('[').count()
    }

    /// Columns of its rows.
    fn rows(&self) -> impl Iterator<Item = &(&'static str, functions::Type)> {
        self.returns.iter().filter(|_| self.returns_rows)
    }
}

/// The functions that a principal may call. Each has the same number for everyone.
fn granted(access: &Access) -> Vec<Procedure> {
    let of_rows = functions::ALL.iter().map(|f| {
        let allowed = access.function(f.name).is_some();
        let returns = f.columns.iter().map(|(name, kind, _)| (*name, *kind)).collect();
        (allowed, f.name, inside(&f.signature()), columns(f), returns, true)
    });
    let of_values = scalars::ALL.iter().map(|s: &&'static Scalar| {
        let result = type_name(s.returns).to_owned();
        (access.scalar(s.name), s.name, inside(&s.signature()), result, vec![("", s.returns)], false)
    });
    let all = (FIRST_OID..).zip(of_rows.chain(of_values));
    let granted = all.filter(|(_, (allowed, ..))| *allowed);
    let procedures = granted.map(|(oid, (_, name, arguments, result, returns, returns_rows))| Procedure {
        oid,
        name,
        arguments,
        result,
        returns,
        returns_rows,
    });
    procedures.collect()
}

/// `pg_catalog` with our functions in `pg_proc`.
struct Catalogue {
    inner: Arc<dyn SchemaProvider>,
    functions: Vec<Procedure>,
    context: SessionContext,
    principal: String,
}

impl std::fmt::Debug for Catalogue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Catalogue").finish_non_exhaustive()
    }
}

#[async_trait]
impl SchemaProvider for Catalogue {
    fn table_names(&self) -> Vec<String> {
        let mut names = self.inner.table_names();
        names.push(STATISTICS.to_owned());
        names
    }

    async fn table(&self, name: &str) -> Result<Option<Arc<dyn TableProvider>>> {
        if name == STATISTICS {
            return Ok(Some(Arc::new(MemTable::try_new(statistics(), vec![Vec::new()])?)));
        }
        if let Some(columns) = absent::table(name) {
            return Ok(Some(Arc::new(MemTable::try_new(columns, vec![Vec::new()])?)));
        }
        if let Some(view) = views::table(&self.context, &self.principal, name).await? {
            return Ok(Some(view));
        }
        let Some(built_in) = self.inner.table(name).await? else { return Ok(None) };
        let table = lists::with_lists(&self.context, name, built_in)?;
        Ok(Some(match name {
            FUNCTIONS => self.with_ours(table).await?,
            _ => self.with_untold(name, table)?,
        }))
    }

    fn table_exist(&self, name: &str) -> bool {
        name == STATISTICS || absent::table(name).is_some() || views::is_one(name) || self.inner.table_exist(name)
    }
}

/// The columns of `pg_stats`.
fn statistics() -> SchemaRef {
    let numbers = || DataType::List(Arc::new(Field::new_list_field(DataType::Float32, true)));
    let fields = [
        ("schemaname", DataType::Utf8),
        ("tablename", DataType::Utf8),
        ("attname", DataType::Utf8),
        ("inherited", DataType::Boolean),
        ("null_frac", DataType::Float32),
        ("avg_width", DataType::Int32),
        ("n_distinct", DataType::Float32),
        ("most_common_vals", DataType::Utf8),
        ("most_common_freqs", numbers()),
        ("histogram_bounds", DataType::Utf8),
        ("correlation", DataType::Float32),
        ("most_common_elems", DataType::Utf8),
        ("most_common_elem_freqs", numbers()),
        ("elem_count_histogram", numbers()),
    ];
    Arc::new(Schema::new(fields.map(|(name, kind)| Field::new(name, kind, true)).to_vec()))
}

impl Catalogue {
    /// `pg_proc` and ours. Only a plan is made here: this is called while the rows of other tables of the catalogue are
    /// computed under a lock, and the number of the schema `public` is in one of those.
    async fn with_ours(&self, built_in: Arc<dyn TableProvider>) -> Result<Arc<dyn TableProvider>> {
        let Some(namespaces) = self.inner.table("pg_namespace").await? else { return Ok(built_in) };
        let schema = built_in.schema();
        let others = schema.fields().iter().filter(|f| f.name() != NAMESPACE);
        let fields: Vec<Field> = others.map(|f| f.as_ref().clone().with_nullable(true)).collect();
        let columns = fields.iter().map(|field| self.column(field)).collect::<Result<Vec<_>>>()?;
        let ours = RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)?;
        let ours = MemTable::try_new(ours.schema(), vec![vec![ours]])?;
        let public = self
            .context
            .read_table(namespaces)?
            .filter(ident("nspname").eq(lit("public")))?
            .select(vec![ident("oid").alias(NAMESPACE)])?;
        let names: Vec<Expr> = schema.fields().iter().map(|f| ident(f.name())).collect();
        let ours = self.context.read_table(Arc::new(ours))?.join_on(public, JoinType::Inner, [lit(true)])?;
        let all = self.context.read_table(built_in)?.select(names.clone())?;
        Ok(all.union(ours.select(names)?)?.into_view())
    }

    /// A table with columns that the tables this server starts from have not, and of which nothing is told: options,
    /// grants, versions.
    fn with_untold(&self, name: &str, built_in: Arc<dyn TableProvider>) -> Result<Arc<dyn TableProvider>> {
        let Some((_, untold)) = UNTOLD.iter().find(|(table, _)| *table == name) else { return Ok(built_in) };
        let schema = built_in.schema();
        let missing = untold.iter().filter(|(column, _)| schema.field_with_name(column).is_err());
        let missing = missing.map(|(column, kind)| {
            let kind = if *kind == DataType::Null { lists::list_of(DataType::Utf8) } else { kind.clone() };
            Ok(lit(ScalarValue::try_new_null(&kind)?).alias(*column))
        });
        let columns = schema.fields().iter().map(|f| Ok(ident(f.name()))).chain(missing);
        let columns = columns.collect::<Result<Vec<Expr>>>()?;
        Ok(self.context.read_table(built_in)?.select(columns)?.into_view())
    }

    fn column(&self, field: &Field) -> Result<ArrayRef> {
        let count = self.functions.len();
        let numbers = |value: i32| -> ArrayRef { Arc::new(Int32Array::from(vec![value; count])) };
        let of = |text: &dyn Fn(&Procedure) -> String| -> ArrayRef {
            Arc::new(self.functions.iter().map(|f| Some(text(f))).collect::<StringArray>())
        };
        let lists_of = |texts: &dyn Fn(&Procedure) -> Vec<String>| -> ArrayRef {
            let mut lists = ListBuilder::new(StringBuilder::new());
            self.functions.iter().for_each(|f| lists.append_value(texts(f).into_iter().map(Some)));
            Arc::new(lists.finish())
        };
        let array: ArrayRef = match field.name().as_str() {
            "oid" => Arc::new(self.functions.iter().map(|f| Some(f.oid)).collect::<Int32Array>()),
            "proname" => Arc::new(self.functions.iter().map(|f| Some(f.name)).collect::<StringArray>()),
            "prorettype" => of(&|f| match f.returns.as_slice() {
                [(_, kind)] if !f.returns_rows => type_number(*kind).to_string(),
                _ => RECORD.to_string(),
            }),
            "provariadic" => numbers(0),
            "pronargs" => of(&|f| f.argument_names().count().to_string()),
            "pronargdefaults" => of(&|f| f.defaults().to_string()),
            "proargtypes" => of(&|f| vec![TEXT.to_string(); f.argument_names().count()].join(" ")),
            "proargnames" => lists_of(&|f| {
                f.argument_names().map(str::to_owned).chain(f.rows().map(|(name, _)| (*name).to_owned())).collect()
            }),
            "proargmodes" => lists_of(&|f| {
                f.argument_names().map(|_| "i".to_owned()).chain(f.rows().map(|_| "t".to_owned())).collect()
            }),
            "proallargtypes" => lists_of(&|f| {
                let arguments = f.argument_names().map(|_| TEXT.to_string());
                arguments.chain(f.rows().map(|(_, kind)| type_number(*kind).to_string())).collect()
            }),
            "prokind" => Arc::new(StringArray::from(vec!["f"; count])),
            "provolatile" => Arc::new(StringArray::from(vec!["s"; count])),
            "proretset" => Arc::new(self.functions.iter().map(|f| Some(f.returns_rows)).collect::<BooleanArray>()),
            _ => new_null_array(field.data_type(), count),
        };
        Ok(arrow::compute::cast(&array, field.data_type())?)
    }
}

/// What `\df` asks of each function.
fn function_udfs(functions: Vec<Procedure>) -> Vec<ScalarUDF> {
    let by_oid = |name: &str, of: fn(&Procedure) -> String| -> ScalarUDF {
        let functions = functions.clone();
        let text = move |oid: i64| functions.iter().find(|f| i64::from(f.oid) == oid).map(of);
        // A number as it stands in a query is one of 64 bits, in the catalogue of 32; one that is bound may be a text.
        let numbers = [DataType::Int64, DataType::Int32, DataType::Utf8].map(|kind| TypeSignature::Exact(vec![kind]));
        SimpleScalarUDF::new_with_signature(
            name,
            Signature::one_of(numbers.to_vec(), Volatility::Stable),
            DataType::Utf8,
            Arc::new(move |args: &[ColumnarValue]| {
                let oids = ColumnarValue::values_to_arrays(args)?;
                let oids = arrow::compute::cast(&oids[0], &DataType::Int64)?;
                let oids = oids.as_primitive::<Int64Type>();
                let texts = oids.iter().map(|oid| oid.map(|oid| text(oid).unwrap_or_default()));
                Ok(ColumnarValue::Array(Arc::new(texts.collect::<StringArray>())))
            }),
        )
        .into()
    };
    let visible = create_udf(
        "pg_function_is_visible",
        vec![DataType::Int32],
        DataType::Boolean,
        Volatility::Stable,
        Arc::new(|args: &[ColumnarValue]| {
            let oids = ColumnarValue::values_to_arrays(args)?;
            Ok(ColumnarValue::Array(Arc::new(BooleanArray::from(vec![true; oids[0].len()]))))
        }),
    );
    vec![
        by_oid("pg_get_function_arguments", |f| f.arguments.clone()),
        by_oid("pg_get_function_identity_arguments", |f| f.arguments.clone()),
        by_oid("pg_get_function_result", |f| f.result.clone()),
        by_oid("pg_get_functiondef", |f| {
            format!(
                "CREATE FUNCTION public.{}({})\n RETURNS {}\n LANGUAGE internal\n STABLE\n",
                f.name, f.arguments, f.result
            )
        }),
        visible,
    ]
}

/// Functions about objects of the catalogue of which nothing is told: sizes, comments, definitions. The answer is NULL, or
/// that an object is visible. And of the server: where it has but one answer.
fn told_of_objects() -> Vec<ScalarUDF> {
    let (text, size) = (ScalarValue::Utf8(None), ScalarValue::Int64(None));
    let texts = [
        "obj_description",
        "shobj_description",
        "col_description",
        "pg_size_pretty",
        "pg_get_viewdef",
        "pg_get_function_sqlbody",
        "pg_tablespace_location",
        "pg_get_ruledef",
        "pg_get_triggerdef",
        "pg_get_indexdef",
        "pg_get_constraintdef",
        "pg_get_serial_sequence",
        "pg_get_statisticsobjdef",
        "pg_advisory_unlock_all",
        "acldefault",
    ];
    let sizes = [
        "pg_tablespace_size",
        "pg_table_size",
        "pg_relation_size",
        "pg_total_relation_size",
        "pg_indexes_size",
        "pg_database_size",
    ];
    let visible = [
        "pg_type_is_visible",
        "pg_operator_is_visible",
        "pg_collation_is_visible",
        "pg_conversion_is_visible",
        "pg_opclass_is_visible",
        "pg_opfamily_is_visible",
        "pg_statistics_obj_is_visible",
        "pg_ts_config_is_visible",
        "pg_ts_dict_is_visible",
        "pg_ts_parser_is_visible",
        "pg_ts_template_is_visible",
        "has_function_privilege",
    ];
    // There are no temporary tables, and this is no copy of another server.
    let others = [
        ("pg_my_temp_schema", ScalarValue::Int32(Some(0))),
        ("pg_is_in_recovery", ScalarValue::Boolean(Some(false))),
        ("pg_is_wal_replay_paused", ScalarValue::Boolean(Some(false))),
        ("pg_column_is_updatable", ScalarValue::Boolean(Some(false))),
        ("pg_relation_is_updatable", ScalarValue::Int32(Some(0))),
        ("getdatabaseencoding", "UTF8".into()),
        // The number of UTF8, which is the only encoding.
        ("pg_char_to_encoding", ScalarValue::Int32(Some(6))),
    ];
    let texts = texts.into_iter().map(|name| (name, text.clone()));
    let sizes = sizes.into_iter().map(|name| (name, size.clone()));
    let visible = visible.into_iter().map(|name| (name, ScalarValue::Boolean(Some(true))));
    texts
        .chain(sizes)
        .chain(visible)
        .chain(others)
        .map(|(name, value)| ScalarUDF::from(Same::new(name, value)))
        .collect()
}

/// A function that gives the same whatever it is asked.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Same {
    name: &'static str,
    value: ScalarValue,
    signature: Signature,
}

impl Same {
    fn new(name: &'static str, value: ScalarValue) -> Self {
        let any = vec![TypeSignature::Nullary, TypeSignature::VariadicAny];
        Self { name, value, signature: Signature::one_of(any, Volatility::Stable) }
    }
}

impl ScalarUDFImpl for Same {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(self.value.data_type())
    }

    fn invoke_with_args(&self, _: ScalarFunctionArgs) -> Result<ColumnarValue> {
        Ok(ColumnarValue::Scalar(self.value.clone()))
    }
}

/// What stands in the brackets of a signature.
fn inside(signature: &str) -> String {
    let inside = signature.split_once('(').map_or("", |(_, rest)| rest.trim_end_matches(')'));
    inside.to_owned()
}

fn columns(function: &Function) -> String {
    let columns = function.columns.iter().map(|(name, kind, _)| format!("{name} {}", type_name(*kind)));
    format!("TABLE({})", columns.collect::<Vec<_>>().join(", "))
}

fn type_name(kind: functions::Type) -> &'static str {
    match kind {
        functions::Type::Text => "text",
        functions::Type::Texts => "text[]",
        functions::Type::Integer => "bigint",
        functions::Type::Integers => "bigint[]",
        functions::Type::Float => "real",
        functions::Type::Boolean => "boolean",
        functions::Type::Time => "timestamp with time zone",
    }
}

/// The number of a type.
fn type_number(kind: functions::Type) -> i32 {
    match kind {
        functions::Type::Text => TEXT,
        functions::Type::Texts => 1009,
        functions::Type::Integer => 20,
        functions::Type::Integers => 1016,
        functions::Type::Float => 700,
        functions::Type::Boolean => 16,
        functions::Type::Time => 1184,
    }
}

/// `current_setting(name)`: what a connection begins with. What was set since is told by `SHOW`.
fn current_setting() -> ScalarUDF {
    create_udf(
        "current_setting",
        vec![DataType::Utf8],
        DataType::Utf8,
        Volatility::Stable,
        Arc::new(|args: &[ColumnarValue]| {
            let names = ColumnarValue::values_to_arrays(args)?;
            let value = |name: &str| match name.starts_with("lineward.") {
                true => Err(Error::Unsupported("this setting is told by SHOW".to_owned()).into()),
                false => Ok(crate::postgres::first_setting(&name.to_ascii_lowercase())),
            };
            let values = names[0].as_string::<i32>().iter().map(|name| name.map_or(Ok(None), value));
            let values = values.collect::<Result<Vec<_>>>()?;
            Ok(ColumnarValue::Array(Arc::new(StringArray::from(values))))
        }),
    )
}

/// `session_user`: the principal who asks.
fn session_user(principal: &str) -> ScalarUDF {
    let name = principal.to_owned();
    create_udf(
        "session_user",
        Vec::new(),
        DataType::Utf8,
        Volatility::Stable,
        Arc::new(move |_: &[ColumnarValue]| Ok(ColumnarValue::Scalar(name.clone().into()))),
    )
}

/// `version()`, in the form that clients take apart.
fn version() -> ScalarUDF {
    create_udf(
        "version",
        Vec::new(),
        DataType::Utf8,
        Volatility::Immutable,
        Arc::new(|_: &[ColumnarValue]| {
            let text =
                format!("PostgreSQL {} (Lineward {})", crate::postgres::SERVER_VERSION, env!("CARGO_PKG_VERSION"));
            Ok(ColumnarValue::Scalar(text.into()))
        }),
    )
}
