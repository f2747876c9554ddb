//! Who may connect. A cluster on loopback trusts its machine. Beyond it every connection, whoever begins it, is TLS with a
//! certificate on both sides that the cluster's own authority has signed: Ballista's processes call each other without a
//! place for a token in the call, and whoever may send a plan may read what its executors can read.

use crate::Error;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tonic::transport::{Certificate, ClientTlsConfig, Endpoint, Identity, ServerTlsConfig};
use url::{Host, Url};

/// Where a process's certificate, its key and the certificate of the cluster's authority are: PEM files.
#[derive(Debug, Clone)]
pub struct TlsFiles {
    /// The certificate of this process.
    pub certificate: PathBuf,
    /// Its key.
    pub key: PathBuf,
    /// The certificate of the authority that signs those of the cluster's processes, and no others.
    pub authority: PathBuf,
}

/// A process's certificate, and whom it trusts.
#[derive(Clone)]
pub struct Tls {
    identity: Identity,
    authority: Certificate,
}

impl std::fmt::Debug for Tls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tls").finish_non_exhaustive()
    }
}

impl Tls {
    /// Reads the files.
    ///
    /// # Errors
    /// [`Error::Certificate`] for a file that cannot be read or holds no PEM.
    pub fn read(files: &TlsFiles) -> Result<Self, Error> {
        // Libraries in this process bring two providers, and tonic asks for the one of the process. One that is already
        // chosen stays.
        drop(rustls::crypto::ring::default_provider().install_default());
        let identity = Identity::from_pem(pem(&files.certificate, "CERTIFICATE")?, pem(&files.key, "PRIVATE KEY")?);
        let authority = Certificate::from_pem(pem(&files.authority, "CERTIFICATE")?);
        let tls = Self { identity, authority };
        // A key that does not belong to the certificate is told now, and not by a connection that fails.
        let refused = |e: tonic::transport::Error| Error::Certificate {
            path: files.certificate.clone(),
            problem: format!("it does not go with its key or its authority: {e}"),
        };
        tonic::transport::Server::builder().tls_config(tls.server()).map_err(refused)?;
        Ok(tls)
    }

    /// For a server: callers have to show a certificate.
    pub(crate) fn server(&self) -> ServerTlsConfig {
        ServerTlsConfig::new().identity(self.identity.clone()).client_ca_root(self.authority.clone())
    }

    fn client(&self) -> ClientTlsConfig {
        ClientTlsConfig::new().identity(self.identity.clone()).ca_certificate(self.authority.clone())
    }
}

fn pem(path: &Path, kind: &str) -> Result<Vec<u8>, Error> {
    let fail = |problem: String| Error::Certificate { path: path.to_owned(), problem };
    let text = std::fs::read(path).map_err(|e| fail(e.to_string()))?;
    let begins = text.windows(11).any(|w| w == b"-----BEGIN ");
    let holds = text.windows(kind.len()).any(|w| w == kind.as_bytes());
    match begins && holds {
        true => Ok(text),
        false => Err(fail(format!("there is no {} in PEM in it", kind.to_ascii_lowercase()))),
    }
}

/// How connections are changed before they are made.
pub(crate) type Override =
    Arc<dyn Fn(Endpoint) -> Result<Endpoint, Box<dyn std::error::Error + Send + Sync>> + Send + Sync>;

/// What makes a connection one with certificates.
pub(crate) fn with_certificates(tls: &Tls) -> Override {
    let client = tls.client();
    Arc::new(move |endpoint| Ok(endpoint.tls_config(client.clone())?))
}

/// Refuses to listen to the network without certificates.
pub(crate) fn check_listen(address: SocketAddr, tls: Option<&Tls>) -> Result<(), Error> {
    if address.ip().is_loopback() || tls.is_some() {
        return Ok(());
    }
    Err(Error::Unsafe(format!(
        "{address} is not loopback, and whoever reaches it could read what this machine can read; give `--tls-cert`, \
         `--tls-key` and `--tls-ca`, or listen on 127.0.0.1"
    )))
}

