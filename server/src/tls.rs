//! TLS of all protocols, by rustls: the server's certificate, and where configured those of clients. Certificates are
//! renewed while a server runs: their files are looked at now and then, and what is new in them holds for connections that
//! begin from then on. Files that cannot be used change nothing and are told in the log.

use crate::Error;
use crate::config::TlsConfig;
use rustls::ServerConfig;
use rustls::crypto::ring::default_provider;
use rustls::server::WebPkiClientVerifier;
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use sha2::{Digest as _, Sha256};
use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;
use tokio_rustls::TlsAcceptor;

/// How often the files are looked at.
const LOOK: Duration = Duration::from_secs(5);

/// Accepts connections with the newest certificate that could be used.
#[derive(Clone)]
pub(crate) struct Acceptor(Arc<RwLock<TlsAcceptor>>);

impl Acceptor {
    /// One that stays as it is.
    pub fn of(acceptor: TlsAcceptor) -> Self {
        Self(Arc::new(RwLock::new(acceptor)))
    }

    /// For a connection that begins now.
    pub fn current(&self) -> TlsAcceptor {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn replace(&self, acceptor: TlsAcceptor) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = acceptor;
    }
}

impl std::fmt::Debug for Acceptor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Acceptor")
    }
}

/// The acceptors of a server, and the files they are made of.
pub(crate) struct Certificates {
    config: TlsConfig,
    acceptors: Vec<(Vec<Vec<u8>>, Acceptor)>,
    /// What the acceptors are of, or what could not be used.
    tried: Digest,
    /// What the last look saw: files that are being written look different at the next.
    seen: Digest,
}

/// Hash of the files; `None` where one of them cannot be read.
type Digest = Option<[u8; 32]>;

impl Certificates {
    /// Of files as they are now.
    pub fn new(config: TlsConfig) -> Self {
        let now = digest(&config);
        Self { config, acceptors: Vec::new(), tried: now, seen: now }
    }

    /// An acceptor for a protocol, by its names in ALPN.
    pub fn acceptor(&mut self, protocols: &[&[u8]]) -> Result<Acceptor, Error> {
        let made = Acceptor::of(acceptor(&self.config, protocols)?);
        self.acceptors.push((protocols.iter().map(|name| name.to_vec()).collect(), made.clone()));
        Ok(made)
    }

    /// Takes over what is new in the files once it stays the same for two looks; whether there was something, and whether it
    /// could be used.
    pub fn look(&mut self) -> Option<Result<(), Error>> {
        let now = digest(&self.config);
        if std::mem::replace(&mut self.seen, now) != now || now == self.tried {
            return None;
        }
        self.tried = now;
        Some(self.renew())
    }

    fn renew(&self) -> Result<(), Error> {
        let mut made = Vec::new();
        for (protocols, _) in &self.acceptors {
            let names: Vec<&[u8]> = protocols.iter().map(Vec::as_slice).collect();
            made.push(acceptor(&self.config, &names)?);
        }
        // All of them or none.
        self.acceptors.iter().zip(made).for_each(|((_, held), new)| held.replace(new));
        Ok(())
    }

    /// Looks for ever.
    pub async fn keep_renewed(mut self) {
        loop {
            tokio::time::sleep(LOOK).await;
            let looked = tokio::task::spawn_blocking(move || {
                let found = self.look();
                (self, found)
            });
            let Ok((certificates, found)) = looked.await else { return };
            self = certificates;
            let file = self.config.certificate.display();
            match found {
                Some(Ok(())) => tracing::info!("the certificate `{file}` was read anew"),
                Some(Err(e)) => {
                    tracing::error!(error = %e, "the new certificate cannot be used; the one before it stays");
                }
                None => {}
            }
        }
    }
}

fn digest(config: &TlsConfig) -> Digest {
    let mut all = Sha256::new();
    for path in [Some(&config.certificate), Some(&config.key), config.client_ca.as_ref()].into_iter().flatten() {
        let content = std::fs::read(path).ok()?;
        all.update((content.len() as u64).to_le_bytes());
        all.update(content);
    }
    Some(all.finalize().into())
}

