//! The command as its users see it: through the built binary, its exit codes, its two outputs and its files.
//!
//! Help texts are snapshots in `tests/snapshots`; `LINEWARD_BLESS=1` writes them anew.

mod buckets;
mod sarif;
mod undecoded;

use serde_json::Value;
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use tempfile::TempDir;

/// Values that no output may hold, and the forms they could hide in.
const CARD: &str = "4079 4636 1743 0119";
const SSN: &str = "536-22-8726";
const TOKEN: &str = concat!("ghp", "_lkYllrbSXiPzfd0aP9mMoWb3PYVbaJ3Dgq1B");
const CANARIES: [&str; 6] = [CARD, "4079463617430119", SSN, "536228726", TOKEN, "lkYllrbSXiPzfd0aP9mMoWb3PYVbaJ3Dgq1B"];

/// Keys of a finding, in the order of the output contract.
const KEYS: [&str; 13] = [
    "path",
    "row",
    "field",
    "start",
    "end",
    "line",
    "detector",
    "entity",
    "categories",
    "confidence",
    "score",
    "fingerprint",
    "preview",
];

/// A folder to work in, and a command that sees nothing of the user's own settings.
struct Place {
    folder: TempDir,
}

impl Place {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().expect("a temporary folder") }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(path, content).expect("a file");
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_lineward"));
        command.current_dir(self.folder.path()).args(arguments).stdin(Stdio::null());
        for name in ["COLUMNS", "LINEWARD_STORE", "LINEWARD_LOG", "CLICOLOR_FORCE"] {
            command.env_remove(name);
        }
        command.env("LINEWARD_FINGERPRINT_KEY", "00112233445566778899aabbccddeeff");
        command.env("XDG_CONFIG_HOME", self.path("config"));
        command
    }

    fn run(&self, arguments: &[&str]) -> Run {
        Run::of(self.command(arguments).output().expect("the program runs"))
    }

    fn run_with_input(&self, arguments: &[&str], input: &[u8]) -> Run {
        let mut child = self.spawn(arguments);
        let mut stdin = child.stdin.take().expect("a pipe");
        stdin.write_all(input).expect("the input is read");
        drop(stdin);
        Run::of(child.wait_with_output().expect("the program ends"))
    }

    fn spawn(&self, arguments: &[&str]) -> Child {
        let mut command = self.command(arguments);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().expect("the program runs")
    }
}

struct Run {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

impl Run {
    fn of(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).expect("output is UTF-8");
        Self { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }

    #[track_caller]
    fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "stderr: {}\nstdout: {}", self.stderr, self.stdout);
        self
    }

    #[track_caller]
    fn complains(self, of: &str) -> Self {
        assert!(self.stderr.contains(of), "`{of}` is not in: {}", self.stderr);
        self
    }

    #[track_caller]
    fn silent(self) -> Self {
        assert_eq!(self.stderr, "");
        self
    }

    #[track_caller]
    fn findings(&self) -> Vec<Value> {
        self.stdout.lines().map(|line| serde_json::from_str(line).expect("a line is JSON")).collect()
    }

    fn detectors(&self) -> Vec<String> {
        self.findings().iter().map(|f| f["detector"].as_str().expect("an id").to_owned()).collect()
    }
}

fn ssn_line() -> String {
    format!("SSN: {SSN}\n")
}

// Help and arguments.

const COMMANDS: [&str; 20] = [
    "sql",
    "ingest",
    "run",
    "demo",
    "scan",
    "redact",
    "rules",
    "detectors",
    "validate",
    "validators",
    "completions",
    "trained-on",
    "lineage",
    "diff",
    "erasure",
    "export",
    "serve",
    "cluster",
    "token",
    "audit",
];

#[test]
fn help_is_as_it_was() {
    let place = Place::new();
    let mut texts = vec![("lineward".to_owned(), "-h", vec!["-h"]), ("lineward".to_owned(), "--help", vec!["--help"])];
    for command in COMMANDS {
        for flag in ["-h", "--help"] {
            texts.push((format!("lineward-{command}"), flag, vec![command, flag]));
        }
    }
    for (name, flag, arguments) in texts {
        let help = place.run(&arguments).exits(0).silent().stdout;
        let file = format!("{name}{}.txt", if flag == "-h" { "-short" } else { "" });
        snapshot(&file, &help);
        for line in help.lines() {
            assert!(line.chars().count() <= 100, "{file}: too wide: {line}");
        }
        if flag == "-h" {
            assert!(help.lines().count() <= 40, "{file}: `-h` is more than a screen");
        }
    }
}

fn snapshot(file: &str, actual: &str) {
    let path = Path::new("tests/snapshots").join(file);
    if std::env::var_os("LINEWARD_BLESS").is_some() {
        fs::write(&path, actual).expect("the snapshot is written");
    }
    let expected = fs::read_to_string(&path).unwrap_or_default();
    assert!(actual == expected, "{file} differs (LINEWARD_BLESS=1 writes it anew):\n{actual}");
}

#[test]
fn bad_arguments_say_what_to_write() {
    let place = Place::new();
    place.write("a.txt", "text");
    for (arguments, message) in [
        ("scam a.txt", "error: unknown command `scam`; did you mean `scan`?"),
        ("frobnicate", "error: unknown command `frobnicate`; `lineward -h` lists the commands"),
        ("scan a.txt --fromat csv", "error: unknown argument `--fromat`; did you mean `--format`?"),
        ("scan a.txt --xyzzy", "error: unknown argument `--xyzzy`; `lineward scan -h` lists the arguments"),
        ("scan a.txt --format parket", "error: `parket` is no value of `--format`; did you mean `parquet`?"),
        ("scan a.txt --report pdf", "`pdf` is no value of `--report`; it is one of jsonl, json, sarif,"),
        ("scan a.txt --min-confidence sure", "it is one of low, medium, high"),
        ("scan a.txt --binary ignore", "it is one of error, skip, scan"),
        ("scan a.txt --categories pi", "did you mean `pii`?"),
        ("scan a.txt --jobs 0", "`0` is no value of `--jobs`: write a whole number from 1"),
        ("scan a.txt --fail-on secrets", "`secrets` is no value of `--fail-on`: write CATEGORY or CATEGORY:LEVEL"),
        ("scan a.txt --fail-on pii:sure", "the levels are low, medium, high"),
        ("scan a.txt --fail-on pii:low", "would miss findings below `--min-confidence medium`"),
        ("scan a.txt --categories pii --fail-on credential", "`--fail-on credential` can never hit"),
        (
            "scan a.txt --detectors us-snn",
            "no detector matches `us-snn`; `lineward detectors` lists them (did you mean `us-ssn`?)",
        ),
        ("scan a.txt --detectors us-ssn --categories credential", "no detector of `--detectors us-ssn` has"),
        ("scan a.txt --dataset s3://b/p", "`--store` is missing"),
        ("scan a.txt --show-values", "`--show-values` is for a person at a terminal"),
        ("scan a.txt --show-values --output r.jsonl", "exclude each other"),
        ("scan a.txt --output nowhere/r.jsonl", "cannot write `nowhere/r.jsonl`: "),
        ("scan a.txt --output .", "cannot write `.`: it is a folder; name a file"),
        ("scan a.txt --fingerprint-key-file none", "cannot read the fingerprint key `none`: "),
        ("scan a.txt b --store s --dataset s3://b/p", "`--dataset` names one data set, and there are 2 paths"),
        ("scan - --store s", "`-` can be read only once"),
        ("scan - a.txt -", "`-` stands twice"),
        ("scan", "error: `PATH` is missing; `lineward scan -h` lists the arguments"),
        ("validate", "`NAME` is missing"),
        ("validate es.dnii 1", "no validator is named `es.dnii`; did you mean `es.dni`?"),
        ("validate frobnicator 1", "no validator is named `frobnicator`; `lineward validators` lists them"),
        ("completions tcsh", "`tcsh` is no value of `SHELL`"),
    ] {
        let run = place.run(&arguments.split(' ').collect::<Vec<_>>()).exits(2).complains(message);
        assert!(run.stderr.starts_with("lineward: error: "), "{arguments}: {}", run.stderr);
        assert_eq!(run.stderr.lines().count(), 1, "{arguments}: {}", run.stderr);
        assert_eq!(run.stdout, "", "{arguments}");
    }
    assert!(!place.path("config").exists(), "no key is made for arguments that are wrong");
}

#[test]
fn no_arguments_show_help() {
    Place::new().run(&[]).exits(2).complains("Usage: lineward <COMMAND>");
}

#[test]
fn a_wrong_log_filter_is_an_error() {
    let place = Place::new();
    let output = place.command(&["validators"]).env("LINEWARD_LOG", "a=b=c").output().expect("the program runs");
    Run::of(output).exits(2).complains("`LINEWARD_LOG` is `a=b=c`; write error, warn,");
}

// Findings.