/// Where a scheduler is.
#[derive(Debug, Clone)]
pub struct SchedulerUrl {
    url: String,
    pub(crate) tls: Option<Tls>,
}

impl SchedulerUrl {
    /// Checks a URL: `http://` on loopback, `https://` elsewhere.
    ///
    /// # Errors
    /// [`Error::Url`] for what is no such URL, [`Error::Unsafe`] for one that would go over the network without
    /// certificates.
    pub fn parse(text: &str, tls: Option<Tls>) -> Result<Self, Error> {
        let wrong = |problem| Error::Url { url: text.to_owned(), problem };
        let url = Url::parse(text).map_err(|_| wrong("it is no URL"))?;
        let host = url.host().ok_or_else(|| wrong("it names no host"))?;
        if !names_port(&url, text) {
            return Err(wrong("it names no port"));
        }
        if !matches!(url.path(), "" | "/") || url.query().is_some() {
            return Err(wrong("there is more behind its port"));
        }
        match (url.scheme(), &tls) {
            ("http", None) if is_loopback(&host) => {}
            ("http", None) => {
                return Err(Error::Unsafe(format!(
                    "`{text}` is on another machine, and plans and findings would travel in clear; write `https://` and \
                     give `--tls-cert`, `--tls-key` and `--tls-ca`"
                )));
            }
            ("http", Some(_)) => return Err(wrong("with certificates it begins with `https://`")),
            ("https", Some(_)) => {}
            ("https", None) => {
                let missing = "`https://` needs `--tls-cert`, `--tls-key` and `--tls-ca`";
                return Err(Error::Unsafe(missing.to_owned()));
            }
            _ => return Err(wrong("it begins with neither `http://` nor `https://`")),
        }
        Ok(Self { url: text.trim_end_matches('/').to_owned(), tls })
    }

    /// As given.
    pub fn as_str(&self) -> &str {
        &self.url
    }
}

/// Whether a URL names its port; the parser does not keep one that is its scheme's own.
fn names_port(url: &Url, text: &str) -> bool {
    let authority = text.split_once("//").map_or("", |(_, rest)| rest);
    let authority = authority.split(['/', '?', '#']).next().unwrap_or_default();
    url.port().is_some() || url.port_or_known_default().is_some_and(|port| authority.ends_with(&format!(":{port}")))
}

fn is_loopback(host: &Host<&str>) -> bool {
    match host {
        Host::Domain(name) => *name == "localhost",
        Host::Ipv4(ip) => IpAddr::from(*ip).is_loopback(),
        Host::Ipv6(ip) => IpAddr::from(*ip).is_loopback(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_loopback_is_open() {
        for (address, open) in [("127.0.0.1:1", true), ("[::1]:1", true), ("0.0.0.0:1", false), ("10.0.0.1:1", false)] {
            assert_eq!(check_listen(address.parse().expect("an address"), None).is_ok(), open, "{address}");
        }
    }

    #[test]
    fn urls() {
        for good in ["http://127.0.0.1:50050", "http://localhost:1/", "http://[::1]:50050", "http://[::1]:80/"] {
            assert!(SchedulerUrl::parse(good, None).is_ok(), "{good}");
        }
        for (wrong, told) in [
            ("nonsense", "it is no URL"),
            ("http://127.0.0.1", "it names no port"),
            ("http://[::80]", "it names no port"),
            ("https://scheduler.example/:443", "it names no port"),
            ("https://scheduler.example:443", "needs `--tls-cert`"),
            ("http://127.0.0.1:5/path", "more behind its port"),
            ("ftp://127.0.0.1:5", "neither `http://`"),
            ("http://scheduler.example:50050", "write `https://`"),
            ("https://127.0.0.1:5", "needs `--tls-cert`"),
        ] {
            let error = SchedulerUrl::parse(wrong, None).expect_err(wrong).to_string();
            assert!(error.contains(told), "{wrong}: {error}");
        }
    }
}
