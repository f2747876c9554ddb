//! Statements on a connection, by the simple and the extended protocol.

use super::copy::{self, Copy};
use super::cursors::{self, Cursor, Cursors, Step, step};
use super::named::Named;
use super::rewrite::{rewrite, told_name};
use super::settings::{Aside, Settings, aside, reported};
use super::subqueries::kept;
use super::{Connection, arrays, maps, told};
use crate::Error;
use crate::parameters::{Parameters, fill_functions, literal, stand_in};
use crate::service::{Answer, Client, Session};
use arrow::array::RecordBatch;
use arrow::datatypes::{Schema, SchemaRef};
use arrow_pg::datatypes::{arrow_schema_to_pg_fields, encode_recordbatch};
use async_trait::async_trait;
use datafusion::common::ParamValues;
use datafusion::logical_expr::LogicalPlan;
use datafusion::prelude::SessionContext;
use datafusion::sql::parser::Statement as EngineStatement;
use datafusion::sql::sqlparser::ast::Statement;
use datafusion::sql::sqlparser::dialect::PostgreSqlDialect;
use datafusion_pg_catalog::sql::PostgresCompatibilityParser;
use futures::sink::{Sink, SinkExt as _};
use futures::{Stream, StreamExt as _, stream};
use lineward_sql::complexity;
use pgwire::api::portal::{Format, Portal};
use pgwire::api::query::{ExtendedQueryHandler, SimpleQueryHandler, send_describe_response};
use pgwire::api::results::{
    DataRowEncoder, DescribePortalResponse, FieldFormat, FieldInfo, QueryResponse, Response, Tag,
};
use pgwire::api::stmt::QueryParser;
use pgwire::api::store::PortalStore;
use pgwire::api::{ClientInfo, ClientPortalStore, Type};
use pgwire::error::{PgWireError, PgWireResult};
use pgwire::messages::PgWireBackendMessage;
use pgwire::messages::extendedquery::{Describe, TARGET_TYPE_BYTE_PORTAL};
use pgwire::messages::startup::ParameterStatus;
use pgwire::types::format::FormatOptions;
use std::borrow::Cow;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard};

static PARSER: LazyLock<PostgresCompatibilityParser> = LazyLock::new(PostgresCompatibilityParser::new);

/// Statements in one text at most.
const STATEMENTS: usize = 1000;

/// The statements of one connection.
pub(super) struct Handlers {
    connection: Arc<Connection>,
    settings: Arc<Mutex<Settings>>,
    cursors: Arc<Mutex<Cursors>>,
    parser: Arc<Planner>,
}

/// Parses and plans for the extended protocol.
pub(super) struct Planner {
    connection: Arc<Connection>,
    settings: Arc<Mutex<Settings>>,
    cursors: Arc<Mutex<Cursors>>,
    /// The session of an open transaction, which sees one cut of the store to its end.
    pinned: Mutex<Option<Session>>,
    /// Statements that were prepared in SQL.
    named: Mutex<Named>,
}

/// A statement that was parsed and, but for the connection's own, planned.
#[derive(Debug, Clone)]
pub(super) struct Prepared {
    sql: Arc<str>,
    what: What,
}

#[derive(Debug, Clone)]
enum What {
    Aside(Arc<Statement>),
    Copy(Arc<Copy>),
    /// Opens a cursor over a query.
    Declare {
        name: String,
        hold: bool,
        query: Arc<Statement>,
        parameters: Parameters,
    },
    /// Takes rows of a cursor; its columns, where it was open when that was asked.
    Fetch {
        name: String,
        count: Option<u64>,
        schema: Option<SchemaRef>,
    },
    /// Closes a cursor, or all.
    Close(Option<String>),
    /// `PREPARE` or `DEALLOCATE`.
    Name(Arc<Statement>),
    Query {
        statement: Arc<Statement>,
        schema: SchemaRef,
        parameters: Parameters,
    },
}

