//! No value of any finding leaves the scanner: canaries of seven kinds go in by every door, and none is found in any
//! byte of the store, the logs, the answers or the reports.
//!
//! Every canary is a value of its own, so that a leak names the door it came in by. Who did what to which resource
//! (identity fields) is kept by design, so there only credentials are planted; and a card or social security number
//! without a word beside it is no finding, so those come with their labels.

use crate::lineward::{FINGERPRINT_KEY, Lineward};
use aho_corasick::AhoCorasick;
use arrow_array::{ArrayRef, RecordBatch, StringArray, StructArray};
use arrow_schema::{DataType, Field, Schema};
use base64::Engine as _;
use parquet::arrow::ArrowWriter;
use parquet::file::reader::{FileReader as _, SerializedFileReader};
use parquet::record::Field as Cell;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use std::fs;
use std::path::Path;
use std::sync::Arc;
use walkdir::WalkDir;

/// Values that must not be seen again, each made for one door.
#[derive(Default)]
pub struct Canaries {
    planted: Vec<Canary>,
    markers: Vec<String>,
    made: u64,
}

struct Canary {
    kind: &'static str,
    door: String,
    needle: String,
}

impl Canaries {
    fn plant(&mut self, kind: &'static str, door: &str, needle: &str) {
        self.planted.push(Canary { kind, door: door.to_owned(), needle: needle.to_owned() });
    }

    /// Bytes that look random and are the same in every run.
    fn bytes(&mut self) -> [u8; 32] {
        self.made += 1;
        Sha256::digest(format!("canary {}", self.made)).into()
    }

    fn digits(&mut self, count: usize) -> String {
        self.bytes().iter().take(count).map(|b| char::from(b'0' + b % 10)).collect()
    }

    fn letters(&mut self, alphabet: &str, count: usize) -> String {
        let bytes = [self.bytes(), self.bytes()].concat();
        bytes.iter().take(count).map(|b| char::from(alphabet.as_bytes()[usize::from(*b) % alphabet.len()])).collect()
    }

    /// A payment card number with its check digit (ISO/IEC 7812-1).
    pub fn card(&mut self, door: &str) -> String {
        let body = format!("4539{}", self.digits(11));
        // From the right, every other digit counts double, the last of the body first.
        let sum: u32 = body
            .bytes()
            .rev()
            .zip([2, 1].iter().cycle())
            .map(|(digit, weight)| u32::from(digit - b'0') * weight)
            .map(|n| n / 10 + n % 10)
            .sum();
        let card = format!("{body}{}", (10 - sum % 10) % 10);
        let grouped: Vec<&str> = [0, 4, 8, 12].iter().map(|at| &card[*at..at + 4]).collect();
        self.plant("card", door, &grouped.join(" "));
        self.plant("card", door, &card);
        card
    }

    /// A US Social Security number of an area that was issued.
    pub fn ssn(&mut self, door: &str) -> String {
        let bytes = self.bytes();
        let (area, group) = (101 + u32::from(bytes[0]) % 400, 11 + bytes[1] % 80);
        let ssn = format!("{area}-{group:02}-{}", 1_001 + u32::from(bytes[2]) * 31);
        self.plant("ssn", door, &ssn);
        ssn
    }

    /// An AWS access key id.
    pub fn aws_key_id(&mut self, door: &str) -> String {
        let id = format!("AKIA{}", self.letters("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", 16));
        self.plant("aws key id", door, &id);
        id
    }

    /// An AWS secret access key.
    pub fn aws_secret(&mut self, door: &str) -> String {
        let secret = base64::engine::general_purpose::STANDARD_NO_PAD.encode(&self.bytes()[..30]);
        self.plant("aws secret", door, &secret);
        secret
    }

    /// A GitHub personal access token: 30 letters and digits, and their CRC-32 in base 62.
    pub fn github(&mut self, door: &str) -> String {
        const BASE62: &str = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
        let body = self.letters(BASE62, 30);
        self.github_of(door, body)
    }

    /// A GitHub token of letters alone, but for its checksum.
    pub fn github_of_letters(&mut self, door: &str) -> String {
        let body = self.letters("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz", 30);
        self.github_of(door, body)
    }

    fn github_of(&mut self, door: &str, body: String) -> String {
        const BASE62: &[u8] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
        let mut crc = flate2::Crc::new();
        crc.update(body.as_bytes());
        let (mut rest, mut sum) = (crc.sum() as usize, Vec::new());
        for _ in 0..6 {
            sum.insert(0, BASE62[rest % 62]);
            rest /= 62;
        }
        let token = format!("ghp_{body}{}", String::from_utf8(sum).expect("ASCII"));
        self.plant("github token", door, &token);
        token
    }