#[test]
fn a_finding_has_the_keys_of_the_contract() {
    let place = Place::new();
    place.write("a.txt", format!("one\n{}", ssn_line()));
    place.write("b.jsonl", format!("{{\"x\":1}}\n{{\"m\":[{{\"t\":\"{}\"}}]}}\n", ssn_line().trim()));
    let run = place.run(&["scan", "a.txt", "b.jsonl"]).exits(0).silent();
    for line in run.stdout.lines() {
        let mut at = 0;
        for key in KEYS {
            let key = format!("\"{key}\":");
            at += line[at..].find(&key).unwrap_or_else(|| panic!("{key} is not in its place: {line}"));
        }
    }
    let findings = run.findings();
    assert_eq!(findings.len(), 2);
    for finding in &findings {
        assert_eq!(finding.as_object().expect("an object").len(), KEYS.len());
        assert_eq!(finding["detector"], "us-ssn");
        assert_eq!(finding["entity"], "US_SSN");
        assert_eq!(finding["fingerprint"], findings[0]["fingerprint"]);
    }
    let [text, record] = &findings[..] else { panic!("two findings") };
    assert_eq!(
        (&text["path"], &text["line"], &text["start"], &text["end"]),
        (&"a.txt".into(), &2.into(), &9.into(), &20.into())
    );
    assert!(text["row"].is_null() && text["field"].is_null());
    assert_eq!((&record["row"], &record["field"], &record["line"]), (&1.into(), &"m.0.t".into(), &2.into()));
    assert_eq!((&record["start"], &record["end"]), (&5.into(), &16.into()));
}

#[test]
fn standard_input_from_a_pipe_and_from_a_file() {
    let place = Place::new();
    let text = format!("nothing here\n{}", ssn_line());
    let from_pipe = place.run_with_input(&["scan", "-"], text.as_bytes()).exits(0).silent();
    place.write("in.txt", &text);
    let file = fs::File::open(place.path("in.txt")).expect("the file");
    let from_file = Run::of(place.command(&["scan", "-"]).stdin(file).output().expect("it runs")).exits(0).silent();
    assert_eq!(from_pipe.findings().len(), 1);
    assert_eq!(from_pipe.findings()[0]["path"], "-");
    assert_eq!(from_pipe.stdout, from_file.stdout);
    let jsonl = place.run_with_input(&["scan", "-"], b"{\"a\":\"b\"}\nnot json\n").exits(2);
    jsonl.complains("problem: -: line 2 column");
}

#[test]
fn output_is_in_input_order_whatever_the_jobs() {
    let place = Place::new();
    for n in 0..40 {
        // Later files are smaller, so that they are done earlier.
        place.write(
            &format!("f/{n:02}.txt"),
            format!("{}{}", "padding\n".repeat((40 - n) * 2_000), ssn_line().repeat(3)),
        );
    }
    let one = place.run(&["scan", "f", "--jobs", "1"]).exits(0);
    for jobs in ["2", "7", "64"] {
        assert_eq!(place.run(&["scan", "f", "--jobs", jobs]).exits(0).stdout, one.stdout, "{jobs} jobs");
    }
    let paths: Vec<String> = one.findings().iter().map(|f| f["path"].to_string()).collect();
    assert_eq!(paths.len(), 120);
    assert!(paths.is_sorted());
    let reversed = place.run(&["scan", "f/05.txt", "f/01.txt", "f/05.txt"]).exits(0).findings();
    let order: Vec<&str> = reversed.iter().step_by(3).map(|f| f["path"].as_str().expect("a path")).collect();
    assert_eq!(order, ["f/05.txt", "f/01.txt"], "in the order given, each once");
}

#[test]
fn filters() {
    let place = Place::new();
    place.write("a.jsonl", format!("{{\"note\":\"SSN {SSN}\",\"meta\":{{\"pay\":\"card {CARD}\"}}}}\n"));
    let found = |arguments: &[&str]| {
        let all = [&["scan", "a.jsonl"], arguments].concat();
        place.run(&all).exits(0).detectors()
    };
    assert_eq!(found(&[]), ["us-ssn", "payment-card"]);
    assert_eq!(found(&["--fields", "meta"]), ["payment-card"]);
    assert_eq!(found(&["--fields", "n*,none"]), ["us-ssn"]);
    assert_eq!(found(&["--categories", "financial"]), ["payment-card"]);
    assert_eq!(found(&["--detectors", "us-*"]), ["us-ssn"]);
    assert!(found(&["--categories", "credential"]).is_empty());
    assert_eq!(found(&["--format", "text", "--detectors", "us-ssn,payment-card"]).len(), 2);
    // A gate that a slip of the pen opens is none.
    let none = place.run(&["scan", "a.jsonl", "--fields", "txet", "--fail-on", "pii"]).exits(2);
    assert!(none.stderr.contains("none of 1 record has text in a field"), "{}", none.stderr);
}

#[test]
fn an_input_is_not_replaced_by_its_own_report() {
    let place = Place::new();
    place.write("a.txt", ssn_line());
    for option in ["--output", "--index"] {
        let refused = place.run(&["scan", "a.txt", option, "./a.txt"]).exits(2);
        assert!(refused.stderr.contains("would replace `a.txt`"), "{}", refused.stderr);
        assert_eq!(place.run(&["scan", "a.txt"]).exits(0).detectors(), ["us-ssn"]);
    }
}

#[test]
fn fail_on() {
    let place = Place::new();
    place.write("a.txt", ssn_line());
    for (entries, code) in
        [("pii", 1), ("pii:high", 1), ("credential", 0), ("credential,phi:high,pii:medium", 1), ("credential,phi", 0)]
    {
        let run = place.run(&["scan", "a.txt", "--fail-on", entries]).exits(code);
        assert_eq!(run.findings().len(), 1, "a finding is reported whatever the exit code");
    }
    // An input that could not be read wins: nobody knows what was in it.
    place.run(&["scan", "a.txt", "missing.txt", "--fail-on", "pii"]).exits(2);
}

// Bad input: a message that says where and what to do, the rest scanned, exit code 2.

#[test]
fn bad_inputs_are_told_and_the_rest_is_scanned() {
    let place = Place::new();
    place.write("good.txt", ssn_line());
    place.write("text.parquet", ssn_line());
    place.write("empty.parquet", "");
    place.write("empty.arrow", "");
    place.write("binary.dat", [b"\x7fELF\0\0\0\x01".as_slice(), ssn_line().as_bytes()].concat());
    place.write("lines.jsonl", format!("{{\"a\":\"x\"}}\n{{\"a\": nope {SSN}}}\n{{\"a\":\"SSN {SSN}\"}}\n"));
    place.write("broken.json", format!("{{\"a\": [\"SSN {SSN}\""));
    place.write("cut.gz", [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 0x4b, 0x4c]);
    let whole = place.run(&["scan", "good.txt", "--report", "parquet", "--output", "whole.parquet"]).exits(0);
    drop(whole);
    let bytes = fs::read(place.path("whole.parquet")).expect("the report");
    place.write("cut.parquet", &bytes[..bytes.len() / 2]);
    for (name, message) in [
        ("missing.txt", "problem: missing.txt: the file: it does not exist"),
        ("text.parquet", "problem: text.parquet: the file: "),
        ("cut.parquet", "problem: cut.parquet: the file: "),
        ("empty.parquet", "problem: empty.parquet: the file: it is empty, which no parquet file is"),
        ("empty.arrow", "problem: empty.arrow: the file: it is empty, which no arrow file is"),
        ("binary.dat", "`--binary skip` leaves such files out"),
        ("lines.jsonl", "problem: lines.jsonl: line 2 column 8: not valid JSON"),
        ("broken.json", "problem: broken.json: "),
        ("cut.gz", "problem: cut.gz: "),
    ] {
        let run = place.run(&["scan", name, "good.txt"]).exits(2).complains(message);
        let good = run.findings().iter().filter(|f| f["path"] == "good.txt").count();
        assert_eq!(good, 1, "{name}: the other file is scanned");
        for form in ["summary", "html", "json", "sarif"] {
            let report = place.run(&["scan", name, "good.txt", "--report", form]).exits(2);
            assert!(report.stdout.contains(name), "{form} names {name}");
        }
    }
    let lines = place.run(&["scan", "lines.jsonl"]).exits(2).findings();
    assert!(lines.iter().any(|f| f["line"] == 3), "lines behind a broken one are scanned");
}

#[test]
fn an_empty_file_is_no_error() {
    let place = Place::new();
    for name in ["empty.txt", "empty.jsonl", "empty.csv", "empty"] {
        place.write(name, "");
        assert_eq!(place.run(&["scan", name]).exits(0).silent().stdout, "");
    }
    fs::create_dir(place.path("folder")).expect("a folder");
    place.run(&["scan", "folder"]).exits(0).silent();
}

