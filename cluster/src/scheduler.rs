//! The scheduler: takes plans, cuts them into tasks, hands these to executors that ask for work, and again to others when
//! an executor is gone. It reads no data and has no key.

use crate::codec::Codec;
use crate::identity::{Asks, Identity};
use crate::security::{Tls, check_listen, with_certificates};
use crate::site::Site;
use crate::{Error, MESSAGE_BYTES_MAX};
use ballista_core::config::TaskSchedulingPolicy;
use ballista_core::extension::SessionConfigExt as _;
use ballista_core::serde::protobuf::scheduler_grpc_server::SchedulerGrpcServer;
use ballista_scheduler::cluster::BallistaCluster;
use ballista_scheduler::config::{SchedulerConfig, TaskDistributionPolicy};
use ballista_scheduler::scheduler_process::create_scheduler;
use ballista_scheduler::scheduler_server::SchedulerServer;
use datafusion::execution::SessionStateBuilder;
use datafusion::prelude::SessionConfig;
use datafusion_proto::protobuf::{LogicalPlanNode, PhysicalPlanNode};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;

/// Time after which connections that are still open are closed, once the scheduler was asked to stop.
const STOPPING: Duration = Duration::from_secs(3);
/// What was computed is removed when whoever asked has read it, however long that takes, and after this time where they
/// went away without a word.
const KEPT: Duration = Duration::from_secs(6 * 3600);
/// An executor says that it is there every five seconds while it is busy; less than two of these would be no loss.
const EXECUTOR_TIMEOUT_MIN: Duration = Duration::from_secs(10);

/// How to run a scheduler.
#[derive(Debug, Clone)]
pub struct SchedulerOptions {
    /// Where it listens; port 0 is one that is free.
    pub listen: SocketAddr,
    /// Its certificate; needed beyond loopback.
    pub tls: Option<Tls>,
    /// Time without a word after which an executor is lost and its tasks go to others; 10 s at least.
    pub executor_timeout: Duration,
    /// Who it is.
    pub identity: Identity,
}

/// A scheduler that listens.
pub struct Scheduler {
    listener: TcpListener,
    address: SocketAddr,
    cluster: BallistaCluster,
    server: SchedulerServer<LogicalPlanNode, PhysicalPlanNode>,
    options: SchedulerOptions,
}

impl Scheduler {
    /// Begins to listen.
    ///
    /// # Errors
    /// [`Error::Unsafe`] for an address beyond loopback without certificates, [`Error::Listen`], [`Error::Failed`].
    pub async fn bind(options: SchedulerOptions) -> Result<Self, Error> {
        check_listen(options.listen, options.tls.as_ref())?;
        let cannot = |source| Error::Listen { address: options.listen, source };
        let listener = TcpListener::bind(options.listen).await.map_err(cannot)?;
        let address = listener.local_addr().map_err(cannot)?;
        let session =
            |config: SessionConfig| Ok(SessionStateBuilder::new().with_default_features().with_config(config).build());
        let config = || SessionConfig::new_with_ballista();
        let cluster = BallistaCluster::new_memory(address.to_string(), Arc::new(session), Arc::new(config));
        let config = Arc::new(config_of(&options, address));
        let server = create_scheduler(cluster.clone(), config).await;
        let server = server.map_err(|e| Error::Failed(format!("the scheduler cannot start: {e}")))?;
        Ok(Self { listener, address, cluster, server, options })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until it is asked to stop.
    ///
    /// # Errors
    /// [`Error::Failed`] where the listener fails.
    pub async fn serve(self, stop: impl Future<Output = ()> + Send + 'static) -> Result<(), Error> {
        let state = self.cluster.cluster_state();
        let executors = Arc::new(move || state.executor_heartbeats().len());
        let asks = Asks { identity: self.options.identity.clone(), executors };
        let service = SchedulerGrpcServer::new(self.server)
            .max_decoding_message_size(MESSAGE_BYTES_MAX)
            .max_encoding_message_size(MESSAGE_BYTES_MAX);
        let mut server = Server::builder().tcp_nodelay(true);
        if let Some(tls) = &self.options.tls {
            server = server.tls_config(tls.server()).map_err(failed)?;
        }
        let (told, stopping) = tokio::sync::oneshot::channel();
        let stop = async move {
            stop.await;
            let _ = told.send(());
        };
        let incoming = TcpIncoming::from(self.listener).with_nodelay(Some(true));
        let served =
            server.add_service(InterceptedService::new(service, asks)).serve_with_incoming_shutdown(incoming, stop);
        let late = async move {
            match stopping.await {
                Ok(()) => tokio::time::sleep(STOPPING).await,
                Err(_) => std::future::pending().await,
            }
        };
        tokio::select! {
            done = served => done.map_err(failed),
            () = late => Ok(()),
        }
    }
}

fn failed(e: tonic::transport::Error) -> Error {
    Error::Failed(format!("the scheduler cannot serve: {e}"))
}

fn config_of(options: &SchedulerOptions, address: SocketAddr) -> SchedulerConfig {
    // A scheduler computes nothing, so it needs no key.
    let site = Site::new(options.identity.clone(), || Err("a scheduler has no key".to_owned()));
    let bytes_max = u32::try_from(MESSAGE_BYTES_MAX).unwrap_or(u32::MAX);
    let timeout = options.executor_timeout.max(EXECUTOR_TIMEOUT_MIN).as_secs();
    SchedulerConfig {
        external_host: address.ip().to_string(),
        bind_host: address.ip().to_string(),
        bind_port: address.port(),
        // Executors ask for work, so that nobody has to reach them but who fetches results.
        scheduling_policy: TaskSchedulingPolicy::PullStaged,
        task_distribution: TaskDistributionPolicy::RoundRobin,
        executor_timeout_seconds: timeout,
        expire_dead_executor_interval_seconds: 1,
        no_executors_grace_period_seconds: timeout,
        finished_job_data_clean_up_interval_seconds: KEPT.as_secs(),
        finished_job_state_clean_up_interval_seconds: 600,
        grpc_server_max_decoding_message_size: bytes_max,
        grpc_server_max_encoding_message_size: bytes_max,
        grpc_client_max_message_size: bytes_max,
        override_physical_codec: Some(Arc::new(Codec::passing(Arc::new(site)))),
        override_create_grpc_client_endpoint: options.tls.as_ref().map(with_certificates),
        use_tls: options.tls.is_some(),
        ..SchedulerConfig::default()
    }
}