    /// An e-mail address.
    pub fn email(&mut self, door: &str) -> String {
        let name = self.letters("abcdefghijklmnopqrstuvwxyz", 9);
        let email = format!("{}.{}@kestrel-clinic.org", &name[..4], &name[4..]);
        self.plant("e-mail", door, &email);
        email
    }

    /// A private key in PEM. Each line of its body is a canary.
    pub fn private_key(&mut self, door: &str) -> String {
        let mut body = Vec::from([0x30, 0x82, 0x02, 0x5c]);
        (0..18).for_each(|_| body.extend(self.bytes()));
        let body = base64::engine::general_purpose::STANDARD.encode(body);
        let lines: Vec<&str> = body.as_bytes().chunks(64).filter_map(|line| std::str::from_utf8(line).ok()).collect();
        for line in lines.iter().filter(|line| line.len() == 64) {
            self.plant("private key", door, line);
        }
        // Not in one piece, so that scanners of source code do not take this for a key.
        let (dashes, label) = ("-----", "PRIVATE KEY");
        format!("{dashes}BEGIN {label}{dashes}\n{}\n{dashes}END {label}{dashes}", lines.join("\n"))
    }

    /// One of each in running text, with a marker that is no secret and must be found again.
    pub fn text(&mut self, door: &str) -> String {
        let marker = format!("marker-{}", self.letters("abcdefghijklmnopqrstuvwxyz", 12));
        let text = format!(
            "{marker}: refunded to card {}. Her SSN: {} is on file, write to {}.\naws_access_key_id = {}\n\
             aws_secret_access_key = {}\nclone with token {} and\n{}\nend of text",
            self.card(door),
            self.ssn(door),
            self.email(door),
            self.aws_key_id(door),
            self.aws_secret(door),
            self.github(door),
            self.private_key(door),
        );
        self.markers.push(marker);
        text
    }

    /// Fails the test where a canary is in the haystack, and says which and where; never the value.
    pub fn assert_none_in(&self, haystack: &Haystack) {
        let needles = self.planted.iter().map(|canary| canary.needle.as_str()).chain([FINGERPRINT_KEY]);
        let search = AhoCorasick::new(needles).expect("needles");
        let mut leaks: Vec<String> = Vec::new();
        for (place, bytes) in &haystack.pieces {
            for found in search.find_overlapping_iter(bytes) {
                leaks.push(match self.planted.get(found.pattern().as_usize()) {
                    Some(canary) => format!("{} of `{}` in {place}", canary.kind, canary.door),
                    None => format!("the fingerprint key in {place}"),
                });
            }
        }
        leaks.sort();
        leaks.dedup();
        assert!(leaks.is_empty(), "{} leaks:\n  {}", leaks.len(), leaks.join("\n  "));
    }

    /// Fails the test where the haystack does not hold the markers: then it was not searched for real.
    fn assert_markers_in(&self, haystack: &Haystack) {
        let missing = self.markers.iter().filter(|m| !haystack.holds(m)).count();
        assert!(missing == 0, "{missing} of {} markers are not found; is everything decoded?", self.markers.len());
    }
}

/// Everything that is searched: names of places and their bytes.
#[derive(Default)]
pub struct Haystack {
    pieces: Vec<(String, Vec<u8>)>,
}

impl Haystack {
    /// Adds bytes.
    pub fn add(&mut self, place: impl Into<String>, bytes: impl Into<Vec<u8>>) {
        self.pieces.push((place.into(), bytes.into()));
    }

    /// Adds every file below a folder: its name, its bytes, and of Parquet files all values as text.
    pub fn add_tree(&mut self, folder: &Path) {
        for entry in WalkDir::new(folder) {
            let entry = entry.expect("readable");
            let name = entry.path().strip_prefix(folder).unwrap_or(entry.path()).display().to_string();
            self.add(format!("the name of {name}"), name.as_bytes());
            if entry.file_type().is_file() {
                self.add(name.clone(), fs::read(entry.path()).expect("readable"));
                if name.ends_with(".parquet") {
                    self.add(format!("{name}, decoded"), parquet_values(entry.path()));
                }
            }
        }
    }

    fn holds(&self, text: &str) -> bool {
        self.pieces.iter().any(|(_, bytes)| bytes.windows(text.len()).any(|window| window == text.as_bytes()))
    }
}

/// All values of a Parquet file and the names of its columns, as text.
fn parquet_values(path: &Path) -> Vec<u8> {
    let reader = SerializedFileReader::new(fs::File::open(path).expect("readable")).expect("Parquet");
    let mut out = Vec::new();
    for row in reader.get_row_iter(None).expect("rows") {
        for (name, cell) in row.expect("a row").get_column_iter() {
            out.extend(name.as_bytes());
            out.push(b'\n');
            push_cell(cell, &mut out);
        }
    }
    out
}

