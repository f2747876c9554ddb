//! Tokens for SASL OAUTHBEARER (RFC 7628): asked for at a token endpoint, or read where something else renews them.
//!
//! librdkafka says when it wants a token, and is given one here. Asking is the client credentials grant (RFC 6749, 4.4)
//! with the client's secret in the `Authorization` header (2.3.1), over TLS by rustls; librdkafka's own way needs a
//! second TLS library. A token is handed to librdkafka and kept here, and is in no error and no log.

use super::config::{OAuth, SecretRef, Text};
use crate::ConnectorError;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use rdkafka::bindings as sys;
use rdkafka::client::{Client, ClientContext};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::error::Error;
use std::ffi::{CString, c_char};
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use url::{Host, Url};

/// The tokens of one client.
pub(super) struct Tokens {
    from: From,
    extensions: Vec<CString>,
    last: Mutex<Option<Token>>,
}

/// Where tokens come from, as it is configured.
pub(super) enum TokenSource<'a> {
    /// A token endpoint, and who asks it.
    Endpoint { url: Url, client_id: &'a Text, client_secret: &'a SecretRef },
    /// A place that something else keeps filled.
    Place(&'a SecretRef),
}

/// The same with what was read for it.
enum From {
    Endpoint(Box<Endpoint>),
    Place(SecretRef),
}

struct Endpoint {
    url: Url,
    client_id: String,
    client_secret: String,
    scope: Option<String>,
    ca: Option<PathBuf>,
}

/// A token and until when it is good, in milliseconds since 1970.
#[derive(Clone)]
struct Token {
    value: String,
    /// Whose it is.
    principal: String,
    since_ms: i64,
    until_ms: i64,
}

/// How long an endpoint may take where there is no token yet.
const TIMEOUT: Duration = Duration::from_secs(10);
/// The same while there is one: records wait meanwhile. librdkafka asks again ten seconds after a failure.
const RENEWAL_TIMEOUT: Duration = Duration::from_secs(3);
/// The largest answer that is read.
const ANSWER_BYTES_MAX: usize = 1 << 20;
/// For how long a token is used that says nowhere how long it is good; short, as renewing it costs little.
const UNSAID_LIFETIME_MS: i64 = 300_000;
/// librdkafka counts in microseconds.
const UNTIL_MS_MAX: i64 = i64::MAX / 1000;
/// Room for librdkafka's reason.
const REASON_BYTES: usize = 512;

impl Tokens {
    /// Reads the client's secret; asks for nothing yet.
    pub(super) fn new(config: &OAuth) -> Result<Self, ConnectorError> {
        let from = match config.source()? {
            TokenSource::Place(place) => From::Place(place.clone()),
            TokenSource::Endpoint { url, client_id, client_secret } => From::Endpoint(Box::new(Endpoint {
                url,
                client_id: client_id.read("security.oauth.client_id")?,
                client_secret: client_secret.read("security.oauth.client_secret")?,
                scope: config.scope.clone(),
                ca: config.ca.clone(),
            })),
        };
        Ok(Self { from, extensions: sasl_extensions(&config.extensions)?, last: Mutex::new(None) })
    }

    /// Gets a token and hands it to the client, which takes one at any time.
    pub(super) fn hand_to<C: ClientContext>(&self, client: &Client<C>) -> Result<(), ConnectorError> {
        let token = self.current()?;
        let refused = || failed("the token holds a byte that no token has");
        let value = CString::new(token.value).map_err(|_| refused())?;
        let principal = CString::new(token.principal).map_err(|_| refused())?;
        let mut extensions: Vec<*const c_char> = self.extensions.iter().map(|text| text.as_ptr()).collect();
        let mut reason = [0 as c_char; REASON_BYTES];
        // SAFETY: the client is alive; texts end with a null and outlive the call, which copies them; `extensions` has
        // the length that is given, and `reason` is written within its own.
        let code = unsafe {
            sys::rd_kafka_oauthbearer_set_token(
                client.native_ptr(),
                value.as_ptr(),
                token.until_ms,
                principal.as_ptr(),
                extensions.as_mut_ptr(),
                extensions.len(),
                reason.as_mut_ptr(),
                reason.len(),
            )
        };
        match code {
            sys::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR => Ok(()),
            // Its text may repeat what it does not like.
            _ => Err(failed("the Kafka client does not take the token; it may be over already, or be no token")),
        }
    }

    /// What librdkafka asks for when a token is nearly over. It repeats a failure as an error of the client, and asks
    /// again later.
    pub(super) fn renew<C: ClientContext>(&self, client: &Client<C>) {
        let Err(error) = self.hand_to(client) else { return };
        let reason = CString::new(error.to_string()).unwrap_or_default();
        // SAFETY: the client is alive; the text ends with a null, outlives the call and is copied.
        unsafe { sys::rd_kafka_oauthbearer_set_token_failure(client.native_ptr(), reason.as_ptr()) };
    }