impl Handlers {
    pub fn new(connection: Arc<Connection>) -> Self {
        let settings = Arc::<Mutex<Settings>>::default();
        let cursors = Arc::<Mutex<Cursors>>::default();
        let parser = Arc::new(Planner {
            connection: connection.clone(),
            settings: settings.clone(),
            cursors: cursors.clone(),
            pinned: Mutex::default(),
            named: Mutex::default(),
        });
        Self { connection, settings, cursors, parser }
    }

    async fn answer<C>(
        &self,
        client: &mut C,
        sql: &str,
        what: &What,
        bound: Option<Bound<'_>>,
    ) -> PgWireResult<Response>
    where
        C: ClientInfo + Sink<PgWireBackendMessage> + Unpin + Send + Sync,
        PgWireError: From<<C as Sink<PgWireBackendMessage>>::Error>,
    {
        match what {
            What::Aside(statement) => match aside(statement) {
                Ok(Some(aside)) => self.aside(client, aside).await,
                Ok(None) => Ok(Response::EmptyQuery),
                Err(error) => {
                    let asker = self.parser.client()?;
                    self.connection.service.refuse(asker, sql, &error).map_err(|e| told(&e))?;
                    Err(told(&error))
                }
            },
            What::Copy(copy) => {
                let answer = self.run(sql, &copy.query, None).await.map_err(|e| told(&e))?;
                let schema = maps::schema(&answer.0.schema());
                Ok(Response::CopyOut(copy::response(&schema, answer.batches(), copy.form.clone())?))
            }
            What::Declare { name, hold, query, .. } => {
                let values = bound.map(|bound| bound.values);
                self.declare(sql, name, *hold, query, values.as_ref()).await.map_err(|e| told(&e))?;
                Ok(Response::Execution(Tag::new("DECLARE CURSOR")))
            }
            What::Fetch { name, count, .. } => {
                let options = Arc::new(FormatOptions::from_client_metadata(client.metadata()));
                let format = bound.map_or(&Format::UnifiedText, |bound| bound.format);
                let (schema, taken) = cursors::fetch(&self.cursors, name, *count).map_err(|e| told(&e))?;
                let fields = Arc::new(told_fields(&schema, format, Some(options))?);
                let mut response = QueryResponse::new(fields.clone(), rows(taken, fields));
                response.set_command_tag("FETCH");
                Ok(Response::Query(response))
            }
            What::Close(name) => {
                self.cursors().close(name.as_deref()).map_err(|e| told(&e))?;
                Ok(Response::Execution(Tag::new("CLOSE CURSOR")))
            }
            What::Name(statement) => self.name(sql, statement).await.map_err(|e| told(&e)),
            What::Query { statement, .. } => {
                let options = Arc::new(FormatOptions::from_client_metadata(client.metadata()));
                let (format, values) = match bound {
                    Some(bound) => (bound.format, Some(bound.values)),
                    None => (&Format::UnifiedText, None),
                };
                let answer = self.run(sql, statement, values.as_ref()).await.map_err(|e| told(&e))?;
                let fields = Arc::new(told_fields(&maps::schema(&answer.0.schema()), format, Some(options))?);
                Ok(Response::Query(QueryResponse::new(fields.clone(), rows(answer.batches(), fields))))
            }
        }
    }

    /// The answer of one statement of a text.
    async fn one<C>(&self, client: &mut C, sql: &str, statement: Statement) -> PgWireResult<Response>
    where
        C: ClientInfo + Sink<PgWireBackendMessage> + Unpin + Send + Sync,
        PgWireError: From<<C as Sink<PgWireBackendMessage>>::Error>,
    {
        let what = match self.what(statement) {
            Ok(what) => what,
            Err(error) => {
                let asker = self.parser.client()?;
                self.connection.service.refuse(asker, sql, &error).map_err(|e| told(&e))?;
                return Err(told(&error));
            }
        };
        self.answer(client, sql, &what, None).await
    }

