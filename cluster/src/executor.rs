//! An executor: asks a scheduler for tasks, computes them, and keeps what they give until it is fetched.

use crate::client::connected;
use crate::codec::Codec;
use crate::security::{SchedulerUrl, Tls, check_listen, with_certificates};
use crate::site::Site;
use crate::{Error, MESSAGE_BYTES_MAX};
use arrow_flight::flight_service_server::FlightServiceServer;
use ballista_core::extension::SessionConfigExt as _;
use ballista_core::registry::BallistaFunctionRegistry;
use ballista_core::serde::protobuf::{
    ExecutorOperatingSystemSpecification, ExecutorRegistration, ExecutorStoppedParams, GetJobStatusParams,
};
use ballista_core::serde::scheduler::ExecutorSpecification;
use ballista_core::serde::{BallistaCodec, BallistaLogicalExtensionCodec};
use ballista_core::{BALLISTA_PROTOCOL_VERSION, ConfigProducer, RuntimeProducer};
use ballista_executor::execution_engine::DefaultExecutionEngine;
use ballista_executor::executor::Executor as Engine;
use ballista_executor::flight_service::BallistaFlightService;
use ballista_executor::health::ExecutorHealth;
use ballista_executor::metrics::LoggingMetricsCollector;
use datafusion::execution::runtime_env::{RuntimeEnv, RuntimeEnvBuilder};
use datafusion::prelude::{SessionConfig, SessionContext};
use datafusion_proto::protobuf::{LogicalPlanNode, PhysicalPlanNode};
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;

/// How long an executor waits for its scheduler when both are started at once.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long it takes leave.
const LEAVING: Duration = Duration::from_secs(2);
/// Time between questions for work, while there was some this short a time ago and else.
const ASKING_WORKING: Duration = Duration::from_millis(5);
const ASKING_IDLE: Duration = Duration::from_millis(50);
const WORKING: Duration = Duration::from_secs(1);

/// How to run an executor.
#[derive(Debug)]
pub struct ExecutorOptions {
    /// Whose executor it is.
    pub scheduler: SchedulerUrl,
    /// Where others fetch what it computed; port 0 is one that is free.
    pub listen: SocketAddr,
    /// The host under which others reach it, where that is not the address it listens on.
    pub advertise: Option<String>,
    /// Tasks at a time.
    pub threads: usize,
    /// Folder for what it computed; a temporary one without it.
    pub work_dir: Option<PathBuf>,
    /// Its certificate; needed beyond loopback.
    pub tls: Option<Tls>,
    /// Who it is, with its key.
    pub site: Site,
}

/// An executor that has joined its scheduler.
pub struct Executor {
    id: String,
    address: SocketAddr,
    listener: TcpListener,
    scheduler: crate::client::SchedulerClient,
    engine: Arc<Engine>,
    codec: BallistaCodec<LogicalPlanNode, PhysicalPlanNode>,
    tls: Option<Tls>,
    /// Removed with all that is in it when the executor ends.
    work_dir: TempDir,
}

