//! The session: which catalogs, schemas and functions there are, and what a statement may do.

use crate::functions::{self, LineageTable};
use crate::graphs::{Graphs, Growth};
use crate::options::LinewardOptions;
use crate::render::{Format, Renderer};
use crate::scalars::{self, Support};
use crate::tables::{CurrentTable, LogTable, RawSchema};
use crate::{Error, capped, complexity, memory, suggest, views};
use datafusion::catalog::{CatalogProvider, MemoryCatalogProvider, MemorySchemaProvider, SchemaProvider};
use datafusion::datasource::ViewTable;
use datafusion::execution::context::QueryPlanner;
use datafusion::execution::runtime_env::RuntimeEnv;
use datafusion::execution::session_state::SessionState;
use datafusion::execution::{SendableRecordBatchStream, SessionStateBuilder};
use datafusion::logical_expr::{LogicalPlan, SetVariable, Statement as PlanStatement};
use datafusion::prelude::{SQLOptions, SessionConfig, SessionContext};
use datafusion::sql::parser::{CopyToSource, DFParser};
use datafusion::sql::sqlparser::dialect::GenericDialect;
use futures::TryStreamExt as _;
use lineward_classifiers::FingerprintKey;
use lineward_store::graph::View;
use lineward_store::{PROJECTIONS, Snapshot, Store, TABLES};
use std::collections::VecDeque;
use std::io::Write;
use std::sync::Arc;

/// A parsed SQL statement.
pub type Statement = datafusion::sql::parser::Statement;

/// A read-only SQL session over one consistent cut of a store.
pub struct LinewardSession {
    context: SessionContext,
    snapshot: Snapshot,
    store: Option<Store>,
    support: Arc<Support>,
    graphs: Arc<Graphs>,
    elsewhere: Option<Arc<dyn Elsewhere>>,
}

/// Has the queries of a session computed elsewhere. The session plans them; what is planned may run on other machines.
pub trait Elsewhere: QueryPlanner + Send + Sync {
    /// The session's configuration as plans that travel need it.
    fn configure(&self, config: SessionConfig) -> SessionConfig;
}

impl std::fmt::Debug for LinewardSession {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LinewardSession").field("epoch", &self.snapshot.epoch()).finish()
    }
}

impl LinewardSession {
    /// A session over the newest cut of the store at a location.
    ///
    /// # Errors
    ///
    /// [`Error::Store`] where there is no store or it cannot be read.
    pub async fn open(store_uri: &str) -> Result<Self, Error> {
        Self::open_within(store_uri, None).await
    }

    /// As [`Self::open`], with queries that take so many bytes of memory; half of the machine's where none are given.
    ///
    /// # Errors
    ///
    /// As [`Self::open`].
    pub async fn open_within(store_uri: &str, memory_bytes: Option<usize>) -> Result<Self, Error> {
        let store = Store::open(store_uri).await?;
        let runtime = memory::runtime(memory_bytes.or_else(memory::half_of_machine), None)?;
        let session = Self::over(store.snapshot().await?, Arc::default(), runtime).await?;
        Ok(Self { store: Some(store), ..session })
    }

    /// Moves to the newest cut of the store; whether there was a newer one. A session made from a cut alone stays.
    ///
    /// # Errors
    ///
    /// As [`Self::open`]; the session stays as it was.
    pub async fn refresh(&mut self) -> Result<bool, Error> {
        let Some(store) = &self.store else { return Ok(false) };
        let newest = store.snapshot().await?;
        if newest.epoch() == self.snapshot.epoch() {
            return Ok(false);
        }
        let session = self.at(newest).await?;
        session.support.take_key_of(&self.support);
        if let Some(elsewhere) = &self.elsewhere {
            session.elsewhere(elsewhere.clone());
        }
        let options = self.context.state_ref().read().config_options().extensions.get::<LinewardOptions>().cloned();
        if let Some(options) = options {
            session.context.state_ref().write().config_mut().options_mut().extensions.insert(options);
        }
        *self = Self { store: self.store.take(), elsewhere: self.elsewhere.take(), ..session };
        Ok(true)
    }