#[test]
fn pictures_are_counted_and_no_problem() {
    let place = Place::new();
    let picture = [b"\xff\xd8\xff\xe0\0\x10JFIF".as_slice(), &[0; 64]].concat();
    place.write("d/1.jpg", &picture);
    place.write("d/1.txt", ssn_line());
    place.write("d/shard.tar", tar_of(&[("1.jpg", &picture), ("1.txt", b"a caption")]));
    let summary = place.run(&["scan", "d", "--report", "summary"]).exits(0).silent().stdout;
    assert!(summary.contains("1 skipped as binary, 1 member of archives skipped as binary"), "{summary}");
    place.run(&["scan", "d/1.jpg", "--binary", "scan"]).exits(0).silent();
}

#[test]
fn binary_files_as_asked_for() {
    let place = Place::new();
    place.write("b.bin", [b"\0\x01\x02\n".as_slice(), ssn_line().as_bytes()].concat());
    place.run(&["scan", "b.bin"]).exits(2).complains("problem: b.bin: the file: its content is binary");
    let skipped = place.run(&["scan", "b.bin", "--binary", "skip", "--report", "summary"]).exits(0);
    assert!(skipped.stdout.contains("1 skipped as binary"), "{}", skipped.stdout);
    assert_eq!(place.run(&["scan", "b.bin", "--binary", "scan"]).exits(0).detectors(), ["us-ssn"]);
}

#[test]
fn a_folder_nobody_may_read() {
    let place = Place::new();
    place.write("good.txt", ssn_line());
    place.write("closed/a.txt", ssn_line());
    let closed = place.path("closed");
    #[cfg(unix)]
    fs::set_permissions(&closed, std::os::unix::fs::PermissionsExt::from_mode(0o000)).expect("permissions");
    if fs::read_dir(&closed).is_ok() {
        println!("skipped: this user may read everything");
        return;
    }
    let run =
        place.run(&["scan", "closed", "good.txt"]).exits(2).complains("problem: closed: the file: permission denied");
    assert_eq!(run.findings().len(), 1);
    #[cfg(unix)]
    fs::set_permissions(&closed, std::os::unix::fs::PermissionsExt::from_mode(0o700)).expect("permissions");
}

#[test]
fn one_line_of_64_megabytes() {
    let place = Place::new();
    let mut text = vec![b'x'; 64 << 20];
    text.extend_from_slice(format!(" SSN: {SSN}").as_bytes());
    place.write("long.txt", &text);
    let run = place.run(&["scan", "long.txt"]).exits(0).silent();
    assert_eq!(run.detectors(), ["us-ssn"]);
    assert_eq!(run.findings()[0]["start"], (64 << 20) + 6);
    assert_eq!(run.findings()[0]["line"], 1);

    let json = [b"{\"a\":\"".as_slice(), &text, b"\"}\n{\"a\":\"SSN: ", SSN.as_bytes(), b"\"}\n"].concat();
    place.write("long.jsonl", json);
    let run = place
        .run(&["scan", "long.jsonl"])
        .exits(2)
        .complains("problem: long.jsonl: line 1: longer than 67108864 bytes");
    assert_eq!(run.detectors(), ["us-ssn", "us-ssn"], "the long line and the one behind it are scanned");
    assert_eq!(run.findings()[0]["start"], 6 + (64 << 20) + 6, "in the line, not in a piece of it");
    // Where the first piece of a line ends.
    let json = [b"{\"a\":\"".as_slice(), &text[14..], b"\"}\n"].concat();
    place.write("seam.jsonl", json);
    let run = place.run(&["scan", "seam.jsonl"]).exits(2);
    assert_eq!((run.detectors(), &run.findings()[0]["start"]), (vec!["us-ssn".to_owned()], &((64 << 20) - 2).into()));
}

// What never appears.

#[test]
fn no_output_holds_a_value() {
    let place = Place::new();
    let text = format!("SSN: {SSN}\ncard {CARD}\nexport GITHUB_TOKEN={TOKEN}\n");
    let escaped = text.replace('\n', " ");
    place.write("in/a.txt", &text);
    place.write("in/b.jsonl", format!("{{\"note\":\"{escaped}\"}}\n{{\"note\": {escaped}\n"));
    place.write("in/c.csv", format!("name,note\nx,\"{escaped}\"\ny,\"{escaped}\n"));
    place.write("in/d.json", format!("{{\"note\":\"{escaped}\", {escaped}"));
    place.write("in/e.parquet", format!("PAR1{text}PAR1"));
    place.write("in/f.arrow", format!("ARROW1{text}"));
    place.write("in/g.bin", format!("\0{text}"));
    place.write("in/h.gz", [[0x1f, 0x8b, 8, 0, 0, 0, 0, 0].as_slice(), text.as_bytes()].concat());
    let found = place.run(&["scan", "in/a.txt"]).exits(0).detectors();
    for detector in ["us-ssn", "payment-card", "github-pat"] {
        assert!(found.iter().any(|f| f == detector), "{detector} finds its canary");
    }
    for form in ["jsonl", "json", "sarif", "html", "summary", "parquet"] {
        let file = format!("report.{form}");
        for extra in
            [&[][..], &["--binary", "scan"], &["--format", "jsonl"], &["--format", "csv"], &["--output", &file]]
        {
            let mut command =
                place.command(&[&["scan", "in", "--report", form, "--min-confidence", "low"], extra].concat());
            let output = command.env("LINEWARD_LOG", "trace").output().expect("the program runs");
            assert_eq!(output.status.code(), Some(2));
            clean(form, &output.stderr);
            match form {
                "parquet" if extra.first() != Some(&"--output") => clean(form, parquet_text(output.stdout).as_bytes()),
                _ => clean(form, &output.stdout),
            }
        }
        let report = fs::read(place.path(&file)).expect("the report is written");
        assert!(!report.is_empty());
        match form {
            "parquet" => clean(form, parquet_text(report).as_bytes()),
            _ => clean(form, &report),
        }
    }
    clean("validate", place.run(&["validate", "luhn", CARD, SSN]).stdout.as_bytes());
}

#[track_caller]
fn clean(what: &str, output: &[u8]) {
    let text = String::from_utf8_lossy(output);
    for canary in CANARIES {
        assert!(!text.contains(canary), "a value is in the output of {what}");
    }
}

fn parquet_text(bytes: Vec<u8>) -> String {
    use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
    let file = parquet_bytes(bytes);
    let reader = ParquetRecordBatchReaderBuilder::try_new(file).expect("a Parquet file").build().expect("readable");
    let batches: Vec<_> = reader.map(|batch| batch.expect("a batch")).collect();
    arrow::util::pretty::pretty_format_batches(&batches).expect("printable").to_string()
}

fn parquet_bytes(bytes: Vec<u8>) -> fs::File {
    let mut file = tempfile::tempfile().expect("a file");
    file.write_all(&bytes).expect("written");
    file
}

// Forms of report.

#[test]
fn json_and_sarif_and_parquet_hold_the_same_findings() {
    let place = Place::new();
    place.write("a b.txt", format!("{}{}", ssn_line(), ssn_line()));
    place.write("c.jsonl", format!("{{\"n\":\"card {CARD}\"}}\n"));
    let paths = ["scan", "a b.txt", "c.jsonl", "--report"];
    let report = |form| place.run(&[&paths[..], &[form]].concat()).exits(0).silent().stdout;
    let lines: Vec<Value> = report("jsonl").lines().map(|l| serde_json::from_str(l).expect("a line is JSON")).collect();
    assert_eq!(lines.len(), 3);

    let json: Value = serde_json::from_str(&report("json")).expect("the report is JSON");
    assert_eq!(json["findings"], Value::Array(lines.clone()));
    assert_eq!(json["totals"]["findings"], 3);
    assert_eq!(json["totals"]["categories"]["pii"], 3);
    assert_eq!(json["files"][1]["format"], "jsonl");
    assert_eq!(json["scan"]["exit_code"], 0);

    let sarif: Value = serde_json::from_str(&report("sarif")).expect("the report is JSON");
    assert_eq!(sarif["version"], "2.1.0");
    let run = &sarif["runs"][0];
    let results = run["results"].as_array().expect("results");
    let rules = run["tool"]["driver"]["rules"].as_array().expect("rules");
    assert_eq!(results.len(), 3);
    for (result, line) in results.iter().zip(&lines) {
        assert_eq!(result["ruleId"], line["detector"]);
        assert_eq!(result["partialFingerprints"]["linewardValue/v1"], line["fingerprint"]);
        assert_eq!(result["level"], "error");
        assert_eq!(result["locations"][0]["physicalLocation"]["region"]["startLine"], line["line"]);
        assert!(rules.iter().any(|rule| rule["id"] == result["ruleId"] && rule["help"]["text"].is_string()));
    }
    let place_of = |n: usize| &results[n]["locations"][0]["physicalLocation"];
    assert_eq!(place_of(1)["artifactLocation"]["uri"], "a%20b.txt");
    assert_eq!(place_of(1)["region"]["byteOffset"], lines[1]["start"]);
    assert_eq!(run["invocations"][0]["executionSuccessful"], true);

    place.run(&[&paths[..], &["parquet", "--output", "r.parquet"]].concat()).exits(0).silent();
    let table = parquet_text(fs::read(place.path("r.parquet")).expect("the report"));
    assert!(KEYS.iter().all(|key| table.contains(key)), "{table}");
    assert_eq!(table.matches("us-ssn").count(), 2);
}

