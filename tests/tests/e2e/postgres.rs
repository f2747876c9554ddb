//! PostgreSQL walks the same lineage by a recursive query, at several times, and comes to the same versions.
//!
//! Its single-user mode needs no port and no server. Left out where PostgreSQL is not installed.

use crate::lineward::Lineward;
use crate::readers::random_runs;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use tempfile::TempDir;

/// Times to ask as of: in the midst of and after the runs. Before them nothing is known, which is an error.
const TIMES: [&str; 4] =
    ["2026-06-01T00:20:00Z", "2026-06-01T01:00:00Z", "2026-06-01T01:47:00Z", "2026-07-01T00:00:00Z"];

#[test]
fn postgres_walks_to_the_same_versions_at_any_time() {
    let Some(postgres) = Postgres::new() else { return };
    let lineward = Lineward::new();
    random_runs(&lineward);
    for (table, columns) in [
        ("edges", "src_version_id, dst_version_id, run_sid, edge_type, valid_from, valid_to"),
        ("run_io", "run_sid, version_id, io, event_time"),
        ("asset_versions", "version_id, valid_from"),
    ] {
        let csv = lineward.run(["sql", "--format", "csv", &format!("SELECT {columns} FROM current.{table}")]).ok();
        postgres.file(&format!("{table}.csv"), &csv.stdout);
    }
    postgres.run(&script(&postgres.folder()));
    let mut largest = 0;
    for (n, time) in TIMES.iter().enumerate() {
        let query = format!(
            "SET lineward.as_of = '{time}'; SELECT v AS dst, unnest(upstream_ids(v)) AS src FROM (SELECT version_id AS v \
             FROM asset_versions)"
        );
        let rows = lineward.run(["sql", "--format", "jsonl", &query]).ok();
        let rows = rows.stdout.lines().filter(|l| !l.is_empty());
        let pair = |line: &str| -> (i64, i64) {
            let row: serde_json::Value = serde_json::from_str(line).expect("JSON");
            (row["src"].as_i64().expect("an id"), row["dst"].as_i64().expect("an id"))
        };
        let ours: BTreeSet<(i64, i64)> = rows.map(pair).collect();
        let theirs: BTreeSet<(i64, i64)> = postgres.pairs(&format!("out{n}.csv"));
        assert!(ours == theirs, "as of {time}: {} pairs, {} by PostgreSQL", ours.len(), theirs.len());
        largest = largest.max(ours.len());
    }
    let before = "SET lineward.as_of = '2026-05-01'; SELECT count(upstream_ids(version_id)) FROM asset_versions";
    let before = lineward.run(["sql", before]);
    assert!(before.stderr.contains("nothing is known of 2026-05-01"), "{before:?}");
    assert!(largest > 1_000, "{largest} pairs are too few to judge by");
}

/// Loads the tables and writes, for each time, all pairs of versions of which one was made from the other.
fn script(folder: &Path) -> String {
    let place = |name: &str| format!("'{}'", folder.join(name).display());
    let mut script = format!(
        "CREATE TABLE edges (src bigint, dst bigint, run bigint, kind text, valid_from timestamptz, valid_to timestamptz);\n\n\
         CREATE TABLE run_io (run bigint, version bigint, io text, at timestamptz);\n\n\
         CREATE TABLE versions (id bigint, valid_from timestamptz);\n\n\
         COPY edges FROM {} CSV HEADER;\n\nCOPY run_io FROM {} CSV HEADER;\n\nCOPY versions FROM {} CSV HEADER;\n\n",
        place("edges.csv"),
        place("run_io.csv"),
        place("asset_versions.csv"),
    );
    for (n, time) in TIMES.iter().enumerate() {
        script.push_str(&format!(
            "COPY (WITH RECURSIVE explained AS (SELECT DISTINCT run, dst FROM edges WHERE run IS NOT NULL AND kind NOT IN \
             ('CONTAINS', 'COPY_OF', 'NEAR_DUPLICATE')), live AS (SELECT * FROM edges WHERE valid_from <= '{time}' AND \
             (valid_to IS NULL OR valid_to > '{time}')), io AS (SELECT * FROM run_io WHERE at <= '{time}'), hops AS \
             (SELECT src, dst FROM live WHERE kind <> 'NEAR_DUPLICATE' UNION SELECT dst, src FROM live WHERE kind = 'COPY_OF' UNION SELECT i.version, \
             o.version FROM io AS i JOIN io AS o ON o.run = i.run AND i.io = 'INPUT' AND o.io = 'OUTPUT' LEFT JOIN \
             explained AS e ON e.run = o.run AND e.dst = o.version WHERE e.run IS NULL), reached AS (SELECT src, dst FROM \
             hops UNION SELECT r.src, h.dst FROM reached AS r JOIN hops AS h ON h.src = r.dst) SELECT src, dst FROM reached \
             WHERE src <> dst AND dst IN (SELECT id FROM versions WHERE valid_from <= '{time}')) TO {} CSV;\n\n",
            place(&format!("out{n}.csv")),
        ));
    }
    script
}