    /// What a statement of the simple protocol is; it is planned when it runs.
    fn what(&self, statement: Statement) -> Result<What, Error> {
        if is_about_names(&statement) {
            return Ok(What::Name(Arc::new(statement)));
        }
        let statement = self.parser.executed(statement)?;
        // A statement about the connection that cannot be is told when it is run.
        if !matches!(aside(&statement), Ok(None)) {
            return Ok(What::Aside(Arc::new(statement)));
        }
        if let Some(copy) = copy::of(&statement)? {
            return Ok(What::Copy(Arc::new(copy)));
        }
        Ok(match step(&statement)? {
            Some(step) => self.parser.of_open(step),
            None => What::Query {
                statement: Arc::new(statement),
                schema: Arc::new(arrow::datatypes::Schema::empty()),
                parameters: Parameters::default(),
            },
        })
    }

    /// Prepares a statement under a name, or forgets it.
    async fn name(&self, sql: &str, statement: &Statement) -> Result<Response, Error> {
        let asker = self.parser.asker()?;
        let named = || self.parser.named.lock().unwrap_or_else(|e| e.into_inner());
        let naming = async {
            match statement {
                Statement::Prepare { name, data_types, statement } => {
                    if !matches!(statement.as_ref(), Statement::Query(_)) {
                        return Err(Error::ReadOnly("only a query can be prepared".into()));
                    }
                    // What cannot be planned is told now and not when it is executed.
                    self.parser.described(statement).await?;
                    named().keep(&name.value, data_types, statement)?;
                    Ok("PREPARE")
                }
                Statement::Deallocate { name, .. } => named().forget(&name.value).map(|()| "DEALLOCATE"),
                _ => Err(Error::Unsupported("this statement is not supported".into())),
            }
        };
        let tag = self.connection.service.planned(asker, sql, naming).await?;
        Ok(Response::Execution(Tag::new(tag)))
    }

    fn cursors(&self) -> MutexGuard<'_, Cursors> {
        cursors::open(&self.cursors)
    }

    /// Opens a cursor.
    async fn declare(
        &self,
        sql: &str,
        name: &str,
        hold: bool,
        query: &Statement,
        values: Option<&ParamValues>,
    ) -> Result<(), Error> {
        let in_transaction = self.settings.lock().unwrap_or_else(|e| e.into_inner()).in_transaction();
        let opens = match in_transaction || hold {
            true => self.cursors().check(name),
            false => {
                Err(Error::NoTransaction("a cursor lives in a transaction; send BEGIN first, or WITH HOLD".into()))
            }
        };
        if let Err(error) = opens {
            self.connection.service.refuse(self.parser.asker()?, sql, &error)?;
            return Err(error);
        }
        let answer = self.run(sql, query, values).await?;
        let schema = maps::schema(&answer.0.schema());
        self.cursors().put(name.to_owned(), Cursor::new(schema, answer.batches().boxed(), hold));
        Ok(())
    }

    /// Plans and runs, unless the client cancels in the meantime.
    async fn run(&self, sql: &str, statement: &Statement, values: Option<&ParamValues>) -> Result<Running, Error> {
        let mut cancelled = self.connection.cancel.subscribe();
        let running = async {
            let asker = self.parser.asker()?;
            let session = self.parser.session(asker).await?;
            let planning = plan(&session.context, statement, values);
            let plan = self.connection.service.planned(asker, sql, planning).await?;
            self.connection.service.run(asker, &session, sql, plan).await
        };
        let answer = tokio::select! {
            answer = running => answer?,
            _ = cancelled.changed() => return Err(Error::Cancelled),
        };
        Ok(Running(answer, cancelled))
    }

    async fn aside<C>(&self, client: &mut C, aside: Aside) -> PgWireResult<Response>
    where
        C: ClientInfo + Sink<PgWireBackendMessage> + Unpin + Send + Sync,
        PgWireError: From<<C as Sink<PgWireBackendMessage>>::Error>,
    {
        match aside {
            Aside::Set { name, value, local } => {
                self.parser.set(&name, &value, local).await.map_err(|e| told(&e))?;
                if let Some(known) = reported(&name) {
                    let told = ParameterStatus::new(known.to_owned(), value);
                    client.feed(PgWireBackendMessage::ParameterStatus(told)).await?;
                }
                Ok(Response::Execution(Tag::new("SET")))
            }
            Aside::Reset(name) => {
                self.settings.lock().unwrap_or_else(|e| e.into_inner()).reset(name.as_deref());
                Ok(Response::Execution(Tag::new("RESET")))
            }
            Aside::Discard => {
                self.settings.lock().unwrap_or_else(|e| e.into_inner()).reset(None);
                self.cursors().close(None).map_err(|e| told(&e))?;
                *self.parser.named.lock().unwrap_or_else(|e| e.into_inner()) = Named::default();
                Ok(Response::Execution(Tag::new("DISCARD ALL")))
            }
            Aside::Show(name) => self.show(&name).map_err(|e| told(&e))?,
            Aside::Begin => {
                self.settings.lock().unwrap_or_else(|e| e.into_inner()).begin();
                Ok(Response::TransactionStart(Tag::new("BEGIN")))
            }
            Aside::End { commits } => {
                self.settings.lock().unwrap_or_else(|e| e.into_inner()).end(commits);
                self.parser.unpin();
                self.cursors().end(commits);
                Ok(Response::TransactionEnd(Tag::new(if commits { "COMMIT" } else { "ROLLBACK" })))
            }
            Aside::Nothing(tag) => Ok(Response::Execution(Tag::new(tag))),
        }
    }

    fn show(&self, name: &str) -> Result<PgWireResult<Response>, Error> {
        let value = self.settings.lock().unwrap_or_else(|e| e.into_inner()).show(name);
        let Some(value) = value else {
            return Err(Error::Unknown(format!("there is no setting `{name}`")));
        };
        let fields = Arc::new(vec![text_field(name)]);
        let mut encoder = DataRowEncoder::new(fields.clone());
        let row = encoder.encode_field(&value).map(|()| encoder.take_row());
        let mut response = QueryResponse::new(fields, stream::iter([row]));
        response.set_command_tag("SHOW");
        Ok(Ok(Response::Query(response)))
    }
}

