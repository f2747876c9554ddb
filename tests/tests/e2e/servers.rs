//! `lineward serve`, asked by the clients that people have: psql, psycopg, ADBC over PostgreSQL and over Flight SQL,
//! openlineage-python. They must agree with `lineward sql`.

use crate::lineward::{Lineward, Outcome};
use crate::readers::python_with;
use serde_json::{Value, json};
use std::io::{BufReader, Read, Write as _};
use std::net::TcpStream;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

pub const CLIENTS: [&str; 6] = [
    "adbc-driver-flightsql==1.13.0",
    "adbc-driver-postgresql==1.13.0",
    "openlineage-python==1.54.0",
    "psycopg[binary]==3.3.9",
    "pyarrow==26.0.1",
    "sqlalchemy==2.1.9",
];

/// A server on free ports of this machine, stopped when dropped.
pub struct Server {
    process: Child,
    pub postgres: String,
    pub http: String,
    pub flight: String,
}

impl Server {
    pub fn start(lineward: &Lineward, more: &[&str]) -> Self {
        let free = "127.0.0.1:0";
        let mut arguments = vec!["serve"];
        for protocol in ["--postgres", "--http", "--flight"].into_iter().filter(|p| !more.contains(p)) {
            arguments.extend([protocol, free]);
        }
        arguments.extend(more);
        let process = lineward.spawn(&mut lineward.command(arguments), "serve");
        let mut server = Self { process, postgres: String::new(), http: String::new(), flight: String::new() };
        let begin = Instant::now();
        while !server.has_addresses(&lineward.log("serve", "err")) {
            let said = lineward.log("serve", "err");
            assert!(begin.elapsed() < Duration::from_secs(60), "the server did not start; it said:\n{said}");
            std::thread::sleep(Duration::from_millis(20));
        }
        server
    }

    /// Takes the addresses from what the server said; whether all are there.
    fn has_addresses(&mut self, said: &str) -> bool {
        let address = |what: &str| {
            let line = said.lines().find(|line| line.contains(&format!("serving {what} on ")))?;
            Some(line.rsplit(' ').next()?.to_owned())
        };
        let all = (address("PostgreSQL"), address("HTTP"), address("Flight SQL"));
        let (Some(postgres), Some(http), Some(flight)) = all else { return false };
        (self.postgres, self.http, self.flight) = (postgres, http, flight);
        true
    }

    /// What psql prints for a command, one row a line, columns separated by `|`.
    fn psql(&self, lineward: &Lineward, command: &str, token: Option<&str>) -> Outcome {
        lineward.run_command(self.psql_with(&[command]).env("PGPASSWORD", token.unwrap_or_default()))
    }

    /// psql on one connection, with commands one after the other.
    pub fn psql_with(&self, commands: &[&str]) -> Command {
        let (host, port) = self.postgres.rsplit_once(':').expect("a port");
        let mut psql = Command::new("psql");
        psql.args(["-X", "-q", "-A", "-t", "-h", host, "-p", port, "-U", "me", "-d", "lineward"]);
        psql.args(commands.iter().flat_map(|command| ["-c", command]));
        psql.env("PGCONNECT_TIMEOUT", "20");
        psql
    }