fn push_cell(cell: &Cell, out: &mut Vec<u8>) {
    match cell {
        Cell::Str(text) => out.extend(text.as_bytes()),
        Cell::Bytes(bytes) => out.extend(bytes.data()),
        Cell::ListInternal(list) => list.elements().iter().for_each(|cell| push_cell(cell, out)),
        Cell::MapInternal(map) => map.entries().iter().for_each(|(key, value)| {
            push_cell(key, out);
            push_cell(value, out);
        }),
        Cell::Group(row) => row.get_column_iter().for_each(|(_, cell)| push_cell(cell, out)),
        other => out.extend(other.to_string().as_bytes()),
    }
    out.push(b'\n');
}

#[test]
fn nothing_leaks_from_events() {
    let lineward = Lineward::new();
    let mut canaries = Canaries::default();
    let mut haystack = Haystack::default();
    let documents = [
        openlineage(&mut canaries),
        cloudtrail(&mut canaries),
        macie(&mut canaries),
        purview(&mut canaries),
        mlflow(&mut canaries),
        unknown(&mut canaries),
        vec![scan_event(&mut canaries)],
    ]
    .concat();
    let lines: String = documents.iter().map(|document| format!("{document}\n")).collect();
    lineward.write("in/events.jsonl", lines);
    let stored = Canaries { planted: Vec::new(), markers: std::mem::take(&mut canaries.markers), made: 0 };
    lineward.write("in/broken.jsonl", broken(&mut canaries));
    // As one document over several lines, and cut off in its middle.
    let cut =
        serde_json::to_string_pretty(&json!({"a": {"note": canaries.text("cut off")}, "b": [1, 2]})).expect("JSON");
    lineward.write("in/cut.json", &cut[..cut.len() - 20]);

    let mut command = lineward.command(["ingest", "--json", "in"]);
    let outcome = lineward.run_command(command.env("LINEWARD_LOG", "debug"));
    haystack.add("standard error of ingest", outcome.stderr);
    let counts: Value = serde_json::from_str(&outcome.stdout).expect("JSON");
    assert!(counts["redactions"].as_i64() > Some(100), "{counts}");
    assert!(counts["events"].as_i64() >= Some(documents.len() as i64), "{counts}");
    assert!(counts["dead_letters"].as_i64() >= Some(5), "{counts}");
    let formats = lineward.sql("SELECT DISTINCT format FROM raw.events ORDER BY format");
    let formats: Vec<&str> = formats.iter().filter_map(|row| row["format"].as_str()).collect();
    assert_eq!(formats, ["cloudtrail", "lineward", "macie", "mlflow", "openlineage", "purview", "unknown"]);

    for table in ["events", "dead_letters", "lineage_gaps", "assets", "runs", "jobs", "findings_by_asset", "accesses"] {
        let outcome = lineward.run(["sql", "--format", "csv", &format!("SELECT * FROM {table}")]).ok();
        haystack.add(format!("the answer about {table}"), outcome.stdout);
        haystack.add(format!("standard error about {table}"), outcome.stderr);
    }
    haystack.add_tree(&lineward.store());
    stored.assert_markers_in(&haystack);
    canaries.assert_none_in(&haystack);
}

#[test]
fn nothing_leaks_from_named_formats() {
    // A format that is asked for by name meets documents that are not of it.
    let lineward = Lineward::new();
    let mut canaries = Canaries::default();
    let mut haystack = Haystack::default();
    for format in ["openlineage", "cloudtrail", "macie", "purview", "mlflow", "lineward"] {
        let documents = [unknown(&mut canaries), cloudtrail(&mut canaries), vec![scan_event(&mut canaries)]].concat();
        let lines: String = documents.iter().map(|document| format!("{document}\n")).collect();
        lineward.write(&format!("{format}.jsonl"), lines);
        let mut command = lineward.command(["ingest", "--event-format", format, &format!("{format}.jsonl")]);
        let outcome = lineward.run_command(command.env("LINEWARD_LOG", "debug"));
        // Some of the documents are not of the format.
        assert_eq!(outcome.code, Some(2), "{format}");
        haystack.add(format!("standard error of {format}"), outcome.stderr);
        haystack.add(format!("standard output of {format}"), outcome.stdout);
    }
    assert!(lineward.count("SELECT count(*) FROM raw.dead_letters WHERE reason = 'missing_field'") > 5);
    haystack.add_tree(&lineward.store());
    canaries.assert_none_in(&haystack);
}

