//! Servers over a lineage store: PostgreSQL's wire protocol, Arrow Flight SQL and an HTTP API, all of which only read it,
//! but for the events that HTTP takes and those of an MLflow server that it stands before.
//!
//! [`serve`] is the entry. Who may ask what is decided in one place for all protocols (`service`, `access`): a principal's
//! session holds only what its roles grant, its queries run within limits, and each is in the audit log before it runs.
//! Protocols parse, call and encode. On loopback nobody is asked who they are unless that is configured; any other
//! address needs authentication and TLS.

mod access;
pub mod audit;
mod auth;
pub mod config;
mod error;
mod flight;
mod http;
mod ingest;
mod limits;
mod literals;
mod metrics;
mod mlflow;
mod net;
mod parameters;
mod pg_catalog;
mod postgres;
mod service;
#[cfg(test)]
mod tests;
mod times;
mod tls;
mod yielding;

pub use auth::tokens;
pub use config::Config;
pub use error::Error;
pub use lineward_classifiers::FingerprintKey;

use ingest::Ingest;
use lineward_store::Store;
use net::Accepted;
use service::Service;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tls::{Acceptor, Certificates};
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

/// How long conversations may go on after the server was told to stop.
const DRAIN: Duration = Duration::from_secs(10);
/// Connections of a protocol at once, unless configured.
const CONNECTIONS: usize = 1000;
/// How often the audit log is made to survive a loss of power.
const SYNC: Duration = Duration::from_secs(1);

/// The runtime to [`serve`] in.
///
/// # Errors
/// Where the system gives no threads.
pub fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    lineward_sql::complexity::runtime()
}

/// Where a server listens, with the ports it was given.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Addresses {
    /// PostgreSQL.
    pub postgres: Option<SocketAddr>,
    /// HTTP.
    pub http: Option<SocketAddr>,
    /// Flight SQL.
    pub flight: Option<SocketAddr>,
    /// The proxy before MLflow.
    pub mlflow: Option<SocketAddr>,
}

/// Serves a store until `stop` is done, then lets what is under way end. `started` is called once all addresses are
/// listened on; `key` is the key of fingerprints in events that are taken. The store must exist, unless events are taken.
/// Runs in a [`runtime`] of its own kind.
///
/// # Errors
/// [`Error::Config`] or [`Error::Listen`] where it cannot start; nothing is served then.
pub async fn serve(
    config: Config,
    key: FingerprintKey,
    started: impl FnOnce(Addresses),
    stop: impl Future<Output = ()>,
) -> Result<(), Error> {
    config.check()?;
    let uri = config.store.clone().ok_or_else(|| Error::Config("there is no `store` to serve".into()))?;
    let mlflow = config.mlflow.as_ref().map(mlflow::Upstream::new).transpose()?.map(Arc::new);
    let store = match config.takes_events() {
        true => Store::open_or_create(&uri).await?,
        false => Store::open(&uri).await?,
    };
    let service = Service::start(&config, store, key.clone()).await?;
    let listening = Listening::all(&config).await?;
    let addresses = listening.addresses()?;
    let most = config.connections.unwrap_or(CONNECTIONS).clamp(1, Semaphore::MAX_PERMITS);
    let (stopping, stopped) = watch::channel(false);
    let mut renewing = JoinSet::new();
    if let Some(certificates) = listening.certificates {
        renewing.spawn(certificates.keep_renewed());
    }
    let mut servers = JoinSet::new();
    let mut committing = None;
    started(addresses);
    if let Some((listener, tls)) = listening.postgres {
        let needs_certificate = config.tls.as_ref().is_some_and(|tls| tls.client_ca.is_some());
        let entrance = postgres::Entrance { tls, needs_certificate };
        servers.spawn(postgres::serve(listener, service.clone(), entrance, most, stopped.clone()));
    }
    if let Some((listener, tls)) = listening.flight {
        servers.spawn(flight::serve(accept(listener, tls, most)?, service.clone(), told(stopped.clone())));
    }
    if config.takes_events() {
        let (ingest, thread) = Ingest::start(uri, key)?;
        committing = Some(thread);
        let api = http::Api { service: service.clone(), ingest, mlflow };
        if let Some((listener, tls)) = listening.mlflow {
            servers.spawn(mlflow::serve(accept(listener, tls, most)?, api.clone(), told(stopped.clone())));
        }
        if let Some((listener, tls)) = listening.http {
            servers.spawn(http::serve(accept(listener, tls, most)?, api, told(stopped)));
        }
    }
    tokio::select! {
        () = stop => {}
        () = keep_synced(&service) => {}
        // A server only ends by itself when it cannot go on.
        _ = servers.join_next() => tracing::error!("a server has ended; the others stop"),
    }
    let _ = stopping.send(true);
    drain(servers).await;
    if let Some(thread) = committing {
        // What was taken is committed before the process ends.
        let _ = tokio::task::spawn_blocking(move || thread.join()).await;
    }
    service.sync_audit().map_err(Error::Audit)
}