#[test]
fn sarif_is_what_the_standard_says() {
    let place = Place::new();
    place.write("a b%.txt", ssn_line());
    place.write("ü/c.jsonl", format!("{{\"n\":\"card {CARD}\"}}\n{{broken\n"));
    place.write("d.parquet", parquet_rows(3));
    place.write("e:f.bin", [0u8, 1, 2, 3]);
    let run = |more: &[&str], code| -> Value {
        let all = [&["scan", "a b%.txt", "ü", "d.parquet", "e:f.bin", "--report", "sarif"], more].concat();
        serde_json::from_str(&place.run(&all).exits(code).stdout).expect("the report is JSON")
    };
    for more in [&[][..], &["--min-confidence", "low"], &["--sample", "1", "--binary", "skip"]] {
        let report = run(more, 2);
        assert_eq!(sarif::wrong_with(&report), [""; 0], "{more:?}");
        assert!(report["runs"][0]["results"].as_array().is_some_and(|all| all.len() >= 2));
    }
    // The check sees what is wrong.
    let mut report = run(&[], 2);
    let first = &mut report["runs"][0];
    first["results"][0]["level"] = "high".into();
    first["results"][1]["message"] = serde_json::json!({});
    first["results"][1]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] = "a b".into();
    first["invocations"][0]["startTimeUtc"] = "yesterday".into();
    first["extra"] = 1.into();
    assert_eq!(sarif::wrong_with(&report).len(), 5, "{:?}", sarif::wrong_with(&report));
}

#[test]
fn sarif_tells_problems_as_notifications() {
    let place = Place::new();
    let run = place.run(&["scan", "missing.txt", "--report", "sarif"]).exits(2);
    let sarif: Value = serde_json::from_str(&run.stdout).expect("the report is JSON");
    let invocation = &sarif["runs"][0]["invocations"][0];
    assert_eq!(invocation["executionSuccessful"], false);
    assert_eq!(invocation["exitCode"], 2);
    assert_eq!(invocation["toolExecutionNotifications"][0]["message"]["text"], "the file: it does not exist");
}

#[test]
fn html_is_one_page_and_markup_in_names_is_text() {
    let place = Place::new();
    place.write("<img src=x>&.txt", ssn_line());
    let page = place.run(&["scan", ".", "missing.txt", "--report", "html"]).exits(2).stdout;
    assert!(page.starts_with("<!DOCTYPE html>") && page.trim_end().ends_with("</html>"));
    assert!(page.contains("&lt;img src=x&gt;&amp;.txt") && !page.contains("<img"));
    assert!(page.contains("US_SSN") && page.contains("missing.txt"));
    let bars: Vec<&str> = page.lines().filter(|line| line.contains("<rect")).collect();
    assert_eq!(bars.len(), 7, "four categories and three levels");
    assert!(
        bars[0].contains("b-pii") && bars[0].contains("width=\"400.0\"") && bars[0].contains(">1</text>"),
        "{}",
        bars[0]
    );
    assert!(bars[1].contains("b-phi") && bars[1].contains("width=\"0.0\""), "{}", bars[1]);
    assert!(
        page.contains("<svg") && page.contains("aria-label=\"By category: pii 1, phi 0, credential 0, financial 0\"")
    );
    assert!(
        page.contains("<li><strong>pii</strong> (1 finding): decide") && !page.contains("<li><strong>phi</strong>")
    );
    assert!(page.contains("Folders and data sets") && page.contains("prefers-color-scheme: dark"));
    for outside in ["http://", "https://", "<script", "<link", "@import", "url("] {
        assert!(!page.contains(outside), "the page loads nothing: {outside}");
    }
}

#[test]
fn a_summary_adds_up() {
    let place = Place::new();
    place.write("a.txt", format!("{}card {CARD}\n", ssn_line()));
    place.write("b\x1b[31m.txt", ssn_line());
    let text = place.run(&["scan", ".", "--report", "summary"]).exits(0).silent().stdout;
    assert!(text.contains("3 findings in 2 files: 3 pii, 1 financial"), "{text}");
    assert!(text.contains("2 files scanned"), "{text}");
    assert!(!text.contains('\x1b'), "a file's name cannot steer the terminal");
}

#[test]
fn a_report_file_appears_whole_and_is_no_input_of_the_next_scan() {
    let place = Place::new();
    place.write("d/a.txt", ssn_line());
    let run = place.run(&["scan", "d", "--output", "d/r.jsonl"]).exits(0).silent();
    assert_eq!(run.stdout, "");
    let first = fs::read_to_string(place.path("d/r.jsonl")).expect("the report");
    assert_eq!(first.lines().count(), 1);
    place
        .run(&["scan", "d", "--output", "d/r.jsonl"])
        .exits(0)
        .complains("is written by this scan and was not scanned");
    assert_eq!(fs::read_to_string(place.path("d/r.jsonl")).expect("the report"), first);
    let names: Vec<_> =
        fs::read_dir(place.path("d")).expect("the folder").map(|e| e.expect("an entry").file_name()).collect();
    assert_eq!(names.len(), 2, "nothing is left beside it: {names:?}");
}

#[test]
fn a_file_that_is_named_twice_is_scanned_once() {
    let place = Place::new();
    place.write("d/a.txt", ssn_line());
    place.write("d/b.txt", ssn_line());
    let run = place.run(&["scan", "d", "d/a.txt", "./d/../d/b.txt"]).exits(0).silent();
    assert_eq!(run.stdout.lines().count(), 2, "{}", run.stdout);
}

#[test]
fn a_store_that_fails_does_not_take_the_report_with_it() {
    let place = Place::new();
    place.write("a.txt", ssn_line());
    place.write("no-folder", "a file where a store should be");
    let run = place.run(&["scan", "a.txt", "--store", "no-folder", "--output", "r.jsonl"]).exits(2);
    run.complains("no-folder");
    assert_eq!(fs::read_to_string(place.path("r.jsonl")).expect("the report").lines().count(), 1);
}

// Processes.

#[test]
fn a_reader_that_stops_early_is_no_error() {
    let place = Place::new();
    place.write("a.txt", ssn_line().repeat(20_000));
    let mut child = place.spawn(&["scan", "a.txt"]);
    let mut line = String::new();
    BufReader::with_capacity(512, child.stdout.take().expect("a pipe")).read_line(&mut line).expect("a line");
    Run::of(child.wait_with_output().expect("the program ends")).exits(0).silent();
    let mut child = place.spawn(&["scan", "a.txt", "--fail-on", "pii"]);
    drop(child.stdout.take());
    Run::of(child.wait_with_output().expect("the program ends")).exits(1).silent();
}

#[cfg(unix)]
#[test]
fn ctrl_c_reports_what_was_found() {
    let place = Place::new();
    let mut child = place.spawn(&["scan", "-", "--output", "r.jsonl"]);
    let mut stdin = child.stdin.take().expect("a pipe");
    let chunk = format!("{}{}", ssn_line(), "padding without anything to find\n".repeat(30_000));
    for n in 0.. {
        if n == 16 {
            // So much was read by now that the scan is under way.
            let pid = child.id().to_string();
            assert!(Command::new("kill").args(["-INT", &pid]).status().expect("kill runs").success());
        }
        if stdin.write_all(chunk.as_bytes()).is_err() {
            break;
        }
    }
    drop(stdin);
    Run::of(child.wait_with_output().expect("the program ends")).exits(130).complains("stopped before its end");
    let report = fs::read_to_string(place.path("r.jsonl")).expect("the report is written");
    assert!(report.lines().count() > 4, "what was found until then is reported");
}

/// Ends a process by a signal, which it has to heed within seconds.
#[cfg(unix)]
fn interrupted(child: Child) -> Run {
    std::thread::sleep(std::time::Duration::from_millis(500));
    let began = std::time::Instant::now();
    assert!(Command::new("kill").args(["-TERM", &child.id().to_string()]).status().expect("kill runs").success());
    let run = Run::of(child.wait_with_output().expect("the program ends"));
    assert!(began.elapsed() < std::time::Duration::from_secs(5), "{:?}", began.elapsed());
    run
}

