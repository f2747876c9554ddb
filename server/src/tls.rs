//! TLS of all protocols, by rustls: the server's certificate, and where configured those of clients.

use crate::Error;
use crate::config::TlsConfig;
use rustls::ServerConfig;
use rustls::crypto::ring::default_provider;
use rustls::server::WebPkiClientVerifier;
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use std::path::Path;
use std::sync::Arc;
use tokio_rustls::TlsAcceptor;

/// An acceptor for a protocol, by its names in ALPN.
pub(crate) fn acceptor(config: &TlsConfig, protocols: &[&[u8]]) -> Result<TlsAcceptor, Error> {
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
