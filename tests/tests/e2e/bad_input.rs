//! Wrong input: an error that says where and what to do, exit code 2, and everything else still done.

use crate::lineward::{Lineward, Outcome};
use flate2::Compression;
use flate2::write::GzEncoder;
use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

#[test]
fn a_broker_that_is_down_is_said_soon() {
    let lineward = Lineward::new();
    // A port that was free a moment ago: nobody listens on it.
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    drop(listener);
    let spec = format!("name: p\nsource: {{kafka: {{brokers: '{address}', topics: [t], group_id: g}}}}\n");
    lineward.write("p.yaml", spec);
    let outcome = lineward.run(["run", "p.yaml"]);
    // It waits for fifteen seconds; the rest is what other tests leave of the processors.
    says(outcome, &[&address, "no Kafka broker answered", "check that the broker runs"], Duration::from_secs(40));
    assert!(!lineward.store().exists(), "no store is made for it");
}

#[test]
fn who_waits_for_a_broker_may_be_stopped() {
    let lineward = Lineward::new();
    // It takes connections and never answers.
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let address = listener.local_addr().expect("an address");
    let spec = format!("name: p\nsource: {{kafka: {{brokers: '{address}', topics: [t], group_id: g}}}}\n");
    lineward.write("p.yaml", spec);
    let mut child = lineward.spawn(&mut lineward.command(["run", "p.yaml"]), "run");
    drop(listener.accept().expect("it connects"));
    let asked = Instant::now();
    assert!(Command::new("kill").args(["-TERM", &child.id().to_string()]).status().expect("kill runs").success());
    while child.try_wait().expect("a status").is_none() && asked.elapsed() < Duration::from_secs(8) {
        std::thread::sleep(Duration::from_millis(20));
    }
    let status = child.try_wait().expect("a status");
    drop(child.kill());
    assert!(status.is_some_and(|status| status.success()), "{status:?}\n{}", lineward.log("run", "err"));
}

#[test]
fn unknown_settings_come_with_a_suggestion() {
    let lineward = Lineward::new();
    for (yaml, expected) in [
        (
            "name: p\nsource: {kafka: {brokr: 'localhost:9092', topics: [t], group_id: g}}",
            ["`brokr`", "did you mean `brokers`?"],
        ),
        (
            "name: p\nsource: {kafka: {brokers: 'localhost:9092', topics: {a: b}, group_id: g}}",
            ["source.kafka: `topics` must be a list of names", "as `[orders]`"],
        ),
        (
            "name: p\nsource: {kafka: {brokers: 'localhost:9092', topics: t, group_id: g, extra: {fetch.min.byts: 1}}}",
            ["`extra.fetch.min.byts`", "is not a librdkafka setting"],
        ),
        (
            "name: p\nbach: {}\nsource: {kafka: {brokers: 'localhost:9092', topics: [t], group_id: g}}",
            ["`bach`", "did you mean `batch`?"],
        ),
        (
            "name: p\nsource: {event_format: openlinage, kafka: {brokers: 'localhost:9092', topics: [t], group_id: g}}",
            ["`openlinage`", "did you mean `openlineage`?"],
        ),
    ] {
        lineward.write("p.yaml", yaml);
        let outcome = lineward.run(["run", "p.yaml"]);
        says(outcome, &["p.yaml", expected[0], expected[1]], Duration::from_secs(10));
        assert!(!lineward.store().exists(), "a store was made for a pipeline that cannot run");
    }
    let outcome = lineward.run(["run", "absent.yaml"]);
    says(outcome, &["absent.yaml"], Duration::from_secs(10));
}

#[test]
fn a_place_that_is_no_store_is_left_alone() {
    let lineward = Lineward::new();
    let event = lineward.write("e.jsonl", "{\"a\":1}\n");
    let event = event.to_str().expect("UTF-8");
    lineward.write("file", "not a store");
    lineward.write("folder/diary.txt", "other things");
    for place in ["file", "folder"] {
        let commands: [&[&str]; 3] = [
            &["ingest", "--store", place, event],
            &["sql", "--store", place, "SELECT 1"],
            &["scan", "--store", place, event],
        ];
        for command in commands {
            says(lineward.run(command), &[place], Duration::from_secs(20));
        }
    }
    assert_eq!(fs::read(lineward.path("file")).expect("the file"), b"not a store");
    let left: Vec<_> = fs::read_dir(lineward.path("folder")).expect("the folder").flatten().collect();
    assert_eq!(left.len(), 1, "{left:?}");
    for place in ["http://127.0.0.1/store", "s4://bucket/store"] {
        let texts = [place, "a store is a folder, or a URL that begins with s3://"];
        says(lineward.run(["ingest", "--store", place, event]), &texts, Duration::from_secs(10));
        says(lineward.run(["sql", "--store", place, "SELECT 1"]), &texts, Duration::from_secs(10));
    }
    // A store that is not there is made by the first write, never by a question.
    says(
        lineward.run(["sql", "--store", "absent", "SELECT 1"]),
        &["absent", "lineward ingest"],
        Duration::from_secs(10),
    );
    assert!(!lineward.path("absent").exists());
}