    /// The token in hand while most of its life is left: librdkafka asks when a client is made, too, and again when a
    /// fifth of it is left.
    fn current(&self) -> Result<Token, ConnectorError> {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let now_ms = now_ms();
        if let Some(token) =
            last.as_ref().filter(|token| token.until_ms - now_ms > (token.until_ms - token.since_ms) / 2)
        {
            return Ok(token.clone());
        }
        let timeout = if last.is_some() { RENEWAL_TIMEOUT } else { TIMEOUT };
        let token = match &self.from {
            From::Endpoint(endpoint) => endpoint.ask(now_ms, timeout)?,
            From::Place(place) => {
                let value = place.read("security.oauth.token")?;
                Token::new(value.trim().to_owned(), None, "lineward", now_ms)?
            }
        };
        Ok(last.insert(token).clone())
    }
}

impl Endpoint {
    /// Asks on a thread of its own, since a caller may be inside a runtime, where nothing may block on another.
    fn ask(&self, now_ms: i64, timeout: Duration) -> Result<Token, ConnectorError> {
        let answer = std::thread::scope(|scope| {
            let asks = || {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
                runtime.map_err(|_| failed("no thread could be started"))?.block_on(self.answer(timeout))
            };
            scope.spawn(asks).join().unwrap_or_else(|_| Err(failed("asking for it failed")))
        })?;
        let lifetime_s = answer.lifetime_s();
        Token::new(answer.access_token, lifetime_s, &self.client_id, now_ms)
    }

    async fn answer(&self, timeout: Duration) -> Result<Answer, ConnectorError> {
        let host = self.url.host_str().unwrap_or_default();
        // Errors of reqwest repeat the whole address unless told not to.
        let said = |e: reqwest::Error| failed(format!("`{host}` cannot be asked: {}", causes(&e.without_url())));
        let mut form = vec![("grant_type", "client_credentials")];
        form.extend(self.scope.as_deref().map(|scope| ("scope", scope)));
        let request = self
            .client(timeout)?
            .post(self.url.clone())
            .header("content-type", "application/x-www-form-urlencoded")
            .header("accept", "application/json")
            .basic_auth(encoded(&self.client_id), Some(encoded(&self.client_secret)))
            .body(url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish());
        let mut answer = request.send().await.map_err(said)?;
        let status = answer.status();
        let mut body = Vec::new();
        while let Some(part) = answer.chunk().await.map_err(said)? {
            body.extend_from_slice(&part);
            if body.len() > ANSWER_BYTES_MAX {
                return Err(failed(format!("the answer of `{host}` is longer than {ANSWER_BYTES_MAX} bytes")));
            }
        }
        if !status.is_success() {
            return Err(failed(format!("`{host}` answered {}{}", status.as_u16(), reason(&body))));
        }
        let no_token = || failed(format!("the answer of `{host}` is no JSON with an `access_token`"));
        serde_json::from_slice(&body).map_err(|_| no_token())
    }

    fn client(&self, timeout: Duration) -> Result<reqwest::Client, ConnectorError> {
        // A redirect would carry the secret to whoever is named in it.
        let mut client = reqwest::Client::builder().timeout(timeout).redirect(reqwest::redirect::Policy::none());
        if self.url.scheme() == "http" {
            // What is on this machine is asked in clear, and a proxy of the environment may be elsewhere.
            client = client.no_proxy();
        }
        if let Some(path) = &self.ca {
            let bad = |problem: &str| {
                ConnectorError::config("security.oauth.ca", format!("file `{}` {problem}", path.display()))
            };
            let pem = std::fs::read(path).map_err(|e| bad(&format!("cannot be read: {}", e.kind())))?;
            let all = reqwest::Certificate::from_pem_bundle(&pem).map_err(|_| bad("holds no certificate"))?;
            if all.is_empty() {
                return Err(bad("holds no certificate"));
            }
            client = all
                .into_iter()
                .fold(client.tls_built_in_root_certs(false), reqwest::ClientBuilder::add_root_certificate);
        }
        client.build().map_err(|_| failed("no client could be made; check `security.oauth.ca`"))
    }
}

/// A successful answer (RFC 6749, 5.1).
#[derive(Deserialize)]
struct Answer {
    access_token: String,
    /// Seconds. Some endpoints write them as a text or with a fraction.
    #[serde(default)]
    expires_in: serde_json::Value,
}

impl Answer {
    /// Seconds that the token is good for, where that is said.
    fn lifetime_s(&self) -> Option<f64> {
        match &self.expires_in {
            serde_json::Value::Number(seconds) => seconds.as_f64(),
            serde_json::Value::String(seconds) => seconds.parse().ok(),
            _ => None,
        }
    }
}