/// Values and form of the answer that a client bound.
struct Bound<'a> {
    values: ParamValues,
    format: &'a Format,
}

/// An answer that ends when the client cancels.
struct Running(Answer, tokio::sync::watch::Receiver<()>);

impl Running {
    fn batches(self) -> impl Stream<Item = Result<RecordBatch, Error>> + Send + 'static {
        stream::unfold(Some(self), |running| async {
            let Running(mut answer, mut cancelled) = running?;
            tokio::select! {
                biased;
                Ok(()) = cancelled.changed() => Some((Err(Error::Cancelled), None)),
                next = answer.next() => next.map(|batch| (batch.and_then(maps::batch), Some(Running(answer, cancelled)))),
            }
        })
    }
}

fn rows(
    batches: impl Stream<Item = Result<RecordBatch, Error>> + Send + 'static,
    fields: Arc<Vec<FieldInfo>>,
) -> impl Stream<Item = PgWireResult<pgwire::messages::data::DataRow>> + Send + 'static {
    batches
        .map(move |batch| {
            let (rows, error) = match batch {
                Ok(batch) => (Some(encode_recordbatch(fields.clone(), batch)), None),
                Err(error) => (None, Some(Err(told(&error)))),
            };
            stream::iter(rows.into_iter().flatten().chain(error))
        })
        .flatten()
}

/// The columns of an answer under the names that clients are told.
fn told_fields(
    schema: &SchemaRef,
    format: &Format,
    options: Option<Arc<FormatOptions>>,
) -> PgWireResult<Vec<FieldInfo>> {
    let told = schema.fields().iter().map(|field| field.as_ref().clone().with_name(told_name(field.name())));
    arrow_schema_to_pg_fields(&Schema::new(told.collect::<Vec<_>>()), format, options)
}

fn text_field(name: &str) -> FieldInfo {
    FieldInfo::new(name.to_owned(), None, None, Type::TEXT, FieldFormat::Text)
}