#[cfg(unix)]
#[test]
fn one_signal_ends_a_scan_that_waits_for_a_pipe() {
    let place = Place::new();
    let mut child = place.spawn(&["scan", "-"]);
    let mut stdin = child.stdin.take().expect("a pipe");
    stdin.write_all(ssn_line().repeat(1_000).as_bytes()).expect("the input is read");
    let run = interrupted(child).exits(130).complains("stopped before its end");
    assert_eq!(run.stdout.lines().count(), 1_000, "what was read is scanned");
    drop(stdin);
    // Who writes a little all the time is not waited for.
    let mut child = place.spawn(&["scan", "-"]);
    let mut stdin = child.stdin.take().expect("a pipe");
    let writing = std::thread::spawn(move || {
        while stdin.write_all(ssn_line().as_bytes()).is_ok() {
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
    });
    let run = interrupted(child).exits(130).complains("stopped before its end");
    assert!(run.stdout.lines().count() > 1, "{}", run.stdout);
    writing.join().expect("it ends with who reads");
    // Nobody ever writes into this one.
    assert!(Command::new("mkfifo").arg(place.path("fifo")).status().expect("mkfifo runs").success());
    let mut command = place.command(&["scan", "fifo"]);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program runs");
    interrupted(child).exits(130).complains("stopped before its end");
}

#[test]
fn commands_of_the_shell_are_taken_from_a_pipe_between_statements() {
    let place = Place::new();
    place.run(&["ingest", "--store", "store", "/dev/null"]).exits(0);
    let asked = |text: &str| place.run_with_input(&["sql", "--store", "store"], text.as_bytes());
    let run = asked("\\d models\nSELECT 1 AS one,\n '\n\\d' AS two;\n\\d trained_on\n\\df\n\\q\nSELECT 3;\n")
        .exits(0)
        .silent();
    assert!(run.stdout.starts_with("{\"column_name\":\"namespace\""), "{}", run.stdout);
    assert!(run.stdout.contains("{\"one\":1,\"two\":\"\\n\\\\d\"}\n"), "{}", run.stdout);
    assert!(run.stdout.contains("models_trained_on(") && !run.stdout.contains(":3}"), "{}", run.stdout);
    let run = asked("SELECT 1;\n\\nothing\n").exits(2).complains("no such command");
    assert_eq!(run.stdout, "", "all of it is read before any of it is done");
    let run = asked("-- what is there?\n\\d models\nSELECT 1 AS one; -- one\n\\d runs\nSELECT ';\n\\d' AS quoted;\n")
        .exits(0);
    assert!(
        run.stdout.ends_with("{\"quoted\":\";\\n\\\\d\"}\n") && run.stdout.contains("{\"one\":1}"),
        "{}",
        run.stdout
    );
    asked("\n").exits(2).complains("there is no statement to run");
}

#[cfg(unix)]
#[test]
fn ctrl_c_leaves_nothing_of_a_copy() {
    let place = Place::new();
    place.write("a.txt", ssn_line().repeat(400_000));
    let child = place.spawn(&["redact", "a.txt", "-o", "clean.txt"]);
    let hidden = || {
        let entries = fs::read_dir(place.folder.path()).expect("the folder").map(|e| e.expect("an entry").file_name());
        entries.filter(|name| name.to_string_lossy().starts_with(".lineward-")).count()
    };
    while hidden() == 0 {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    // It is under way, and the handler is set right behind.
    std::thread::sleep(std::time::Duration::from_millis(200));
    let pid = child.id().to_string();
    assert!(Command::new("kill").args(["-INT", &pid]).status().expect("kill runs").success());
    Run::of(child.wait_with_output().expect("the program ends")).exits(130);
    assert_eq!(hidden(), 0, "the unfinished copy is gone");
    assert!(!place.path("clean.txt").exists());
}

// Fingerprint keys.

#[test]
fn fingerprints_of_one_key_are_equal_and_of_two_are_not() {
    let place = Place::new();
    place.write("a.txt", ssn_line());
    place.write("key", "another key, which is longer than 16 bytes\n");
    place.write("short", "short\n");
    let with = |arguments: &[&str], environment: Option<&str>| {
        let mut command = place.command(&[&["scan", "a.txt"], arguments].concat());
        match environment {
            Some(key) => command.env("LINEWARD_FINGERPRINT_KEY", key),
            None => command.env_remove("LINEWARD_FINGERPRINT_KEY"),
        };
        Run::of(command.output().expect("the program runs"))
    };
    let of = |run: Run| run.exits(0).findings()[0]["fingerprint"].clone();
    let own = of(with(&[], None));
    assert_eq!(own, of(with(&[], None)), "the user's own key is made once");
    let key_file = place.path("config/lineward/fingerprint.key");
    let content = fs::read_to_string(&key_file).expect("the key");
    assert_eq!(content.trim_end().len(), 64);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(fs::metadata(&key_file).expect("the key").permissions().mode() & 0o777, 0o600);
    }
    assert_eq!(own, of(with(&[], Some(content.trim()))), "a key is the same in a file and in the environment");
    assert_ne!(own, of(with(&["--fingerprint-key-file", "key"], None)));
    with(&["--fingerprint-key-file", "short"], None)
        .exits(2)
        .complains("in `short`: fingerprint key: 5 bytes are too few");
    let run = with(&[], Some("tiny")).exits(2).complains("`LINEWARD_FINGERPRINT_KEY`: fingerprint key: 4 bytes");
    assert!(!run.stderr.contains("tiny"), "a key is not printed");
    let asked = |key: Option<&str>, keyring: &str| {
        let mut command = place.command(&["scan", "a.txt"]);
        command.env("LINEWARD_FINGERPRINT_KEY_COMMAND", keyring);
        match key {
            Some(key) => command.env("LINEWARD_FINGERPRINT_KEY", key),
            None => command.env_remove("LINEWARD_FINGERPRINT_KEY"),
        };
        Run::of(command.output().expect("the program runs"))
    };
    place.write("kept", "fedcba98765432100123456789abcdef\n");
    let by_file = of(with(&["--fingerprint-key-file", "kept"], None));
    assert_eq!(of(asked(None, "cat kept")), by_file);
    asked(None, "cat missing").exits(2).complains("`LINEWARD_FINGERPRINT_KEY_COMMAND`: `cat` gave no key");
    asked(Some("a key of the environment"), "cat kept").exits(2).complains("unset one of them");

    fs::remove_dir_all(place.path("config")).expect("removed");
    place.write("config", "a file where the folder should be");
    with(&[], None).exits(0).complains("the fingerprints of this run cannot be compared");
}

// The lists.

#[test]
fn detectors_are_listed() {
    let place = Place::new();
    let all = place.run(&["detectors", "--json"]).exits(0).silent().findings();
    assert!(all.len() >= 80);
    for detector in &all {
        for key in ["id", "title", "entity", "categories", "country", "provider", "trigger", "checked_by"] {
            assert!(detector.get(key).is_some(), "{key} of {}", detector["id"]);
        }
    }
    let lines = place.run(&["detectors"]).exits(0).silent().stdout;
    assert_eq!(lines.lines().count(), all.len());
    let phi = place.run(&["detectors", "--json", "--categories", "phi"]).exits(0).findings();
    assert!(!phi.is_empty() && phi.len() < all.len());
    assert_eq!(place.run(&["detectors", "--detectors", "us-ssn"]).exits(0).stdout.lines().count(), 1);
}

#[test]
fn validators_are_listed() {
    let place = Place::new();
    let array: Value = serde_json::from_str(&place.run(&["validators", "--json"]).exits(0).stdout).expect("JSON");
    let array = array.as_array().expect("one array");
    assert!(array.iter().any(|v| v["name"] == "es.dni" && v["country"] == "es" && v["title"].is_string()));
    assert!(array.iter().any(|v| v["name"] == "luhn" && v["country"].is_null()));
    assert_eq!(place.run(&["validators"]).exits(0).stdout.lines().count(), array.len());
}

#[test]
fn verdicts() {
    let place = Place::new();
    assert_eq!(place.run(&["validate", "luhn", "4079463617430119"]).exits(0).silent().stdout, "valid\n");
    assert_eq!(
        place.run(&["validate", "luhn", "4079463617430119", "4012888888881882"]).exits(1).stdout,
        "valid\ninvalid\n"
    );
    let lines = place.run_with_input(&["validate", "luhn"], b"4079463617430119\r\n\n\xff\n4079463617430119").exits(1);
    assert_eq!(lines.stdout, "valid\ninvalid\ninvalid\nvalid\n");
    assert_eq!(place.run_with_input(&["validate", "luhn"], b"").exits(0).stdout, "");
}

#[test]
fn completions_name_the_commands() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = Place::new().run(&["completions", shell]).exits(0).silent().stdout;
        assert!(script.contains("validators") && script.contains("min-confidence"), "{shell}");
    }
}