    /// A session over a cut of a store, with queries that take half of the machine's memory.
    ///
    /// # Errors
    ///
    /// [`Error::Query`] where a view does not fit the tables, which no store of a known format causes.
    pub async fn new(snapshot: Snapshot) -> Result<Self, Error> {
        let runtime = memory::runtime(memory::half_of_machine(), None)?;
        Self::over(snapshot, Arc::default(), runtime).await
    }

    /// A session over another cut of the same store. Its graph grows from the one that this session has, where the cut is
    /// a later one; this session stays as it is.
    ///
    /// # Errors
    ///
    /// As [`Self::new`].
    pub async fn at(&self, snapshot: Snapshot) -> Result<Self, Error> {
        Self::over(snapshot, self.graphs.growth().clone(), self.context.runtime_env()).await
    }

    async fn over(snapshot: Snapshot, growth: Arc<Growth>, runtime: Arc<RuntimeEnv>) -> Result<Self, Error> {
        let mut config = SessionConfig::new()
            .with_information_schema(true)
            .with_create_default_catalog_and_schema(false)
            .with_default_catalog_and_schema("lineward", "public")
            .with_option_extension(LinewardOptions::default());
        // `now()` is of a zone as all times of the store are.
        config.options_mut().execution.time_zone = Some("UTC".to_owned());
        // Pushed below the joins of a view, a field of a map gets a name that the optimizer then finds ambiguous:
        // `params['epochs']` of the view `runs` was an error.
        config.options_mut().optimizer.enable_leaf_expression_pushdown = false;
        let context = SessionContext::new_with_config_rt(config, runtime);
        let graphs = Arc::new(Graphs::new(snapshot.clone(), growth));
        let catalog = Arc::new(MemoryCatalogProvider::new());
        catalog.register_schema("raw", Arc::new(RawSchema::new(snapshot.clone())))?;
        catalog.register_schema("current", current_schema(&snapshot, &graphs)?)?;
        catalog.register_schema("graph", graph_schema(&graphs)?)?;
        catalog.register_schema("public", Arc::new(MemorySchemaProvider::new()))?;
        context.register_catalog("lineward", catalog.clone());
        functions::register(&context, &graphs);
        let support = Arc::new(Support::new(graphs.clone()));
        scalars::register(&context, &support);
        capped::register(&context);
        let session = Self { context, snapshot, store: None, support, graphs, elsewhere: None };
        session.public(&*catalog).await?;
        Ok(session)
    }

    /// The views, and under their own names the tables that no view takes.
    async fn public(&self, catalog: &dyn CatalogProvider) -> Result<(), Error> {
        let schemas = ["public", "current", "raw"].map(|name| catalog.schema(name));
        let [Some(public), Some(current), Some(raw)] = schemas else { return Ok(()) };
        for view in views::ALL {
            let plan = self.context.state().create_logical_plan(view.sql).await?;
            let table = ViewTable::new(plan, Some(view.sql.to_owned()));
            public.register_table(view.name.to_owned(), Arc::new(table))?;
        }
        for name in TABLES.iter().filter(|name| !public.table_exist(name)) {
            let schema = if current.table_exist(name) { &current } else { &raw };
            if let Some(table) = schema.table(name).await? {
                public.register_table((*name).to_owned(), table)?;
            }
        }
        Ok(())
    }

    /// Says where `fingerprint` and `redact` get their key; asked when one of them first needs it. Without a key
    /// `fingerprint` is an error, and `redact` leaves fingerprints out. The first call counts.
    pub fn set_fingerprint_key(&self, source: impl Fn() -> Result<FingerprintKey, String> + Send + Sync + 'static) {
        self.support.set_key_source(Arc::new(source));
    }

