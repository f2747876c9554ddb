//! Servers on sockets: a client that leaves ends its query, times come as headers, strangers are turned away.

use super::limits::{LONG, until};
use super::{estate, key};
use crate::config::Config;
use crate::{Addresses, Error};
use arrow_flight::sql::client::FlightSqlServiceClient;
use futures::TryStreamExt as _;
use serde_json::{Value, json};
use std::path::PathBuf;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// A server on free ports.
pub(super) struct Running {
    pub addresses: Addresses,
    folder: tempfile::TempDir,
    stop: oneshot::Sender<()>,
    ended: JoinHandle<Result<(), Error>>,
}

impl Running {
    pub async fn start(yaml: &str) -> Self {
        let (folder, uri) = estate().await;
        let mut config: Config = serde_norway::from_str(yaml).expect("a configuration");
        let free = Some("127.0.0.1:0".parse().expect("an address"));
        config.store = Some(uri);
        (config.postgres, config.http, config.flight) = (free, free, free);
        let ((stop, stopped), (tell, told)) = (oneshot::channel::<()>(), oneshot::channel());
        let started = move |addresses| _ = tell.send(addresses);
        let ended = tokio::spawn(crate::serve(config, key(), started, async move { _ = stopped.await }));
        Self { addresses: told.await.expect("started"), folder, stop, ended }
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.addresses.http.expect("an address"))
    }

    pub fn audit(&self) -> String {
        std::fs::read_to_string(self.audit_path()).unwrap_or_default()
    }

    fn audit_path(&self) -> PathBuf {
        self.folder.path().join("store.audit.jsonl")
    }

    async fn flight(&self) -> FlightSqlServiceClient<tonic::transport::Channel> {
        let address = format!("http://{}", self.addresses.flight.expect("an address"));
        let channel = tonic::transport::Endpoint::from_shared(address).expect("an address").connect().await;
        FlightSqlServiceClient::new(channel.expect("connected"))
    }

    pub async fn stop(self) {
        drop(self.stop);
        self.ended.await.expect("it does not panic").expect("it stops as asked");
        assert_eq!(crate::audit::verify(&self.folder.path().join("store.audit.jsonl")).expect("read").broken, None);
    }
}

/// A folder of tokens and other secrets.
pub(super) struct Secrets(tempfile::TempDir);

impl Secrets {
    pub fn new() -> Self {
        Self(tempfile::tempdir().expect("a folder"))
    }

    fn path(&self) -> PathBuf {
        self.0.path().join("tokens.json")
    }

    /// The file of tokens, as a configuration names it.
    pub fn tokens(&self) -> String {
        self.path().display().to_string()
    }

    /// A new token for somebody with a role.
    pub fn token(&self, name: &str, role: &str) -> String {
        crate::tokens::create(&self.path(), name, &[role.to_owned()], None).expect("made").secret
    }

    /// A file that holds a secret.
    pub fn file(&self, secret: &str) -> String {
        let path = self.0.path().join("secret");
        std::fs::write(&path, format!("{secret}\n")).expect("written");
        path.display().to_string()
    }
}

async fn post(running: &Running, body: Value) -> reqwest::RequestBuilder {
    reqwest::Client::new().post(running.url("/api/v1/sql")).json_body(&body)
}

/// reqwest is built without its own JSON.
pub(super) trait JsonBody {
    fn json_body(self, body: &Value) -> Self;
}

impl JsonBody for reqwest::RequestBuilder {
    fn json_body(self, body: &Value) -> Self {
        self.header("content-type", "application/json").body(body.to_string())
    }
}