#[test]
fn nothing_leaks_from_scans() {
    let lineward = Lineward::new();
    let mut canaries = Canaries::default();
    let mut haystack = Haystack::default();
    corpus(&lineward, &mut canaries);
    for report in ["jsonl", "json", "sarif", "parquet", "html", "summary"] {
        let output = format!("reports/report-{report}.{}", if report == "parquet" { "parquet" } else { "txt" });
        lineward.write("reports/made", "");
        let arguments = ["scan", "corpus", "--min-confidence", "low", "--report", report, "--output", &output];
        let mut command = lineward.command(arguments);
        // Broken files are among them.
        let outcome = lineward.run_command(command.env("LINEWARD_LOG", "debug")).exits(2);
        haystack.add(format!("standard error of --report {report}"), outcome.stderr);
        haystack.add(format!("standard output of --report {report}"), outcome.stdout);
    }
    let outcome = lineward.run(["scan", "corpus", "--store", "store", "--report", "jsonl"]).exits(2);
    let found: Vec<Value> = outcome.stdout.lines().map(|l| serde_json::from_str(l).expect("a finding")).collect();
    for entity in ["CREDIT_CARD", "US_SSN", "EMAIL_ADDRESS", "CREDENTIAL"] {
        for file in ["notes.jsonl", "people.csv", "bare.csv", "table.parquet", "page.txt"] {
            let is_it = |f: &&Value| f["entity"] == entity && f["path"].as_str().is_some_and(|p| p.ends_with(file));
            assert!(found.iter().any(|f| is_it(&f)), "no {entity} in {file}");
        }
    }
    haystack.add("standard output of a scan", outcome.stdout);
    haystack.add("standard error of a scan", outcome.stderr);
    for view in ["findings_by_asset", "datasets", "effective_tags", "events", "assets", "lineage_gaps"] {
        let outcome = lineward.run(["sql", "--format", "jsonl", &format!("SELECT * FROM {view}")]).ok();
        haystack.add(format!("the answer about {view}"), outcome.stdout);
    }
    haystack.add_tree(&lineward.store());
    haystack.add_tree(&lineward.path("reports"));
    assert!(haystack.holds("US_SSN") && haystack.holds("notes.jsonl"), "the reports are not decoded");
    canaries.assert_none_in(&haystack);
}

/// Files with canaries: records, tables with and without names of columns, text, and broken ones.
fn corpus(lineward: &Lineward, canaries: &mut Canaries) {
    let mut lines = String::new();
    for n in 0..3 {
        let door = "JSONL";
        let record = json!({
            "id": n,
            "text": canaries.text(door),
            "ssn": canaries.ssn(door),
            "card_number": canaries.card(door),
            "card_number_as_number": canaries.card(door).parse::<u64>().expect("a number"),
            "tags": [canaries.email(door), {"token": canaries.github(door)}],
        });
        lines.push_str(&format!("{record}\n"));
        lines.push_str(&format!("{}\n", keyed(canaries, "key of a JSONL record")));
    }
    lines.push_str(&format!("{{\"text\": {}, broken\n", json!(canaries.text("broken JSONL line"))));
    lineward.write("corpus/notes.jsonl", lines);
    lineward.write(
        "corpus/one.json",
        json!([{"text": canaries.text("JSON")}, keyed(canaries, "key of a JSON record")]).to_string(),
    );

    let row = |c: &mut Canaries, door: &str| {
        [c.email(door), c.ssn(door), c.card(door), c.github(door), format!("\"{}\"", c.text(door))].join(",")
    };
    let mut people = String::from("email,ssn,card_number,token,note\n");
    let mut bare = String::new();
    for _ in 0..4 {
        people.push_str(&format!("{}\n", row(canaries, "CSV with a header")));
        bare.push_str(&format!("{}\n", row(canaries, "CSV without a header")));
    }
    lineward.write("corpus/people.csv", people);
    lineward.write("corpus/bare.csv", bare);
    // First lines of data that do not look like it by their digits.
    let door = "CSV without a header, tokens alone";
    let tokens: String =
        (0..4).map(|_| format!("heron,{},{}\n", canaries.aws_key_id(door), canaries.github_of_letters(door))).collect();
    lineward.write("corpus/tokens.csv", tokens);
    let door = "TSV with a broken quote";
    lineward.write("corpus/broken.tsv", format!("name\tnote\na\t\"{}\nb\tc\n", canaries.text(door)));

    let table = parquet_table(canaries);
    lineward.write("corpus/table.parquet", &table);
    lineward.write("corpus/cut.parquet", &table[..table.len() / 2]);
    lineward.write("corpus/page.txt", canaries.text("text file"));
    lineward.write("corpus/latin1.txt", [canaries.text("text that is not UTF-8").as_bytes(), b"\n\xe9\xe8\n"].concat());
}

