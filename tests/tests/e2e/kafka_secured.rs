//! Kafka by every way in that a secured broker has: mutual TLS, PLAIN, both SCRAM mechanisms, and tokens of a provider
//! that are renewed while a pipeline runs. And what is said to those who may not come in.

use crate::lineward::Lineward;
use crate::servers_tls::{CLIENT, SERVER, authority, certificate, has_openssl, provider, signed};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use lineward_tests::KafkaBroker;
use lineward_tests::kafka::{Secured, SecuredListeners};
use serde_json::{Value, json};
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

const TOPIC: &str = "events";
const PASSWORD: &str = "canary-of-a-password";
const CLIENT_SECRET: &str = "canary-of-a-client-secret";
/// So short that a pipeline of some seconds needs more than one token.
const TOKEN_LIFETIME_S: u64 = 6;
const PATIENCE: Duration = Duration::from_secs(60);

/// Answers like a token endpoint, with a new token for the right secret, until it is dropped.
struct TokenEndpoint<'a> {
    lineward: &'a Lineward,
    listener: TcpListener,
    asked: AtomicUsize,
    over: AtomicBool,
}

impl<'a> TokenEndpoint<'a> {
    fn new(lineward: &'a Lineward) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        Self { lineward, listener, asked: AtomicUsize::new(0), over: AtomicBool::new(false) }
    }

    fn url(&self) -> String {
        format!("http://{}/token", self.listener.local_addr().expect("an address"))
    }

    fn serve(&self) {
        while let Ok((stream, _)) = self.listener.accept() {
            if self.over.load(Ordering::Relaxed) {
                return;
            }
            self.answer(stream);
        }
    }

    fn end(&self) {
        self.over.store(true, Ordering::Relaxed);
        drop(TcpStream::connect(self.listener.local_addr().expect("an address")));
    }

    fn answer(&self, mut stream: TcpStream) {
        let request = read_request(&mut stream);
        let secret = BASE64_STANDARD.encode(format!("lineward:{CLIENT_SECRET}"));
        let right = request.contains(&format!("authorization: Basic {secret}\r\n"))
            && request.ends_with("grant_type=client_credentials&scope=kafka+read");
        let (status, body) = if right {
            self.asked.fetch_add(1, Ordering::Relaxed);
            let token = signed(self.lineward, "idp.key", &claims("kafka", TOKEN_LIFETIME_S));
            ("200 OK", json!({ "access_token": token, "token_type": "Bearer", "expires_in": TOKEN_LIFETIME_S }))
        } else {
            ("401 Unauthorized", json!({ "error": "invalid_client", "error_description": "canary-of-an-answer" }))
        };
        let body = body.to_string();
        let head = format!("HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {}", body.len());
        let _ = stream.write_all(format!("{head}\r\nconnection: close\r\n\r\n{body}").as_bytes());
    }
}

/// The head with names in small letters, and the body.
fn read_request(stream: &mut TcpStream) -> String {
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    let (mut request, mut part) = (Vec::new(), [0; 4096]);
    loop {
        let text = String::from_utf8_lossy(&request).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse::<usize>().ok());
            if body.len() >= length.unwrap_or(0) {
                return text;
            }
        }
        match stream.read(&mut part) {
            Ok(length) if length > 0 => request.extend_from_slice(&part[..length]),
            _ => return text,
        }
    }
}

fn claims(audience: &str, lifetime_s: u64) -> Value {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs();
    json!({ "iss": "https://idp.example", "aud": audience, "sub": "lineward", "iat": now, "exp": now + lifetime_s })
}