/// A store of a newer version is no damaged one: each command says who reads it, and touches nothing.
#[test]
fn a_store_of_a_newer_version_is_left_alone() {
    let lineward = Lineward::new();
    let event = lineward.write("e.jsonl", "{\"a\":1}\n");
    lineward.run(["ingest", "e.jsonl"]).ok();
    // What format 2 says of itself is not known yet: it need not be what format 1 says.
    let marker = r#"{"format": 2, "created_by": "lineward 0.10.0", "layout": {"shards": 16}}"#;
    fs::write(lineward.store().join("lineward-store.json"), marker).expect("written");
    let spec = "name: p\nsource: {kafka: {brokers: '127.0.0.1:1', topics: [t], group_id: g}}\n";
    lineward.write("p.yaml", spec);
    let before = contents(&lineward.store());
    let event = event.to_str().expect("UTF-8");
    let commands: &[&[&str]] = &[
        &["sql", "SELECT 1"],
        &["ingest", event],
        &["scan", "--store", "store", event],
        &["run", "p.yaml"],
        &["serve", "--http", "127.0.0.1:0"],
        &["serve", "--postgres", "127.0.0.1:0"],
        &["lineage", "a"],
        &["trained-on", "PHI"],
        &["diff", "a", "--from", "2026-01-01"],
        &["erasure", "5ca5a1d0:00112233445566778899aabbccddeeff"],
        &["export", "openlineage", "a"],
    ];
    for command in commands {
        let outcome = lineward.run(*command);
        let texts = ["was written by a newer version (format 2)", "use Lineward 0.10.0 or newer"];
        assert!(outcome.stdout.is_empty(), "{command:?}: {}", outcome.stdout);
        assert_eq!(outcome.stderr.matches("newer version").count(), 1, "{command:?}: {}", outcome.stderr);
        says(outcome, &texts, Duration::from_secs(20));
    }
    assert!(contents(&lineward.store()) == before, "something was written");
}

/// All files below a folder.
fn contents(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let entries = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    let mut all = BTreeMap::new();
    for path in entries {
        if path.is_dir() {
            all.extend(contents(&path));
        } else {
            let content = fs::read(&path).expect("a file");
            all.insert(path, content);
        }
    }
    all
}

#[test]
fn a_missing_file_does_not_stop_the_others() {
    let lineward = Lineward::new();
    lineward.write("first.jsonl", "{\"n\":1}\n");
    lineward.write("last.jsonl", "{\"n\":2}\n{\"n\":3}\n");
    let outcome = lineward.run(["ingest", "first.jsonl", "absent.jsonl", "last.jsonl"]);
    says(outcome, &["absent.jsonl"], Duration::from_secs(30));
    assert_eq!(lineward.count("SELECT count(*) FROM raw.events"), 3);

    let outcome = lineward.run(["scan", "--report", "json", "first.jsonl", "absent.jsonl"]);
    assert!(outcome.stdout.contains("absent.jsonl"), "{}", outcome.stdout);
    says(outcome, &["absent.jsonl"], Duration::from_secs(10));
}

#[test]
fn of_a_truncated_archive_the_whole_part_is_kept() {
    const LINES: usize = 2_000;
    let lineward = Lineward::new();
    let mut archive = GzEncoder::new(Vec::new(), Compression::none());
    for n in 0..LINES {
        writeln!(archive, "{{\"n\":{n},\"filler\":\"{}\"}}", "x".repeat(n % 50)).expect("written");
    }
    let whole = archive.finish().expect("an archive");
    // Stored, not deflated, so the cut is in the middle of a line at about half the lines.
    lineward.write("cut.json.gz", &whole[..whole.len() / 2]);
    says(lineward.run(["ingest", "cut.json.gz"]), &["cut.json.gz", "byte"], Duration::from_secs(60));
    let first = lineward.count("SELECT count(*) FROM raw.events");
    assert!((500..1_500).contains(&first), "{first} lines of the half that is there");
    assert_eq!(lineward.count("SELECT count(*) FROM raw.dead_letters"), 0, "half a line is no record");
    let last = lineward.count("SELECT max(\"offset\") FROM raw.events");
    assert_eq!(last, first - 1, "lines are missing in between");

    // The rest arrives: it is read from where the first attempt ended.
    lineward.write("cut.json.gz", &whole);
    lineward.run(["ingest", "cut.json.gz"]).ok();
    assert_eq!(lineward.count("SELECT count(DISTINCT \"offset\") FROM raw.events"), LINES as i64);
    assert_eq!(lineward.count("SELECT count(*) FROM raw.events"), LINES as i64);
}

