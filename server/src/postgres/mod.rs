//! The PostgreSQL wire protocol: connections, who is on them, and when they end. Statements are in `handlers`.

pub(crate) mod arrays;
mod catalogue;
mod copy;
mod cursors;
mod handlers;
mod maps;
mod named;
mod rewrite;
mod settings;
mod startup;
mod subqueries;

use crate::Error;
use crate::service::{Client, Service};
use crate::tls::Acceptor;
use handlers::Handlers;
#[cfg(test)]
pub(crate) use handlers::planned_apart;
use pgwire::api::ErrorHandler;
use pgwire::api::cancel::CancelHandler;
use pgwire::api::{ClientInfo, PgWireServerHandlers, query};
use pgwire::error::{ErrorInfo, PgWireError};
use pgwire::messages::cancel::CancelRequest;
use startup::Startup;
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};

/// The version of PostgreSQL that clients are told.
pub(crate) const SERVER_VERSION: &str = "16.6";
/// The value of a setting on a new connection.
pub(crate) fn first_setting(name: &str) -> Option<String> {
    settings::Settings::default().show(name)
}

/// Refuses a value that a setting cannot have.
pub(crate) fn check_setting(name: &str, value: &str) -> Result<(), crate::Error> {
    settings::Settings::default().set(name, value, false)
}

#[cfg(test)]
pub(crate) use catalogue::EMPTY;

/// All settings that a connection begins with.
pub(crate) fn first_settings() -> &'static [(&'static str, &'static str)] {
    &settings::KNOWN
}

/// How often a connection is looked at while a query runs on it, to see whether the client has gone.
const LOOK: Duration = Duration::from_millis(200);

/// Connections that a cancel request may name, by process id and secret.
type Running = Arc<Mutex<HashMap<(i32, Vec<u8>), Arc<watch::Sender<()>>>>>;

/// One connection.
pub(crate) struct Connection {
    pub service: Arc<Service>,
    pub address: SocketAddr,
    /// Set once the client has proved who it is.
    pub client: OnceLock<Client>,
    /// The token it proved that with, to see before each statement that it still holds.
    pub token: OnceLock<String>,
    /// Told when the query that runs is to stop.
    pub cancel: Arc<watch::Sender<()>>,
    running: Running,
    key: OnceLock<(i32, Vec<u8>)>,
    /// Whether tokens must not come in clear.
    needs_tls: bool,
}

/// What clients must come with.
#[derive(Clone)]
pub(crate) struct Entrance {
    pub tls: Option<Acceptor>,
    /// Every client must show a certificate, one on this machine too.
    pub needs_certificate: bool,
}

impl Entrance {
    fn needs_tls(&self, address: SocketAddr) -> bool {
        self.tls.is_some() && (self.needs_certificate || !address.ip().is_loopback())
    }
}

impl Connection {
    /// Whether who began the connection may still ask.
    pub async fn holds(&self) -> Result<(), Error> {
        let Some(token) = self.token.get() else { return Ok(()) };
        match self.service.auth.token(token).await {
            Ok(_) => Ok(()),
            Err(error) => {
                self.service.refuse_stranger("postgres", &self.address.to_string(), &error)?;
                Err(error)
            }
        }
    }

    /// Makes the connection known to cancel requests.
    pub fn register(&self, pid: i32, secret: Vec<u8>) {
        let key = self.key.get_or_init(|| (pid, secret));
        self.running.lock().unwrap_or_else(|e| e.into_inner()).insert(key.clone(), self.cancel.clone());
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        if let Some(key) = self.key.get() {
            self.running.lock().unwrap_or_else(|e| e.into_inner()).remove(key);
        }
    }
}

/// Serves connections, so many at once, until told to stop; then lets each finish its query.
pub(crate) async fn serve(
    listener: TcpListener,
    service: Arc<Service>,
    entrance: Entrance,
    most: usize,
    mut stop: watch::Receiver<bool>,
) {
    let running = Running::default();
    let places = Arc::new(Semaphore::new(most));
    let mut connections = tokio::task::JoinSet::new();
    loop {
        // Beyond the limit clients wait to be accepted.
        let next = async {
            let place = places.clone().acquire_owned().await.map_err(std::io::Error::other)?;
            listener.accept().await.map(|(socket, address)| (place, socket, address))
        };
        let accepted = tokio::select! {
            accepted = next => accepted,
            _ = stop.changed() => break,
        };
        match accepted {
            Ok((place, socket, address)) => {
                let connection = Arc::new(Connection {
                    service: service.clone(),
                    address,
                    client: OnceLock::new(),
                    token: OnceLock::new(),
                    cancel: Arc::new(watch::Sender::new(())),
                    running: running.clone(),
                    key: OnceLock::new(),
                    needs_tls: entrance.needs_tls(address),
                });
                let tls = entrance.tls.as_ref().map(Acceptor::current);
                connections.spawn(async move {
                    converse(socket, tls, connection).await;
                    drop(place);
                });
            }
            Err(e) => {
                // Out of file descriptors, most likely: others may end soon.
                tracing::warn!(error = %e, "cannot accept a connection");
                tokio::time::sleep(LOOK).await;
            }
        }
        while connections.try_join_next().is_some() {}
    }
    drop(listener);
    crate::drain(connections).await;
}