fn parquet_table(canaries: &mut Canaries) -> Vec<u8> {
    let door = "Parquet";
    let mut column = |of: &dyn Fn(&mut Canaries) -> String| -> ArrayRef {
        Arc::new((0..5).map(|_| Some(of(canaries))).collect::<StringArray>())
    };
    let note = column(&|c| c.text(door));
    let (ssn, card, email) = (column(&|c| c.ssn(door)), column(&|c| c.card(door)), column(&|c| c.email(door)));
    let token = column(&|c| c.github("Parquet struct"));
    // With findings in them, so that reports have reason to name the columns.
    let named = column(&|c| c.email("Parquet column named by a value"));
    let text = |name: &str| Field::new(name, DataType::Utf8, true);
    let inner: Vec<Field> = vec![text("token")];
    let nested = StructArray::new(inner.clone().into(), vec![token], None);
    let by_email = canaries.email("name of a Parquet column");
    let by_token = canaries.github_of_letters("name of a Parquet column");
    let schema = Arc::new(Schema::new(vec![
        text("note"),
        text("ssn"),
        text("card_number"),
        text("email"),
        Field::new("nested", DataType::Struct(inner.into()), true),
        text(&by_email),
        text(&by_token),
    ]));
    let columns = vec![note, ssn, card, email, Arc::new(nested), Arc::clone(&named), named];
    let batch = RecordBatch::try_new(Arc::clone(&schema), columns).expect("a batch");
    let mut writer = ArrowWriter::try_new(Vec::new(), schema, None).expect("a writer");
    writer.write(&batch).expect("written");
    writer.into_inner().expect("a file")
}

/// Values as keys of an object.
fn keyed(canaries: &mut Canaries, door: &str) -> Value {
    let mut map = serde_json::Map::new();
    map.insert(canaries.email(door), json!({"seen": 3, "note": "a value under a key that is one"}));
    map.insert(canaries.github(door), json!("x"));
    map.insert(canaries.github_of_letters(door), json!({"depth": {"more": canaries.email("below a key")}}));
    map.insert(canaries.aws_key_id(door), json!([1, "x"]));
    map.insert(canaries.card(&format!("card, {door}")), json!(1));
    json!({"by": map})
}

fn openlineage(c: &mut Canaries) -> Vec<Value> {
    let url = |c: &mut Canaries, door: &str| format!("https://ci:{}@example.org/repo", c.github(door));
    let run = json!({
        "eventType": "FAIL",
        "eventTime": "2026-05-04T03:02:01Z",
        "producer": url(c, "OpenLineage producer"),
        "schemaURL": "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent",
        "run": {
            "runId": format!("run {}", c.github("OpenLineage run id")),
            "facets": {
                "errorMessage": {
                    "message": c.text("OpenLineage error message"),
                    "stackTrace": c.text("OpenLineage stack trace"),
                },
                "environmentVariables": {"environmentVariables": [
                    {"name": "AWS", "value": format!("aws_secret_access_key={}", c.aws_secret("OpenLineage variable"))},
                    {"name": c.aws_key_id("name of an OpenLineage variable"), "value": "x"},
                ]},
                "executionParameters": {"parameters": [
                    {"key": "prompt", "value": c.text("OpenLineage parameter")},
                    {"key": c.github_of_letters("name of an OpenLineage parameter"), "value": "x"},
                ]},
                "tags": {"tags": [{"key": "owner", "value": c.email("OpenLineage tag"), "source": "USER"}]},
                "custom": keyed(c, "key in an OpenLineage facet"),
            },
        },
        "job": {
            "namespace": format!("ns-{}", c.aws_key_id("OpenLineage job namespace")),
            "name": format!("job {}", c.github("OpenLineage job name")),
            "facets": {
                "documentation": {"description": c.text("OpenLineage description")},
                "sql": {"query": format!("SELECT 1 WHERE ssn = '{}' OR m = '{}'", c.ssn("SQL"), c.email("SQL"))},
                "sourceCode": {"language": "python", "sourceCode": c.text("OpenLineage source code")},
                "sourceCodeLocation": {"type": "git", "url": url(c, "OpenLineage source location")},
                "ownership": {"owners": [{"name": c.github("OpenLineage owner"), "type": "x"}]},
            },
        },
        "inputs": [{
            "namespace": format!("s3://{}", c.aws_key_id("OpenLineage input namespace")),
            "name": format!("exports/{}", c.github("OpenLineage input name")),
            "facets": {
                "schema": {"fields": [
                    {
                        "name": c.github_of_letters("OpenLineage field name"),
                        "description": c.text("OpenLineage field description"),
                    },
                ]},
                "dataSource": {"name": "db", "uri": url(c, "OpenLineage data source")},
                "version": {"datasetVersion": c.github("OpenLineage data set version")},
                "symlinks": {"identifiers": [{"namespace": "x", "name": c.github("OpenLineage symlink")}]},
            },
            "inputFacets": {"subset": {"inputCondition": {"value": c.text("OpenLineage subset")}}},
        }],
        "outputs": [{
            "namespace": "s3://out",
            "name": c.github("OpenLineage output name"),
            "facets": {"columnLineage": {"fields": {"f": {"inputFields": [
                {
                    "namespace": "s3://in",
                    "name": c.github("OpenLineage column lineage"),
                    "field": c.aws_key_id("OpenLineage column"),
                },
            ], "transformationDescription": c.text("OpenLineage transformation")}}}},
        }],
    });
    let dataset = json!({
        "eventTime": "2026-05-04T03:02:01Z",
        "producer": "https://example.org",
        "schemaURL": "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/DatasetEvent",
        "dataset": {"namespace": "s3://x", "name": c.aws_key_id("OpenLineage data set"), "facets": {
            "documentation": {"description": c.text("OpenLineage data set description")},
            "ownership": {"owners": [{"name": c.github("OpenLineage data set owner")}]},
        }},
    });
    vec![run, dataset]
}