/// What a JSON Web Token says of itself (RFC 7519, 4.1). The broker checks it; here it only says when to renew it.
#[derive(Deserialize)]
struct Claims {
    #[serde(default)]
    sub: Option<String>,
    /// Seconds since 1970, which may have a fraction.
    #[serde(default)]
    exp: Option<f64>,
}

impl Token {
    fn new(value: String, lifetime_s: Option<f64>, owner: &str, now_ms: i64) -> Result<Self, ConnectorError> {
        if value.is_empty() {
            return Err(failed("the token is empty"));
        }
        // RFC 6750, 2.1. What librdkafka says of other bytes repeats the token.
        if !value.bytes().all(|byte| matches!(byte, 0x21..=0x7e)) {
            return Err(failed("the token holds a byte that no token has"));
        }
        let claims = claims(&value);
        #[expect(clippy::cast_possible_truncation, reason = "a float becomes the nearest integer there is")]
        let millis = |seconds: f64| (seconds * 1000.0) as i64;
        let said = lifetime_s.map(|seconds| now_ms.saturating_add(millis(seconds)));
        let until_ms = claims.as_ref().and_then(|claims| claims.exp).map(millis).or(said);
        let until_ms = until_ms.unwrap_or(now_ms + UNSAID_LIFETIME_MS).min(UNTIL_MS_MAX);
        if until_ms <= now_ms {
            return Err(failed("the token is over already; check this machine's clock, and what renews the token"));
        }
        let principal = claims.and_then(|claims| claims.sub).filter(|sub| !sub.is_empty());
        Ok(Self { value, principal: principal.unwrap_or_else(|| owner.to_owned()), since_ms: now_ms, until_ms })
    }
}

fn claims(token: &str) -> Option<Claims> {
    let mut parts = token.split('.');
    let (_, claims, _) = (parts.next()?, parts.next()?, parts.next()?);
    serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(claims.trim_end_matches('=')).ok()?).ok()
}

/// The address of a token endpoint: over TLS, unless it is on this machine.
pub(super) fn token_url(text: &str) -> Result<Url, ConnectorError> {
    let bad = |problem: &str| Err(ConnectorError::config("security.oauth.token_url", problem));
    let Ok(url) = Url::parse(text) else { return bad("is no URL") };
    if !url.username().is_empty() || url.password().is_some() {
        return bad("holds a user or a password; use `client_id` and `client_secret`");
    }
    match (url.scheme(), url.host()) {
        ("https", Some(_)) => Ok(url),
        ("http", Some(host)) if is_loopback(&host) => Ok(url),
        ("http", _) => bad("has no TLS, and the client's secret would cross the network in clear; use `https`"),
        _ => bad("is no `https` URL with a host"),
    }
}

fn is_loopback(host: &Host<&str>) -> bool {
    match host {
        Host::Domain(name) => *name == "localhost",
        Host::Ipv4(ip) => ip.is_loopback(),
        Host::Ipv6(ip) => ip.is_loopback(),
    }
}

/// SASL extensions as librdkafka takes them: names and values in turn.
pub(super) fn sasl_extensions(all: &BTreeMap<String, String>) -> Result<Vec<CString>, ConnectorError> {
    let mut texts = Vec::with_capacity(all.len() * 2);
    for (name, value) in all {
        // RFC 7628, 3.1: letters for the name, and `auth` is the token's own.
        let named = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphabetic()) && name != "auth";
        let valued = value.bytes().all(|byte| matches!(byte, 0x20..=0x7e | b'\t' | b'\r' | b'\n'));
        match (CString::new(name.as_str()), CString::new(value.as_str())) {
            (Ok(name), Ok(value)) if named && valued => texts.extend([name, value]),
            _ => {
                return Err(ConnectorError::config(
                    "security.oauth.extensions",
                    "a name is letters only and not `auth`, and a value is printable ASCII",
                ));
            }
        }
    }
    Ok(texts)
}

/// The registered code of a refusal (RFC 6749, 5.2), led by `: `; whatever else an endpoint says is not repeated.
fn reason(body: &[u8]) -> &'static str {
    #[derive(Deserialize)]
    struct Refusal {
        error: String,
    }
    let Ok(Refusal { error }) = serde_json::from_slice(body) else { return "" };
    match error.as_str() {
        "invalid_request" => ": invalid_request",
        "invalid_client" => ": invalid_client; check `client_id` and `client_secret`",
        "invalid_grant" => ": invalid_grant",
        "unauthorized_client" => ": unauthorized_client; the client may not use the client credentials grant",
        "unsupported_grant_type" => ": unsupported_grant_type; the endpoint has no client credentials grant",
        "invalid_scope" => ": invalid_scope; check `scope`",
        _ => "",
    }
}