async fn plan(
    context: &SessionContext,
    statement: &Statement,
    values: Option<&ParamValues>,
) -> Result<LogicalPlan, Error> {
    let mut statement = statement.clone();
    if let Some(values) = values {
        fill_functions(&mut statement, |at| literal(values, at));
    }
    let plan = lineward_sql::plan(&context.state(), EngineStatement::Statement(Box::new(statement))).await?;
    match values {
        Some(values) if !plan.get_parameter_types()?.is_empty() => Ok(plan.replace_params_with_values(values)?),
        _ => Ok(plan),
    }
}

impl Planner {
    fn asker(&self) -> Result<&Client, Error> {
        self.connection.client.get().ok_or_else(|| Error::Unauthenticated("the connection has not begun".into()))
    }

    fn client(&self) -> PgWireResult<&Client> {
        self.asker().map_err(|e| told(&e))
    }

    /// A session with the connection's settings.
    async fn session(&self, client: &Client) -> Result<Session, Error> {
        let settings = self.settings.lock().unwrap_or_else(|e| e.into_inner()).clone();
        let pinned = self.pinned.lock().unwrap_or_else(|e| e.into_inner()).clone();
        let mut session = match pinned {
            Some(pinned) => pinned,
            None => {
                let session = self.connection.service.session(client, true).await?;
                if settings.in_transaction() {
                    *self.pinned.lock().unwrap_or_else(|e| e.into_inner()) = Some(session.clone());
                }
                session
            }
        };
        session.timeout = settings.timeout();
        session.with(settings.ours())
    }

    /// The next statement sees the newest cut.
    fn unpin(&self) {
        *self.pinned.lock().unwrap_or_else(|e| e.into_inner()) = None;
    }

    /// Takes a setting, tried on a session first where it belongs to SQL.
    async fn set(&self, name: &str, value: &str, local: bool) -> Result<(), Error> {
        let mut changed = self.settings.lock().unwrap_or_else(|e| e.into_inner()).clone();
        changed.set(name, value, local)?;
        self.connection.service.session(self.asker()?, true).await?.with(changed.ours())?;
        *self.settings.lock().unwrap_or_else(|e| e.into_inner()) = changed;
        Ok(())
    }

    /// What a text is; `None` for no statement. Several are for the simple protocol only.
    async fn prepared(&self, sql: &str, statement: Statement) -> Result<Prepared, Error> {
        let sql: Arc<str> = Arc::from(sql);
        if is_about_names(&statement) {
            return Ok(Prepared { sql, what: What::Name(Arc::new(statement)) });
        }
        let statement = self.executed(statement)?;
        // A statement about the connection that cannot be is told when it is run.
        if !matches!(aside(&statement), Ok(None)) {
            return Ok(Prepared { sql, what: What::Aside(Arc::new(statement)) });
        }
        if let Some(copy) = copy::of(&statement)? {
            return Ok(Prepared { sql, what: What::Copy(Arc::new(copy)) });
        }
        let what = match step(&statement)? {
            None => {
                let (schema, parameters) = self.described(&statement).await?;
                What::Query { statement: Arc::new(statement), schema, parameters }
            }
            Some(Step::Declare { name, hold, query }) => {
                let (_, parameters) = self.described(&query).await?;
                What::Declare { name, hold, query: Arc::from(query), parameters }
            }
            Some(other) => self.of_open(other),
        };
        Ok(Prepared { sql, what })
    }

    /// The statement itself, or the one that it executes.
    fn executed(&self, statement: Statement) -> Result<Statement, Error> {
        let executed = self.named.lock().unwrap_or_else(|e| e.into_inner()).executed(&statement)?;
        Ok(executed.unwrap_or(statement))
    }

    /// The columns and parameters of a query.
    async fn described(&self, query: &Statement) -> Result<(SchemaRef, Parameters), Error> {
        let session = self.session(self.asker()?).await?;
        let mut described = query.clone();
        let in_functions = fill_functions(&mut described, stand_in);
        let plan = plan(&session.context, &described, None).await?;
        let parameters = Parameters::of(&plan, &in_functions)?;
        Ok((maps::schema(&Arc::new(plan.schema().as_arrow().clone())), parameters))
    }

