//! The beginning of a connection: who is there. On loopback without credentials nobody is asked; else a certificate that
//! is known by name, or a token as the password, the user's name being free.

use super::{Connection, SERVER_VERSION, told};
use crate::Error;
use crate::auth::Principal;
use crate::service::Client;
use crate::tls::common_name;
use async_trait::async_trait;
use futures::sink::{Sink, SinkExt as _};
use pgwire::api::auth::{
    DefaultServerParameterProvider, StartupHandler, finish_authentication, protocol_negotiation,
    save_startup_parameters_to_metadata,
};
use pgwire::api::{ClientInfo, PgWireConnectionState, PidSecretKeyGenerator as _, RandomPidSecretKeyGenerator};
use pgwire::error::{PgWireError, PgWireResult};
use pgwire::messages::startup::Authentication;
use pgwire::messages::{PgWireBackendMessage, PgWireFrontendMessage};
use std::sync::{Arc, LazyLock};

static NUMBERS: LazyLock<RandomPidSecretKeyGenerator> = LazyLock::new(RandomPidSecretKeyGenerator::default);

/// Finds out who is on a connection.
pub(super) struct Startup(pub Arc<Connection>);

#[async_trait]
impl StartupHandler for Startup {
    async fn on_startup<C>(&self, client: &mut C, message: PgWireFrontendMessage) -> PgWireResult<()>
    where
        C: ClientInfo + Sink<PgWireBackendMessage> + Unpin + Send + Sync,
        C::Error: std::fmt::Debug,
        PgWireError: From<<C as Sink<PgWireBackendMessage>>::Error>,
    {
        match message {
            PgWireFrontendMessage::Startup(startup) => {
                protocol_negotiation(client, &startup).await?;
                save_startup_parameters_to_metadata(client, &startup);
                match self.known(client).map_err(|e| told(&e))? {
                    Some(principal) => self.let_in(client, principal).await,
                    None => {
                        client.set_state(PgWireConnectionState::AuthenticationInProgress);
                        let ask = PgWireBackendMessage::Authentication(Authentication::CleartextPassword);
                        Ok(client.send(ask).await?)
                    }
                }
            }
            PgWireFrontendMessage::PasswordMessageFamily(message) => {
                let token = message.into_password()?.password;
                let checked = self.0.service.auth.token(&token).await;
                match checked {
                    Ok(principal) => {
                        let _ = self.0.token.set(token);
                        self.let_in(client, principal).await
                    }
                    Err(error) => {
                        self.refuse(&error).map_err(|e| told(&e))?;
                        Err(told(&error))
                    }
                }
            }
            _ => Ok(()),
        }
    }
}

impl Startup {
    /// The principal, where it is known without asking.
    fn known<C: ClientInfo>(&self, client: &C) -> Result<Option<Principal>, Error> {
        if self.0.needs_tls && !client.is_secure() {
            return Err(Error::Unauthenticated(
                "this server takes tokens only over TLS; connect with `sslmode=verify-full`".into(),
            ));
        }
        let auth = &self.0.service.auth;
        if !auth.required() {
            return auth.local(self.0.address.ip()).map(Some);
        }
        let name = client.client_certificates().and_then(|all| common_name(all.first()?));
        name.and_then(|name| auth.certificate(&name)).transpose()
    }

    async fn let_in<C>(&self, client: &mut C, principal: Principal) -> PgWireResult<()>
    where
        C: ClientInfo + Sink<PgWireBackendMessage> + Unpin + Send + Sync,
        C::Error: std::fmt::Debug,
        PgWireError: From<<C as Sink<PgWireBackendMessage>>::Error>,
    {
        let (pid, secret) = NUMBERS.generate(client);
        self.0.register(pid, secret.to_bytes().to_vec());
        client.set_pid_and_secret_key(pid, secret);
        let mut parameters = DefaultServerParameterProvider::default();
        parameters.server_version = format!("{SERVER_VERSION} (Lineward {})", env!("CARGO_PKG_VERSION"));
        parameters.is_superuser = false;
        parameters.default_transaction_read_only = true;
        parameters.session_authorization = Some(principal.name.clone());
        let address = self.0.address.to_string();
        let known = Client { principal: Arc::new(principal), via: "postgres", address, settings: Vec::new() };
        let _ = self.0.client.set(known);
        finish_authentication(client, &parameters).await
    }

    fn refuse(&self, error: &Error) -> Result<(), Error> {
        self.0.service.refuse_stranger("postgres", &self.0.address.to_string(), error)
    }
}