/// As RFC 6749 wants identifiers and secrets before they are joined by a colon.
fn encoded(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

fn causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

fn failed(reason: impl Into<String>) -> ConnectorError {
    ConnectorError::Token { reason: reason.into() }
}

fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_760_000_000_000;

    fn jwt(claims: &str) -> String {
        format!("eyJhbGciOiJub25lIn0.{}.c2ln", BASE64_URL_SAFE_NO_PAD.encode(claims))
    }

    #[test]
    fn a_token_says_how_long_it_is_good_and_whose_it_is() {
        let rows = [
            (jwt(r#"{"sub":"svc","exp":1760000060}"#), Some(3600.0), NOW + 60_000, "svc"),
            (jwt(r#"{"sub":"","exp":1760000060.5}"#), None, NOW + 60_500, "client"),
            (jwt(r#"{"iss":"x"}"#), Some(3600.0), NOW + 3_600_000, "client"),
            ("opaque".to_owned(), Some(f64::MAX), UNTIL_MS_MAX, "client"),
            ("opaque".to_owned(), Some(10.0), NOW + 10_000, "client"),
            ("opaque".to_owned(), None, NOW + UNSAID_LIFETIME_MS, "client"),
            ("a.!!.c".to_owned(), None, NOW + UNSAID_LIFETIME_MS, "client"),
        ];
        for (value, expires_in, until_ms, principal) in rows {
            let token = Token::new(value.clone(), expires_in, "client", NOW).expect("a token");
            assert_eq!((token.until_ms, token.principal.as_str()), (until_ms, principal), "{value}");
        }
    }

    #[test]
    fn a_token_that_is_over_or_is_none_is_refused() {
        let rows = [
            (jwt(r#"{"exp":1759999999}"#), None, "over already"),
            ("opaque".to_owned(), Some(0.0), "over already"),
            (String::new(), None, "is empty"),
            ("\u{feff}canary".to_owned(), None, "a byte that no token has"),
            ("canary\n".to_owned(), None, "a byte that no token has"),
        ];
        for (value, lifetime_s, said) in rows {
            let error = Token::new(value, lifetime_s, "client", NOW).err().expect("refused").to_string();
            assert!(error.contains(said) && !error.contains("canary"), "{error}");
        }
    }

    #[test]
    fn lifetimes_are_read_however_they_are_written() {
        for (written, seconds) in
            [("3599", Some(3599.0)), ("\"3599\"", Some(3599.0)), ("3600.5", Some(3600.5)), ("null", None)]
        {
            let answer = format!(r#"{{"access_token":"t","expires_in":{written}}}"#);
            let answer: Answer = serde_json::from_str(&answer).expect("an answer");
            assert_eq!(answer.lifetime_s(), seconds, "{written}");
        }
        assert_eq!(serde_json::from_str::<Answer>(r#"{"access_token":"t"}"#).expect("an answer").lifetime_s(), None);
    }

    #[test]
    fn secrets_travel_over_tls_only() {
        for good in
            ["https://id.example/token?x=1", "http://127.0.0.1:8080/token", "http://[::1]/t", "http://localhost/t"]
        {
            assert!(token_url(good).is_ok(), "{good}");
        }
        let rows = [
            ("http://id.example/token", "has no TLS"),
            ("https://me:pw@id.example/token", "holds a user or a password"),
            ("ftp://id.example/token", "is no `https` URL"),
            ("id.example", "is no URL"),
        ];
        for (bad, said) in rows {
            let error = token_url(bad).expect_err(bad).to_string();
            assert!(error.contains(said) && !error.contains("pw"), "{error}");
        }
    }

    #[test]
    fn a_refusal_is_told_by_its_code_and_nothing_else() {
        assert_eq!(
            reason(br#"{"error":"invalid_scope","error_description":"canary"}"#),
            ": invalid_scope; check `scope`"
        );
        assert_eq!(reason(br#"{"error":"canary"}"#), "");
        assert_eq!(reason(b"canary"), "");
    }

    #[test]
    fn extensions_are_names_and_values() {
        let all = BTreeMap::from([("logicalCluster".to_owned(), "lkc-1".to_owned())]);
        assert_eq!(sasl_extensions(&all).expect("good"), [c"logicalCluster".to_owned(), c"lkc-1".to_owned()]);
        for (name, value) in [("auth", "x"), ("a b", "x"), ("", "x"), ("a", "\u{1}"), ("a", "\0")] {
            let all = BTreeMap::from([(name.to_owned(), value.to_owned())]);
            assert!(sasl_extensions(&all).is_err(), "{name}");
        }
    }
}
