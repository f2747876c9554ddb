//! What all protocols share: from a principal and a plan to rows. Every query takes the same way: planned in a session
//! that holds only what the principal was granted, checked to read only, let in within limits, written to the audit log,
//! and watched until its last row. The protocols parse, call and encode, nothing else.

use crate::access::{self, Access};
use crate::audit::{AuditLog, AuditSchema, Entry};
use crate::auth::{Authenticator, Principal};
use crate::config::Config;
use crate::limits::{Share, Shares};
use crate::literals::without_literals;
use crate::metrics::Metrics;
use crate::{Error, parameters, pg_catalog, times};
use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use datafusion::catalog::SchemaProvider;
use datafusion::common::{ParamValues, ScalarValue};
use datafusion::execution::SendableRecordBatchStream;
use datafusion::logical_expr::{LogicalPlan, Statement as PlanStatement};
use datafusion::prelude::{SQLOptions, SessionContext};
use futures::{FutureExt as _, Stream, StreamExt as _};
use lineward_classifiers::FingerprintKey;
use lineward_sql::{LinewardSession, WhileRunning, complexity, memory};
use lineward_store::Store;
use std::collections::HashMap;
use std::future::Future;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};
use tokio::sync::{Mutex, OwnedSemaphorePermit, mpsc, oneshot};
use tokio::task::AbortHandle;
use tokio::time::Sleep;

/// How old the newest known cut of the store may be before a query looks for a newer one.
const FRESH: Duration = Duration::from_millis(300);
/// Longest time of a query that has no other limit.
const LONGEST: Duration = Duration::from_secs(24 * 3600);

/// Who asks, by which way.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    pub principal: Arc<Principal>,
    /// `postgres`, `flight` or `http`.
    pub via: &'static str,
    /// Address of the client.
    pub address: String,
    /// Settings that came with the request, where the protocol has no session to keep them in.
    pub settings: Vec<(&'static str, String)>,
}

/// The service behind all protocols.
#[derive(Debug)]
pub(crate) struct Service {
    pub auth: Authenticator,
    pub metrics: Metrics,
    store: Store,
    key: FingerprintKey,
    audit: Arc<AuditLog>,
    shares: Shares,
    slow: Option<Duration>,
    cut: Mutex<Cut>,
    compute: Compute,
}

/// The threads that compute answers, apart from those that converse: an operator that does not let go of its thread
/// must keep nobody from being told that time is up.
#[derive(Debug)]
struct Compute(Option<tokio::runtime::Runtime>);

impl Compute {
    fn start() -> Result<Self, Error> {
        let built = tokio::runtime::Builder::new_multi_thread()
            .thread_name("compute")
            .thread_stack_size(complexity::STACK_BYTES)
            .enable_all()
            .build();
        built.map(|runtime| Self(Some(runtime))).map_err(|e| Error::Config(format!("cannot start threads: {e}")))
    }

    fn spawn<T: Send + 'static>(&self, work: impl Future<Output = T> + Send + 'static) -> tokio::task::JoinHandle<T> {
        match &self.0 {
            Some(runtime) => runtime.spawn(work),
            None => tokio::spawn(work),
        }
    }
}

impl Drop for Compute {
    fn drop(&mut self) {
        // Waiting for threads is not allowed where conversations run.
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

/// The newest cut that is known, and the sessions over it.
#[derive(Default)]
struct Cut {
    base: Option<Arc<LinewardSession>>,
    looked: Option<Instant>,
    sessions: HashMap<SessionKey, SessionContext>,
}

/// What makes two sessions alike: the principal for its share of memory, its roles, and whether there is `pg_catalog`.
type SessionKey = (String, Vec<String>, bool);

impl std::fmt::Debug for Cut {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Cut").field("base", &self.base).field("sessions", &self.sessions.len()).finish_non_exhaustive()
    }
}

/// A session of a principal over one cut of the store.
#[derive(Clone)]
pub(crate) struct Session {
    pub context: SessionContext,
    /// Longest time of a query, where the client set one.
    pub timeout: Option<Duration>,
    share: Arc<Share>,
}

impl Session {
    /// The same with settings of its own, as `lineward.as_of`.
    pub fn with<'a>(mut self, settings: impl Iterator<Item = (&'a str, &'a str)>) -> Result<Self, Error> {
        let mut settings = settings.peekable();
        if settings.peek().is_none() {
            return Ok(self);
        }
        let mut state = self.context.state();
        for (name, value) in settings {
            let set = state.config_mut().options_mut().set(name, value);
            set.map_err(|e| Error::Parameter(format!("`{name}` cannot be set: {}", e.strip_backtrace())))?;
        }
        self.context = SessionContext::new_with_state(state);
        Ok(self)
    }
}

