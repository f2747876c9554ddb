//! The catalogue that PostgreSQL's clients ask: `pg_catalog` over the tables a principal may see, with the lineage
//! functions among its functions.

pub(crate) mod lists;

use crate::Error;
use crate::access::{Access, CATALOG};
use arrow::array::{ArrayRef, AsArray, BooleanArray, Int32Array, RecordBatch, StringArray, new_null_array};
use arrow::datatypes::{DataType, Field, Int64Type, Schema, SchemaRef};
use async_trait::async_trait;
use datafusion::catalog::{MemTable, SchemaProvider, TableProvider};
use datafusion::common::ScalarValue;
use datafusion::error::Result;
use datafusion::logical_expr::JoinType;
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, TypeSignature, Volatility, create_udf,
};
use datafusion::prelude::{Expr, SessionContext, ident, lit};
use datafusion_pg_catalog::pg_catalog::context::EmptyContextProvider;
use datafusion_pg_catalog::setup_pg_catalog;
use lineward_sql::functions::{self, Function};
use lineward_sql::scalars::{self, Scalar};
use std::sync::Arc;

const SCHEMA: &str = "pg_catalog";
const FUNCTIONS: &str = "pg_proc";
const NAMESPACE: &str = "pronamespace";
const RELATIONS: &str = "pg_class";
/// What is known of the values in columns, of which nothing is told: a table without rows.
pub(crate) const STATISTICS: &str = "pg_stats";
/// Columns of `pg_class` that are lists of texts.
const LISTS: [&str; 2] = ["relacl", "reloptions"];
/// Number of the first lineage function; PostgreSQL's own lie below, numbers of tables are handed out from 16384.
const FIRST_OID: i32 = 1_000_000;
/// `record`, of which a function in FROM returns a set.
const RECORD: i32 = 2249;

/// Adds the catalogue to the context of a principal.
pub(crate) fn add(context: &SessionContext, access: &Arc<Access>, principal: &str) -> std::result::Result<(), Error> {
    setup_pg_catalog(context, CATALOG, EmptyContextProvider).map_err(|e| Error::from(*e))?;
    let Some(catalog) = context.catalog(CATALOG) else { return Ok(()) };
    let Some(inner) = catalog.schema(SCHEMA) else { return Ok(()) };
    let granted = granted(access);
    let catalogue = Catalogue { inner, functions: granted.clone(), context: context.clone() };
    catalog.register_schema(SCHEMA, Arc::new(catalogue))?;
    for udf in function_udfs(granted) {
        context.register_udf(udf);
    }
    for udf in told_of_objects().into_iter().chain(lists::udfs()) {
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
    /// Whether it stands in FROM.
    returns_rows: bool,
}

/// The functions that a principal may call. Each has the same number for everyone.
fn granted(access: &Access) -> Vec<Procedure> {
    let of_rows = functions::ALL.iter().map(|f| {
        let allowed = access.function(f.name).is_some();
        (allowed, f.name, inside(&f.signature()), columns(f), true)
    });
    let of_values = scalars::ALL.iter().map(|s: &&'static Scalar| {
        let result = type_name(s.returns).to_owned();
        (access.scalar(s.name), s.name, inside(&s.signature()), result, false)
    });
    let all = (FIRST_OID..).zip(of_rows.chain(of_values));
    let granted = all.filter(|(_, (allowed, ..))| *allowed);
    let procedures = granted.map(|(oid, (_, name, arguments, result, returns_rows))| Procedure {
        oid,
        name,
        arguments,
        result,
        returns_rows,
    });
    procedures.collect()
}

/// `pg_catalog` with our functions in `pg_proc`.
struct Catalogue {
    inner: Arc<dyn SchemaProvider>,
    functions: Vec<Procedure>,
    context: SessionContext,
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
        let Some(built_in) = self.inner.table(name).await? else { return Ok(None) };
        let table = lists::with_lists(&self.context, name, built_in)?;
        Ok(Some(match name {
            FUNCTIONS => self.with_ours(table).await?,
            RELATIONS => self.with_untold(table)?,
            _ => table,
        }))
    }

    fn table_exist(&self, name: &str) -> bool {
        name == STATISTICS || self.inner.table_exist(name)
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

    /// `pg_class` with its lists of options and grants, which are not told: a role's grants are the server's own.
    fn with_untold(&self, built_in: Arc<dyn TableProvider>) -> Result<Arc<dyn TableProvider>> {
        let schema = built_in.schema();
        let mut columns: Vec<Expr> = schema.fields().iter().map(|f| ident(f.name())).collect();
        let texts = DataType::List(Arc::new(Field::new_list_field(DataType::Utf8, true)));
        let none = lit(ScalarValue::try_new_null(&texts)?);
        let missing = LISTS.iter().filter(|name| schema.field_with_name(name).is_err());
        columns.extend(missing.map(|name| none.clone().alias(*name)));
        Ok(self.context.read_table(built_in)?.select(columns)?.into_view())
    }

    fn column(&self, field: &Field) -> Result<ArrayRef> {
        let count = self.functions.len();
        let numbers = |value: i32| -> ArrayRef { Arc::new(Int32Array::from(vec![value; count])) };
        let array: ArrayRef = match field.name().as_str() {
            "oid" => Arc::new(self.functions.iter().map(|f| Some(f.oid)).collect::<Int32Array>()),
            "proname" => Arc::new(self.functions.iter().map(|f| Some(f.name)).collect::<StringArray>()),
            "prorettype" if field.data_type() == &DataType::Int32 => numbers(RECORD),
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
    let by_oid = |name: &str, of: fn(&Procedure) -> String| {
        let functions = functions.clone();
        let text = move |oid: i64| functions.iter().find(|f| i64::from(f.oid) == oid).map(of);
        create_udf(
            name,
            // A number as it stands in a query is one of 64 bits.
            vec![DataType::Int64],
            DataType::Utf8,
            Volatility::Stable,
            Arc::new(move |args: &[ColumnarValue]| {
                let oids = ColumnarValue::values_to_arrays(args)?;
                let oids = oids[0].as_primitive::<Int64Type>();
                let texts = oids.iter().map(|oid| oid.map(|oid| text(oid).unwrap_or_default()));
                Ok(ColumnarValue::Array(Arc::new(texts.collect::<StringArray>())))
            }),
        )
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
    ];
    let sizes = ["pg_table_size", "pg_relation_size", "pg_total_relation_size", "pg_indexes_size", "pg_database_size"];
    let visible = ["pg_type_is_visible", "pg_operator_is_visible", "pg_collation_is_visible", "pg_opclass_is_visible"];
    // There are no temporary tables, and this is no copy of another server.
    let others =
        [("pg_my_temp_schema", ScalarValue::Int32(Some(0))), ("pg_is_in_recovery", ScalarValue::Boolean(Some(false)))];
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