pub(super) async fn sent(request: reqwest::RequestBuilder) -> (u16, Value) {
    let answer = request.send().await.expect("an answer");
    let status = answer.status().as_u16();
    let text = answer.text().await.expect("a body");
    (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_leaves_ends_its_query() {
    let running = Running::start("{}").await;
    let body = json!({ "query": LONG }).to_string();
    let address = running.addresses.http.expect("an address");
    let mut socket = TcpStream::connect(address).await.expect("connected");
    let head = format!(
        "POST /api/v1/sql HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    socket.write_all((head + &body).as_bytes()).await.expect("sent");
    let asked = |count: usize| running.audit().matches("\"asked\"").count() == count;
    let cancelled = |count: usize| running.audit().matches("\"cancelled\"").count() == count;
    until(async || asked(1), "HTTP does not ask").await;
    assert!(cancelled(0));
    drop(socket);
    until(async || cancelled(1), "HTTP goes on without its client").await;

    let mut flight = running.flight().await;
    let info = flight.execute(LONG.to_owned(), None).await.expect("planned");
    let ticket = info.endpoint[0].ticket.clone().expect("a ticket");
    let fetching = tokio::spawn(async move {
        let rows = flight.do_get(ticket).await?;
        rows.try_collect::<Vec<_>>().await
    });
    until(async || asked(2), "Flight does not ask").await;
    fetching.abort();
    until(async || cancelled(2), "Flight goes on without its client").await;
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn times_come_as_headers() {
    let running = Running::start("{}").await;
    let count = "SELECT count(*) AS n FROM runs";
    let ask = async |header: Option<(&str, &str)>, body: Value| {
        let request = post(&running, body).await;
        let request = header.into_iter().fold(request, |r, (name, value)| r.header(name, value));
        let (status, answer) = sent(request).await;
        assert_eq!(status, 200, "{answer}");
        answer["rows"][0]["n"].as_i64().expect("a number")
    };
    let early = "2026-01-13T00:00:00Z";
    let now = ask(None, json!({ "query": count })).await;
    let then = ask(Some(("Lineward-As-Of", early)), json!({ "query": count })).await;
    assert!(0 < then && then < now, "{then} {now}");
    assert_eq!(ask(None, json!({ "query": count, "as_of": early })).await, then);
    // The estate was stored just now, so nothing was known before.
    assert_eq!(ask(Some(("lineward-recorded-as-of", early)), json!({ "query": count })).await, 0);
    let unreadable = post(&running, json!({ "query": count, "as_of": "soon" })).await;
    assert_eq!(sent(unreadable).await.0, 400);
    let page = post(&running, json!({ "query": count })).await.header("origin", "https://evil.example");
    assert_eq!(sent(page).await.0, 401);
    let (status, said) = sent(post(&running, json!({ "query": "SET lineward.as_of = '2026-01-01'" })).await).await;
    assert_eq!(status, 501, "{said}");
    assert!(said["error"]["message"].as_str().is_some_and(|text| text.contains("lineward-as-of")), "{said}");

    let mut flight = running.flight().await;
    flight.set_header("lineward-as-of", early);
    let info = flight.execute(count.to_owned(), None).await.expect("planned");
    let rows = flight.do_get(info.endpoint[0].ticket.clone().expect("a ticket")).await.expect("started");
    let batches: Vec<_> = rows.try_collect().await.expect("rows");
    let found = arrow::array::AsArray::as_primitive::<arrow::datatypes::Int64Type>(batches[0].column(0)).value(0);
    assert_eq!(found, then);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_route_asks_who_is_there() {
    let secrets = Secrets::new();
    let (ann, root) = (secrets.token("ann", "analyst"), secrets.token("root", "admin"));
    let yaml = format!("auth: {{tokens: '{}'}}\nroles: {{analyst: {{tables: [runs]}}}}", secrets.tokens());
    let running = Running::start(&yaml).await;
    let description: Value = serde_json::from_str(include_str!("../http/openapi.json")).expect("JSON");
    for (path, methods) in description["paths"].as_object().expect("paths") {
        let open = ["/health", "/metrics", "/openapi.json"].contains(&path.as_str());
        let concrete = path.replace(['{', '}'], "") + "?nodeId=dataset:a:b&runId=r-mart";
        for method in methods.as_object().expect("methods").keys().filter(|key| *key != "parameters") {
            let method = reqwest::Method::from_bytes(method.to_uppercase().as_bytes()).expect("a method");
            let ask = async |token: Option<&str>| {
                let request = reqwest::Client::new().request(method.clone(), running.url(&concrete));
                let request = request.json_body(&json!({ "query": "SELECT * FROM models" }));
                sent(match token {
                    Some(token) => request.header("authorization", format!("Bearer {token}")),
                    None => request,
                })
                .await
            };
            if open {
                assert_eq!(ask(None).await.0, 200, "{method} {path}");
                continue;
            }
            assert_eq!(ask(None).await.0, 401, "{method} {path}");
            assert_eq!(ask(Some("lw_0_0")).await.0, 401, "{method} {path}");
            // What is behind each is more than this role gives, but for runs.
            let (status, said) = ask(Some(&ann)).await;
            assert!(status == 403 || path.contains("/runs"), "{method} {path}: {status} {said}");
            assert!(![401, 403, 500].contains(&ask(Some(&root)).await.0), "{method} {path}");
        }
    }
    let host = reqwest::Client::new().get(running.url("/api/v1/namespaces")).header("host", "evil.example");
    assert_eq!(sent(host).await.0, 401);
    let page = reqwest::Client::new().post(running.url("/api/v1/lineage")).header("origin", "https://evil.example");
    assert_eq!(sent(page.body("{}")).await.0, 401);
    let mut flight = running.flight().await;
    assert!(flight.execute("SELECT 1".to_owned(), None).await.is_err());
    flight.set_token(ann);
    assert!(flight.execute("SELECT * FROM runs".to_owned(), None).await.is_ok());
    let error = flight.execute("SELECT * FROM models".to_owned(), None).await.expect_err("denied").to_string();
    assert!(error.contains("42501"), "{error}");
    running.stop().await;
}

/// One message of PostgreSQL's protocol; the first has no kind.
fn message(kind: Option<u8>, body: &[u8]) -> Vec<u8> {
    let length = (body.len() as u32 + 4).to_be_bytes();
    kind.into_iter().chain(length).chain(body.iter().copied()).collect()
}

/// Reads until the server has nothing more to say for now, or closes.
async fn answered(socket: &mut TcpStream) -> String {
    let mut all = Vec::new();
    let mut part = [0; 4096];
    // Ready for the next query ends an answer, an error ends a connection.
    while !all.ends_with(b"Z\0\0\0\x05I") && !all.ends_with(b"R\0\0\0\x08\0\0\0\x03") {
        match tokio::time::timeout(Duration::from_secs(20), socket.read(&mut part)).await.expect("an answer") {
            Ok(0) | Err(_) => break,
            Ok(count) => all.extend_from_slice(&part[..count]),
        }
    }
    String::from_utf8_lossy(&all).into_owned()
}

/// A token that was revoked is not good on a connection that it began.
#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_token_ends_what_it_began() {
    let folder = tempfile::tempdir().expect("a folder");
    let tokens = folder.path().join("tokens.json");
    let issued = crate::tokens::create(&tokens, "ann", &["reader".to_owned()], None).expect("made");
    let running = Running::start(&format!("auth: {{tokens: '{}'}}", tokens.display())).await;
    let mut socket = TcpStream::connect(running.addresses.postgres.expect("an address")).await.expect("connected");
    let start = [&196_608_u32.to_be_bytes()[..], b"user\0ann\0database\0lineward\0\0"].concat();
    socket.write_all(&message(None, &start)).await.expect("sent");
    answered(&mut socket).await;
    socket.write_all(&message(Some(b'p'), format!("{}\0", issued.secret).as_bytes())).await.expect("sent");
    answered(&mut socket).await;
    let query = message(Some(b'Q'), b"SELECT 41 + 1\0");
    socket.write_all(&query).await.expect("sent");
    let before = answered(&mut socket).await;
    assert!(before.contains("42"), "{before}");
    let id = crate::tokens::list(&tokens).expect("read")[0].id.clone();
    // The file is read again when its time of change is another.
    tokio::time::sleep(Duration::from_millis(50)).await;
    crate::tokens::revoke(&tokens, &id).expect("revoked");
    let _ = socket.write_all(&query).await;
    let after = answered(&mut socket).await;
    assert!(after.contains("28P01") && !after.contains("42\0"), "{after}");
    drop(socket);
    running.stop().await;
}

/// What drivers and people send by the simple protocol, several statements in one text among it.
#[tokio::test(flavor = "multi_thread")]
async fn statements_about_the_connection_are_understood() {
    let running = Running::start("{}").await;
    let mut socket = TcpStream::connect(running.addresses.postgres.expect("an address")).await.expect("connected");
    let start = [&196_608_u32.to_be_bytes()[..], b"user\0ann\0database\0lineward\0\0"].concat();
    socket.write_all(&message(None, &start)).await.expect("sent");
    answered(&mut socket).await;
    for (sql, expected) in [
        ("SELECT 40 + 1; SELECT 40 + 2", vec!["41", "42"]),
        ("SELECT 40 + 3; SELECT 40 / 0; SELECT 40 + 4", vec!["43", "22012"]),
        ("SELECT 40 + 5; SELECT nothing; SELECT 40 + 4", vec!["45", "42703"]),
        ("SELECT current_user = session_user AND user = current_role AND length(user) > 0", vec!["\0\x01t"]),
        ("SELECT now() > TIMESTAMP '2026-01-01 00:00:00'", vec!["\0\x01t"]),
        ("SET TIME ZONE 'Europe/Berlin'; SHOW timezone", vec!["SET", "Europe/Berlin"]),
        ("SET TIMEZONE TO DEFAULT; SHOW TIME ZONE", vec!["RESET", "Etc/UTC"]),
        ("PREPARE p (int) AS SELECT $1 + 1; EXECUTE p(42)", vec!["PREPARE", "43"]),
        ("EXECUTE P(43)", vec!["44"]),
        ("PREPARE p AS SELECT 1", vec!["22023", "DEALLOCATE it"]),
        ("PREPARE q AS SELECT nothing FROM nowhere", vec!["42P01"]),
        ("PREPARE q AS DROP TABLE runs", vec!["25006"]),
        ("DEALLOCATE p; EXECUTE p(1)", vec!["DEALLOCATE", "42704"]),
        (
            "PREPARE up AS SELECT count(*) FROM upstream($1, $2); EXECUTE up('triage', 1); DISCARD ALL",
            vec!["DISCARD ALL"],
        ),
        ("EXECUTE up('triage', 1)", vec!["42704"]),
        (
            "SELECT EXISTS (SELECT 1 FROM runs WHERE false), EXISTS (SELECT 1 FROM runs) AS b",
            vec!["exists", "\0\x01f", "\0\x01t"],
        ),
        (
            "SELECT 40 + count(*) FROM (SELECT t.a, EXISTS (SELECT * FROM (VALUES (1), (1)) AS s(b) WHERE s.b = t.a) AS has \
             FROM (VALUES (1), (2), (3)) AS t(a)) AS u WHERE NOT has",
            vec!["42"],
        ),
        ("SELECT CASE WHEN NOT EXISTS (SELECT max(run_id) FROM runs WHERE false) THEN 41 ELSE 42 END", vec!["42"]),
        ("SELECT EXISTS (SELECT 1 FROM pg_catalog.pg_class c WHERE c.relname = 'runs')", vec!["\0\x01t"]),
        ("SELECT * FROM rnus", vec!["42P01", "the nearest name is `runs`"]),
        (
            "SELECT count(*) FROM pg_catalog.pg_type t WHERE t.typrelid = 0 OR (SELECT c.relkind = 'c' FROM \
             pg_catalog.pg_class c WHERE c.oid = t.typrelid)",
            vec!["SELECT 1"],
        ),
    ] {
        socket.write_all(&message(Some(b'Q'), format!("{sql}\0").as_bytes())).await.expect("sent");
        let answer = answered(&mut socket).await;
        for part in expected {
            assert!(answer.contains(part), "{sql}: {answer:?}");
        }
    }
    drop(socket);
    running.stop().await;
}

/// A statement with values by the extended protocol, as text and of no type that the client says.
fn bound(sql: &str, values: &[&str]) -> Vec<u8> {
    let prepare = [b"\0", sql.as_bytes(), b"\0\0\0"].concat();
    let mut bind = b"\0\0\0\0".to_vec();
    bind.extend((values.len() as u16).to_be_bytes());
    for value in values {
        bind.extend((value.len() as u32).to_be_bytes());
        bind.extend(value.as_bytes());
    }
    bind.extend([0, 0]);
    let parts: [(u8, &[u8]); 5] = [(b'P', &prepare), (b'D', b"S\0"), (b'B', &bind), (b'E', &[0; 5]), (b'S', &[])];
    parts.iter().flat_map(|(kind, body)| message(Some(*kind), body)).collect()
}

/// Lists come as PostgreSQL writes arrays, and are told as arrays to who asks.
#[tokio::test(flavor = "multi_thread")]
async fn arrays_are_arrays() {
    const ROWS: &str = "FROM (VALUES ('a', 1), ('b', 2), ('c,d', 3), ('', 4)) AS t(name, version)";
    // One parameter, of a type whose number is that of `text[]` or `bigint[]` but for the last byte, which is no UTF-8.
    let list = "t\0\0\0\n\0\x01\0\0\u{3}\u{fffd}";
    let running = Running::start("{}").await;
    let mut socket = TcpStream::connect(running.addresses.postgres.expect("an address")).await.expect("connected");
    let start = [&196_608_u32.to_be_bytes()[..], b"user\0ann\0database\0lineward\0\0"].concat();
    socket.write_all(&message(None, &start)).await.expect("sent");
    answered(&mut socket).await;
    let count = |condition: &str| format!("SELECT 40 + count(*) {ROWS} WHERE {condition}");
    for (sql, values, expected) in [
        (count("name = ANY($1::text[])"), vec!["{a,b}"], vec!["42", list]),
        (count("name = ANY($1)"), vec!["{a,\"c,d\",\"\"}"], vec!["43", list]),
        (count("name <> ALL($1)"), vec!["{a}"], vec!["43"]),
        (count("version = ANY($1)"), vec!["{1,2,9}"], vec!["42", list]),
        (count("name = ANY(CAST($1 AS varchar[]))"), vec!["{\"a\"}"], vec!["41", list]),
        ("SELECT $1::text[]".to_owned(), vec!["{a,\"\",NULL,\"NULL\"}"], vec!["{a,\"\",NULL,\"NULL\"}", list]),
        ("SELECT array_length($1::bigint[]) + 40".to_owned(), vec!["{7,8}"], vec!["42", list]),
        ("SELECT $1::bigint[]".to_owned(), vec!["{7,x}"], vec!["22P02"]),
        ("SELECT $1::text[]".to_owned(), vec!["a,b"], vec!["22P02"]),
        (count("name = ANY('{a,b}')"), vec![], vec!["42"]),
        (count("name = ANY('{a,\"c,d\"}'::text[])"), vec![], vec!["42"]),
        (count("version = ANY('{1,2,9}')"), vec![], vec!["42"]),
        (count("version <> ALL('{1}')"), vec![], vec!["43"]),
        ("SELECT 'a' = ANY('{b}'), 5 = ANY('{4,5}')".to_owned(), vec![], vec!["\0\x01f", "\0\x01t"]),
        ("SELECT CAST('{a,b}' AS text[])".to_owned(), vec![], vec!["{a,b}"]),
        ("SELECT '{\"a,b\",c}'::text[]".to_owned(), vec![], vec!["{\"a,b\",c}"]),
        ("SELECT array_length('{2026-01-01}'::date[]) + 41, '{}'::int[]".to_owned(), vec![], vec!["42", "{}"]),
        (format!("SELECT (concat('{{', name, '}}')::text[])[1] {ROWS} WHERE version = 2"), vec![], vec!["\0\x01b"]),
        ("SELECT '{a}b'::text[]".to_owned(), vec![], vec!["22P02"]),
    ] {
        socket.write_all(&bound(&sql, &values)).await.expect("sent");
        let answer = answered(&mut socket).await;
        for part in expected {
            assert!(answer.contains(part), "{sql}: no {part:?} in {answer:?}");
        }
    }
    drop(socket);
    running.stop().await;
}

/// Every error is an object with code, message and hint, whoever noticed it.
#[tokio::test(flavor = "multi_thread")]
async fn errors_have_one_shape() {
    let running = Running::start("{}").await;
    let client = reqwest::Client::new();
    let is_error = |said: &Value| ["code", "message", "hint"].iter().all(|key| said["error"][key].is_string());
    let description: Value = serde_json::from_str(include_str!("../http/openapi.json")).expect("JSON");
    for path in description["paths"].as_object().expect("paths").keys() {
        let concrete = running.url(&path.replace(['{', '}'], ""));
        let (status, said) = sent(client.request(reqwest::Method::PATCH, &concrete)).await;
        assert!(status == 405 && is_error(&said), "{path}: {status} {said}");
        let message = said["error"]["message"].as_str().expect("a text");
        assert!(message.contains("does not take PATCH, it takes ") && message.contains("T"), "{message}");
        let (status, said) = sent(client.get(format!("{concrete}/nothing/of/this/at/all"))).await;
        assert!(status == 404 && is_error(&said), "{path}: {status} {said}");
    }
    let (status, said) = sent(client.post(running.url("/api/v1/slq"))).await;
    assert_eq!(
        (status, &said["error"]["message"]),
        (404, &json!("there is nothing at `/api/v1/slq`; did you mean `/api/v1/sql`?"))
    );
    let large = || "x".repeat((64 << 20) + 1);
    let json = "application/json";
    let sql = || client.post(running.url("/api/v1/sql"));
    let lineage = || client.post(running.url("/api/v1/lineage"));
    for (request, expected) in [
        (sql().header("content-type", "text/plain").body("SELECT 1"), 415),
        (sql().header("content-type", json).body("SELECT 1"), 400),
        (sql().header("content-type", json).body("{\"question\": 1}"), 400),
        (sql().header("content-type", json).body(large()), 413),
        (sql().json_body(&json!({ "query": "SELECT 1" })).header("accept", "image/png"), 406),
        (sql().json_body(&json!({ "query": "SELEC 1" })), 400),
        (lineage().body(large()), 413),
        (lineage().header("content-encoding", "br").body("x"), 415),
        (lineage().header("content-encoding", "gzip").body("x"), 400),
        (lineage().body("no event"), 422),
        (client.get(running.url("/api/v1/namespaces?limit=many")), 400),
        (client.get(running.url("/api/v1/namespaces?limit=-1")), 400),
        (client.get(running.url("/api/v1/lineage")), 400),
        (client.get(running.url("/api/v1/namespaces/none")), 404),
    ] {
        let (status, said) = sent(request).await;
        assert!(status == expected && is_error(&said), "{expected}: {status} {said}");
    }
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_beyond_the_limit_wait() {
    let running = Running::start("connections: 2").await;
    for (address, words) in [(running.addresses.http, HTTP_WORDS), (running.addresses.postgres, SSL_REQUEST)] {
        let address = address.expect("an address");
        let mut held = Vec::new();
        for _ in 0..2 {
            held.push(TcpStream::connect(address).await.expect("connected"));
        }
        // Connected to the system, not yet to the server: nobody answers.
        let mut third = TcpStream::connect(address).await.expect("connected");
        third.write_all(words).await.expect("sent");
        let mut byte = [0; 1];
        let answer = tokio::time::timeout(Duration::from_millis(500), third.read_exact(&mut byte)).await;
        assert!(answer.is_err(), "{address} answers a third");
        held.pop();
        let answer = tokio::time::timeout(Duration::from_secs(20), third.read_exact(&mut byte)).await;
        answer.expect("it has its turn").expect("an answer");
    }
    running.stop().await;
}

const HTTP_WORDS: &[u8] = b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n";
/// With which a client of PostgreSQL asks for TLS; the answer is one byte.
const SSL_REQUEST: &[u8] = &[0, 0, 0, 8, 0x04, 0xD2, 0x16, 0x2F];

#[tokio::test(flavor = "multi_thread")]
async fn lists_have_the_shapes_of_marquez() {
    let running = Running::start("{}").await;
    let get = async |path: &str| sent(reqwest::Client::new().get(running.url(path))).await.1;
    let (_, found) = sent(post(&running, json!({ "query": "SELECT namespace FROM datasets LIMIT 1" })).await).await;
    let namespace = found["rows"][0]["namespace"].as_str().expect("a name").replace('/', "%2F").replace(':', "%3A");
    let all = get(&format!("/api/v1/namespaces/{namespace}/datasets")).await;
    let none = get(&format!("/api/v1/namespaces/{namespace}/datasets?limit=0")).await;
    let behind = get(&format!("/api/v1/namespaces/{namespace}/datasets?offset=9999")).await;
    assert!(all["totalCount"].as_i64() > Some(0), "{all}");
    for page in [none, behind] {
        assert_eq!((&page["totalCount"], page["datasets"].as_array().map(Vec::len)), (&all["totalCount"], Some(0)));
    }
    for dataset in all["datasets"].as_array().expect("data sets") {
        let members = dataset.as_object().expect("an object");
        assert!(members.values().all(|value| !value.is_null()), "{dataset}");
        let facet = &dataset["facets"]["lineward_sensitivity"];
        assert!(facet["_producer"].is_string() && facet["_schemaURL"].is_string(), "{facet}");
        assert!(dataset["updatedAt"].as_str() >= dataset["createdAt"].as_str(), "{dataset}");
        let node = format!(
            "dataset:{}:{}",
            dataset["namespace"].as_str().unwrap_or(""),
            dataset["name"].as_str().unwrap_or("")
        );
        let columns = get(&format!("/api/v1/column-lineage?nodeId={node}")).await;
        assert!(columns["graph"].is_array(), "{node}: {columns}");
    }
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_has_the_shapes_of_marquez() {
    let running = Running::start("{}").await;
    let get = async |path: &str| sent(reqwest::Client::new().get(running.url(path))).await;
    let (_, run) = get("/api/v1/jobs/runs/r-mart").await;
    assert_eq!(
        (&run["id"], &run["state"], &run["jobVersion"]["name"]),
        (&json!("r-mart"), &json!("COMPLETED"), &json!("visits_mart"))
    );
    let read = &run["inputDatasetVersions"][0]["datasetVersionId"];
    assert_eq!((&read["name"], read["version"].is_string()), (&json!("dwh.staging.visits"), true), "{run}");
    assert_eq!(get("/api/v1/jobs/runs/none").await.0, 404);
    let (_, above) = get("/api/v1/runlineage/upstream?runId=r-mart").await;
    let ids = |answer: &Value| -> Vec<Value> {
        answer["runs"].as_array().into_iter().flatten().map(|run| run["run"]["id"].clone()).collect()
    };
    assert_eq!(ids(&above)[..2], [json!("r-mart"), json!("r-stage")], "{above}");
    let (mart, read) = (&above["runs"][0], &above["runs"][0]["inputs"][0]);
    assert_eq!((&mart["job"]["name"], &mart["run"]["status"]), (&json!("visits_mart"), &json!("COMPLETED")));
    assert_eq!(
        (&read["name"], &read["producedByRunId"], read["version"].is_string()),
        (&json!("dwh.staging.visits"), &json!("r-stage"), true)
    );
    // What nobody is known to have written has no run.
    let sources = &above["runs"][1]["inputs"];
    assert!(sources.as_array().is_some_and(|all| all.iter().any(|i| i.get("producedByRunId").is_none())), "{above}");
    assert_eq!(ids(&get("/api/v1/runlineage/upstream?runId=r-mart&depth=0").await.1), ["r-mart"]);
    assert_eq!(get("/api/v1/runlineage/upstream?runId=none").await.0, 404);
    for wrong in ["", "?runId=r-mart&depth=-1", "?runId=r-mart&depth=far", "?runId=r-mart&depth=1001"] {
        assert_eq!(get(&format!("/api/v1/runlineage/upstream{wrong}")).await.0, 400, "{wrong}");
    }
    let dataset = "/api/v1/namespaces/s3:%2F%2Fclinic/datasets/corpus%2Fnotes/versions";
    let (_, versions) = get(dataset).await;
    assert_eq!(
        versions["totalCount"].as_u64(),
        versions["versions"].as_array().map(|all| all.len() as u64),
        "{versions}"
    );
    assert!(versions["versions"][0]["tags"].as_array().is_some_and(|tags| tags.contains(&json!("PII"))), "{versions}");
    assert_eq!(get(&dataset.replace("notes", "none")).await.0, 404);
    let (_, made) = get("/api/v1/namespaces/postgres:%2F%2Fdwh:5432/datasets/dwh.staging.visits/versions").await;
    assert_eq!(made["versions"][0]["createdByRun"]["id"], "r-stage", "{made}");
    let (_, current) = get("/api/v1/namespaces/postgres:%2F%2Fdwh:5432/datasets/dwh.staging.visits").await;
    for shown in [&made["versions"][0], &current] {
        let fields = shown["fields"].as_array().expect("a list");
        let asked = "SELECT f.field FROM version_fields AS f JOIN datasets AS d USING (namespace, name, version)
            WHERE f.name = 'dwh.staging.visits' ORDER BY f.ordinal";
        let (_, answer) = sent(post(&running, json!({ "query": asked })).await).await;
        let names: Vec<&Value> = answer["rows"].as_array().expect("rows").iter().map(|row| &row["field"]).collect();
        assert!(!names.is_empty(), "{answer}");
        assert_eq!(fields.iter().map(|field| &field["name"]).collect::<Vec<_>>(), names, "{shown}");
    }
    let (_, tags) = get("/api/v1/tags?limit=1000").await;
    assert!(tags["tags"].as_array().is_some_and(|all| all.iter().any(|t| t["name"] == "PII")), "{tags}");
    let (_, sources) = get("/api/v1/sources").await;
    let clinic = sources["sources"].as_array().and_then(|all| all.iter().find(|s| s["name"] == "s3://clinic"));
    assert_eq!(clinic.map(|s| &s["type"]), Some(&json!("S3")), "{sources}");
    let (_, events) = get("/api/v1/events/lineage?limit=2&sortDirection=asc").await;
    let times: Vec<_> = events["events"].as_array().expect("events").iter().map(|e| e["eventTime"].as_str()).collect();
    assert!(events["totalCount"].as_u64() > Some(2) && times.len() == 2 && times[0] <= times[1], "{events}");
    let (_, later) = get("/api/v1/events/lineage?after=2026-01-23T10:30:00Z&before=2026-01-23T11:30:00Z").await;
    assert!(later["events"][0]["run"]["runId"] == "r-mart", "{later}");
    assert_eq!(get("/api/v1/events/lineage?after=2035-01-01").await.1["totalCount"], 0);
    for wrong in ["after=soon", "sortDirection=up", "limit=many"] {
        assert_eq!(get(&format!("/api/v1/events/lineage?{wrong}")).await.0, 400, "{wrong}");
    }
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn columns_and_what_they_come_from() {
    let running = Running::start("{}").await;
    let get = async |node: &str| {
        let url = format!("{}?nodeId={node}&depth=5", running.url("/api/v1/column-lineage"));
        sent(reqwest::Client::new().get(url)).await
    };
    let mappings = "SELECT a.namespace, a.name, f.name AS field FROM column_mappings m
        JOIN fields f ON f.field_id = m.dst_field_id JOIN assets a ON a.asset_id = f.asset_id LIMIT 1";
    let (_, answer) = sent(post(&running, json!({ "query": mappings })).await).await;
    let text = |key: &str| answer["rows"][0][key].as_str().expect("a text").to_owned();
    let node = format!("datasetField:{}:{}:{}", text("namespace"), text("name"), text("field"));
    let (status, graph) = get(&node).await;
    assert_eq!(status, 200, "{graph}");
    let nodes = graph["graph"].as_array().expect("a graph");
    let of = nodes.iter().find(|n| n["id"] == node.as_str()).expect("the node itself");
    assert!(nodes.len() > 1 && !of["data"]["inputFields"].as_array().expect("inputs").is_empty(), "{graph}");
    assert_eq!(get("dataset:no:where").await.0, 404);
    running.stop().await;
}

/// What `runs` says upstream of a run: the run, and its inputs as `name<writer`.
fn told(answer: &Value) -> Vec<String> {
    let runs = answer["runs"].as_array().unwrap_or_else(|| panic!("{answer}"));
    let input =
        |i: &Value| format!("{}<{}", i["name"].as_str().unwrap_or("?"), i["producedByRunId"].as_str().unwrap_or("-"));
    let run = |run: &Value| {
        let inputs: Vec<String> = run["inputs"].as_array().into_iter().flatten().map(input).collect();
        format!("{}: {}", run["run"]["id"].as_str().unwrap_or("?"), inputs.join(" "))
    };
    runs.iter().map(run).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn runs_upstream_of_a_run_are_told_once() {
    let secrets = Secrets::new();
    let (root, ann) = (secrets.token("root", "admin"), secrets.token("ann", "some"));
    let roles = "roles: {some: {tables: ['*'], rows: {runs: \"run_id <> 'g'\"}}}";
    let running = Running::start(&format!("auth: {{tokens: '{}'}}\n{roles}", secrets.tokens())).await;
    let data = |name: &str, version: Option<&str>| {
        let facets = version.map_or(json!({}), |v| json!({ "version": { "datasetVersion": v } }));
        json!({ "namespace": "db", "name": name, "facets": facets })
    };
    let run = |id: &str, minute: u32, inputs: &[Value], outputs: &[Value]| {
        json!({ "eventType": "COMPLETE", "eventTime": format!("2026-02-01T10:{minute:02}:00Z"), "producer": "test",
            "run": { "runId": id }, "job": { "namespace": "n", "name": id }, "inputs": inputs, "outputs": outputs })
    };
    let plain = |name: &str| data(name, None);
    let shared = data("s", Some("1"));
    let events = json!([
        run("a", 1, &[], &[plain("x")]),
        run("b", 2, &[plain("x")], &[plain("y")]),
        run("c", 3, &[plain("x")], &[plain("z")]),
        run("d", 4, &[plain("y"), plain("z")], &[plain("out")]),
        // A run that goes on writing to what it reads; one version that two runs write.
        run("e", 5, &[data("own", Some("1"))], &[data("own", Some("1"))]),
        run("f", 6, &[], std::slice::from_ref(&shared)),
        run("g", 7, &[], std::slice::from_ref(&shared)),
        run("h", 8, std::slice::from_ref(&shared), &[]),
        // Two ways to one run, of which one is longer.
        run("i", 9, &[plain("x"), plain("y")], &[]),
    ]);
    let sender =
        reqwest::Client::new().post(running.url("/api/v1/lineage")).header("authorization", format!("Bearer {root}"));
    let (status, said) = sent(sender.json_body(&events)).await;
    assert!((200..300).contains(&status), "{said}");
    let ask = async |token: &str, question: &str| {
        let url = running.url(&format!("/api/v1/runlineage/upstream?{question}"));
        told(&sent(reqwest::Client::new().get(url).header("authorization", format!("Bearer {token}"))).await.1)
    };
    assert_eq!(ask(&root, "runId=d").await, ["d: y<b z<c", "b: x<a", "c: x<a", "a: "]);
    assert_eq!(ask(&root, "runId=d&depth=1").await, ["d: y<b z<c", "b: x<a", "c: x<a"]);
    assert_eq!(ask(&root, "runId=i").await, ["i: x<a y<b", "a: ", "b: x<a"]);
    assert_eq!(ask(&root, "runId=e").await, ["e: own<-"]);
    assert_eq!(ask(&root, "runId=h").await, ["h: s<f s<g", "f: ", "g: "]);
    // A writer that may not be seen is not told by a second row.
    assert_eq!(ask(&ann, "runId=h").await, ["h: s<f", "f: "]);
    running.stop().await;
}
