//! What decoders leave at their limits is told in every form of report, and changes no exit code.

use super::{Place, SSN, Value, ssn_line};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// A text in base64 so many times.
fn nested(depth: usize) -> String {
    (0..depth).fold(format!("the number is here: {}", ssn_line()), |text, _| STANDARD.encode(text))
}

#[test]
fn what_is_nested_too_deep_is_counted() {
    let place = Place::new();
    place.write("deep.txt", format!("{}\n{}\n", nested(4), "plain words ".repeat(100)));
    place.write("flat.txt", format!("payload: {}\n", nested(1)));
    let told = "1 encoded part not looked into: 1 nested deeper than 3";
    let run = place.run(&["scan", "deep.txt", "flat.txt", "--report", "json", "--fail-on", "credential"]).exits(0);
    assert!(run.stderr.contains(&format!("note: {told}")), "{}", run.stderr);
    let report: Value = serde_json::from_str(&run.stdout).expect("JSON");
    let undecoded = |of: &Value| (of["undecoded"]["too_deep"].as_u64(), of["undecoded"]["too_large"].as_u64());
    assert_eq!(undecoded(&report["files"][0]), (Some(1), Some(0)));
    assert_eq!(undecoded(&report["files"][1]), (Some(0), Some(0)));
    assert_eq!(undecoded(&report["totals"]), (Some(1), Some(0)));
    assert_eq!(report["files"][0]["problems"].as_array().map(Vec::len), Some(0));
    assert_eq!(report["findings"].as_array().map(Vec::len), Some(1), "the flat one is found");

    let report = |form| place.run(&["scan", "deep.txt", "flat.txt", "--report", form]).exits(0).stdout;
    assert!(report("summary").contains(told), "{}", report("summary"));
    assert!(report("html").contains(told));
    assert!(report("junit").contains(&format!("<system-err>{told}</system-err>")), "{}", report("junit"));
    let sarif: Value = serde_json::from_str(&report("sarif")).expect("JSON");
    let invocation = &sarif["runs"][0]["invocations"][0];
    assert_eq!(invocation["executionSuccessful"], true);
    let notification = &invocation["toolExecutionNotifications"][0];
    assert_eq!((&notification["level"], &notification["message"]["text"]), (&"note".into(), &told.into()));
    assert!(place.run(&["scan", "flat.txt", "--report", "summary"]).stdout.contains("1 finding"));
    assert!(!place.run(&["scan", "flat.txt", "--report", "summary"]).stdout.contains("not looked into"));
}

#[test]
fn what_is_too_large_is_counted() {
    let place = Place::new();
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::copy(&mut std::io::Read::take(std::io::repeat(b'a'), 5 << 20), &mut packed).expect("in memory");
    std::io::Write::write_all(&mut packed, SSN.as_bytes()).expect("in memory");
    let packed = STANDARD.encode(packed.finish().expect("in memory"));
    place.write("a.jsonl", format!("{{\"body\":\"{packed}\"}}\n"));
    let told = "1 encoded part not looked into: 1 larger than is decoded";
    let run = place.run(&["scan", "a.jsonl"]).exits(0);
    assert!(run.stderr.contains(&format!("note: {told}")), "{}", run.stderr);
    // An incremental scan tells it again, though it does not read again.
    std::thread::sleep(std::time::Duration::from_millis(2_100));
    for _ in 0..2 {
        let kept = place.path("kept");
        let incremental = format!("--incremental={}", kept.display());
        let run = place.run(&["scan", "a.jsonl", &incremental]).exits(0);
        assert!(run.stderr.contains(&format!("note: {told}")), "{}", run.stderr);
    }
    // A cleaned copy says the same of itself.
    let run = place.run(&["redact", "a.jsonl", "--output", "b.jsonl"]).exits(0);
    assert!(run.stderr.contains(told), "{}", run.stderr);
    let report: Value = serde_json::from_str(&run.stdout).expect("JSON");
    assert_eq!(report["undecoded"]["too_large"], 1);
}