    /// Has queries computed elsewhere from now on.
    pub fn compute_elsewhere(&mut self, elsewhere: Arc<dyn Elsewhere>) {
        self.elsewhere(elsewhere.clone());
        self.elsewhere = Some(elsewhere);
    }

    fn elsewhere(&self, elsewhere: Arc<dyn Elsewhere>) {
        let state = self.context.state();
        let config = elsewhere.configure(state.config().clone());
        let rules = capped::for_elsewhere(&state);
        let builder = SessionStateBuilder::new_from_existing(state).with_config(config).with_analyzer_rules(rules);
        *self.context.state_ref().write() = builder.with_query_planner(elsewhere).build();
    }

    /// The id of the session's fingerprint key; `None` where it has none.
    pub fn fingerprint_key_id(&self) -> impl Fn() -> Option<String> + Send + Sync + 'static {
        let support = self.support.clone();
        move || support.key().ok().map(|key| key.id().to_owned())
    }

    /// The graph at the times of the session.
    pub(crate) async fn view(&self) -> Result<Arc<View>, Error> {
        let as_of = LinewardOptions::as_of(self.context.state_ref().read().config_options());
        self.graphs.view(as_of).await
    }

    /// The DataFusion session behind it.
    pub fn context(&self) -> &SessionContext {
        &self.context
    }

    /// The cut of the store it reads.
    pub fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }

    /// The statements of a text, separated by `;`.
    ///
    /// # Errors
    ///
    /// [`Error::Query`] with line and column of what is not SQL, [`Error::Complex`] and [`Error::Grown`] for what would use
    /// up the thread's stack or time without end.
    pub fn parse(text: &str) -> Result<VecDeque<Statement>, Error> {
        complexity::check(text, &GenericDialect {})?;
        let statements = DFParser::parse_sql(text)?;
        for statement in &statements {
            check_growth(statement)?;
        }
        Ok(statements)
    }

    /// Plans a statement and starts it; batches come as they are computed. Dropping the stream cancels the query.
    ///
    /// # Errors
    ///
    /// [`Error::ReadOnly`] for a statement that would change anything, else [`Error::Query`].
    pub async fn execute(&self, statement: Statement) -> Result<SendableRecordBatchStream, Error> {
        let plan = set_for_reset(plan(&self.context.state(), statement).await?);
        if !is_own_setting(&plan) {
            reads_only(&plan)?;
        }
        Ok(self.context.execute_logical_plan(plan).await?.execute_stream().await?)
    }

    /// Runs a statement and writes its result batch by batch; returns the number of rows.
    ///
    /// # Errors
    ///
    /// As [`Self::execute`], and [`Error::Output`].
    pub async fn write(&self, statement: Statement, format: Format, out: impl Write) -> Result<u64, Error> {
        let mut batches = self.execute(statement).await?;
        let mut renderer = Renderer::new(format, &batches.schema(), out)?;
        while let Some(batch) = batches.try_next().await? {
            renderer.write(&batch)?;
        }
        renderer.finish()
    }

    /// What a shell can complete, sorted: tables (`runs`, `raw.runs`), their columns, functions with their bracket.
    pub async fn words(&self) -> Vec<String> {
        let mut words: Vec<String> = functions::ALL.iter().map(|f| format!("{}(", f.name)).collect();
        words.extend(scalars::ALL.iter().map(|f| format!("{}(", f.name)));
        words.extend(functions::ALL.iter().flat_map(|f| f.columns).map(|(name, ..)| (*name).to_owned()));
        let catalog = self.context.catalog("lineward");
        let tables = |schema| catalog.as_ref().and_then(|c| c.schema(schema)).map(|s| s.table_names());
        for table in tables("public").unwrap_or_default() {
            if let Ok(frame) = self.context.table(&table).await {
                words.extend(frame.schema().fields().iter().map(|f| f.name().clone()));
            }
            words.push(table);
        }
        for schema in ["raw", "current"] {
            words.extend(tables(schema).unwrap_or_default().iter().map(|table| format!("{schema}.{table}")));
        }
        words.sort();
        words.dedup();
        words
    }

    /// Runs a text of one statement.
    ///
    /// # Errors
    ///
    /// As [`Self::execute`]; [`Error::Argument`] for several statements or none.
    pub async fn query(&self, text: &str) -> Result<SendableRecordBatchStream, Error> {
        let mut statements = Self::parse(text)?;
        match (statements.pop_front(), statements.is_empty()) {
            (Some(statement), true) => self.execute(statement).await,
            (None, _) => Err(Error::Argument("there is no statement in the query".to_owned())),
            (Some(_), false) => Err(Error::Argument("there are several statements; send one at a time".to_owned())),
        }
    }
}