impl Service {
    /// Opens the store and everything else that must work before anyone is served.
    /// `key` is that of `fingerprint` and `redact`, for those who may call them.
    pub async fn start(config: &Config, store: Store, key: FingerprintKey) -> Result<Arc<Self>, Error> {
        let path = audit_path(config, store.uri());
        let audit = AuditLog::open(&path).map_err(Error::Audit)?;
        let runtime =
            memory::runtime(config.memory_bytes.or_else(memory::half_of_machine), config.spill_dir.as_deref())?;
        for (name, role) in &config.roles {
            check_role(name, role)?;
        }
        Ok(Arc::new(Self {
            auth: Authenticator::start(config).await?,
            metrics: Metrics::default(),
            store,
            key,
            audit: Arc::new(audit),
            shares: Shares::new(runtime),
            slow: config.slow_query_ms.map(Duration::from_millis),
            cut: Mutex::default(),
            compute: Compute::start()?,
        }))
    }

    /// A session of a client over the newest cut; `for_postgres` adds the catalogue that PostgreSQL's clients ask.
    pub async fn session(&self, client: &Client, for_postgres: bool) -> Result<Session, Error> {
        let principal = &client.principal;
        let share = self.shares.of(&principal.name, principal.limits)?;
        let mut cut = self.cut.lock().await;
        let base = self.newest(&mut cut).await?;
        let key = (principal.name.clone(), principal.roles.clone(), for_postgres);
        let context = match cut.sessions.get(&key) {
            Some(context) => context.clone(),
            None => {
                let context = self.guarded(&base, &principal.name, &principal.access, &share, for_postgres)?;
                cut.sessions.insert(key, context.clone());
                context
            }
        };
        drop(cut);
        let session = Session { context, timeout: None, share };
        session.with(client.settings.iter().map(|(name, value)| (*name, value.as_str())))
    }

    /// Number of the newest epoch, read from the store itself.
    pub async fn reachable(&self) -> Result<i64, Error> {
        Ok(self.store.snapshot().await?.epoch())
    }

    /// Looks for a newer cut at the next query, since one was just written.
    pub async fn look_again(&self) {
        self.cut.lock().await.looked = None;
    }

    async fn newest(&self, cut: &mut Cut) -> Result<Arc<LinewardSession>, Error> {
        if let Some(base) = cut.base.as_ref().filter(|_| cut.looked.is_some_and(|at| at.elapsed() < FRESH)) {
            return Ok(base.clone());
        }
        let newest = self.store.snapshot().await?;
        cut.looked = Some(Instant::now());
        match &cut.base {
            Some(base) if base.snapshot().epoch() == newest.epoch() => Ok(base.clone()),
            held => {
                let base = match held {
                    // The graph that is loaded grows by what is new.
                    Some(base) => base.at(newest).await?,
                    None => LinewardSession::new(newest).await?,
                };
                let base = Arc::new(base);
                let key = self.key.clone();
                base.set_fingerprint_key(move || Ok(key.clone()));
                *cut = Cut { base: Some(base.clone()), looked: cut.looked, sessions: HashMap::new() };
                Ok(base)
            }
        }
    }

    fn guarded(
        &self,
        base: &LinewardSession,
        principal: &str,
        access: &Arc<Access>,
        share: &Share,
        for_postgres: bool,
    ) -> Result<SessionContext, Error> {
        let audit: Arc<dyn SchemaProvider> = Arc::new(AuditSchema(self.audit.clone()));
        let state = base.context().state();
        let context = access::guarded(&state, access, share.runtime(), vec![("audit", audit)])?;
        if for_postgres {
            pg_catalog::add(&context, access, principal)?;
        }
        Ok(context)
    }

    /// Plans, and writes to the audit log where that fails: a question that was denied is one that was asked.
    pub async fn planned<T>(
        &self,
        client: &Client,
        sql: &str,
        planning: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        match planning.await {
            Ok(plan) => Ok(plan),
            Err(error) => {
                self.refuse(client, sql, &error)?;
                Err(error)
            }
        }
    }

    /// Writes a refusal to the audit log.
    pub fn refuse(&self, client: &Client, sql: &str, error: &Error) -> Result<(), Error> {
        let denied = matches!(error.sql_state(), "42501" | "25006" | "28P01" | "53300");
        self.metrics.refused(denied);
        let outcome = if denied { "denied" } else { "failed" };
        self.audit.append(entry(client, outcome, Some(sql), Some(error))).map_err(Error::Audit)?;
        Ok(())
    }

