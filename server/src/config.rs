//! The configuration of servers: a YAML file, read once at start. An unknown key or a value that cannot work stops
//! start-up with what to write instead.

use crate::Error;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// What a server serves, where, and to whom.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The store: a folder or an object-store URL.
    pub store: Option<String>,
    /// Address of the PostgreSQL wire protocol, as `127.0.0.1:5432`; port 0 takes a free one.
    pub postgres: Option<SocketAddr>,
    /// Address of the HTTP API.
    pub http: Option<SocketAddr>,
    /// Address of Arrow Flight SQL.
    pub flight: Option<SocketAddr>,
    /// A tracking server of MLflow to stand before.
    pub mlflow: Option<MlflowConfig>,
    /// Certificates; without them only loopback addresses are served.
    pub tls: Option<TlsConfig>,
    /// How clients prove who they are; without it only loopback addresses are served.
    pub auth: Option<AuthConfig>,
    /// What principals with a role may see and use, by the role's name. `admin` and `reader` are built in.
    pub roles: BTreeMap<String, Role>,
    /// Limits of every principal; a role can give others.
    pub limits: Limits,
    /// Most connections of each protocol at once, 1000 unless given; others wait to be accepted.
    pub connections: Option<usize>,
    /// Memory of all queries together, in bytes, half of the machine's unless given; what sorts and groups need beyond it
    /// goes to disk.
    pub memory_bytes: Option<usize>,
    /// Folder for what does not fit in memory; the system's temporary folder unless given.
    pub spill_dir: Option<PathBuf>,
    /// File of the audit log; `<store>.audit.jsonl` beside a store in a folder unless given.
    pub audit: Option<PathBuf>,
    /// Queries that take at least as long are logged, without their literals; in milliseconds.
    pub slow_query_ms: Option<u64>,
}

/// Certificate and key of the server, and who signs those of clients.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TlsConfig {
    /// File with the certificate and its chain (PEM).
    pub certificate: PathBuf,
    /// File with the private key (PEM).
    pub key: PathBuf,
    /// File with the authorities that sign certificates of clients (PEM); with it every client must show one.
    pub client_ca: Option<PathBuf>,
}

/// A tracking server of MLflow, whose clients and webhooks say what runs read and made.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MlflowConfig {
    /// Address that clients of MLflow are given as their tracking server; without it only webhooks are taken.
    pub address: Option<SocketAddr>,
    /// Address of the tracking server behind, `http` or `https`.
    pub tracking_uri: String,
    /// File with what the tracking server is sent as `Authorization`, as `Bearer TOKEN`. Without it what clients send goes on
    /// to it, unless they have to prove here who they are.
    pub authorization_file: Option<PathBuf>,
    /// File with the secret that webhooks are signed with; without it they need a token.
    pub webhook_secret_file: Option<PathBuf>,
}

/// How clients prove who they are; several ways may be on at once.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AuthConfig {
    /// File of tokens, as `lineward token` keeps it.
    pub tokens: Option<PathBuf>,
    /// Tokens of an identity provider.
    pub oidc: Option<OidcConfig>,
    /// Roles of those who show a certificate, by its common name. Needs `tls.client_ca`.
    pub certificates: BTreeMap<String, Vec<String>>,
}

/// An OpenID Connect provider whose signed tokens are taken.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OidcConfig {
    /// What the `iss` claim must be.
    pub issuer: String,
    /// What the `aud` claim must be.
    pub audience: String,
    /// Keys of the provider: a file, or an https address.
    pub jwks: String,
    /// Claim that names the principal.
    #[serde(default = "subject")]
    pub principal_claim: String,
    /// Claim that lists roles.
    #[serde(default = "roles")]
    pub roles_claim: String,
}