async fn converse(socket: TcpStream, tls: Option<tokio_rustls::TlsAcceptor>, connection: Arc<Connection>) {
    let _ = socket.set_nodelay(true);
    let Ok((socket, probe)) = with_probe(socket) else { return };
    let handlers = Arc::new(Wire::new(connection));
    tokio::select! {
        ended = pgwire::tokio::process_socket(socket, tls, handlers) => {
            if let Err(e) = ended {
                tracing::debug!(error = %e, "a connection ended");
            }
        }
        // Dropping the conversation drops the query that runs in it.
        () = gone(&probe) => tracing::debug!("a client has gone"),
    }
}

/// A second handle on a socket, to look at it while the first is busy.
fn with_probe(socket: TcpStream) -> std::io::Result<(TcpStream, TcpStream)> {
    let socket = socket.into_std()?;
    let probe = TcpStream::from_std(socket.try_clone()?)?;
    Ok((TcpStream::from_std(socket)?, probe))
}

/// Returns when the client has closed its end.
async fn gone(probe: &TcpStream) {
    let mut byte = [0; 1];
    loop {
        match probe.peek(&mut byte).await {
            Ok(0) | Err(_) => return,
            // Something waits to be read; it stays readable until it is.
            Ok(_) => tokio::time::sleep(LOOK).await,
        }
    }
}

/// The parts of the protocol of one connection.
struct Wire {
    connection: Arc<Connection>,
    handlers: Arc<Handlers>,
}

impl Wire {
    fn new(connection: Arc<Connection>) -> Self {
        Self { handlers: Arc::new(Handlers::new(connection.clone())), connection }
    }
}

impl PgWireServerHandlers for Wire {
    fn simple_query_handler(&self) -> Arc<impl query::SimpleQueryHandler> {
        self.handlers.clone()
    }

    fn extended_query_handler(&self) -> Arc<impl query::ExtendedQueryHandler> {
        self.handlers.clone()
    }

    fn startup_handler(&self) -> Arc<impl pgwire::api::auth::StartupHandler> {
        Arc::new(Startup(self.connection.clone()))
    }

    fn error_handler(&self) -> Arc<impl ErrorHandler> {
        Arc::new(Reword)
    }

    fn cancel_handler(&self) -> Arc<impl CancelHandler> {
        Arc::new(Cancel(self.connection.running.clone()))
    }
}

/// Stops the query of another connection.
struct Cancel(Running);

#[async_trait::async_trait]
impl CancelHandler for Cancel {
    async fn on_cancel_request(&self, request: CancelRequest) {
        let key = (request.pid, request.secret_key.to_bytes().to_vec());
        let found = self.0.lock().unwrap_or_else(|e| e.into_inner()).get(&key).cloned();
        if let Some(cancel) = found {
            cancel.send_replace(());
        }
    }
}

/// Sees that every error has a code and that none quotes data.
struct Reword;

impl ErrorHandler for Reword {
    fn on_error<C: ClientInfo>(&self, _client: &C, error: &mut PgWireError) {
        let reworded = match std::mem::replace(error, PgWireError::QueryCanceled) {
            PgWireError::ApiError(inner) => {
                let own = inner.downcast::<crate::Error>().map(|e| told(&e));
                own.unwrap_or_else(|_| {
                    let text = "a value of the answer cannot be sent in the form that was asked for";
                    wire_error("22000", text.to_owned())
                })
            }
            PgWireError::FailedToParseParameter(_) => {
                wire_error("22P02", "a parameter does not have the form of its type".to_owned())
            }
            PgWireError::QueryCanceled => told(&crate::Error::Cancelled),
            other => other,
        };
        *error = reworded;
    }
}

/// An error as clients are told it.
pub(crate) fn told(error: &crate::Error) -> PgWireError {
    wire_error(error.sql_state(), error.to_string())
}

fn wire_error(state: &str, message: String) -> PgWireError {
    let severity = if state == "28P01" { "FATAL" } else { "ERROR" };
    PgWireError::UserError(Box::new(ErrorInfo::new(severity.to_owned(), state.to_owned(), message)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn on_this_machine_tls_is_needed_where_everyone_shows_a_certificate() {
        let config = rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_no_client_auth()
            .with_cert_resolver(Arc::new(rustls::server::ResolvesServerCertUsingSni::new()));
        let tls = Some(Acceptor::of(tokio_rustls::TlsAcceptor::from(Arc::new(config))));
        let [here, there] = ["127.0.0.1:1", "192.0.2.1:1"].map(|a| a.parse::<SocketAddr>().expect("an address"));
        for (tls, needs_certificate, expected) in
            [(None, false, [false, false]), (tls.clone(), false, [false, true]), (tls, true, [true, true])]
        {
            let entrance = Entrance { tls, needs_certificate };
            assert_eq!([here, there].map(|address| entrance.needs_tls(address)), expected);
        }
    }
}