/// A Parquet file of notes, every seventh with an address, in row groups of 10,000.
fn parquet_rows(count: usize) -> Vec<u8> {
    use arrow::array::{ArrayRef, RecordBatch, StringArray};
    let text = |n: usize| match n % 7 {
        0 => format!("person{n}@hospital-north.org"),
        _ => format!("note {n}, nothing here"),
    };
    let column: ArrayRef = std::sync::Arc::new(StringArray::from_iter_values((0..count).map(text)));
    let records = RecordBatch::try_from_iter([("note", column)]).expect("columns fit");
    let properties = parquet::file::properties::WriterProperties::builder();
    let properties = properties.set_max_row_group_row_count(Some(10_000)).build();
    let schema = records.schema();
    let mut out = parquet::arrow::ArrowWriter::try_new(Vec::new(), schema, Some(properties)).expect("a writer");
    out.write(&records).expect("in memory");
    out.into_inner().expect("in memory")
}

fn tar_of(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut tar = Vec::new();
    for (name, content) in members {
        let mut header = [0u8; 512];
        header[..name.len()].copy_from_slice(name.as_bytes());
        header[124..135].copy_from_slice(format!("{:011o}", content.len()).as_bytes());
        header[148..156].fill(b' ');
        header[156] = b'0';
        header[257..263].copy_from_slice(b"ustar\0");
        let sum: u32 = header.iter().map(|b| u32::from(*b)).sum();
        header[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
        tar.extend_from_slice(&header);
        tar.extend_from_slice(content);
        tar.resize(tar.len().next_multiple_of(512), 0);
    }
    tar.resize(tar.len() + 1024, 0);
    tar
}

#[test]
fn members_of_archives_are_named_behind_the_archive() {
    let place = Place::new();
    let records = format!("{{\"x\":\"{}\"}}\n", ssn_line().trim());
    let tar = tar_of(&[("a/notes.txt", ssn_line().as_bytes()), ("../out.jsonl", records.as_bytes())]);
    place.write("shard.tar", &tar);
    let run = place.run(&["scan", "shard.tar", "--report", "jsonl"]);
    let findings: Vec<Value> = run.stdout.lines().map(|l| serde_json::from_str(l).expect("JSON")).collect();
    let at = |n: usize| (findings[n]["path"].as_str().expect("a path"), findings[n]["row"].as_u64());
    assert_eq!(findings.len(), 2, "{}", run.stdout);
    assert_eq!((at(0), at(1)), (("shard.tar!a/notes.txt", None), ("shard.tar!../out.jsonl", Some(0))));
    // A name that leads out is a problem of the file, and the exit code says so.
    assert_eq!(run.code, Some(2));
    assert!(run.stderr.contains("leads out of the archive"), "{}", run.stderr);
    // Cut: what was read stands.
    place.write("cut.tar", &tar[..700]);
    let cut = place.run(&["scan", "cut.tar"]);
    assert_eq!((cut.code, cut.stderr.contains("truncated")), (Some(2), true), "{}", cut.stderr);
}

#[test]
fn a_sample_says_so() {
    let place = Place::new();
    place.write("a.jsonl", format!("{{\"x\":\"{}\"}}\n", ssn_line().trim()).repeat(500));
    let run = place.run(&["scan", "a.jsonl", "--sample", "100", "--report", "json"]);
    let report: Value = serde_json::from_str(&run.stdout).expect("JSON");
    assert_eq!(report["findings"].as_array().map(Vec::len), Some(100));
    assert_eq!(
        report["scan"]["sample"],
        "a sample: the first 100 records of each file; what comes after was not looked at"
    );
    assert_eq!(report["files"][0]["coverage"], Value::Null);
    assert!(run.stderr.contains("note: a sample"), "{}", run.stderr);
    let summary = place.run(&["scan", "a.jsonl", "--sample", "20%", "--report", "summary"]);
    assert!(summary.stdout.contains("a sample: 20% of records"), "{}", summary.stdout);
    let report = |form| place.run(&["scan", "a.jsonl", "--sample", "100", "--report", form]).exits(0).stdout;
    let told = "a sample: the first 100 records of each file; what comes after was not looked at";
    assert!(report("html").contains(&format!("This is {told}.")));
    let sarif: Value = serde_json::from_str(&report("sarif")).expect("JSON");
    assert_eq!(sarif["runs"][0]["properties"]["sample"], told);
    assert!(report("junit").contains(&format!("<property name=\"sample\" value=\"{told}\"/>")));
    place.run(&["scan", "a.jsonl", "--sample", "100", "--report", "parquet", "--output", "a.parquet"]).exits(0);
    let bytes = fs::read(place.path("a.parquet")).expect("a report");
    assert!(
        bytes.windows(15).any(|w| w == b"lineward.sample") && bytes.windows(told.len()).any(|w| w == told.as_bytes())
    );
    for wrong in ["0", "0%", "101%", "-1", "x"] {
        let run = place.run(&["scan", "a.jsonl", &format!("--sample={wrong}")]);
        assert_eq!((run.code, run.stdout.is_empty()), (Some(2), true), "{wrong}");
    }
}

/// The most memory a program has held, in bytes; Linux keeps it.
#[cfg(target_os = "linux")]
fn peak_memory(child: &mut Child) -> u64 {
    let mut peak = 0;
    while child.try_wait().expect("the program runs").is_none() {
        let status = fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
        let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:")).unwrap_or_default();
        let kib: u64 = line.trim().trim_end_matches(" kB").parse().unwrap_or_default();
        peak = peak.max(kib * 1024);
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    peak
}

#[cfg(target_os = "linux")]
#[test]
fn a_memory_limit_holds() {
    let place = Place::new();
    place.write("long.jsonl", format!("{{\"x\":\"{}\"}}\n", "word ".repeat(14_000_000)));
    place.write("dense.txt", ssn_line().repeat(300_000));
    place.write("document.json", format!("[{}1]", "{\"x\":\"some text to hold\"},".repeat(2_500_000)));
    place.write("rows.parquet", parquet_rows(500_000));
    let arguments =
        ["scan", ".", "--memory-limit", "256MB", "--jobs", "8", "--report", "jsonl", "--output", "out.jsonl"];
    let mut child =
        place.command(&arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the program runs");
    let peak = peak_memory(&mut child);
    assert!(peak > 20_000_000 && peak <= 256_000_000, "{peak} bytes");
    let found = fs::read_to_string(place.path("out.jsonl")).expect("a report").lines().count();
    assert!(found >= 300_000 + 71_000, "{found}");
    let run = place.run(&["scan", ".", "--memory-limit", "10MB"]);
    assert_eq!((run.code, run.stderr.contains("too low")), (Some(2), true), "{}", run.stderr);
}

#[test]
fn a_cleaned_copy_holds_no_value() {
    let place = Place::new();
    place.write(
        "a.jsonl",
        format!("{{\"id\":1,\"note\":\"SSN {SSN}\",\"pan\":\"{CARD}\"}}\n{{\"id\":2,\"note\":\"fine\"}}\n"),
    );
    for mode in ["mask", "hash", "drop", "surrogate"] {
        let run = place.run(&["redact", "a.jsonl", "-o", "clean.jsonl", "--mode", mode]).exits(0).silent();
        let report: Value = serde_json::from_str(&run.stdout).expect("a report");
        assert_eq!(report["left_count"], 0);
        assert!(report["replaced"].as_array().is_some_and(|r| r.len() == 2), "{report}");
        clean(mode, run.stdout.as_bytes());
        let copy = fs::read(place.path("clean.jsonl")).expect("a copy");
        clean(mode, &copy);
        assert!(String::from_utf8_lossy(&copy).contains("{\"id\":2,\"note\":\"fine\"}"), "{mode}");
    }
    place.run(&["redact", "a.jsonl", "-o", "a.jsonl"]).exits(2).complains("written over itself");
    place.run(&["redact", "gone.jsonl", "-o", "b.jsonl"]).exits(2).complains("gone.jsonl");
    place.run(&["redact", "nope", "-o", "b.jsonl"]).exits(2).complains("cannot read `nope`: it does not exist");
    place.run(&["redact", "a.jsonl", "-o", "b.jsonl", "--memory-limit", "10MB"]).exits(2).complains("too low");
    assert!(!place.path("b.jsonl").exists());
}

#[test]
fn an_empty_file_has_an_empty_copy() {
    let place = Place::new();
    place.write("empty.jsonl", "");
    place.run(&["redact", "empty.jsonl", "-o", "e.jsonl"]).exits(0);
    assert_eq!(fs::read(place.path("e.jsonl")).expect("a copy"), b"");
}

#[test]
fn rules_of_the_user_are_checked_tested_and_used() {
    let place = Place::new();
    let rule = "- id: badge\n  title: Badge\n  entity: BADGE\n  categories: [pii]\n  keywords: [badge]\n  \
                find: '(?i:badge) ([A-Z]{2}\\d{4})\\b'\n  score: 0.7\n  match: ['his badge «QX4711» was found']\n  \
                no_match: [{ text: 'badge 12', why: too short }]\n";
    place.write("own.yaml", rule);
    place.write("bad.yaml", rule.replace("«QX4711»", "«QX4712» and"));
    place.write("slow.yaml", rule.replace("[A-Z]{2}", "(?:[A-Za-z0-9_]{1,2000}){1,2000}"));
    place.write("a.txt", "badge ZZ9999 and so on");
    assert!(place.run(&["rules", "check", "own.yaml"]).exits(0).silent().stdout.starts_with("ok "));
    assert!(place.run(&["rules", "test", "own.yaml"]).exits(0).silent().stdout.contains("2 examples"));
    place.write("bad.yaml", rule.replace("«QX4711»", "QX«4711»"));
    assert!(
        place.run(&["rules", "test", "bad.yaml"]).exits(1).stdout.contains("`match` 1: the marked span is not found")
    );
    place.run(&["rules", "check", "slow.yaml"]).exits(1).complains("rule `badge` in slow.yaml");
    place.run(&["rules", "check", "gone.yaml"]).exits(2).complains("gone.yaml");
    // What is slow on any text is told soon, and stopped when it is used.
    let worst = "- { id: worst, title: t, entity: WORST, categories: [pii], slow: true, window: 16384, score: 0.9, find: \
                 '[a-z ]*[a-m][a-z ]{60}!' }\n";
    place.write("worst.yaml", worst);
    let words: String = (0..40_000u64).map(|n| format!("{:x} ", n.wrapping_mul(0x9e37_79b9_7f4a_7c15))).collect();
    place.write("long.txt", words.replace(|c: char| c.is_ascii_digit(), "u"));
    let checked = place.run(&["rules", "check", "worst.yaml"]).exits(0).stdout;
    assert!(checked.contains("warning  worst: `window` is 16384") && checked.contains("is scanned at "), "{checked}");
    let scanned = place.run(&["scan", "long.txt", "--rules", "worst.yaml"]).exits(2);
    scanned.complains("problem: long.txt: the file: the rule `worst` was stopped before its end");
    // Beside the built-in rules, and beside each other, as a scan has them.
    place.write("taken.yaml", rule.replace("id: badge", "id: us-ssn"));
    place.run(&["rules", "check", "taken.yaml"]).exits(1).complains("us-ssn");
    place.run(&["rules", "check", "own.yaml", "own.yaml"]).exits(1).complains("badge");
    let found = place.run(&["scan", "a.txt", "--rules", "own.yaml", "--detectors", "badge"]).exits(0);
    assert_eq!(found.detectors(), ["badge"]);
}

#[test]
fn junit_and_index_tell_where() {
    let place = Place::new();
    place.write("a.txt", ssn_line());
    place.write("b.txt", "nothing here");
    let run = place.run(&["scan", "a.txt", "b.txt", "--report", "junit", "--index", "index.parquet"]).exits(0).silent();
    clean("junit", run.stdout.as_bytes());
    for part in [
        "tests=\"2\" failures=\"1\" errors=\"0\"",
        "name=\"b.txt\"/>",
        "<failure message=\"1 finding\">line 1, bytes 5 to 16: us-ssn",
    ] {
        assert!(run.stdout.contains(part), "{part}: {}", run.stdout);
    }
    // With a gate a file fails for what it names, and tells the rest.
    place.write("c.txt", format!("{}mail jane.roe@hospital-north.org, password: {TOKEN}\n", ssn_line()));
    let report =
        |gate: &str| place.run(&["scan", "a.txt", "c.txt", "--report", "junit", "--fail-on", gate]).exits(1).stdout;
    let credentials = report("credential:high");
    clean("junit", credentials.as_bytes());
    for part in [
        "tests=\"2\" failures=\"1\" errors=\"0\"",
        "name=\"a.txt\">\n<system-out>line 1, bytes 5 to 16: us-ssn",
        "<failure message=\"1 finding\">line 2",
        "<system-out>line 1, bytes 5 to 16: us-ssn",
    ] {
        assert!(credentials.contains(part), "{part}: {credentials}");
    }
    assert_eq!(credentials.matches("<failure").count(), 1);
    assert!(report("pii,credential").contains("failures=\"2\""));
    place.write("d!e.txt", ssn_line());
    let named = place.run(&["scan", "d!e.txt", "--report", "junit", "--fail-on", "pii"]).exits(1).stdout;
    assert!(named.contains("failures=\"1\"") && named.contains("<failure message=\"1 finding\">"), "{named}");
    let none = ["scan", "a.txt", "--report", "junit", "--fail-on", "financial"];
    assert!(place.run(&none).exits(0).stdout.contains("failures=\"0\""));
    let index = fs::read(place.path("index.parquet")).expect("an index");
    clean("index", &index);
    let findings = place.run(&["scan", "a.txt"]).exits(0).findings();
    let text = parquet_text(index);
    let fingerprint = findings[0]["fingerprint"].as_str().expect("one");
    for value in [fingerprint, "a.txt", "us-ssn"] {
        assert!(text.contains(value), "{value}: {text}");
    }
    // Who has the key and a value, or a fingerprint, finds the places again.
    let asked = place.run(&["erasure", "--index", "index.parquet", fingerprint]).exits(0).silent().findings();
    assert_eq!(asked.len(), 1);
    for key in ["path", "row", "field", "detector", "entity", "fingerprint"] {
        assert_eq!(asked[0][key], findings[0][key], "{key}");
    }
    assert_eq!((&asked[0]["offset"], &asked[0]["bytes"]), (&findings[0]["start"], &serde_json::json!(SSN.len())));
    let other = fingerprint.replace(['0', '1', '2', '3'], "4");
    assert_eq!(place.run(&["erasure", "--index", "index.parquet", &other]).exits(0).stdout, "");
    place.write("rows.parquet", parquet_rows(10));
    place.run(&["erasure", "--index", "rows.parquet", fingerprint]).exits(2).complains("it is no index");
    place.run(&["erasure", "--index", "gone.parquet", fingerprint]).exits(2).complains("gone.parquet");
}

#[test]
fn a_first_line_that_is_a_record_is_scanned_and_not_told() {
    let place = Place::new();
    place.write("a.csv", format!("Jane Roe,{SSN}\nJohn Doe,536-22-8727\n"));
    let run = place.run(&["scan", "a.csv", "--ner", "off"]).exits(0).silent();
    let fields: Vec<Value> = run.findings().iter().map(|f| f["field"].clone()).collect();
    assert_eq!(fields, ["column_1", "column_1"]);
    clean("the report", run.stdout.as_bytes());
    let told = place.run(&["scan", "a.csv", "--ner", "off", "--header", "yes"]).exits(0).findings();
    assert_eq!((told.len(), &told[0]["row"]), (1, &serde_json::json!(0)));
    place.run(&["redact", "a.csv", "-o", "b.csv", "--header", "no"]).exits(0);
    clean("the copy", &fs::read(place.path("b.csv")).expect("a copy"));
}

#[cfg(unix)]
#[test]
fn links_that_are_not_followed_are_told() {
    let place = Place::new();
    place.write("d/a.txt", "nothing here");
    std::os::unix::fs::symlink("a.txt", place.path("d/b.txt")).expect("linked");
    std::os::unix::fs::symlink("gone", place.path("d/c.txt")).expect("linked");
    let run = place.run(&["scan", "d"]).exits(0);
    assert_eq!(
        run.stderr.trim_end(),
        "lineward: note: 2 symbolic links in folders not followed (the first is `d/b.txt`), 1 of them broken; \
         name what they point to to scan it"
    );
}

#[test]
fn problems_that_are_not_listed_are_counted() {
    let place = Place::new();
    place.write("a.jsonl", "{broken\n".repeat(150));
    let run = place.run(&["scan", "a.jsonl"]).exits(2).complains("and 130 more");
    assert_eq!(run.stderr.lines().count(), 21);
    assert!(place.run(&["scan", "a.jsonl", "--report", "summary"]).exits(2).stdout.contains("150 problems"));
}

#[test]
fn the_verdict_on_a_column_decides_what_it_fails_on() {
    // Numbers of 16 digits of which about one in ten passes as a card's.
    let passes = |number: &str| {
        let twice = |at: usize, d: u32| if at % 2 == 1 { d * 2 / 10 + d * 2 % 10 } else { d };
        number.bytes().rev().enumerate().map(|(at, b)| twice(at, u32::from(b - b'0'))).sum::<u32>() % 10 == 0
    };
    let numbers: Vec<String> = (0..3_000u64).map(|n| format!("453201{:010}", n * 7_654_321 % 10_000_000_000)).collect();
    let place = Place::new();
    place.write("orders.csv", format!("order_no\n{}\n", numbers.join("\n")));
    let run = place.run(&["scan", "orders.csv", "--fail-on", "financial"]).exits(0);
    assert!(!run.stdout.contains("CREDIT_CARD"));
    let low = place.run(&["scan", "orders.csv", "--min-confidence", "low", "--fail-on", "financial"]).exits(0);
    let cards = low.findings().iter().filter(|f| f["entity"] == "CREDIT_CARD" && f["confidence"] == "low").count();
    assert!((200..400).contains(&cards), "{cards}");
    let summary = place.run(&["scan", "orders.csv", "--report", "summary"]).exits(0).stdout;
    assert!(summary.contains("no findings"), "{summary}");
    let cards: Vec<String> = numbers.into_iter().filter(|n| passes(n)).collect();
    place.write("v.csv", format!("v\n{}\n0\n", cards.join("\n")));
    let run = place.run(&["scan", "v.csv", "--fail-on", "financial:high"]).exits(1);
    assert_eq!(run.findings().iter().filter(|f| f["confidence"] == "high").count(), cards.len());
}

#[test]
fn columns_are_told_as_a_whole() {
    let place = Place::new();
    let rows: String = (0..60).map(|n| format!("{n},536-22-{:04}\n", 1_000 + n)).collect();
    place.write("a.csv", format!("n,ssn\n{rows}"));
    let summary = place.run(&["scan", "a.csv", "--report", "summary"]).exits(0).stdout;
    assert!(summary.contains("a.csv: ssn  a column of US_SSN"), "{summary}");
    let html = place.run(&["scan", "a.csv", "--report", "html"]).exits(0).stdout;
    assert!(html.contains("a column of US_SSN") && html.contains("100.00%"), "{html}");
    let json: Value =
        serde_json::from_str(&place.run(&["scan", "a.csv", "--report", "json"]).exits(0).stdout).expect("JSON");
    let field = &json["files"][0]["fields"][0];
    assert_eq!(
        (&field["verdict"], &field["value_count"], &field["matched_values"]),
        (&"column".into(), &60.into(), &60.into())
    );
    place.run(&["scan", "a.csv", "--report", "parquet", "--output", "a.parquet"]).exits(0);
    let bytes = fs::read(place.path("a.parquet")).expect("a report");
    assert!(bytes.windows(16).any(|w| w == b"lineward.columns"), "profiles are in the metadata");
}

/// The blocks of a section of the README.
fn readme_blocks(section: &str) -> Vec<String> {
    let readme = fs::read_to_string("../README.md").expect("the README");
    let text = readme.split("\n## ").find(|part| part.starts_with(section)).expect("the section");
    text.split("```").skip(1).step_by(2).map(str::to_owned).collect()
}

/// Whether the lines of a block are in an output, in order; `...` stands for any.
fn assert_shows(output: &str, block: &str) {
    let mut rest = output.lines().map(str::trim_end);
    let mut skips = true;
    for line in block.lines().map(str::trim_end).filter(|line| !line.is_empty()) {
        if line == "..." {
            skips = true;
            continue;
        }
        let mut next = rest.by_ref().filter(|shown| !shown.is_empty());
        let found = if skips { next.find(|shown| *shown == line) } else { next.next() };
        assert_eq!(found, Some(line), "the README shows what the program does not print:\n{output}");
        skips = false;
    }
}

#[test]
fn the_tour_of_the_readme_is_what_the_demo_prints() {
    let place = Place::new();
    let demo = place.run(&["demo", "--dir", "demo"]).exits(0);
    let blocks = readme_blocks("A tour of 60 seconds");
    assert_eq!(blocks.len(), 3);
    blocks.iter().for_each(|block| assert_shows(&demo.stdout, block));
    let asked = readme_blocks("Ask\n");
    let (command, answer) = asked[0].split_once("\"\n").expect("a command and its answer");
    let query = command.split_once('"').expect("a query").1;
    let shown = place.run(&["sql", "--store", "demo/store", "--format", "table", query]);
    assert_shows(&shown.stdout, answer);
}

#[test]
fn nothing_known_of_a_tag_is_not_nothing() {
    let place = Place::new();
    place.write(
        "events.ndjson",
        r#"{"eventTime":"2026-01-01T00:00:00Z","eventType":"COMPLETE","producer":"test","run":{"runId":"r"},"job":{"namespace":"jobs","name":"train"},"outputs":[{"namespace":"mlflow://prod","name":"m"}]}"#,
    );
    place.run(&["ingest", "--store", "store", "events.ndjson"]).exits(0);
    for format in ["table", "jsonl"] {
        let asked = place.run(&["trained-on", "FINANCIAL", "--store", "store", "--format", format]).exits(0);
        assert!(asked.stdout.contains("models_unknown: 1 model version is made from what nobody knows"), "{format}");
        assert!(!asked.stdout.contains("nothing is unknown"), "{}", asked.stdout);
        asked.complains("the answer is not complete; `gap_reason` says why");
    }
}

#[test]
fn a_file_of_which_nothing_is_understood_is_told() {
    let place = Place::new();
    place.write("sheet.csv", "name,age\nann,36\n");
    place.write("other.jsonl", "{\"what\": \"is this\"}\n");
    for (file, code) in [("sheet.csv", 2), ("other.jsonl", 0)] {
        let run = place.run(&["ingest", "--store", "store", file]).exits(code);
        run.complains("nothing of it was understood");
        place.run(&["ingest", "--store", "store", file]).exits(0);
    }
    place.write(
        "mixed.jsonl",
        "no event\n{\"eventTime\":\"2026-01-01T00:00:00Z\",\"eventType\":\"COMPLETE\",\"producer\":\"test\",\
         \"run\":{\"runId\":\"r\"},\"job\":{\"namespace\":\"jobs\",\"name\":\"train\"}}\n",
    );
    let mixed = place.run(&["ingest", "--store", "store", "mixed.jsonl"]).exits(2);
    assert_eq!(
        mixed.stderr,
        "lineward: problem: mixed.jsonl: line 1: it is not JSON (line 1 column 2); it is noted in `dead_letters`\n"
    );
    place.run(&["ingest", "--store", "store", "--json", "/dev/null"]).exits(0);
    place.write("many.jsonl", format!("{CARD}\n").repeat(50));
    let many = place.run(&["ingest", "--store", "store", "many.jsonl"]).exits(2);
    assert_eq!(many.stderr.lines().filter(|line| line.starts_with("lineward: problem: many.jsonl: line ")).count(), 20);
    assert!(many.stderr.contains("problem: 30 more dead letters") && !many.stderr.contains(CARD), "{}", many.stderr);
}

#[test]
fn long_statements_are_answers_or_errors() {
    let place = Place::new();
    place.run(&["ingest", "--store", "store", "/dev/null"]).exits(0);
    let chain = |text: &str, between: &str, count: usize| vec![text; count].join(between);
    for long in [chain("1", " + ", 2_000), chain("1 = 2", " OR ", 2_000)] {
        let run = place.run(&["sql", "--store", "store", &format!("SELECT {long}")]).exits(2);
        run.complains("a chain of more than 800 operators");
    }
    let run = place.run(&["sql", "--store", "store", &format!("SELECT {} AS n", chain("1", " + ", 790))]).exits(0);
    assert_eq!(run.stdout, "{\"n\":790}\n");
    let join =
        "SELECT count(*) FROM generate_series(1, 3000000) AS a(v) JOIN generate_series(1, 3000000) AS b(v) USING (v)";
    let run = place.run(&["sql", "--store", "store", "--memory-limit", "4MB", join]).exits(2);
    run.complains("Resources exhausted");
}

/// One side of a union is enough for the limit while the other still loads the graph.
#[test]
fn a_limit_that_is_met_early_ends_in_silence() {
    let place = Place::new();
    place.run(&["demo", "--dir", "demo"]).exits(0);
    for _ in 0..3 {
        for limit in ["LIMIT 1", "LIMIT 0"] {
            let query = format!("SELECT gap FROM (SELECT 'x' AS gap UNION ALL SELECT gap FROM lineage_gaps) {limit}");
            place.run(&["sql", "--store", "demo/store", &query]).exits(0).silent();
        }
    }
}

#[test]
fn a_diff_as_of_a_time_compares_with_that_time() {
    let place = Place::new();
    let job = |day: u32, input: &str| {
        format!(
            r#"{{"eventTime":"2026-01-{day:02}T00:00:00Z","producer":"test","schemaURL":"https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/JobEvent","job":{{"namespace":"jobs","name":"etl"}},"inputs":[{{"namespace":"s3://lake","name":"{input}"}}],"outputs":[{{"namespace":"s3://lake","name":"out"}}]}}"#
        )
    };
    place.write("events.ndjson", format!("{}\n{}\n", job(3, "a"), job(6, "b")));
    place.run(&["ingest", "--store", "store", "events.ndjson"]).exits(0);
    let diff = |more: &[&str]| {
        let arguments =
            [&["diff", "out", "--store", "store", "--from", "2026-01-04", "--format", "jsonl"], more].concat();
        place.run(&arguments).code.expect("a code")
    };
    assert_eq!((diff(&["--as-of", "2026-01-05"]), diff(&["--as-of", "2026-01-07"]), diff(&[])), (0, 1, 1));
    assert_eq!(diff(&["--as-of", "2026-01-07", "--to", "2026-01-05"]), 2);
}