/// What principals with a role may see and use. A principal with several roles has what any of them gives.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Role {
    /// Tables and views, as `schema.table` with `*` for any text; without a schema it is `public`.
    pub tables: Vec<String>,
    /// Lineage functions by name, with `*` for any text. They answer from the whole graph.
    pub functions: Vec<String>,
    /// Columns that are not there for the role, by table pattern; without a schema it is the table in every schema.
    pub deny_columns: BTreeMap<String, Vec<String>>,
    /// Conditions on rows, as SQL over the table's columns, by table pattern; without a schema as above.
    pub rows: BTreeMap<String, String>,
    /// May see previews of values and payloads of events; they are NULL otherwise.
    pub previews: bool,
    /// May send events.
    pub ingest: bool,
    /// Limits in place of those of the server.
    pub limits: Limits,
}

/// Limits of a principal; what is not given has none, or that of the server.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Longest time of a query, in seconds.
    pub query_seconds: Option<u64>,
    /// Most rows of an answer.
    pub rows: Option<u64>,
    /// Most memory of the principal's queries together, in bytes.
    pub memory_bytes: Option<usize>,
    /// Most queries at once.
    pub concurrent: Option<usize>,
}

fn subject() -> String {
    "sub".to_owned()
}

fn roles() -> String {
    "roles".to_owned()
}

impl Config {
    /// Reads a configuration file.
    ///
    /// # Errors
    /// [`Error::Config`] with the place of what is wrong.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let text = std::fs::read_to_string(path)
            .map_err(|e| Error::Config(format!("cannot read `{}`: {e}", path.display())))?;
        let wrong = |e: serde_norway::Error| {
            Error::Config(format!("`{}`: {}", path.display(), lineward_pipelines::with_suggestion(&e.to_string())))
        };
        serde_norway::from_str(&text).map_err(wrong)
    }

    /// Checks what must hold before anything is started.
    ///
    /// # Errors
    /// [`Error::Config`] where an address would be open to others without authentication and TLS, nothing is served, or
    /// settings contradict each other.
    pub fn check(&self) -> Result<(), Error> {
        let addresses = self.addresses();
        if addresses.is_empty() {
            return Err(Error::Config(
                "nothing to serve; give at least one of `postgres`, `http`, `flight` and `mlflow` an address".into(),
            ));
        }
        for (name, address) in addresses {
            let open = !address.ip().is_loopback();
            if open && !self.authenticates() {
                return Err(Error::Config(format!(
                    "`{name}` would serve `{address}` to anyone; set `auth`, or listen on 127.0.0.1"
                )));
            }
            if open && self.tls.is_none() {
                return Err(Error::Config(format!(
                    "`{name}` would send answers and tokens over `{address}` in clear; set `tls`, or listen on \
                     127.0.0.1"
                )));
            }
        }
        if let Some(mlflow) = &self.mlflow
            && mlflow.address.is_none()
            && self.http.is_none()
        {
            return Err(Error::Config(
                "`mlflow` has neither an `address` for its clients nor `http` for its webhooks; give it one".into(),
            ));
        }
        self.check_auth()
    }

    fn check_auth(&self) -> Result<(), Error> {
        let Some(auth) = &self.auth else { return Ok(()) };
        if !self.authenticates() {
            return Err(Error::Config("`auth` lets nobody in; set `auth.tokens`, `auth.oidc` or both".into()));
        }
        let has_authority = self.tls.as_ref().is_some_and(|tls| tls.client_ca.is_some());
        if !auth.certificates.is_empty() && !has_authority {
            return Err(Error::Config("`auth.certificates` needs `tls.client_ca` to check certificates with".into()));
        }
        if let Some(oidc) = &auth.oidc
            && oidc.jwks.starts_with("http://")
        {
            return Err(Error::Config(
                "`auth.oidc.jwks` must be an https address or a file: keys decide who is let in".into(),
            ));
        }
        Ok(())
    }

    /// Whether clients must prove who they are.
    pub fn authenticates(&self) -> bool {
        self.auth.as_ref().is_some_and(|a| a.tokens.is_some() || a.oidc.is_some() || !a.certificates.is_empty())
    }

    /// Whether events are taken, so that a store that does not exist is made.
    pub fn takes_events(&self) -> bool {
        self.http.or(self.mlflow_address()).is_some()
    }

    /// Where clients of MLflow are served.
    pub fn mlflow_address(&self) -> Option<SocketAddr> {
        self.mlflow.as_ref().and_then(|mlflow| mlflow.address)
    }

    /// Each address that is served, with the key that gives it.
    pub fn addresses(&self) -> Vec<(&'static str, SocketAddr)> {
        let mlflow = ("mlflow.address", self.mlflow_address());
        let all = [("postgres", self.postgres), ("http", self.http), ("flight", self.flight), mlflow];
        all.into_iter().filter_map(|(name, address)| Some((name, address?))).collect()
    }
}