fn acceptor(config: &TlsConfig, protocols: &[&[u8]]) -> Result<TlsAcceptor, Error> {
    let provider = Arc::new(default_provider());
    let fail = |e: rustls::Error| {
        Error::Config(format!("certificate `{}` and its key cannot be used: {e}", config.certificate.display()))
    };
    let builder =
        ServerConfig::builder_with_provider(provider.clone()).with_safe_default_protocol_versions().map_err(fail)?;
    let builder = match &config.client_ca {
        None => builder.with_no_client_auth(),
        Some(path) => {
            let mut roots = rustls::RootCertStore::empty();
            for authority in certificates(path)? {
                roots.add(authority).map_err(fail)?;
            }
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build();
            builder.with_client_cert_verifier(verifier.map_err(|e| broken(path, &e))?)
        }
    };
    let key = PrivateKeyDer::from_pem_file(&config.key).map_err(|e| broken(&config.key, &e))?;
    let mut server = builder.with_single_cert(certificates(&config.certificate)?, key).map_err(fail)?;
    server.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
    Ok(TlsAcceptor::from(Arc::new(server)))
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, Error> {
    let all = CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    match all.map_err(|e| broken(path, &e))? {
        none if none.is_empty() => Err(Error::Config(format!("`{}` holds no certificate in PEM form", path.display()))),
        all => Ok(all),
    }
}

fn broken(path: &Path, e: &dyn std::fmt::Display) -> Error {
    Error::Config(format!("cannot use `{}`: {e}", path.display()))
}

/// The common name of a certificate's subject. The chain was checked when the connection began.
pub(crate) fn common_name(certificate: &CertificateDer<'_>) -> Option<String> {
    let certificate = x509_certificate::X509Certificate::from_der(certificate.as_ref()).ok()?;
    certificate.subject_common_name()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    /// A certificate of its own authority for a name, by `openssl`; false where that is not here.
    fn make(folder: &Path, name: &str) -> bool {
        let subject = format!("/CN={name}");
        let mut openssl = Command::new("openssl");
        openssl.current_dir(folder).args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]);
        openssl.args(["-nodes", "-days", "2", "-subj", &subject, "-keyout", "key.pem", "-out", "cert.pem"]);
        openssl.output().is_ok_and(|output| output.status.success())
    }

    #[test]
    fn certificates_are_renewed_and_broken_ones_are_not() {
        let folder = tempfile::tempdir().expect("a folder");
        let at = |name: &str| folder.path().join(name);
        if !make(folder.path(), "first") {
            println!("skipped: `openssl` is not here (apt-get install openssl)");
            return;
        }
        let config = TlsConfig { certificate: at("cert.pem"), key: at("key.pem"), client_ca: None };
        let mut certificates = Certificates::new(config);
        let acceptor = certificates.acceptor(&[b"http/1.1"]).expect("usable");
        assert!(certificates.look().is_none() && certificates.look().is_none(), "nothing is new");
        let first = acceptor.current();
        let stays = || Arc::ptr_eq(first.config(), acceptor.current().config());

        std::fs::write(at("cert.pem"), "half of a certif").expect("written");
        assert!(certificates.look().is_none(), "it may be being written");
        assert!(certificates.look().is_some_and(|found| found.is_err()), "it is told");
        assert!(certificates.look().is_none(), "and told once");
        assert!(stays(), "the old one is in use");
        // The new certificate is there before its key.
        let key = std::fs::read(at("key.pem")).expect("a key");

        assert!(make(folder.path(), "second"));
        let new_key = std::fs::read(at("key.pem")).expect("a key");
        std::fs::write(at("key.pem"), key).expect("written");
        assert!(certificates.look().is_none());
        assert!(certificates.look().is_some_and(|found| found.is_err()) && stays(), "they do not belong together");
        std::fs::write(at("key.pem"), new_key).expect("written");
        assert!(certificates.look().is_none());
        assert!(certificates.look().is_some_and(|found| found.is_ok()));
        assert!(!stays(), "the new one is in use");
    }
}
