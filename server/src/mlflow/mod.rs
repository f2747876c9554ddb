//! MLflow: a proxy before a tracking server, and the way in for its webhooks.
//!
//! Clients of MLflow are given the proxy's address as their tracking server. Every request goes on to the server behind and
//! every answer back as they are; of those that say what a run read and made, the run or model is put into the store as
//! the server behind tells it, before the client has its answer. Webhooks say when models and versions change, but
//! neither runs nor their data, so that the run of a version is asked for.
//!
//! What such documents mean is the affair of the format `mlflow`; nothing is kept here.

mod calls;
mod proxy;
mod webhook;

pub(crate) use proxy::serve;
pub(crate) use webhook::taken;

use crate::Error;
use crate::config::MlflowConfig;
use axum::http::{HeaderMap, HeaderValue, header};
use percent_encoding::percent_decode_str;
use reqwest::{Client, Url};
use serde_json::Value;
use std::path::Path;
use std::time::Duration;

/// How long a connection to the tracking server may take.
const CONNECT: Duration = Duration::from_secs(10);
/// How long a call that is recorded may take: copying a model's files can take minutes. Files may take as long as they do.
const CALL: Duration = Duration::from_secs(600);
/// Largest answer of a call that is recorded.
const ANSWER_BYTES: usize = 64 << 20;

/// The tracking server behind, and the secret of its webhooks.
#[derive(Debug)]
pub(crate) struct Upstream {
    client: Client,
    base: Url,
    authorization: Option<HeaderValue>,
    secret: Option<Vec<u8>>,
}

impl Upstream {
    /// As configured.
    ///
    /// # Errors
    /// [`Error::Config`] where the address or a file cannot be used.
    pub fn new(config: &MlflowConfig) -> Result<Self, Error> {
        let is_plain = |url: &Url| {
            let has_credentials = !url.username().is_empty() || url.password().is_some();
            let is_http = matches!(url.scheme(), "http" | "https") && url.has_host();
            is_http && url.query().is_none() && url.fragment().is_none() && !has_credentials
        };
        let base = Url::parse(&config.tracking_uri).ok().filter(is_plain).ok_or_else(|| {
            Error::Config(
                "`mlflow.tracking_uri` must be the http or https address of a tracking server; credentials belong into \
                 `mlflow.authorization_file`"
                    .into(),
            )
        })?;
        let authorization = config.authorization_file.as_deref().map(authorization).transpose()?;
        let secret = config.webhook_secret_file.as_deref().map(|file| line("mlflow.webhook_secret_file", file));
        let client = Client::builder()
            .connect_timeout(CONNECT)
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|e| Error::Config(format!("cannot ask a tracking server: {e}")))?;
        Ok(Self { client, base, authorization, secret: secret.transpose()?.map(String::into_bytes) })
    }

    /// The address of a path and query there, and the path below the configured one as that server understands it.
    fn url(&self, path_and_query: &str) -> Result<(Url, String), Error> {
        let wrong = || Error::Parameter("the path is not one of a tracking server".into());
        let base = self.base.as_str().trim_end_matches('/');
        let url = Url::parse(&format!("{base}{path_and_query}")).map_err(|_| wrong())?;
        // `..` would lead out of what is below the address that was configured, also where only the server behind decodes it.
        let below = url.path().strip_prefix(self.base.path().trim_end_matches('/'));
        let below = below.map(|path| percent_decode_str(path).decode_utf8_lossy().into_owned());
        let is_plain =
            |path: &String| path.starts_with('/') && !path.contains('\\') && !path.split('/').any(|s| s == "..");
        match below.filter(is_plain).filter(|_| url.origin() == self.base.origin()) {
            Some(below) => Ok((url, below)),
            None => Err(wrong()),
        }
    }

    /// A run as `runs/get` tells it to whom headers are of: they may name a workspace.
    ///
    /// # Errors
    /// [`Error::Unknown`] where there is no such run, and what the server behind has to say otherwise.
    async fn run(&self, run_id: &str, mut headers: HeaderMap) -> Result<Value, Error> {
        let (mut url, _) = self.url("/api/2.0/mlflow/runs/get")?;
        url.query_pairs_mut().append_pair("run_id", run_id);
        if let Some(own) = &self.authorization {
            headers.insert(header::AUTHORIZATION, own.clone());
        }
        let answer = self.client.get(url).headers(headers).timeout(CALL).send().await.map_err(silent)?;
        let status = answer.status();
        if status.as_u16() == 404 {
            return Err(Error::Unknown("the tracking server does not know the run".into()));
        }
        if !status.is_success() {
            let text = format!("the tracking server answers {} when it is asked for a run", status.as_u16());
            return Err(Error::Request { status: 502, text });
        }
        let said: Value = serde_json::from_slice(&whole(answer).await?).unwrap_or_default();
        let odd = || Error::Request { status: 502, text: "the tracking server's answer is no run".into() };
        if said["run"].is_object() { Ok(said) } else { Err(odd()) }
    }
}

