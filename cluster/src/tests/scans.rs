//! Scans here and on a cluster, with executors that are lost in the middle.

use super::{InProcess, identity, key};
use crate::{Error, RuleChoice, ScanOrder, Site, scan};
use lineward_classifiers::scan::{FileReport, Progress, ScanOptions, Sink, inputs};
use lineward_classifiers::{Category, Engine, Finding, FingerprintKey};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;

/// What a scan says, as its JSON lines do.
#[derive(Default, PartialEq)]
struct Collect {
    findings: String,
    files: Vec<FileReport>,
}

impl Sink for Collect {
    fn finding(&mut self, finding: Finding) {
        self.findings.push_str(&serde_json::to_string(&finding).expect("JSON"));
        self.findings.push('\n');
    }

    fn file(&mut self, report: FileReport) {
        self.files.push(report);
    }
}

fn all_rules() -> RuleChoice {
    RuleChoice { detectors: Vec::new(), categories: Vec::new(), files: Vec::new() }
}

fn options() -> ScanOptions {
    ScanOptions::new(key().expect("a key"))
}

/// Lines of which every seventh holds an address.
fn lines(count: usize, line: impl Fn(usize, &str) -> String) -> String {
    let mut out = String::new();
    for n in 0..count {
        let what = if n % 7 == 0 { format!("write to person{n}@hospital-north.org") } else { "nothing here".into() };
        writeln!(out, "{}", line(n, &what)).expect("in memory");
    }
    out
}