#[test]
fn a_scan_says_what_it_could_not_read_and_scans_the_rest() {
    let lineward = Lineward::new();
    let line = "{\"note\":\"her SSN: 401-22-7731\"}\n";
    lineward.write("c/good.jsonl", line);
    lineward.write("c/broken.jsonl", format!("{line}{{\"note\": broken\n{line}"));
    lineward.write("c/text.parquet", line);
    lineward.write("c/cut.parquet", b"PAR1\0\0\0\0\x15\x04");
    lineward.write("c/binary.bin", [0u8, 159, 146, 150].repeat(500));
    lineward.write("c/empty.jsonl", "");
    lineward
        .write("c/long.txt", format!("{} her SSN: 401-22-7731 {}", "long ".repeat(800_000), "line ".repeat(800_000)));
    let outcome = lineward.run(["scan", "c", "--report", "jsonl", "--store", "store"]);
    let found = |file: &str| {
        let lines = outcome.stdout.lines().map(|l| serde_json::from_str::<serde_json::Value>(l).expect("JSON"));
        lines.filter(|f| f["entity"] == "US_SSN" && f["path"].as_str().is_some_and(|p| p.ends_with(file))).count()
    };
    for (file, expected) in [("good.jsonl", 1), ("broken.jsonl", 2), ("long.txt", 1), ("empty.jsonl", 0)] {
        assert_eq!(found(file), expected, "{file}; {}", outcome.stderr);
    }
    assert!(!outcome.stderr.contains("good.jsonl") && !outcome.stderr.contains("empty.jsonl"), "{}", outcome.stderr);
    says(outcome, &["broken.jsonl: line 2", "cut.parquet", "binary.bin"], Duration::from_secs(30));
    // What was not read whole is a gap, so that its silence is not taken for cleanliness.
    let unread = lineward
        .count("SELECT count(*) FROM raw.events WHERE payload LIKE '%binary.bin%' AND payload LIKE '%cut.parquet%'");
    assert_eq!(unread, 1);
}

#[test]
fn broken_lines_and_odd_files_are_dead_letters() {
    let lineward = Lineward::new();
    lineward.write("odd.jsonl", b"{\"n\":1}\n{\"n\":\n[1]\n7\n\xff\xfe\n{\"n\":2}\n");
    lineward.write("empty.jsonl", "");
    let outcome = lineward.run(["ingest", "--json", "odd.jsonl", "empty.jsonl"]);
    assert_eq!(outcome.code, Some(2), "{}", outcome.stderr);
    for line in [2, 3, 4, 5] {
        assert!(outcome.stderr.contains(&format!("problem: odd.jsonl: line {line}: it is ")), "{}", outcome.stderr);
    }
    let counts: serde_json::Value = serde_json::from_str(&outcome.stdout).expect("JSON");
    assert_eq!((counts["records"].as_i64(), counts["events"].as_i64()), (Some(6), Some(2)), "{counts}");
    let reasons = lineward.sql("SELECT reason, \"offset\" AS at FROM raw.dead_letters ORDER BY \"offset\"");
    let reasons: Vec<(&str, i64)> =
        reasons.iter().filter_map(|row| Some((row["reason"].as_str()?, row["at"].as_i64()?))).collect();
    assert_eq!(reasons, [("decode_json", 1), ("not_an_event", 2), ("not_an_event", 3), ("decode_utf8", 4)]);
}

#[test]
fn arguments_that_do_not_exist_come_with_a_suggestion() {
    let lineward = Lineward::new();
    for (arguments, expected) in [
        (&["sacn", "."][..], "did you mean `scan`?"),
        (&["scan", "--stor", "x", "."], "did you mean `--store`?"),
        (&["ingest", "--event-format", "cloudtrial", "x"], "did you mean `cloudtrail`?"),
    ] {
        says(lineward.run(arguments), &[expected], Duration::from_secs(5));
    }
}

/// Checks an error: exit code 2, what it must name, and that it did not take too long.
fn says(outcome: Outcome, texts: &[&str], limit: Duration) {
    let outcome = outcome.exits(2);
    for text in texts {
        assert!(outcome.stderr.contains(text), "`{text}` is not in:\n{}", outcome.stderr);
    }
    assert!(!outcome.stderr.contains("panicked"), "{}", outcome.stderr);
    assert!(outcome.elapsed < limit, "it took {:?}", outcome.elapsed);
}