fn cloudtrail(c: &mut Canaries) -> Vec<Value> {
    let record = |name: &str, request: Value, response: Value, c: &mut Canaries| {
        json!({
            "eventVersion": "1.11",
            "eventTime": "2026-05-04T03:02:01Z",
            "eventSource": if name.ends_with("Object") { "s3.amazonaws.com" } else { "sagemaker.amazonaws.com" },
            "eventName": name,
            "awsRegion": "eu-west-1",
            "recipientAccountId": "210987654321",
            "userAgent": format!("agent/{}", c.github("CloudTrail user agent")),
            "userIdentity": {
                "type": "IAMUser",
                "userName": c.github("CloudTrail user name"),
                "arn": format!("arn:aws:iam::210987654321:user/{}", c.github("CloudTrail ARN")),
                "sessionContext": {"sessionIssuer": {"arn": format!("role/{}", c.github("CloudTrail role"))}},
            },
            "requestParameters": request,
            "responseElements": response,
            "errorMessage": c.text("CloudTrail error message"),
            "additionalEventData": keyed(c, "key in CloudTrail data"),
        })
    };
    let channel = |c: &mut Canaries| {
        json!({
            "channelName": c.github("CloudTrail channel"),
            "dataSource": {"s3DataSource": {"s3Uri": format!("s3://lake/{}/", c.github("CloudTrail S3 URI"))}},
        })
    };
    let training = json!({
        "trainingJobName": format!("job-{}", c.aws_key_id("CloudTrail job name")),
        "roleArn": format!("arn:aws:iam::210987654321:role/{}", c.github("CloudTrail role of a job")),
        "algorithmSpecification": {"trainingImage": format!("x/{}", c.github("CloudTrail image"))},
        "inputDataConfig": [channel(c)],
        "outputDataConfig": {"s3OutputPath": format!("s3://out/{}", c.github("CloudTrail output"))},
        "hyperParameters": {
            "prompt": c.text("CloudTrail hyperparameter"),
            "hf_token": c.github("CloudTrail token"),
            (c.github_of_letters("name of a CloudTrail hyperparameter")): "x",
        },
        "environment": {
            "AWS_SECRET_ACCESS_KEY": c.aws_secret("CloudTrail environment"),
            "MAIL": c.email("CloudTrail environment"),
        },
        "tags": [{"key": "about", "value": c.text("CloudTrail tag")}],
    });
    let hinted = json!({
        "trainingJobName": "hinted",
        "hyperParameters": {"data_path": format!("s3://lake/{}/x", c.github("CloudTrail hinted input"))},
        "outputDataConfig": {"s3OutputPath": "s3://out/hinted"},
    });
    let model = json!({
        "modelName": format!("m-{}", c.aws_key_id("CloudTrail model name")),
        "primaryContainer": {
            "modelDataUrl": format!("s3://m/{}/model.tar.gz", c.github("CloudTrail model data")),
            "environment": {"NOTE": c.text("CloudTrail container environment")},
        },
    });
    let object = json!({"bucketName": "b", "key": format!("exports/{}.csv", c.github("CloudTrail object key"))});
    let arn = format!("arn:aws:sagemaker:eu-west-1:210987654321:training-job/{}", c.github("CloudTrail answer"));
    let arn = json!({"trainingJobArn": arn});
    vec![
        record("CreateTrainingJob", training, arn, c),
        record("CreateTrainingJob", hinted, Value::Null, c),
        record("CreateModel", model, Value::Null, c),
        record("GetObject", object, Value::Null, c),
        json!({
            "detail-type": "SageMaker Training Job State Change",
            "source": "aws.sagemaker",
            "time": "2026-05-04T05:00:00Z",
            "region": "eu-west-1",
            "account": "210987654321",
            "detail": {
                "TrainingJobName": c.aws_key_id("state change job name"),
                "TrainingJobStatus": "Completed",
                "FailureReason": c.text("state change reason"),
                "HyperParameters": {"prompt": c.text("state change hyperparameter")},
                "ModelArtifacts": {"S3ModelArtifacts": format!("s3://out/{}", c.github("state change artifact"))},
            },
        }),
    ]
}