/// Certificates, keys of a provider, and what a broker needs of them.
fn secured(lineward: &Lineward) -> Secured {
    authority(lineward, "ca");
    authority(lineward, "other");
    certificate(lineward, "ca", "server", SERVER);
    certificate(lineward, "ca", "ann", CLIENT);
    let read = |name: &str| fs::read_to_string(lineward.path(name)).expect("written");
    let keystore = lineward.write("keystore.pem", read("server.key") + &read("server.pem"));
    let jwks = lineward.write("jwks.json", json!({ "keys": [provider(lineward, "idp.key")] }).to_string());
    let user = ("ann".to_owned(), PASSWORD.to_owned());
    Secured { keystore, truststore: lineward.path("ca.pem"), jwks, audience: "kafka".into(), user }
}

/// A pipeline of its own name, group and store.
fn command(lineward: &Lineward, name: &str, brokers: &str, security: &str, until_end: bool) -> Command {
    let file = format!("{name}.yaml");
    lineward.write(
        &file,
        format!(
            "name: {name}\nsource:\n  kafka:\n    brokers: {brokers}\n    topics: [{TOPIC}]\n    group_id: {name}\n    \
             security: {security}\nbatch: {{interval_ms: 200}}\n"
        ),
    );
    let mut command = lineward.command(["run", file.as_str()]);
    command.args(until_end.then_some("--until-end")).arg("--store").arg(lineward.path(&format!("store-{name}")));
    // A proxy that is not there: what is on this machine is asked without one, and Kafka knows none.
    command.env("HTTP_PROXY", "http://127.0.0.1:9").env("ALL_PROXY", "http://127.0.0.1:9");
    command
        .env("KAFKA_PASSWORD", PASSWORD)
        .env("CLIENT_SECRET", CLIENT_SECRET)
        .env("WRONG_SECRET", "canary-of-a-wrong-secret");
    command
}

fn stored(lineward: &Lineward, name: &str) -> i64 {
    let store = lineward.path(&format!("store-{name}"));
    let query = "SELECT count(*) AS n FROM raw.dead_letters";
    let mut command = lineward.command(["sql", "--format", "jsonl", query, "--store"]);
    let rows = lineward.run_command(command.arg(store)).ok().stdout;
    serde_json::from_str::<Value>(&rows).expect("a row")["n"].as_i64().expect("a number")
}

fn sasl(mechanism: &str, rest: &str) -> String {
    format!("{{protocol: sasl_ssl, ca: ca.pem, mechanism: {mechanism}, {rest}}}")
}

fn user_with(secret: &str) -> String {
    format!("username: ann, password: {{env: {secret}}}")
}

fn oauth_at(url: &str, secret: &str) -> String {
    format!("oauth: {{token_url: '{url}', client_id: lineward, client_secret: {{env: {secret}}}, scope: kafka read}}")
}

#[test]
fn every_way_in_and_none_without_a_right() {
    if !has_openssl() {
        return;
    }
    let lineward = Lineward::new();
    let (broker, at) = KafkaBroker::start_secured(&secured(&lineward)).expect("a broker");
    broker.create_topic(TOPIC, 2).expect("a topic");
    broker.produce(TOPIC, [("one", "no event"), ("two", "nor this")]).expect("produced");
    let endpoint = TokenEndpoint::new(&lineward);
    thread::scope(|scope| {
        scope.spawn(|| endpoint.serve());
        let ended = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            those_who_may(&lineward, &at, &endpoint.url());
            those_who_may_not(&lineward, &at, &endpoint.url());
            tokens_are_renewed(&lineward, &broker, &at, &endpoint);
        }));
        endpoint.end();
        ended.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
    });
    for log in fs::read_dir(lineward.path("logs")).expect("logs") {
        let text = fs::read_to_string(log.expect("a log").path()).unwrap_or_default();
        assert!(!text.contains("canary"), "a secret in: {text}");
    }
}