/// Files that are cut, that are not, that cannot be read, and that say nothing.
fn corpus(folder: &Path, count: usize) {
    let text = lines(count, |n, what| format!("line {n}: {what}, and so on to the end of it"));
    let json = lines(count, |n, what| format!("{{\"id\":{n},\"messages\":[{{\"content\":\"{what}, and so on\"}}]}}"));
    for (name, content) in [
        ("a.txt", "to first@hospital-north.org".as_bytes()),
        ("b.txt", text.as_bytes()),
        ("c.json", br#"{"ssn":"536-22-8726","x":"second@hospital-north.org"}"#),
        ("d.jsonl", format!("{{broken\n\n{json}").as_bytes()),
        ("e/f.csv", b"mail,n\nthird@hospital-north.org,1\n"),
        ("g.bin", &[0, 159, 146, 150].repeat(100)),
        ("h.empty", b""),
        ("i.md", b"Dr. Maria Huber, born 4 May 1961, write to maria.huber@hospital-north.org"),
    ] {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(path, content).expect("written");
    }
}

fn here(folder: &Path, rules: &RuleChoice, options: &ScanOptions) -> Collect {
    let engine = engine(rules);
    let mut sink = Collect::default();
    let inputs = inputs(&[folder.to_path_buf()]);
    lineward_classifiers::scan::scan(&engine, &inputs, options, &Progress::default(), &mut sink).expect("it scans");
    sink
}

fn engine(rules: &RuleChoice) -> Engine {
    Engine::new(Arc::new(rules.rules().expect("rules"))).expect("an engine")
}

fn there(
    cluster: &InProcess,
    folder: &Path,
    rules: &RuleChoice,
    options: &ScanOptions,
    progress: &Progress,
) -> Result<Collect, Error> {
    let engine = engine(rules);
    let inputs = inputs(&[folder.to_path_buf()]);
    let order =
        ScanOrder { engine: &engine, rules: rules.clone(), inputs: &inputs, options, group_bytes: Some(1 << 20) };
    let mut sink = Collect::default();
    scan(&cluster.cluster(), &order, progress, &mut sink)?;
    Ok(sink)
}

#[test]
fn a_scan_has_the_same_result_on_a_cluster() {
    let cluster = InProcess::new(2);
    let folder = tempfile::tempdir().expect("a folder");
    corpus(folder.path(), 60_000);
    let addresses = RuleChoice { categories: vec![Category::Pii], ..all_rules() };
    let hashed = ScanOptions { hash_content: true, ..options() };
    for (rules, options) in [(all_rules(), hashed), (addresses, options())] {
        let alone = here(folder.path(), &rules, &options);
        assert!(alone.findings.lines().count() > 17_000 && alone.files.len() == 8);
        let progress = Progress::default();
        let together = there(&cluster, folder.path(), &rules, &options, &progress).expect("it scans");
        assert!(together.findings == alone.findings, "findings differ");
        assert_eq!(together.files, alone.files);
        assert_eq!(progress.findings.load(Ordering::Relaxed), alone.findings.lines().count() as u64);
        assert!(progress.bytes.load(Ordering::Relaxed) > 1 << 20);
        assert!(cluster.is_clean(), "what was computed is there after it was fetched");
    }
}

#[test]
fn a_lost_executor_loses_and_doubles_nothing() {
    let mut cluster = InProcess::new(2);
    let folder = tempfile::tempdir().expect("a folder");
    corpus(folder.path(), 300_000);
    let alone = here(folder.path(), &all_rules(), &options());
    let together = thread::scope(|scope| {
        let lost = &mut cluster;
        let cluster = lost.cluster();
        let folder = folder.path();
        let scanning = scope.spawn(move || {
            let (rules, options) = (all_rules(), options());
            let (engine, inputs) = (engine(&rules), inputs(&[folder.to_path_buf()]));
            let order =
                ScanOrder { engine: &engine, rules, inputs: &inputs, options: &options, group_bytes: Some(1 << 20) };
            let mut sink = Collect::default();
            scan(&cluster, &order, &Progress::default(), &mut sink).map(|()| sink)
        });
        thread::sleep(Duration::from_millis(1_500));
        assert!(!scanning.is_finished(), "the scan is too short to lose an executor in its middle");
        lost.lose(0);
        scanning.join().expect("no panic").expect("it scans")
    });
    assert!(together.findings == alone.findings, "findings differ");
    assert_eq!(together.files, alone.files);
}

#[test]
fn a_scan_that_is_stopped_ends() {
    let cluster = InProcess::new(1);
    let folder = tempfile::tempdir().expect("a folder");
    corpus(folder.path(), 300_000);
    let progress = Progress::default();
    thread::scope(|scope| {
        let scanning = scope.spawn(|| there(&cluster, folder.path(), &all_rules(), &options(), &progress));
        thread::sleep(Duration::from_millis(500));
        progress.stop.store(true, Ordering::Relaxed);
        let told = scanning.join().expect("no panic").expect("it ends");
        assert!(told.files.len() < 8, "it was stopped before its end");
    });
}

#[test]
fn more_groups_than_a_job_has_are_several_jobs() {
    let cluster = InProcess::new(2);
    let folder = tempfile::tempdir().expect("a folder");
    for n in 0..600 {
        fs::write(folder.path().join(format!("{n:03}.txt")), format!("to person{n}@hospital-north.org"))
            .expect("written");
    }
    let (rules, options) = (RuleChoice { categories: vec![Category::Pii], ..all_rules() }, options());
    let alone = here(folder.path(), &rules, &options);
    assert_eq!(alone.findings.lines().count(), 600);
    let (engine, inputs) = (engine(&rules), inputs(&[folder.path().to_path_buf()]));
    let order = ScanOrder { engine: &engine, rules, inputs: &inputs, options: &options, group_bytes: Some(1) };
    let mut together = Collect::default();
    scan(&cluster.cluster(), &order, &Progress::default(), &mut together).expect("it scans");
    assert!(together == alone, "results differ");
}

#[cfg(unix)]
#[test]
fn a_file_name_need_not_be_text() {
    let cluster = InProcess::new(1);
    let folder = tempfile::tempdir().expect("a folder");
    let name: std::ffi::OsString = std::os::unix::ffi::OsStringExt::from_vec(b"caf\xe9.txt".to_vec());
    fs::write(folder.path().join(name), "to first@hospital-north.org").expect("written");
    let alone = here(folder.path(), &all_rules(), &options());
    let together = there(&cluster, folder.path(), &all_rules(), &options(), &Progress::default()).expect("it scans");
    assert!(together == alone && alone.findings.contains("caf\u{fffd}.txt"), "results differ");
}

#[test]
fn inputs_that_an_executor_cannot_see_are_problems_that_say_so() {
    let cluster = InProcess::new(1);
    let folder = tempfile::tempdir().expect("a folder");
    for name in ["a.txt", "b.txt", "c.txt"] {
        fs::write(folder.path().join(name), "to first@hospital-north.org").expect("written");
    }
    let (rules, options) = (all_rules(), ScanOptions { hash_content: true, ..options() });
    let engine = engine(&rules);
    let inputs = inputs(&[folder.path().to_path_buf()]);
    // As if only the machine that asks could see it, and as if it were another file there.
    fs::remove_file(folder.path().join("a.txt")).expect("removed");
    fs::write(folder.path().join("b.txt"), "longer than it was before it was written anew").expect("written");
    let order = ScanOrder { engine: &engine, rules, inputs: &inputs, options: &options, group_bytes: None };
    let mut told = Collect::default();
    scan(&cluster.cluster(), &order, &Progress::default(), &mut told).expect("the others are scanned");
    let problems: Vec<Vec<&str>> =
        told.files.iter().map(|file| file.problems.iter().map(|p| p.message.as_str()).collect()).collect();
    assert_eq!(problems.iter().map(Vec::len).collect::<Vec<_>>(), [1, 1, 0], "{problems:?}");
    assert!(problems[0][0].contains("is not there for an executor") && problems[0][0].contains("in a bucket"));
    assert!(problems[1][0].contains("another size"), "{problems:?}");
    assert_eq!(told.findings.lines().count(), 1, "of the one that is as it was");
}

#[test]
fn another_key_is_an_error_that_says_what_to_do() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("a.txt"), "to first@hospital-north.org").expect("written");
    let other = || FingerprintKey::new(&[8; 32]).map_err(|e| e.to_string());
    for (site, told) in [
        (Site::new(identity(), other), "an executor has the fingerprint key"),
        (Site::new(identity(), || Err("none".to_owned())), "an executor has no fingerprint key"),
    ] {
        let mut cluster = InProcess::new(0);
        cluster.join(site).expect("it joins");
        cluster.settle(1);
        let scanned = there(&cluster, folder.path(), &all_rules(), &options(), &Progress::default());
        let error = scanned.err().expect("refused").to_string();
        assert!(error.starts_with(told) && error.contains("`--fingerprint-key-file`"), "{error}");
    }
}