fn macie(c: &mut Canaries) -> Vec<Value> {
    vec![json!({
        "id": "0f0e0d0c",
        "accountId": "210987654321",
        "region": "eu-west-1",
        "schemaVersion": "1.0",
        "type": "SensitiveData:S3Object/Multiple",
        "category": "CLASSIFICATION",
        "title": c.text("Macie title"),
        "description": c.text("Macie description"),
        "severity": {"score": 3, "description": "High"},
        "updatedAt": "2026-05-04T03:05:00Z",
        "classificationDetails": {"result": {
            "status": {"code": "COMPLETE", "reason": c.text("Macie reason")},
            "sensitiveData": [{"category": "PERSONAL_INFORMATION", "totalCount": 1, "detections": [
                {"type": "USA_SOCIAL_SECURITY_NUMBER", "count": 1, "occurrences": {"cells": [
                    {"row": 1, "column": 1, "columnName": c.github_of_letters("Macie column name")},
                    {"row": 1, "column": 2, "columnName": c.email("Macie column name")},
                ]}},
            ]}],
            "customDataIdentifiers": {"detections": [{"name": c.github("Macie identifier"), "count": 1}]},
        }},
        "resourcesAffected": {
            "s3Bucket": {"name": "b", "tags": [{"key": "about", "value": c.text("Macie tag")}]},
            "s3Object": {"key": format!("raw/{}.csv", c.github("Macie object key")), "path": "b/x", "size": 1},
        },
        "sample": keyed(c, "key in a Macie finding"),
    })]
}

fn purview(c: &mut Canaries) -> Vec<Value> {
    let values = json!([
        {"Name": "Credit card", "Value": format!("card {}", c.card("Purview value"))},
        {"Name": format!("SSN {}", c.ssn("Purview name")), "Value": c.text("Purview value")},
    ]);
    vec![json!({
        "CreationTime": "2026-05-04T03:02:01",
        "Id": "a21f13b9",
        "Operation": "DLPRuleMatch",
        "RecordType": 11,
        "Workload": "OneDrive",
        "UserId": c.github("Purview user"),
        "ObjectId": "https://example.org/x",
        "ExceptionInfo": {"Justification": c.text("Purview justification")},
        "PolicyDetails": [{
            "PolicyName": c.github("Purview policy"),
            "Rules": [{
                "RuleName": c.github("Purview rule"),
                "ConditionsMatched": {"SensitiveInformation": [{
                    "Count": 1,
                    "Confidence": 85,
                    "SensitiveType": "50842eb7-edc8-4019-85dd-5a5c1f2bb085",
                    "SensitiveInformationTypeName": c.github("Purview type"),
                    "SensitiveInformationDetections": {"DetectedValues": values},
                }]},
            }],
        }],
        "SharePointMetaData": {
            "FileName": format!("{}.xlsx", c.github("Purview file name")),
            "FilePathUrl": format!("https://example.org/{}/x.xlsx", c.github("Purview file path")),
            "DocumentLastModifier": c.github("Purview modifier"),
        },
    })]
}

