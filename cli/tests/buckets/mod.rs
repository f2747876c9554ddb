//! Scans of a bucket, against a real S3 server (moto) on this machine.

use super::{Place, Run};
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

#[test]
fn objects_are_scanned_as_files_are() {
    let Some(server) = moto_server() else {
        // Not by a macro, whose output a passing test swallows.
        let why = "skipped: no `moto_server` in LINEWARD_MOTO_SERVER, the cache or PATH (pip install 'moto[server]')";
        _ = writeln!(std::io::stderr(), "objects_are_scanned_as_files_are: {why}");
        return;
    };
    let bucket = Bucket::start(&server);
    let place = Place::new();
    // Larger than a block of reads, so that ranges are asked for one by one.
    let lines = "nothing to see in this line\n".repeat(250_000) + "mail jane.roe@hospital-north.org\n";
    place.write("raw/big.txt", &lines);
    place.write("raw/nested/rows.jsonl", "{\"note\":\"SSN 536-22-8726\"}\n");
    let added = |name: &str| format!("{{\"add\":{{\"path\":\"{name}\"}}}}\n");
    place.write("raw/table/_delta_log/00000000000000000000.json", added("live.jsonl") + &added("old.parquet"));
    place.write("raw/table/_delta_log/00000000000000000001.json", "{\"remove\":{\"path\":\"old.parquet\"}}\n");
    place.write("raw/table/live.jsonl", "{\"mail\":\"live@hospital-north.org\"}\n");
    place.write("raw/table/old.parquet", super::parquet_rows(100));
    let rows = super::parquet_rows(40_000);
    place.write("raw/rows.parquet", rows);
    for name in [
        "big.txt",
        "nested/rows.jsonl",
        "table/_delta_log/00000000000000000000.json",
        "table/_delta_log/00000000000000000001.json",
        "table/live.jsonl",
        "table/old.parquet",
        "rows.parquet",
    ] {
        bucket.put(&format!("raw/{name}"), &fs::read(place.path(&format!("raw/{name}"))).expect("read"));
    }
    let scan = |arguments: &[&str]| {
        let mut command = place.command(&[&["scan", "--report", "jsonl"], arguments].concat());
        command.env("AWS_ENDPOINT_URL", format!("http://127.0.0.1:{}", bucket.port)).env("AWS_ALLOW_HTTP", "true");
        command.env("AWS_REGION", "us-east-1").env("AWS_ACCESS_KEY_ID", "test").env("AWS_SECRET_ACCESS_KEY", "test");
        Run::of(command.output().expect("the program runs"))
    };
    let on_disk = place.run(&["scan", "--report", "jsonl", "raw"]);
    assert_eq!(on_disk.code, Some(0), "{}", on_disk.stderr);
    let of_bucket = scan(&["s3://lake/raw"]);
    assert_eq!(of_bucket.code, Some(0), "{}", of_bucket.stderr);
    let sorted = |text: &str| {
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        lines.sort();
        lines
    };
    // The order of names differs between a folder and a bucket.
    assert_eq!(sorted(&of_bucket.stdout.replace("\"s3://lake/raw/", "\"raw/")), sorted(&on_disk.stdout));
    assert!(on_disk.stdout.lines().count() > 5_000 && !on_disk.stdout.contains("table/old.parquet"));
    // One object, on one thread and with little memory.
    let one = scan(&["s3://lake/raw/big.txt", "--jobs", "1", "--memory-limit", "256MB"]);
    assert_eq!((one.code, one.stdout.lines().count()), (Some(0), 1), "{}", one.stderr);
    // Unchanged objects are known by their tags.
    for _ in 0..2 {
        let again = scan(&["s3://lake/raw", "--incremental=kept"]);
        assert_eq!(again.stdout, of_bucket.stdout);
    }
    assert!(fs::read_dir(place.path("kept")).expect("listed").count() >= 3);
    // What is not there is told, and the rest is scanned.
    let partly = scan(&["s3://lake/none", "s3://no-such-bucket/x", "s3://lake/raw/nested"]);
    assert_eq!((partly.code, partly.stdout.lines().count()), (Some(2), 1), "{}", partly.stderr);
    assert!(partly.stderr.contains("s3://lake/none: the file: there is no such object"), "{}", partly.stderr);
}

/// An S3 server on a free loopback port, with a bucket `lake`.
struct Bucket {
    server: Child,
    port: u16,
}

impl Bucket {
    fn start(server: &Path) -> Self {
        let mut server = Command::new(server)
            .args(["-H", "127.0.0.1", "-p", "0"])
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("started");
        let mut said = BufReader::new(server.stderr.take().expect("piped")).lines();
        let port = said
            .by_ref()
            .map_while(Result::ok)
            .find_map(|line| line.split_once("http://127.0.0.1:").and_then(|(_, port)| port.trim().parse().ok()));
        // Its log is read on, so that the pipe never fills.
        std::thread::spawn(move || said.map_while(Result::ok).for_each(drop));
        let bucket = Self { server, port: port.expect("the port it listens on") };
        bucket.put("", b"");
        bucket
    }

    /// Puts an object, or makes the bucket where the name is empty.
    fn put(&self, name: &str, content: &[u8]) {
        let mut connection = std::net::TcpStream::connect(("127.0.0.1", self.port)).expect("connected");
        let head = format!(
            "PUT /lake/{name} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
            content.len()
        );
        connection.write_all(head.as_bytes()).expect("asked");
        connection.write_all(content).expect("asked");
        let mut answer = String::new();
        connection.read_to_string(&mut answer).expect("answered");
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }
}

impl Drop for Bucket {
    fn drop(&mut self) {
        drop(self.server.kill());
        drop(self.server.wait());
    }
}

/// The `moto_server` to use: a named one, one in a Python environment in the cache, or one in the path.
fn moto_server() -> Option<PathBuf> {
    let variable = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let cache = variable("LINEWARD_CACHE")
        .or_else(|| variable("XDG_CACHE_HOME").map(|cache| cache.join("lineward")))
        .or_else(|| variable("HOME").map(|home| home.join(".cache/lineward")));
    let in_path = std::env::var_os("PATH")
        .into_iter()
        .flat_map(|path| std::env::split_paths(&path).map(|folder| folder.join("moto_server")).collect::<Vec<_>>());
    variable("LINEWARD_MOTO_SERVER")
        .into_iter()
        .chain(cache.map(|cache| cache.join("venv-moto/bin/moto_server")))
        .chain(in_path)
        .find(|server| server.is_file())
}