/// Plans a statement. An error about a table or function that there is not names the nearest of those there are.
///
/// # Errors
///
/// [`Error::Query`], and [`Error::Grown`] for a plan that is too large to be worked on.
pub async fn plan(state: &SessionState, statement: Statement) -> Result<LogicalPlan, Error> {
    let plan = state.statement_to_plan(statement).await.map_err(|error| suggest::planned(state, error))?;
    complexity::check_plan(&plan)?;
    Ok(plan)
}

fn check_growth(statement: &Statement) -> Result<(), Error> {
    match statement {
        Statement::Statement(inner) => complexity::check_growth(inner.as_ref()),
        Statement::Explain(explain) => check_growth(&explain.statement),
        Statement::CopyTo(copy) => match &copy.source {
            CopyToSource::Query(query) => complexity::check_growth(query.as_ref()),
            CopyToSource::Relation(_) => Ok(()),
        },
        Statement::CreateExternalTable(_) | Statement::Reset(_) => Ok(()),
    }
}

/// Whether a statement sets a time of this session, which changes nothing else.
fn is_own_setting(plan: &LogicalPlan) -> bool {
    match plan {
        LogicalPlan::Statement(PlanStatement::SetVariable(set)) => set.variable.starts_with("lineward."),
        _ => false,
    }
}

/// DataFusion resets only what is its own; ours are reset by being empty.
fn set_for_reset(plan: LogicalPlan) -> LogicalPlan {
    match plan {
        LogicalPlan::Statement(PlanStatement::ResetVariable(reset)) if reset.variable.starts_with("lineward.") => {
            let set = SetVariable { variable: reset.variable, value: String::new() };
            LogicalPlan::Statement(PlanStatement::SetVariable(set))
        }
        plan => plan,
    }
}

fn reads_only(plan: &LogicalPlan) -> Result<(), Error> {
    let options = SQLOptions::new().with_allow_ddl(false).with_allow_dml(false).with_allow_statements(false);
    options.verify_plan(plan).map_err(|e| Error::ReadOnly(Error::from(e).to_string()))
}

fn current_schema(snapshot: &Snapshot, graphs: &Arc<Graphs>) -> Result<Arc<dyn SchemaProvider>, Error> {
    let schema = MemorySchemaProvider::new();
    for name in PROJECTIONS.iter().filter(|name| **name != "record_index") {
        let table = CurrentTable::new(snapshot.clone(), name, Some(graphs.clone()))?;
        schema.register_table((*name).to_owned(), Arc::new(table))?;
    }
    for name in ["events", "dead_letters", "record_index"] {
        schema.register_table(name.to_owned(), Arc::new(LogTable::new(snapshot.clone(), name)?))?;
    }
    Ok(Arc::new(schema))
}

fn graph_schema(graphs: &Arc<Graphs>) -> Result<Arc<dyn SchemaProvider>, Error> {
    let schema = MemorySchemaProvider::new();
    for function in functions::TABLES {
        let table = LineageTable::new(function, Vec::new(), graphs.clone());
        schema.register_table(function.name.to_owned(), Arc::new(table))?;
    }
    Ok(Arc::new(schema))
}