    /// What is done with cursors that are open, or not planned.
    fn of_open(&self, step: Step) -> What {
        match step {
            Step::Declare { name, hold, query } => {
                What::Declare { name, hold, query: Arc::from(query), parameters: Parameters::default() }
            }
            Step::Fetch { name, count } => {
                let schema = self.cursors.lock().unwrap_or_else(|e| e.into_inner()).schema(&name);
                What::Fetch { name, count, schema }
            }
            Step::Close(name) => What::Close(name),
        }
    }
}

fn is_about_names(statement: &Statement) -> bool {
    matches!(statement, Statement::Prepare { .. } | Statement::Deallocate { .. })
}

fn parse(sql: &str) -> Result<Vec<Statement>, Error> {
    complexity::check(sql, &PostgreSqlDialect {})?;
    // The types' functions are names here, not numbers; ADBC's driver begins by comparing them with 0.
    let mut sql = sql.replace("typreceive != 0", "typreceive != '-'").replace("typsend != 0", "typsend != '-'");
    for named in ["'array_in'::regproc", "'pg_catalog.array_in'::regproc"] {
        sql = sql.replace(named, "'array_in'");
    }
    let begins = sql.trim_start().get(..5).unwrap_or_default();
    if begins.eq_ignore_ascii_case("begin") || begins.eq_ignore_ascii_case("start") {
        // What only reads is never put off; the parser does not know the word.
        let (first, others) = sql.split_at(sql.find(';').unwrap_or(sql.len()));
        sql = first.replace(" NOT DEFERRABLE", "").replace(" DEFERRABLE", "") + others;
    }
    let parsed = PARSER.parse(&kept(&sql));
    let mut statements =
        parsed.map_err(|e| Error::Query(datafusion::error::DataFusionError::SQL(Box::new(e), None)))?;
    for statement in &statements {
        complexity::check_growth(statement)?;
    }
    statements.iter_mut().for_each(rewrite);
    Ok(statements)
}

/// The plan of a statement as a connection makes it; `None` for one that is about the connection.
#[cfg(test)]
pub(crate) async fn planned_apart(session: &Session, sql: &str) -> Result<Option<LogicalPlan>, Error> {
    let statement = parse(sql)?.remove(0);
    match aside(&statement)? {
        Some(_) => Ok(None),
        None => plan(&session.context, &statement, None).await.map(Some),
    }
}

#[async_trait]
impl QueryParser for Planner {
    type Statement = Prepared;

    async fn parse_sql<C>(&self, _client: &C, sql: &str, _types: &[Option<Type>]) -> PgWireResult<Option<Prepared>>
    where
        C: ClientInfo + Unpin + Send + Sync,
    {
        self.connection.holds().await.map_err(|e| told(&e))?;
        let planning = async {
            let mut statements = parse(sql)?;
            match (statements.pop(), statements.is_empty()) {
                (Some(statement), true) => Ok(Some(self.prepared(sql, statement).await?)),
                (None, _) => Ok(None),
                _ => Err(Error::Parameter("a prepared text holds one statement".into())),
            }
        };
        let prepared = self.connection.service.planned(self.client()?, sql, planning).await;
        prepared.map_err(|e| told(&e))
    }

    fn get_parameter_types(&self, prepared: &Prepared) -> PgWireResult<Vec<Type>> {
        Ok(match &prepared.what {
            What::Query { parameters, .. } | What::Declare { parameters, .. } => parameters.wire.clone(),
            _ => Vec::new(),
        })
    }

    fn get_result_schema(&self, prepared: &Prepared, format: Option<&Format>) -> PgWireResult<Vec<FieldInfo>> {
        match &prepared.what {
            What::Query { schema, .. } | What::Fetch { schema: Some(schema), .. } => {
                told_fields(schema, format.unwrap_or(&Format::UnifiedText), None)
            }
            What::Aside(statement) => Ok(match aside(statement) {
                Ok(Some(Aside::Show(name))) => vec![text_field(&name)],
                _ => Vec::new(),
            }),
            What::Fetch { schema: None, .. } => Err(told(&Error::NoCursor)),
            What::Copy(_) | What::Declare { .. } | What::Close(_) | What::Name(_) => Ok(Vec::new()),
        }
    }
}