    /// Runs a plan made of `sql`. Dropping the answer cancels it.
    pub async fn run(
        self: &Arc<Self>,
        client: &Client,
        session: &Session,
        sql: &str,
        plan: LogicalPlan,
    ) -> Result<Answer, Error> {
        let allowed = reads_only(&plan).and_then(|()| session.share.enter());
        let permit = match allowed {
            Ok(permit) => permit,
            Err(error) => {
                self.refuse(client, sql, &error)?;
                return Err(error);
            }
        };
        let query = self.audit.append(entry(client, "asked", Some(sql), None)).map_err(Error::Audit)?;
        let limits = session.share.limits();
        let mut watch = Watch {
            service: self.clone(),
            client: client.clone(),
            sql: sql.to_owned(),
            query,
            started: Instant::now(),
            rows: 0,
            ended: false,
        };
        self.metrics.started();
        let allowed = limits.query_seconds.map_or(LONGEST, Duration::from_secs);
        let time = session.timeout.map_or(allowed, |wanted| wanted.min(allowed));
        let (started, stream) = oneshot::channel();
        let work = forward(session.context.clone(), plan, permit, started);
        let task = AbortOnDrop(self.compute.spawn(work).abort_handle());
        let (schema, batches) = match tokio::time::timeout(time, stream).await {
            Ok(Ok(Ok(stream))) => stream,
            Ok(Ok(Err(error))) => return Err(watch.fail(error)),
            Ok(Err(_)) => return Err(watch.fail(Error::Cancelled)),
            Err(_) => return Err(watch.fail(Error::TooLong(time))),
        };
        let stream = Forwarded { schema, batches, _task: task };
        let deadline = Box::pin(tokio::time::sleep(time.saturating_sub(watch.started.elapsed())));
        Ok(Answer { stream, deadline, time, rows_max: limits.rows.unwrap_or(u64::MAX), watch })
    }

    /// Plans and runs a statement of text with values for `$1`, `$2`, ...
    pub async fn ask(self: &Arc<Self>, client: &Client, sql: &str, values: Vec<ScalarValue>) -> Result<Answer, Error> {
        let session = self.session(client, false).await?;
        let values = ParamValues::from(values);
        let planning = parameters::plan(&session, sql, &values);
        let plan = self.planned(client, sql, planning).await?;
        self.run(client, &session, sql, plan).await
    }

    /// Writes to the audit log that events were taken.
    pub fn ingested(&self, client: &Client, events: u64) -> Result<(), Error> {
        let entry = Entry { rows: Some(events), ..entry(client, "ingested", None, None) };
        self.audit.append(entry).map_err(Error::Audit)?;
        Ok(())
    }

    /// Makes sure that the audit log survives a loss of power.
    pub fn sync_audit(&self) -> std::io::Result<()> {
        self.audit.sync()
    }
}

/// A role's names of tables and columns cannot be checked before there is a store, its texts can.
fn check_role(name: &str, role: &crate::config::Role) -> Result<(), Error> {
    for (table, condition) in &role.rows {
        let sql = format!("SELECT 1 WHERE {condition}");
        let whole = LinewardSession::parse(&sql).is_ok_and(|all| all.len() == 1);
        if !whole {
            return Err(Error::Config(format!("`roles.{name}.rows.{table}` is no SQL condition")));
        }
    }
    Ok(())
}

fn audit_path(config: &Config, store: &str) -> PathBuf {
    let is_url = store.split_once("://").is_some_and(|(scheme, _)| scheme != "file");
    let folder = store.trim_start_matches("file://").trim_end_matches('/');
    config.audit.clone().unwrap_or_else(|| match is_url {
        true => PathBuf::from("lineward-audit.jsonl"),
        false => PathBuf::from(format!("{folder}.audit.jsonl")),
    })
}

fn entry(client: &Client, outcome: &str, sql: Option<&str>, error: Option<&Error>) -> Entry {
    Entry {
        outcome: outcome.to_owned(),
        principal: client.principal.name.clone(),
        via: client.via.to_owned(),
        address: client.address.clone(),
        statement: sql.map(without_literals),
        sql_state: error.map(|e| e.sql_state().to_owned()),
        ..Entry::default()
    }
}

fn reads_only(plan: &LogicalPlan) -> Result<(), Error> {
    if let LogicalPlan::Statement(PlanStatement::SetVariable(_) | PlanStatement::ResetVariable(_)) = plan {
        return Err(Error::Unsupported(format!(
            "a request has no session to keep settings in; send the time with it, as header `{}` or `{}`",
            times::HEADERS[0].0,
            times::HEADERS[1].0
        )));
    }
    let options = SQLOptions::new().with_allow_ddl(false).with_allow_dml(false).with_allow_statements(false);
    options.verify_plan(plan).map_err(|e| Error::ReadOnly(Error::from(e).to_string()))
}