impl Executor {
    /// Listens and joins the scheduler.
    ///
    /// # Errors
    /// [`Error::Unsafe`] for an address beyond loopback without certificates, [`Error::Advertise`], [`Error::Listen`],
    /// [`Error::Unreachable`] and [`Error::Refused`] of the scheduler, [`Error::System`].
    pub async fn join(options: ExecutorOptions) -> Result<Self, Error> {
        check_listen(options.listen, options.tls.as_ref())?;
        let host = host(options.listen, options.advertise.as_deref())?;
        let cannot = |source| Error::Listen { address: options.listen, source };
        let listener = TcpListener::bind(options.listen).await.map_err(cannot)?;
        let address = listener.local_addr().map_err(cannot)?;
        let work_dir = match &options.work_dir {
            Some(folder) => std::fs::create_dir_all(folder).and_then(|()| TempDir::new_in(folder)),
            None => TempDir::new(),
        };
        let work_dir = work_dir.map_err(|source| Error::System { what: "cannot make the working folder", source })?;
        let scheduler = joined(&options).await?;
        let id = uuid::Uuid::new_v4().to_string();
        let engine = engine(&id, host, address.port(), &options, &work_dir)?;
        let codec = BallistaCodec::new(
            Arc::new(BallistaLogicalExtensionCodec::default()),
            Arc::new(Codec::computing(Arc::new(options.site))),
        );
        Ok(Self { id, address, listener, scheduler, engine, codec, tls: options.tls, work_dir })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Computes until it is asked to stop. Then it takes leave, so that its tasks go to others at once.
    ///
    /// # Errors
    /// [`Error::Failed`] where its listener fails, or it cannot ask for work any more.
    pub async fn serve(self, stop: impl Future<Output = ()> + Send) -> Result<(), Error> {
        let Self { id, listener, mut scheduler, engine, codec, tls, work_dir, .. } = self;
        let kept = work_dir.path().to_string_lossy().into_owned();
        let flight = FlightServiceServer::new(BallistaFlightService::new(kept))
            .max_decoding_message_size(MESSAGE_BYTES_MAX)
            .max_encoding_message_size(MESSAGE_BYTES_MAX);
        let mut server = Server::builder().tcp_nodelay(true);
        if let Some(tls) = &tls {
            server = server.tls_config(tls.server()).map_err(failed)?;
        }
        let serving = server.add_service(flight).serve_with_incoming(TcpIncoming::from(listener));
        let wake = Arc::new(Notify::new());
        let waking = tokio::spawn(wake_often(engine.clone(), wake.clone()));
        let asking = ballista_executor::execution_loop::poll_loop(
            scheduler.clone(),
            engine,
            codec,
            Some(wake),
            None,
            ExecutorHealth::new(),
        );
        // On a task of its own: what it started is let go with it, off the threads that wait here.
        let mut asking = tokio::spawn(asking);
        let ended = tokio::select! {
            done = serving => Err(done.map_or_else(failed, |()| Error::Failed("it stopped listening".to_owned()))),
            _ = &mut asking => Err(Error::Failed("it stopped asking for work; start it again".to_owned())),
            () = stop => Ok(()),
        };
        asking.abort();
        waking.abort();
        let leave = scheduler.executor_stopped(ExecutorStoppedParams { executor_id: id, reason: "stopped".to_owned() });
        // A scheduler that is gone finds out by itself.
        drop(tokio::time::timeout(LEAVING, leave).await);
        ended
    }
}

/// Has an executor ask for work: often while there is some, since what it finished is told, and the next stage of a
/// query begun, when it asks.
async fn wake_often(engine: Arc<Engine>, wake: Arc<Notify>) {
    let mut worked = None;
    loop {
        if engine.active_task_count() > 0 {
            worked = Some(Instant::now());
        }
        let works = worked.is_some_and(|at: Instant| at.elapsed() < WORKING);
        tokio::time::sleep(if works { ASKING_WORKING } else { ASKING_IDLE }).await;
        wake.notify_one();
    }
}

/// The host by which others reach it, as it stands in a URL.
fn host(listen: SocketAddr, advertise: Option<&str>) -> Result<String, Error> {
    let host = match advertise {
        Some(host) => host.to_owned(),
        None if listen.ip().is_unspecified() => return Err(Error::Advertise { listen }),
        None => listen.ip().to_string(),
    };
    match host.parse::<IpAddr>() {
        Ok(ip) if ip.is_unspecified() => Err(Error::Advertise { listen }),
        Ok(IpAddr::V6(ip)) => Ok(format!("[{ip}]")),
        _ => Ok(host),
    }
}

fn failed(e: tonic::transport::Error) -> Error {
    Error::Failed(format!("the executor cannot serve: {e}"))
}

/// Connects, and finds out at once whether the scheduler takes this executor.
async fn joined(options: &ExecutorOptions) -> Result<crate::client::SchedulerClient, Error> {
    let until = tokio::time::Instant::now() + PATIENCE;
    let mut scheduler = loop {
        match connected(&options.scheduler, &options.site.identity).await {
            Err(Error::Unreachable { .. }) if tokio::time::Instant::now() < until => {
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
            other => break other?,
        }
    };
    // Who is not taken is told so by any call; this one changes nothing.
    let asked = scheduler.get_job_status(GetJobStatusParams { job_id: "none".to_owned() }).await;
    match asked {
        Err(status) if status.code() == tonic::Code::FailedPrecondition => {
            Err(Error::Refused(status.message().to_owned()))
        }
        _ => Ok(scheduler),
    }
}

fn engine(
    id: &str,
    host: String,
    port: u16,
    options: &ExecutorOptions,
    work_dir: &TempDir,
) -> Result<Arc<Engine>, Error> {
    let threads = options.threads.max(1);
    let registration = ExecutorRegistration {
        id: id.to_owned(),
        host: Some(host),
        port: u32::from(port),
        // Nobody calls an executor that asks for its work.
        grpc_port: 0,
        specification: Some(ExecutorSpecification { vcores: u32::try_from(threads).unwrap_or(u32::MAX) }.into()),
        os_info: Some(ExecutorOperatingSystemSpecification::default()),
        ballista_protocol_version: BALLISTA_PROTOCOL_VERSION,
    };
    let folder = work_dir.path().to_string_lossy().into_owned();
    let runtime: Arc<RuntimeEnv> = RuntimeEnvBuilder::new()
        .with_temp_file_path(folder.clone())
        .build_arc()
        .map_err(|e| Error::Failed(format!("the executor cannot start: {e}")))?;
    let runtime: RuntimeProducer = Arc::new(move |_| Ok(runtime.clone()));
    let tls = options.tls.clone();
    let config: ConfigProducer = Arc::new(move || config(tls.as_ref()));
    let functions = BallistaFunctionRegistry::from(&SessionContext::new().state());
    Ok(Arc::new(Engine::new(
        registration,
        &folder,
        runtime,
        config,
        Arc::new(functions),
        Arc::new(LoggingMetricsCollector::default()),
        threads,
        Arc::new(DefaultExecutionEngine::new()),
    )))
}

/// The configuration of tasks: how they fetch what other executors computed.
fn config(tls: Option<&Tls>) -> SessionConfig {
    let config = SessionConfig::new_with_ballista().with_ballista_grpc_client_max_message_size(MESSAGE_BYTES_MAX);
    match tls {
        None => config,
        Some(tls) => config
            .with_ballista_use_tls(true)
            .with_ballista_override_create_grpc_client_endpoint(with_certificates(tls)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn others_get_a_host_they_can_reach() {
        for (listen, advertise, wanted) in [
            ("127.0.0.1:0", None, Some("127.0.0.1")),
            ("[::1]:0", None, Some("[::1]")),
            ("0.0.0.0:50051", Some("node-1.example"), Some("node-1.example")),
            ("[::]:50051", Some("fd00::7"), Some("[fd00::7]")),
            ("[::]:50051", Some("[fd00::7]"), Some("[fd00::7]")),
            ("0.0.0.0:50051", None, None),
            ("[::]:50051", None, None),
            ("127.0.0.1:0", Some("0.0.0.0"), None),
        ] {
            let host = host(listen.parse().expect("an address"), advertise);
            match (&host, wanted) {
                (Err(e @ Error::Advertise { .. }), None) => assert!(e.to_string().contains("`--advertise"), "{e}"),
                _ => assert_eq!(host.ok().as_deref(), wanted, "{listen} {advertise:?}"),
            }
        }
    }
}