fn mlflow(c: &mut Canaries) -> Vec<Value> {
    let source = json!({"uri": format!("https://u:{}@example.org/x.csv", c.github("MLflow source"))}).to_string();
    let run = json!({
        "info": {
            "run_id": format!("r-{}", c.aws_key_id("MLflow run id")),
            "run_name": c.github("MLflow run name"),
            "experiment_id": "7",
            "user_id": c.github("MLflow user"),
            "status": "FINISHED",
            "start_time": 1777863721000u64,
            "artifact_uri": format!("s3://x/{}/artifacts", c.github("MLflow artifact location")),
        },
        "data": {
            "params": [
                {"key": "prompt", "value": c.text("MLflow parameter")},
                {"key": c.github_of_letters("name of an MLflow parameter"), "value": "x"},
                {"key": "train_path", "value": format!("s3://lake/{}/x", c.github("MLflow hinted input"))},
            ],
            "tags": [
                {"key": "mlflow.note.content", "value": c.text("MLflow note")},
                {"key": c.email("name of an MLflow tag"), "value": "x"},
            ],
        },
        "inputs": {"dataset_inputs": [{
            "tags": [{"key": "mlflow.data.context", "value": c.github("MLflow context")}],
            "dataset": {
                "name": c.github("MLflow data set"),
                "digest": "0011aabb",
                "source_type": "http",
                "source": source,
                "profile": json!({"num_rows": 3, "sample": c.text("MLflow profile")}).to_string(),
            },
        }]},
    });
    let version = json!({
        "name": format!("m {}", c.github("MLflow model")),
        "version": "1",
        "source": format!("s3://m/{}", c.github("MLflow model source")),
        "run_id": "aa11",
        "description": c.text("MLflow description"),
        "creation_timestamp": 1777863721000u64,
        "tags": [{"key": "about", "value": c.text("MLflow model tag")}],
        "status_message": c.text("MLflow status"),
    });
    vec![run, version]
}

fn unknown(c: &mut Canaries) -> Vec<Value> {
    let deep = (0..100).fold(json!({"note": c.text("unknown event, deep")}), |inner, _| json!({"a": inner}));
    vec![
        json!({
            "kind": "diary",
            "note": c.text("unknown event"),
            "user": {"email": c.email("unknown event"), "ssn": c.ssn("unknown event")},
            "card_numbers": [format!("card {}", c.card("unknown event"))],
            "card": c.card("number in an unknown event").parse::<u64>().expect("a number"),
            "escaped": json!({"note": c.text("JSON in an unknown event")}).to_string(),
            "type": c.github("type of an unknown event"),
            "eventType": c.github("event type of an unknown event"),
        }),
        keyed(c, "key in an unknown event"),
        deep,
    ]
}

fn scan_event(c: &mut Canaries) -> Value {
    json!({
        "lineward": "scan",
        "version": 1,
        "scan_id": format!("s-{}", c.aws_key_id("scan id")),
        "scanned_at": "2026-05-04T03:02:01Z",
        "ruleset": c.github("scan rule set"),
        "asset": {"type": "dataset", "namespace": "s3://x", "name": format!("a/{}", c.github("scanned asset"))},
        "files": [{
            "name": format!("{}.jsonl", c.github("scanned file")),
            "error": c.text("error of a scan"),
            "findings": [{
                "field": c.github_of_letters("scanned field"),
                "entity": "US_SSN",
                "categories": ["pii"],
                "detector": c.github("scan detector"),
                "match_count": 1,
                "confidence": 0.9,
            }],
        }],
    })
}

/// Lines that are no events, for every reason.
fn broken(c: &mut Canaries) -> Vec<u8> {
    let mut out = Vec::new();
    let mut line = |bytes: &[u8]| {
        out.extend(bytes);
        out.push(b'\n');
    };
    line(b"{\"n\":1}");
    line(format!("{{\"note\": {}", json!(c.text("cut JSON"))).as_bytes());
    line(format!("{{\"note\": {} oops}}", json!(c.text("broken JSON"))).as_bytes());
    line(json!(c.text("string that is no event")).to_string().as_bytes());
    line(json!([c.text("element that is no event")]).to_string().as_bytes());
    line(
        &[format!("{{\"note\": {}, \"x\": \"", json!(c.text("text that is not UTF-8"))).as_bytes(), b"\xff\"}"]
            .concat(),
    );
    line(
        format!("{{\"note\": {}, \"a\": {}{}}}", json!(c.text("too deep JSON")), "[".repeat(200), "]".repeat(200))
            .as_bytes(),
    );
    let no_run = json!({
        "eventType": "START", "producer": c.text("producer of a broken event"), "run": {},
        "job": {"namespace": "n", "name": c.github("job of a broken event")},
    });
    line(no_run.to_string().as_bytes());
    let long = json!({
        "eventType": "START", "producer": "p", "run": {"runId": "r"}, "job": {"namespace": "n", "name": "j"},
        "inputs": [{"namespace": "n", "name": format!("{}{}", c.text("name that is too long"), "x".repeat(100_000))}],
    });
    line(long.to_string().as_bytes());
    line(c.text("plain text").replace('\n', " ").as_bytes());
    out
}