/// A database of its own in a folder of its own. PostgreSQL does not run as root: then it runs as `nobody`.
pub struct Postgres {
    folder: TempDir,
    as_nobody: bool,
}

impl Postgres {
    pub fn new() -> Option<Self> {
        let runs = |name: &str| {
            let mut command = Command::new(name);
            command.arg("--version").stdout(Stdio::null()).stderr(Stdio::null());
            command.status().is_ok_and(|status| status.success())
        };
        let as_nobody = Command::new("id").arg("-u").output().is_ok_and(|o| o.stdout.trim_ascii() == b"0");
        if !runs("initdb") || !runs("postgres") || as_nobody && !runs("runuser") {
            println!("skipped: PostgreSQL is not here (apt-get install postgresql)");
            return None;
        }
        let postgres = Self { folder: tempfile::tempdir().expect("a folder"), as_nobody };
        postgres.give(postgres.folder.path());
        let data = postgres.folder().join("data");
        let data = data.to_str().expect("UTF-8");
        postgres.succeeds(&["initdb", "--no-sync", "-A", "trust", "-E", "UTF8", "--locale=C", "-D", data], "");
        Some(postgres)
    }

    pub fn folder(&self) -> PathBuf {
        self.folder.path().to_owned()
    }

    /// Makes a path the database's.
    fn give(&self, path: &Path) {
        if self.as_nobody {
            let status = Command::new("chown").arg("nobody").arg(path).status().expect("chown starts");
            assert!(status.success(), "`{}` is given to nobody", path.display());
        }
    }

    pub fn file(&self, name: &str, text: &str) {
        let path = self.folder().join(name);
        fs::write(&path, text).expect("written");
        self.give(&path);
    }

    pub fn run(&self, script: &str) {
        let data = self.folder().join("data");
        let said = self
            .succeeds(&["postgres", "--single", "-j", "-F", "-D", data.to_str().expect("UTF-8"), "postgres"], script);
        assert!(!said.contains("ERROR"), "{said}");
    }

    fn succeeds(&self, command: &[&str], input: &str) -> String {
        let before: &[&str] = if self.as_nobody { &["runuser", "-u", "nobody", "--"] } else { &[] };
        let words: Vec<&str> = before.iter().chain(command).copied().collect();
        let script = self.folder().join("input.sql");
        fs::write(&script, input).expect("written");
        let output = Command::new(words[0])
            .args(&words[1..])
            .current_dir(self.folder())
            .stdin(fs::File::open(&script).expect("the input"))
            .output()
            .expect("it starts");
        let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "{words:?}:\n{said}");
        said
    }

    pub fn pairs(&self, name: &str) -> BTreeSet<(i64, i64)> {
        let text = fs::read_to_string(self.folder().join(name)).expect("an answer");
        let pair = |line: &str| -> Option<(i64, i64)> {
            let (src, dst) = line.split_once(',')?;
            Some((src.parse().ok()?, dst.parse().ok()?))
        };
        text.lines().map(|line| pair(line).expect("two numbers")).collect()
    }
}