impl Limits {
    /// These limits, and those of `base` where they have none.
    pub fn or(self, base: Self) -> Self {
        Self {
            query_seconds: self.query_seconds.or(base.query_seconds),
            rows: self.rows.or(base.rows),
            memory_bytes: self.memory_bytes.or(base.memory_bytes),
            concurrent: self.concurrent.or(base.concurrent),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(text: &str) -> Result<(), String> {
        let config: Config = serde_norway::from_str(text).map_err(|e| e.to_string())?;
        config.check().map_err(|e| e.to_string())
    }

    #[test]
    fn only_loopback_is_open_without_credentials() {
        let tls = "tls: {certificate: c.pem, key: k.pem}\n";
        let auth = "auth: {tokens: tokens.json}\n";
        for (text, wrong) in [
            ("postgres: 127.0.0.1:0".to_owned(), None),
            ("http: '[::1]:8080'".to_owned(), None),
            ("postgres: 0.0.0.0:5432".to_owned(), Some("to anyone")),
            (format!("{tls}flight: 10.0.0.1:1"), Some("to anyone")),
            (format!("{auth}http: 0.0.0.0:80"), Some("in clear")),
            (format!("{auth}{tls}http: 0.0.0.0:443"), None),
            (format!("{tls}auth: {{}}\nhttp: 0.0.0.0:443"), Some("to anyone")),
            ("auth: {}\nhttp: 127.0.0.1:1".to_owned(), Some("nobody")),
            ("auth: {certificates: {ann: [reader]}}\nhttp: 127.0.0.1:1".to_owned(), Some("client_ca")),
            ("memory_bytes: 5".to_owned(), Some("nothing to serve")),
            ("mlflow: {tracking_uri: 'http://t', address: 127.0.0.1:0}".to_owned(), None),
            (
                "mlflow: {tracking_uri: 'http://t', address: 10.0.0.1:1}".to_owned(),
                Some("`mlflow.address` would serve"),
            ),
            ("postgres: 127.0.0.1:0\nmlflow: {tracking_uri: 'http://t'}".to_owned(), Some("neither an `address`")),
            ("mlflow: {address: 127.0.0.1:0}".to_owned(), Some("tracking_uri")),
            ("http: 127.0.0.1:1\nposgres: 127.0.0.1:1".to_owned(), Some("posgres")),
            (
                "auth: {oidc: {issuer: i, audience: a, jwks: 'http://idp/keys'}}\nhttp: 127.0.0.1:1".to_owned(),
                Some("https"),
            ),
        ] {
            match (checked(&text), wrong) {
                (Ok(()), None) => {}
                (Err(said), Some(part)) => assert!(said.contains(part), "{text}: {said}"),
                (found, _) => panic!("{text}: {found:?}"),
            }
        }
    }

    #[test]
    fn limits_of_a_role_come_first() {
        let base = Limits { rows: Some(10), query_seconds: Some(5), ..Limits::default() };
        let role = Limits { rows: Some(99), ..Limits::default() };
        assert_eq!(role.or(base), Limits { rows: Some(99), query_seconds: Some(5), ..Limits::default() });
    }
}