    /// Memory it holds now, in KiB.
    fn resident_kib(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.id())).expect("it runs");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("its memory");
        line.trim().trim_end_matches(" kB").parse().expect("a number")
    }

    /// Asks it to stop, and waits until it has.
    fn stop(mut self) -> Option<i32> {
        let status = Command::new("kill").arg(self.process.id().to_string()).status().expect("kill starts");
        assert!(status.success());
        self.process.wait().expect("a status").code()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

pub fn estate() -> Lineward {
    let lineward = Lineward::new();
    let folder = lineward.path("demo");
    lineward.run(["demo", "--dir", &folder.to_string_lossy(), "--force"]).ok();
    std::fs::rename(folder.join("store"), lineward.store()).expect("moved");
    lineward
}

pub fn has_psql() -> bool {
    let found = Command::new("psql").arg("--version").output().is_ok_and(|output| output.status.success());
    if !found {
        println!("skipped: `psql` is not here (apt-get install postgresql-client)");
    }
    found
}

fn models(lineward: &Lineward) -> Vec<Value> {
    let rows = lineward.sql("SELECT model_name FROM models_trained_on('PHI') ORDER BY 1");
    assert!(!rows.is_empty(), "nothing is compared");
    rows.iter().map(|row| row["model_name"].clone()).collect()
}

#[test]
fn psql_asks_and_looks_around() {
    if !has_psql() {
        return;
    }
    let lineward = estate();
    let server = Server::start(&lineward, &[]);
    let psql = |command: &str| server.psql(&lineward, command, None);
    let answered = psql("SELECT model_name FROM models_trained_on('PHI') ORDER BY 1").ok().stdout;
    assert_eq!(answered.lines().map(|l| json!(l)).collect::<Vec<_>>(), models(&lineward));
    for (command, expected) in [
        ("\\dt raw.*", "raw|events|table"),
        ("\\dv", "public|runs|view"),
        ("\\d runs", "run_id|text"),
        ("\\d+ models", "deployed|boolean"),
        ("\\dt+ raw.*", "raw|events|table"),
        ("\\dv+", "public|runs|view"),
        ("\\dp models", "public|models|view"),
        ("\\dn+", "public|"),
        ("\\l+", "lineward"),
        ("\\du", "local|"),
        ("\\d raw.runs", "run_id|text"),
        ("\\dd", ""),
        ("\\dL", "sql"),
        ("\\dy", ""),
        ("\\db+", ""),
        ("\\dconfig", ""),
        ("\\drds", ""),
        ("\\dO", ""),
        ("\\dc", ""),
        ("\\dX", ""),
        ("\\dF", ""),
        ("\\dT+", ""),
        ("\\ddp", ""),
        ("\\dD", ""),
        ("\\db", ""),
        ("\\sf upstream", "CREATE FUNCTION public.upstream("),
        ("\\sv runs", "CREATE OR REPLACE VIEW public.runs AS\n-- Runs with"),
        ("\\sv+ models", "SELECT"),
        ("SELECT pg_get_viewdef('runs'::regclass)", "r.run_id, j.namespace AS job_namespace"),
        (
            "SELECT 'n' || r.state, (SELECT count(*) FROM runs AS s WHERE s.run_id = r.run_id) FROM runs AS r LIMIT 1",
            "|1",
        ),
        ("\\df", "public|models_trained_on|TABLE(model_namespace text"),
        ("\\df+ upstream", "public|upstream|"),
        ("\\dn", "public|"),
        ("\\l", "lineward"),
        ("COPY (SELECT 1 AS a, 'x,y' AS b) TO STDOUT (FORMAT csv, HEADER)", "a,b\n1,\"x,y\""),
        ("COPY (SELECT state, state FROM runs LIMIT 1) TO STDOUT (FORMAT csv, HEADER)", "state,state\n"),
        ("SHOW transaction_read_only", "on"),
        ("BEGIN; SELECT 5; COMMIT", "5"),
    ] {
        let outcome = psql(command).ok();
        assert!(outcome.stdout.contains(expected), "{command}:\n{}\n{}", outcome.stdout, outcome.stderr);
    }
    // Names without a schema find `public`; the same names elsewhere are not mixed in.
    let all = psql("\\d").ok().stdout;
    assert!(all.contains("public|runs|view") && !all.contains("raw|") && !all.contains("current|"), "{all}");
    // A large answer in pieces, as psql takes it.
    let pieces = ["\\set FETCH_COUNT 3", "SELECT name FROM raw.assets ORDER BY name"];
    let rows = lineward.run_command(&mut server.psql_with(&pieces)).ok().stdout;
    assert_eq!(rows, psql("SELECT name FROM raw.assets ORDER BY name").ok().stdout);
    let outside = psql("DECLARE c CURSOR FOR SELECT 1");
    assert!(outside.code != Some(0) && outside.stderr.contains("BEGIN first"), "{outside:?}");
    let refused = psql("DELETE FROM runs");
    assert!(refused.code != Some(0) && refused.stderr.contains("only reads"), "{refused:?}");
    assert_eq!(server.stop(), Some(0));
}

/// What SQLAlchemy finds out about a database before anybody asks it something.
#[test]
fn sqlalchemy_finds_tables_and_their_columns() {
    let Some(python) = python_with("venv-clients", &CLIENTS) else { return };
    let lineward = estate();
    let server = Server::start(&lineward, &[]);
    let mut command = Command::new(python);
    command.arg(lineward_tests::folder().join("tests/e2e/sqlalchemy_client.py")).arg(&server.postgres);
    let found: Value = serde_json::from_str(&lineward.run_command(&mut command).ok().stdout).expect("JSON");
    let has = |what: &str, name: &str| found[what].as_array().is_some_and(|all| all.contains(&json!(name)));
    assert!(has("schemas", "public") && has("schemas", "raw") && !has("schemas", "pg_catalog"), "{found}");
    assert!(has("tables", "events") && has("views", "runs") && has("reflected", "models"), "{found}");
    assert_eq!((&found["columns"]["run_id"], &found["columns"]["started_at"]), (&json!("TEXT"), &json!("TIMESTAMP")));
    assert_eq!(found["keys"], json!([[], [], [], [], []]), "{found}");
    assert_eq!(found["definition"], true, "{found}");
    assert_eq!(found["models"], Value::Array(models(&lineward)));
}

#[test]
fn python_clients_get_the_same_answers() {
    let Some(python) = python_with("venv-clients", &CLIENTS) else { return };
    let lineward = estate();
    let expected = models(&lineward);
    let server = Server::start(&lineward, &[]);
    let script = lineward_tests::folder().join("tests/e2e/clients.py");
    let mut command = Command::new(python);
    command.arg(script).args([&server.postgres, &server.http, &server.flight]).arg("-");
    let said: Value = serde_json::from_str(&lineward.run_command(&mut command).ok().stdout).expect("JSON");
    let psycopg = &said["psycopg"];
    for models in [
        &psycopg["models"],
        &said["adbc_postgres"]["models"],
        &said["adbc_flight"]["models"],
        &said["adbc_flight"]["bound"],
    ] {
        assert_eq!(models, &Value::Array(expected.clone()));
    }
    assert_eq!(psycopg["prepared"], json!([1, 2, 3, 4, 5, 6, 7, 8]));
    assert_eq!(psycopg["pieces"], json!([2, 3, 4, 5]));
    assert_eq!(psycopg["arrays"], json!([3, 3, ["a", "", null, "NULL", "x\"y"], [1, 2], 0]));
    assert_eq!(psycopg["binary"], json!([1, 2.5, true, "x", null]));
    assert!(psycopg["tables"]["public.runs"].as_u64() > Some(0) && psycopg["tables"]["raw.epochs"].as_u64() > Some(0));
    for (what, state) in [("missing", "42P01"), ("write", "25006"), ("cast", "22P02"), ("syntax", "42601")] {
        assert_eq!(psycopg[what][0], state, "{what}: {}", psycopg[what]);
    }
    assert_eq!(psycopg["timeout"], json!(["57014", true]));
    assert_eq!(psycopg["after"], 7);
    assert_eq!(psycopg["times"], json!([true, 0, "2000-01-01T00:00:00Z", true, 0, true]));
    assert_eq!(said["adbc_flight"]["past"], 0);
    let adbc = &said["adbc_postgres"];
    assert_eq!(adbc["empty"], 0);
    let schemas = adbc["schemas"].as_array().expect("schemas at each depth");
    assert!(schemas.iter().all(|all| all.as_array().is_some_and(|all| all.contains(&json!("public")))), "{adbc}");
    assert_eq!(adbc["tables"], json!([true, true]));
    assert!(adbc["columns"].as_array().is_some_and(|all| all.contains(&json!("run_id"))), "{adbc}");
    // The one row is of the schema itself, of which nothing is told.
    assert!(adbc["statistics"].as_u64() <= Some(1), "{adbc}");
    assert_eq!(said["adbc_flight"]["vendor"], "Lineward");
    assert!(said["adbc_flight"]["columns"].as_array().is_some_and(|c| c.contains(&json!("run_id"))));
    assert_eq!(said["openlineage"]["graph"], json!(["dataset:db:source", "dataset:db:target", "job:etl:copy"]));
    assert_eq!(said["openlineage"]["runs"], 2);
    assert_eq!(said["openlineage"]["datasets"], json!(["source", "target"]));
    drop(server);
    let audit = format!("{}.audit.jsonl", lineward.store().display());
    lineward.run(["audit", &audit]).ok();
    let kept = std::fs::read_to_string(&audit).expect("an audit log");
    assert!(kept.contains("models_trained_on(?)") && !kept.contains("'PHI'"));
}

/// A time that is set holds for its connection, and answers are those of `lineward sql` at that time.
#[test]
fn a_time_is_set_for_a_connection() {
    if !has_psql() {
        return;
    }
    let lineward = estate();
    let server = Server::start(&lineward, &[]);
    let times = lineward.sql("SELECT CAST(started_at AS VARCHAR) AS t FROM runs ORDER BY started_at");
    let middle = times[times.len() / 2]["t"].as_str().expect("a time").replace(' ', "T");
    let count = "SELECT count(*) FROM runs";
    let ask = |commands: &[&str]| {
        let said = lineward.run_command(&mut server.psql_with(commands)).ok().stdout;
        said.lines().map(str::to_owned).collect::<Vec<_>>()
    };
    let now = ask(&[count]).remove(0);
    let (set, reset) = (format!("SET lineward.as_of = '{middle}'"), "RESET lineward.as_of");
    let shown = ask(&[&set, count, "SHOW lineward.as_of", reset, count]);
    let then = lineward.run(["sql", "--format", "csv", &format!("{set}; {count}")]).ok().stdout;
    assert!(then.lines().any(|line| line == shown[0]) && shown[0] != now, "{shown:?} {now} {then}");
    assert_eq!(shown[1..], [middle.clone(), now.clone()]);
    let local = set.replace("SET", "SET LOCAL");
    assert_eq!(ask(&["BEGIN", &local, count, "COMMIT", count]), [shown[0].clone(), now.clone()]);
    assert_eq!(ask(&["BEGIN", &set, "ROLLBACK", count]).remove(0), now);
    assert_eq!(ask(&[count]), [now], "another connection");
    let refused = lineward.run_command(&mut server.psql_with(&["SET lineward.as_of = 'soon'"]));
    assert!(refused.stderr.contains("as_of") && refused.code != Some(0), "{refused:?}");
}

/// A client that cancels is told so; the query of one that is gone is stopped. Slow queries are logged as they are.
#[test]
fn queries_end_with_their_clients() {
    if !has_psql() {
        return;
    }
    let lineward = estate();
    lineward.write("serve.yaml", "audit: audit.jsonl\nslow_query_ms: 0\n");
    let server = Server::start(&lineward, &["--config", "serve.yaml"]);
    let long = "SELECT count(*) FROM generate_series(1, 200000) AS a CROSS JOIN generate_series(1, 200000) AS b \
                WHERE (a.value * b.value) % 7 = 8 AND 'hidden text' <> ''";
    let audit = || std::fs::read_to_string(lineward.path("audit.jsonl")).unwrap_or_default();
    for (number, (signal, said)) in [("-INT", "cancel"), ("-KILL", "")].into_iter().enumerate() {
        let name = format!("psql{number}");
        let mut psql = lineward.spawn(&mut server.psql_with(&[long]), &name);
        let count = |outcome: &str| audit().matches(outcome).count();
        wait_for(|| count("\"asked\"") == number + 1, "the query does not start");
        assert_eq!(count("\"cancelled\""), number);
        assert!(Command::new("kill").arg(signal).arg(psql.id().to_string()).status().expect("kill starts").success());
        psql.wait().expect("a status");
        wait_for(|| count("\"cancelled\"") == number + 1, "the query goes on");
        assert!(lineward.log(&name, "err").contains(said), "{}", lineward.log(&name, "err"));
    }
    let log = lineward.log("serve", "err");
    assert!(log.contains("slow query") && log.contains("CROSS JOIN") && !log.contains("hidden text"), "{log}");
    assert!(!audit().contains("hidden text"));
}

fn wait_for(holds: impl Fn() -> bool, otherwise: &str) {
    let begin = Instant::now();
    while !holds() {
        assert!(begin.elapsed() < Duration::from_secs(60), "{otherwise}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn roles_hold_and_denials_are_kept() {
    if !has_psql() {
        return;
    }
    let lineward = estate();
    let token = |name: &str, role: &str| {
        let made = lineward.run(["token", "create", name, "--role", role, "--tokens", "tokens.json"]).ok();
        made.stdout.trim().to_owned()
    };
    let (ann, root) = (token("ann", "analyst"), token("root", "admin"));
    let config = "
auth: {tokens: tokens.json}
audit: audit.jsonl
roles:
  analyst:
    tables: [runs, raw.events]
    deny_columns: {runs: [principal]}
    rows: {runs: \"job_name LIKE 'notes%'\"}
    limits: {rows: 1000}
";
    lineward.write("serve.yaml", config);
    let server = Server::start(&lineward, &["--config", "serve.yaml"]);
    let ask = |command: &str, token: &str| server.psql(&lineward, command, Some(token));
    let count = |sql: &str, token: &str| ask(sql, token).ok().stdout.trim().parse::<i64>().expect("a number");
    let seen = "SELECT count(*) FROM runs WHERE job_name LIKE 'notes%'";
    assert_eq!(count("SELECT count(*) FROM runs", &ann), count(seen, &root));
    assert!(count("SELECT count(*) FROM runs", &root) > count(seen, &root));
    assert_eq!(count("SELECT count(payload) FROM raw.events", &ann), 0, "payloads are NULL");
    assert_eq!(count("SELECT count(*) FROM raw.events WHERE payload LIKE '%e%'", &ann), 0, "and not to be guessed");
    assert!(count("SELECT count(payload) FROM raw.events", &root) > 0);
    for (sql, said) in [
        ("SELECT principal FROM runs", "principal"),
        ("SELECT * FROM models", "permission denied"),
        ("SELECT * FROM current.runs", "permission denied"),
        ("SELECT * FROM audit.queries", "permission denied"),
        ("SELECT * FROM models_trained_on('PHI')", "permission denied"),
        ("SELECT * FROM generate_series(1, 2000)", "more than 1000 rows"),
    ] {
        let outcome = ask(sql, &ann);
        assert!(outcome.code != Some(0) && outcome.stderr.contains(said), "{sql}: {outcome:?}");
    }
    let stranger = ask("SELECT 1", "lw_000000000000_nobody");
    assert!(stranger.code != Some(0) && stranger.stderr.contains("not known"), "{stranger:?}");
    let denied =
        "SELECT count(*) FROM audit.queries WHERE outcome = 'denied' AND principal = 'ann' AND sql_state = '42501'";
    assert_eq!(count(denied, &root), 4);
    let id = ann.split('_').nth(1).expect("an id").to_owned();
    lineward.run(["token", "revoke", &id, "--tokens", "tokens.json"]).ok();
    assert_ne!(ask("SELECT 1", &ann).code, Some(0), "a revoked token holds no longer");
    assert_eq!(server.stop(), Some(0));
    lineward.run(["audit", "audit.jsonl"]).ok();
}

#[test]
fn nothing_is_open_without_credentials() {
    let lineward = estate();
    for (arguments, said) in [
        (vec!["--postgres", "0.0.0.0:0"], "to anyone"),
        (vec!["--http", "0.0.0.0:0", "--config", "auth.yaml"], "in clear"),
        (vec!["--http", "127.0.0.1:0", "--config", "typo.yaml"], "postgress"),
    ] {
        lineward.write("auth.yaml", "auth: {tokens: tokens.json}\n");
        lineward.write("typo.yaml", "postgress: 127.0.0.1:1\n");
        let outcome = lineward.run([vec!["serve"], arguments.clone()].concat()).exits(2);
        assert!(outcome.stderr.contains(said), "{arguments:?}: {}", outcome.stderr);
    }
}

/// A client that takes an answer of a million rows a piece at a time, with pauses: it gets all of them, the server does
/// not gather them meanwhile, and others are answered at once. What is left when it goes away ends with it.
#[test]
fn a_million_rows_go_to_a_client_that_is_slow() {
    const ROWS: usize = 1_000_000;
    let lineward = Lineward::new();
    lineward.write("none.jsonl", "");
    lineward.run(["ingest", "none.jsonl"]).ok();
    let server = Server::start(&lineward, &[]);
    let query = format!("SELECT value, repeat('x', 100) AS filler FROM generate_series(1, {ROWS})");
    let others = || {
        let begin = Instant::now();
        let answer = post(&server, "SELECT 1 AS one", "application/x-ndjson");
        assert!(text_of(answer).contains("{\"one\":1}"));
        assert!(begin.elapsed() < Duration::from_secs(5), "others wait for {:?}", begin.elapsed());
    };
    others();
    let before = server.resident_kib();
    let read_slowly = |stream: &mut TcpStream| {
        let (mut all, mut piece, mut most) = (Vec::new(), vec![0; 1 << 20], 0);
        while all.len() < 4 << 20 {
            let read = stream.read(&mut piece).expect("a piece");
            assert!(read > 0, "the answer ended after {} bytes", all.len());
            all.extend_from_slice(&piece[..read]);
            std::thread::sleep(Duration::from_millis(100));
            most = most.max(server.resident_kib().saturating_sub(before));
        }
        others();
        // What it took itself is no part of the server.
        assert!(most < 64 << 10, "the server gathered {most} KiB");
        all
    };

    let mut stream = post(&server, &query, "application/x-ndjson");
    let mut all = read_slowly(&mut stream);
    stream.read_to_end(&mut all).expect("the rest");
    let text = String::from_utf8(all).expect("text");
    let rows = text.lines().filter(|line| line.contains("filler") && line.starts_with('{')).count();
    assert_eq!(rows, ROWS, "by HTTP");

    let mut stream = TcpStream::connect(&server.postgres).expect("connected");
    let startup = b"\0\x03\0\0user\0me\0database\0lineward\0\0";
    send(&mut stream, None, startup);
    while message(&mut stream).0 != b'Z' {}
    send(&mut stream, Some(b'Q'), format!("{query}\0").as_bytes());
    let begun = read_slowly(&mut stream);
    let (mut rows, mut all) = (0, std::io::Cursor::new(begun).chain(BufReader::new(stream)));
    loop {
        match message(&mut all).0 {
            b'D' => rows += 1,
            b'C' => break,
            _ => {}
        }
    }
    assert_eq!(rows, ROWS, "by PostgreSQL's protocol");

    // One that goes away in the middle leaves nothing that runs on.
    let mut stream = post(&server, &query.replace(&ROWS.to_string(), "1000000000"), "application/x-ndjson");
    read_slowly(&mut stream);
    assert_eq!(queries_running(&server), 1);
    drop(stream);
    let begin = Instant::now();
    while queries_running(&server) > 0 {
        assert!(begin.elapsed() < Duration::from_secs(20), "the query runs on: {}", lineward.log("serve", "err"));
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// As the server's metrics tell.
fn queries_running(server: &Server) -> u64 {
    let mut stream = TcpStream::connect(&server.http).expect("connected");
    stream.write_all(b"GET /metrics HTTP/1.0\r\nhost: localhost\r\n\r\n").expect("asked");
    let metrics = text_of(stream);
    let line = metrics.lines().find_map(|line| line.strip_prefix("lineward_queries_running "));
    line.unwrap_or_else(|| panic!("no such metric: {metrics}")).trim().parse().expect("a number")
}

/// A request for an answer in a form; what comes is the head and the answer, unbroken as HTTP 1.0 has it.
fn post(server: &Server, query: &str, accept: &str) -> TcpStream {
    let mut stream = TcpStream::connect(&server.http).expect("connected");
    let body = json!({ "query": query }).to_string();
    let head = format!(
        "POST /api/v1/sql HTTP/1.0\r\nhost: {}\r\ncontent-type: application/json\r\naccept: {accept}\r\n\
         content-length: {}\r\n\r\n{body}",
        server.http,
        body.len()
    );
    stream.write_all(head.as_bytes()).expect("asked");
    stream
}

fn text_of(mut stream: TcpStream) -> String {
    let mut text = String::new();
    stream.read_to_string(&mut text).expect("an answer");
    text
}

/// A message of PostgreSQL's protocol: its type, its length, its content.
fn send(stream: &mut TcpStream, kind: Option<u8>, content: &[u8]) {
    let length = u32::try_from(content.len() + 4).expect("a short one").to_be_bytes();
    let message: Vec<u8> = kind.into_iter().chain(length).chain(content.iter().copied()).collect();
    stream.write_all(&message).expect("sent");
}

fn message(stream: &mut impl Read) -> (u8, Vec<u8>) {
    let mut head = [0; 5];
    stream.read_exact(&mut head).expect("a message");
    let length = u32::from_be_bytes([head[1], head[2], head[3], head[4]]) as usize;
    let mut content = vec![0; length - 4];
    stream.read_exact(&mut content).expect("all of it");
    (head[0], content)
}