async fn keep_synced(service: &Arc<Service>) {
    loop {
        tokio::time::sleep(SYNC).await;
        let service = service.clone();
        if let Ok(Err(e)) = tokio::task::spawn_blocking(move || service.sync_audit()).await {
            tracing::error!(error = %e, "the audit log cannot be synced");
        }
    }
}

/// The sockets of all protocols, before any is served.
struct Listening {
    postgres: Option<(TcpListener, Option<Acceptor>)>,
    http: Option<(TcpListener, Option<Acceptor>)>,
    flight: Option<(TcpListener, Option<Acceptor>)>,
    mlflow: Option<(TcpListener, Option<Acceptor>)>,
    certificates: Option<Certificates>,
}

impl Listening {
    async fn all(config: &Config) -> Result<Self, Error> {
        let mut certificates = config.tls.clone().map(Certificates::new);
        let mut one = async |address: Option<SocketAddr>, protocols: &[&[u8]]| match address {
            None => Ok(None),
            Some(address) => {
                let tls = certificates.as_mut().map(|all| all.acceptor(protocols)).transpose()?;
                let listener = TcpListener::bind(address).await;
                let listener = listener.map_err(|source| Error::Listen { address: address.to_string(), source })?;
                Ok::<_, Error>(Some((listener, tls)))
            }
        };
        let postgres = one(config.postgres, &[b"postgresql"]).await?;
        let http = one(config.http, &[b"http/1.1"]).await?;
        let flight = one(config.flight, &[b"h2"]).await?;
        let mlflow = one(config.mlflow_address(), &[b"http/1.1"]).await?;
        Ok(Self { postgres, http, flight, mlflow, certificates })
    }

    fn addresses(&self) -> Result<Addresses, Error> {
        let of = |one: &Option<(TcpListener, Option<Acceptor>)>| {
            let address = one.as_ref().map(|(listener, _)| listener.local_addr()).transpose();
            address.map_err(|source| Error::Listen { address: "a socket".into(), source })
        };
        let (postgres, http) = (of(&self.postgres)?, of(&self.http)?);
        Ok(Addresses { postgres, http, flight: of(&self.flight)?, mlflow: of(&self.mlflow)? })
    }
}

fn accept(listener: TcpListener, tls: Option<Acceptor>, most: usize) -> Result<Accepted, Error> {
    Accepted::start(listener, tls, most).map_err(|source| Error::Listen { address: "a socket".into(), source })
}

async fn told(mut stopped: watch::Receiver<bool>) {
    // An error says that the sender is gone, which is the same.
    let _ = stopped.wait_for(|stop| *stop).await;
}

/// Waits for conversations to end, then ends them.
async fn drain(mut conversations: JoinSet<()>) {
    let ended = tokio::time::timeout(DRAIN, async { while conversations.join_next().await.is_some() {} }).await;
    if ended.is_err() {
        conversations.shutdown().await;
    }
}