#[async_trait]
impl SimpleQueryHandler for Handlers {
    async fn do_query<C>(&self, client: &mut C, sql: &str) -> PgWireResult<Vec<Response>>
    where
        C: ClientInfo + ClientPortalStore + Sink<PgWireBackendMessage> + Unpin + Send + Sync,
        C::PortalStore: PortalStore,
        C::Error: std::fmt::Debug,
        PgWireError: From<<C as Sink<PgWireBackendMessage>>::Error>,
    {
        let asker = self.parser.client()?;
        self.connection.holds().await.map_err(|e| told(&e))?;
        let parsed = self.connection.service.planned(asker, sql, async { parse(sql) }).await;
        let statements = parsed.map_err(|e| told(&e))?;
        let mut responses = Vec::with_capacity(statements.len());
        if statements.len() > STATEMENTS {
            let error =
                Error::Parameter(format!("the text has more than {STATEMENTS} statements; send fewer at a time"));
            self.connection.service.refuse(asker, sql, &error).map_err(|e| told(&e))?;
            return Err(told(&error));
        }
        let is_one = statements.len() == 1;
        for statement in statements {
            // The log has each statement of a text by itself.
            let sql = if is_one { Cow::Borrowed(sql) } else { Cow::Owned(statement.to_string()) };
            match self.one(client, &sql, statement).await {
                Ok(response) => responses.push(response),
                Err(error) if responses.is_empty() => return Err(error),
                // What came before it is answered all the same, and what comes behind it is not run.
                Err(error) => {
                    responses.push(Response::Error(Box::new(error.into())));
                    break;
                }
            }
        }
        if responses.is_empty() {
            responses.push(Response::EmptyQuery);
        }
        Ok(responses)
    }
}

#[async_trait]
impl ExtendedQueryHandler for Handlers {
    type Statement = Prepared;
    type QueryParser = Planner;

    fn query_parser(&self) -> Arc<Planner> {
        self.parser.clone()
    }

    /// A cursor is a portal to clients: psycopg asks for its columns by its name.
    async fn on_describe<C>(&self, client: &mut C, message: Describe) -> PgWireResult<()>
    where
        C: ClientInfo + ClientPortalStore + Sink<PgWireBackendMessage> + Unpin + Send + Sync,
        C::PortalStore: PortalStore<Statement = Prepared>,
        C::Error: std::fmt::Debug,
        PgWireError: From<<C as Sink<PgWireBackendMessage>>::Error>,
    {
        let is_portal = message.target_type == TARGET_TYPE_BYTE_PORTAL;
        let open = message.name.as_deref().filter(|_| is_portal).and_then(|name| self.cursors().schema(name));
        let Some(schema) = open else { return self._on_describe(client, message).await };
        let fields = told_fields(&schema, &Format::UnifiedText, None)?;
        send_describe_response(client, &DescribePortalResponse::new(fields)).await
    }

    async fn do_query<C>(&self, client: &mut C, portal: &Portal<Prepared>, _max_rows: usize) -> PgWireResult<Response>
    where
        C: ClientInfo + ClientPortalStore + Sink<PgWireBackendMessage> + Unpin + Send + Sync,
        C::PortalStore: PortalStore<Statement = Prepared>,
        C::Error: std::fmt::Debug,
        PgWireError: From<<C as Sink<PgWireBackendMessage>>::Error>,
    {
        self.connection.holds().await.map_err(|e| told(&e))?;
        let prepared = &portal.statement.statement;
        let none = Parameters::default();
        let parameters = match &prepared.what {
            What::Query { parameters, .. } | What::Declare { parameters, .. } => parameters,
            _ => &none,
        };
        let values = arrays::values(portal, parameters)?;
        let bound = Bound { values, format: &portal.result_column_format };
        self.answer(client, &prepared.sql, &prepared.what, Some(bound)).await
    }
}