/// All of an answer.
async fn whole(mut answer: reqwest::Response) -> Result<Vec<u8>, Error> {
    let mut all = Vec::new();
    while let Some(part) = answer.chunk().await.map_err(silent)? {
        if all.len() + part.len() > ANSWER_BYTES {
            return Err(Error::Request { status: 502, text: "the tracking server's answer is too large".into() });
        }
        all.extend_from_slice(&part);
    }
    Ok(all)
}

/// Why there is no answer; the address can hold names, and is left out.
fn silent(error: reqwest::Error) -> Error {
    Error::Request { status: 502, text: format!("the tracking server does not answer: {}", error.without_url()) }
}

fn line(key: &str, file: &Path) -> Result<String, Error> {
    let text = std::fs::read_to_string(file)
        .map_err(|e| Error::Config(format!("`{key}`: cannot read `{}`: {e}", file.display())))?;
    match text.trim() {
        "" => Err(Error::Config(format!("`{key}`: `{}` is empty", file.display()))),
        text => Ok(text.to_owned()),
    }
}

fn authorization(file: &Path) -> Result<HeaderValue, Error> {
    const KEY: &str = "mlflow.authorization_file";
    let text = line(KEY, file)?;
    let value = HeaderValue::from_str(&text).ok().filter(|_| text.contains(' '));
    let mut value = value.ok_or_else(|| {
        Error::Config(format!("`{KEY}`: `{}` must hold a line as `Bearer TOKEN` or `Basic ...`", file.display()))
    })?;
    value.set_sensitive(true);
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn upstream(uri: &str) -> Result<Upstream, Error> {
        Upstream::new(&MlflowConfig {
            address: None,
            tracking_uri: uri.to_owned(),
            authorization_file: None,
            webhook_secret_file: None,
        })
    }

    #[test]
    fn only_what_is_below_the_address_is_asked() {
        let behind = upstream("https://mlflow.example/tracking/").expect("an address");
        let url = |path: &str| behind.url(path).map(|(url, _)| url.to_string()).ok();
        let run = "/api/2.0/mlflow/runs/get?run_id=a%2Fb";
        assert_eq!(url(run), Some(format!("https://mlflow.example/tracking{run}")));
        assert_eq!(url("/"), Some("https://mlflow.example/tracking/".into()));
        for out in [
            "/../admin",
            "/api/%2e%2e/%2E%2e/admin",
            "/..%2fadmin",
            "/a%5c..",
            "@evil.example/",
            ":1@evil.example/",
            "evil/",
        ] {
            assert_eq!(url(out), None, "{out}");
        }
        for same in
            ["/api/2.0/mlflow/./runs/create", "/api/2.0/mlflow/runs/%63reate", "/x/../api/2.0/mlflow/runs/create"]
        {
            assert_eq!(behind.url(same).expect("below").1, "/api/2.0/mlflow/runs/create", "{same}");
        }
        for wrong in [
            "",
            "mlflow:5000",
            "ftp://mlflow.example",
            "http://me:secret@mlflow.example",
            "http://:secret@mlflow.example",
            "http://m/?a=b",
        ] {
            assert!(matches!(upstream(wrong), Err(Error::Config(_))), "{wrong}");
        }
    }
}
