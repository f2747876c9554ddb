//! A session for a principal, made of the session over a cut of the store: the same tables and functions, each behind
//! what the principal was granted.

use super::{Access, Grant};
use crate::Error;
use crate::access::table::GuardedTable;
use crate::yielding::YieldInJoins;
use arrow::datatypes::DataType;
use async_trait::async_trait;
use datafusion::catalog::{
    CatalogProvider, MemoryCatalogProvider, MemoryCatalogProviderList, SchemaProvider, TableFunctionArgs,
    TableFunctionImpl, TableProvider,
};
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::runtime_env::RuntimeEnv;
use datafusion::execution::session_state::{SessionState, SessionStateBuilder};
use datafusion::logical_expr::{
    ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, TypeSignature, Volatility,
};
use datafusion::prelude::SessionContext;
use std::sync::Arc;

/// Name of the only catalog, which is the database to a client.
pub(crate) const CATALOG: &str = "lineward";

/// A context for a principal over the state of a session; `extra` schemas are added, behind grants too.
pub(crate) fn guarded(
    base: &SessionState,
    access: &Arc<Access>,
    runtime: Arc<RuntimeEnv>,
    extra: Vec<(&str, Arc<dyn SchemaProvider>)>,
) -> std::result::Result<SessionContext, Error> {
    let Some(behind) = base.catalog_list().catalog(CATALOG) else {
        return Err(Error::Unknown("the session has no catalog".to_owned()));
    };
    let catalog = Arc::new(MemoryCatalogProvider::new());
    let schemas = behind.schema_names().into_iter().filter_map(|name| Some((name.clone(), behind.schema(&name)?)));
    let extra = extra.into_iter().map(|(name, schema)| (name.to_owned(), schema));
    for (name, inner) in schemas.filter(|(name, _)| name != "information_schema").chain(extra) {
        let schema = GuardedSchema { name: name.clone(), inner, access: access.clone(), state: base.clone() };
        catalog.register_schema(&name, Arc::new(schema))?;
    }
    let list = MemoryCatalogProviderList::new();
    datafusion::catalog::CatalogProviderList::register_catalog(&list, CATALOG.to_owned(), catalog);
    let mut base = base.clone();
    if access.hides_rows() {
        lineward_sql::hide_beginning(base.config_mut().options_mut());
    }
    let state = SessionStateBuilder::new_from_existing(base.clone())
        .with_session_id(String::new())
        .with_catalog_list(Arc::new(list))
        .with_runtime_env(runtime)
        .with_physical_optimizer_rule(Arc::new(YieldInJoins))
        .build();
    let context = SessionContext::new_with_state(state);
    guard_functions(&context, &base, access);
    guard_scalars(&context, access);
    Ok(context)
}

fn guard_functions(context: &SessionContext, base: &SessionState, access: &Arc<Access>) {
    for function in lineward_sql::functions::ALL {
        let Some(inner) = base.table_functions().get(function.name) else { continue };
        let guard = GuardedFunction {
            name: function.name,
            inner: inner.function().clone(),
            access: access.clone(),
            state: base.clone(),
        };
        context.register_udtf(function.name, Arc::new(guard));
    }
}

fn guard_scalars(context: &SessionContext, access: &Access) {
    for scalar in lineward_sql::scalars::ALL.iter().filter(|scalar| !access.scalar(scalar.name)) {
        let signature = Signature::one_of(vec![TypeSignature::Nullary, TypeSignature::VariadicAny], Volatility::Stable);
        context.register_udf(ScalarUDF::from(DeniedFunction { name: scalar.name, signature }));
    }
}

/// A schema of which a principal sees what it was granted.
struct GuardedSchema {
    name: String,
    inner: Arc<dyn SchemaProvider>,
    access: Arc<Access>,
    state: SessionState,
}

impl std::fmt::Debug for GuardedSchema {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("GuardedSchema").field("name", &self.name).finish_non_exhaustive()
    }
}

#[async_trait]
impl SchemaProvider for GuardedSchema {
    fn table_names(&self) -> Vec<String> {
        let mut names = self.inner.table_names();
        names.retain(|table| self.access.table(&self.name, table).is_some());
        names
    }

    async fn table(&self, name: &str) -> Result<Option<Arc<dyn TableProvider>>> {
        let Some(inner) = self.inner.table(name).await? else { return Ok(None) };
        match self.access.table(&self.name, name) {
            Some(grant) => Ok(Some(guard(&format!("{}.{name}", self.name), inner, &grant, &self.state)?)),
            None => Err(Error::Denied(format!("permission denied for table `{}.{name}`", self.name)).into()),
        }
    }

    fn table_exist(&self, name: &str) -> bool {
        self.inner.table_exist(name)
    }
}

/// A table function that a principal may call or not.
struct GuardedFunction {
    name: &'static str,
    inner: Arc<dyn TableFunctionImpl>,
    access: Arc<Access>,
    state: SessionState,
}

impl std::fmt::Debug for GuardedFunction {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("GuardedFunction").field("name", &self.name).finish_non_exhaustive()
    }
}

impl TableFunctionImpl for GuardedFunction {
    fn call_with_args(&self, args: TableFunctionArgs) -> Result<Arc<dyn TableProvider>> {
        match self.access.function(self.name) {
            Some(grant) => guard(self.name, self.inner.call_with_args(args)?, &grant, &self.state),
            None => Err(Error::Denied(format!("permission denied for function `{}`", self.name)).into()),
        }
    }
}

/// A function of rows that a principal may not call: planning one is an error.
#[derive(Debug, PartialEq, Eq, Hash)]
struct DeniedFunction {
    name: &'static str,
    signature: Signature,
}

impl DeniedFunction {
    fn denied(&self) -> DataFusionError {
        Error::Denied(format!("permission denied for function `{}`", self.name)).into()
    }
}

impl ScalarUDFImpl for DeniedFunction {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Err(self.denied())
    }

    fn invoke_with_args(&self, _: ScalarFunctionArgs) -> Result<ColumnarValue> {
        Err(self.denied())
    }
}

fn guard(
    name: &str,
    inner: Arc<dyn TableProvider>,
    grant: &Grant,
    state: &SessionState,
) -> Result<Arc<dyn TableProvider>> {
    GuardedTable::behind(name, inner, grant, |text, schema| -> Result<Expr> {
        state.create_logical_expr(text, schema).map_err(|e| {
            // Told to whoever asks, so without the condition itself: it may say what must not be known.
            tracing::error!(error = %e, "a condition on rows in the configuration does not fit its table");
            DataFusionError::from(Error::Config(
                "a condition on rows in the server's configuration does not fit its table; its log says more".into(),
            ))
        })
    })
}