fn those_who_may(lineward: &Lineward, at: &SecuredListeners, url: &str) {
    lineward.write("token", signed(lineward, "idp.key", &claims("kafka", 600)) + "\n");
    let rows = [
        ("mtls", &at.ssl, "{protocol: ssl, ca: ca.pem, certificate: ann.pem, key: ann.key}".to_owned()),
        ("plain", &at.sasl_ssl, sasl("PLAIN", &user_with("KAFKA_PASSWORD"))),
        ("scram256", &at.sasl_ssl, sasl("SCRAM-SHA-256", &user_with("KAFKA_PASSWORD"))),
        ("scram512", &at.sasl_ssl, sasl("SCRAM-SHA-512", &user_with("KAFKA_PASSWORD"))),
        ("oauth", &at.sasl_ssl, sasl("OAUTHBEARER", &oauth_at(url, "CLIENT_SECRET"))),
        ("token", &at.sasl_ssl, sasl("OAUTHBEARER", "oauth: {token: {file: token}}")),
    ];
    for (name, brokers, security) in rows {
        lineward.run_command(&mut command(lineward, name, brokers, &security, true)).ok();
        assert_eq!(stored(lineward, name), 2, "{name}");
    }
}

fn those_who_may_not(lineward: &Lineward, at: &SecuredListeners, url: &str) {
    lineward.write("other-token", signed(lineward, "idp.key", &claims("another", 600)));
    let rows = [
        ("no-certificate", &at.ssl, "{protocol: ssl, ca: ca.pem}".to_owned(), "no Kafka broker answered"),
        (
            "other-ca",
            &at.sasl_ssl,
            sasl("PLAIN", &user_with("KAFKA_PASSWORD")).replace("ca.pem", "other.pem"),
            "certificate",
        ),
        ("password", &at.sasl_ssl, sasl("SCRAM-SHA-512", &user_with("WRONG_SECRET")), "Authentication failed"),
        ("secret", &at.sasl_ssl, sasl("OAUTHBEARER", &oauth_at(url, "WRONG_SECRET")), "401: invalid_client"),
        ("audience", &at.sasl_ssl, sasl("OAUTHBEARER", "oauth: {token: {file: other-token}}"), "invalid_token"),
        (
            "nobody",
            &at.sasl_ssl,
            sasl("OAUTHBEARER", &oauth_at("http://127.0.0.1:9/t", "CLIENT_SECRET")),
            "cannot be asked",
        ),
    ];
    for (name, brokers, security, said) in rows {
        let outcome = lineward.run_command(&mut command(lineward, name, brokers, &security, true));
        assert!(outcome.code != Some(0) && outcome.stderr.contains(said), "{name}: {outcome:?}");
    }
}

/// A broker ends a connection whose token is over, unless it got a new one in time.
fn tokens_are_renewed(lineward: &Lineward, broker: &KafkaBroker, at: &SecuredListeners, endpoint: &TokenEndpoint<'_>) {
    let before = endpoint.asked.load(Ordering::Relaxed);
    let security = sasl("OAUTHBEARER", &oauth_at(&endpoint.url(), "CLIENT_SECRET"));
    let mut child = lineward.spawn(&mut command(lineward, "renewed", &at.sasl_ssl, &security, false), "renewed");
    let begin = Instant::now();
    let asked = || endpoint.asked.load(Ordering::Relaxed) - before;
    while (asked() < 3 || begin.elapsed().as_secs() < 2 * TOKEN_LIFETIME_S) && begin.elapsed() < PATIENCE {
        thread::sleep(Duration::from_millis(200));
    }
    broker.produce(TOPIC, [("three", "later")]).expect("produced");
    let begin = Instant::now();
    while stored(lineward, "renewed") < 3 && begin.elapsed() < PATIENCE {
        thread::sleep(Duration::from_millis(200));
    }
    let asked = asked();
    let status = child.try_wait().expect("a status");
    let _ = Command::new("kill").args(["-TERM", &child.id().to_string()]).status();
    child.wait().expect("it ends");
    let said = lineward.log("renewed", "err");
    assert_eq!((stored(lineward, "renewed"), status), (3, None), "{said}");
    assert!((3..20).contains(&asked), "{asked} tokens were asked for\n{said}");
}