/// The rows of a query as they are computed.
pub(crate) struct Answer {
    stream: Forwarded,
    deadline: Pin<Box<Sleep>>,
    time: Duration,
    rows_max: u64,
    watch: Watch,
}

impl Answer {
    /// Columns of the rows.
    pub fn schema(&self) -> SchemaRef {
        self.stream.schema.clone()
    }
}

/// Batches that the threads for computing hand over. Their task holds the leave to run, so that one that is slow to stop
/// still counts.
struct Forwarded {
    schema: SchemaRef,
    batches: Batches,
    _task: AbortOnDrop,
}

type Batches = mpsc::Receiver<datafusion::error::Result<RecordBatch>>;

struct AbortOnDrop(AbortHandle);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

async fn forward(
    context: SessionContext,
    plan: LogicalPlan,
    permit: OwnedSemaphorePermit,
    started: oneshot::Sender<Result<(SchemaRef, Batches), Error>>,
) {
    // Work that goes on after this is dropped holds it too.
    let permit = Arc::new(permit);
    let while_running: Weak<OwnedSemaphorePermit> = Arc::downgrade(&permit);
    let mut state = context.state();
    state.config_mut().set_extension(Arc::new(WhileRunning(while_running)));
    let context = SessionContext::new_with_state(state);
    let executing = async { Ok::<_, Error>(context.execute_logical_plan(plan).await?.execute_stream().await?) };
    let mut stream: SendableRecordBatchStream = match executing.await {
        Ok(stream) => stream,
        Err(error) => {
            drop(permit);
            return drop(started.send(Err(error)));
        }
    };
    let (sender, batches) = mpsc::channel(2);
    if started.send(Ok((stream.schema(), batches))).is_err() {
        return;
    }
    while let Some(batch) = stream.next().await {
        if sender.send(batch).await.is_err() {
            return;
        }
    }
    // Before the client is told that this was all: it may ask at once.
    drop(stream);
    drop(permit);
    drop(sender);
}

impl Stream for Answer {
    type Item = Result<RecordBatch, Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.watch.ended {
            return Poll::Ready(None);
        }
        if self.deadline.poll_unpin(context).is_ready() {
            let error = Error::TooLong(self.time);
            return Poll::Ready(Some(Err(self.watch.fail(error))));
        }
        let next = std::task::ready!(self.stream.batches.poll_recv(context));
        Poll::Ready(match next {
            None => {
                self.watch.end("done", None);
                None
            }
            Some(Err(error)) => Some(Err(self.watch.fail(error.into()))),
            Some(Ok(batch)) => {
                self.watch.rows += batch.num_rows() as u64;
                if self.watch.rows > self.rows_max {
                    let error = Error::TooManyRows(self.rows_max);
                    return Poll::Ready(Some(Err(self.watch.fail(error))));
                }
                Some(Ok(batch))
            }
        })
    }
}

/// Tells the audit log, the metrics and the log of slow queries how a query ended, also where nobody waits for it.
struct Watch {
    service: Arc<Service>,
    client: Client,
    sql: String,
    query: u64,
    started: Instant,
    rows: u64,
    ended: bool,
}

impl Watch {
    fn fail(&mut self, error: Error) -> Error {
        self.end("failed", Some(&error));
        error
    }

    fn end(&mut self, outcome: &str, error: Option<&Error>) {
        if std::mem::replace(&mut self.ended, true) {
            return;
        }
        let elapsed = self.started.elapsed();
        let ended = Entry {
            query: self.query,
            rows: Some(self.rows),
            elapsed_us: Some(elapsed.as_micros() as u64),
            ..entry(&self.client, outcome, None, error)
        };
        if let Err(e) = self.service.audit.append(ended) {
            tracing::error!(error = %e, "the audit log cannot be written");
        }
        self.service.metrics.ended(elapsed, self.rows, error.is_some());
        if self.service.slow.is_some_and(|slow| elapsed >= slow) {
            let (elapsed_ms, rows) = (elapsed.as_millis() as u64, self.rows);
            let statement = without_literals(&self.sql);
            tracing::warn!(elapsed_ms, rows, outcome, principal = self.client.principal.name, statement, "slow query");
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.end("cancelled", None);
    }
}

impl Service {
    /// Writes to the audit log that somebody could not prove who they are.
    pub fn refuse_stranger(&self, via: &'static str, address: &str, error: &Error) -> Result<(), Error> {
        self.metrics.refused(true);
        let entry = Entry {
            outcome: "denied".to_owned(),
            via: via.to_owned(),
            address: address.to_owned(),
            sql_state: Some(error.sql_state().to_owned()),
            ..Entry::default()
        };
        self.audit.append(entry).map_err(Error::Audit)?;
        Ok(())
    }
}
