//! The harness that tests every rule on its own examples: no Rust is written for a new rule.
//!
//! What is tested of one rule is in `rule_test.rs`, which users' own rules go through as well. For each rule: its expressions compile; each example gives a finding of exactly the marked span, by this rule, alone
//! and with the whole set; the same in a field of a record and when the text stands between other values; no finding by
//! this rule for a counter-example; examples of both kinds exist.

mod hipaa;
mod languages;
mod page;

use crate::rule_test::{self, parts, scan, unmark};
use crate::{Engine, RuleSet};
use std::sync::Arc;

/// The rule files: name and text.
fn files() -> Vec<(String, String)> {
    let folder = std::path::Path::new("rules");
    let built_in = RuleSet::built_in().expect("built-in rules compile");
    let mut names: Vec<String> = built_in.iter().map(|(_, r)| r.file.clone()).collect();
    names.dedup();
    let read = |name: String| (name.clone(), std::fs::read_to_string(folder.join(name)).expect("a rule file"));
    names.into_iter().map(read).collect()
}

/// The built-in rules with their examples, as the files say them.
pub(crate) fn with_examples() -> RuleSet {
    let texts = files();
    let set = RuleSet::from_files(texts.iter().map(|(n, t)| (n.as_str(), t.as_str()))).expect("rule files compile");
    let built_in = RuleSet::built_in().expect("built-in rules compile");
    assert_eq!(set.len(), built_in.len(), "the built-in rules are those of the files");
    set
}

#[test]
fn every_rule_passes_its_examples() {
    let mut failures = Vec::new();
    for (file, text) in files() {
        for tested in rule_test::test_file(&file, &text).expect("rule files compile") {
            failures.extend(tested.failures.iter().map(|what| format!("{}: {what}", tested.rule)));
        }
    }
    assert!(failures.is_empty(), "{} failures:\n{}", failures.len(), failures.join("\n"));
}

#[test]
fn every_example_is_found_by_the_whole_set() {
    let engine = Engine::new(Arc::new(with_examples())).expect("engine");
    let rules = engine.rules().clone();
    let mut failures = Vec::new();
    for (_, rule) in rules.iter() {
        for positive in &rule.positives {
            let (field, marked) = parts(positive);
            let Some((text, start, end)) = unmark(marked) else { continue };
            // Another rule may win the span, but something must be found there.
            if !scan(&engine, field, &[&text]).expect("scan").iter().any(|m| m.start < end && start < m.end) {
                failures.push(format!("{}: nothing found in {:?}", rule.id, marked));
            }
        }
    }
    assert!(failures.is_empty(), "{} failures:\n{}", failures.len(), failures.join("\n"));
}

/// Rules of credentials whose value stands right behind a character of a token that is not of the value.
const BEHIND_A_TOKEN: &[&str] = &[
    // `/bot` of the path stands right before it.
    "telegram-bot-url",
    // `0x` says how the number is written.
    "ethereum-private-key",
];

#[test]
fn the_value_of_a_credential_is_the_whole_token() {
    // What begins inside a token leaves its first characters in a clean copy.
    let joins = |b: u8| b.is_ascii_alphanumeric() || b"_+~".contains(&b);
    let mut failures = Vec::new();
    for (_, rule) in with_examples().iter().filter(|(_, r)| r.categories.contains(&crate::Category::Credential)) {
        for positive in rule.positives.iter().filter(|_| !BEHIND_A_TOKEN.contains(&&*rule.id)) {
            let Some((text, start, end)) = unmark(parts(positive).1) else { continue };
            let (before, behind) = (start.checked_sub(1).map(|at| text.as_bytes()[at]), text.as_bytes().get(end));
            if before.is_some_and(joins) && joins(text.as_bytes()[start]) {
                failures.push(format!("{}: begins inside a token: {}", rule.id, &text[..start]));
            }
            if behind.is_some_and(|b| joins(*b)) && joins(text.as_bytes()[end - 1]) {
                failures.push(format!("{}: ends inside a token: {}", rule.id, &text[end..]));
            }
        }
    }
    assert!(failures.is_empty(), "{} failures:\n{}", failures.len(), failures.join("\n"));
}

/// Rules outside `national.yaml` for identifiers that people write in small letters too.
const OTHER_IDENTIFIERS: &[&str] = &[
    "ca-health-card",
    "creditor-reference",
    "cusip",
    "de-kvnr",
    "driver-license",
    "figi",
    "health-plan-number",
    "iban",
    "iban-labelled",
    "in-ifsc",
    "in-pan-labelled",
    "isin",
    "lei",
    "meid",
    "medical-licence",
    "medical-record-number",
    "national-id-labelled",
    "nz-nhi",
    "passport-mrz",
    "passport-number",
    "sedol",
    "sepa-creditor-identifier",
    "swift-bic",
    "tax-number-labelled",
    "us-dea",
    "us-mbi",
    "vehicle-vin",
    "vehicle-vin-unchecked",
    "voter-number",
    "wkn",
];
/// Of those, rules that find some of their examples in capitals only. What they find in small letters is in their examples.
const CAPITALS_ONLY: &[&str] = &[
    // `HRB` behind the name of a court, which is told by its capital.
    "de-handelsregister",
    // Without `<` behind the first letter the line begins like a word.
    "passport-mrz",
    // The number by its form alone, without a word that says what it is.
    "uk-nino",
];

#[test]
fn identifiers_are_found_in_small_letters() {
    let engine = Engine::new(Arc::new(with_examples())).expect("engine");
    let rules = engine.rules().clone();
    let is_meant = |r: &crate::rule::Rule| {
        (r.file == "national.yaml" || OTHER_IDENTIFIERS.contains(&&*r.id)) && !CAPITALS_ONLY.contains(&&*r.id)
    };
    let (mut failures, mut count) = (Vec::new(), 0);
    for (_, rule) in rules.iter().filter(|(_, r)| is_meant(r)) {
        for positive in &rule.positives {
            let (field, marked) = parts(positive);
            let Some((text, start, end)) = unmark(marked) else { continue };
            count += 1;
            let small = text.to_lowercase();
            assert_eq!(small.len(), text.len(), "{}: its places are those of the example", rule.id);
            let entities = |text: &str| -> Vec<&str> {
                let found = scan(&engine, field, &[text]).expect("scan");
                let here = found.iter().filter(|m| m.start < end && start < m.end);
                here.map(|m| &*rules.get(m.rule).entity).collect()
            };
            // Another entity may be the better one, as a country's own number.
            let expected = entities(&text);
            if !entities(&small).iter().any(|entity| *entity == rule.entity || expected.contains(entity)) {
                failures.push(format!("{}: {text:?}", rule.id));
            }
        }
    }
    assert!(failures.is_empty(), "{} of {count} fail:\n{}", failures.len(), failures.join("\n"));
}

#[test]
fn examples_fit_a_chunk_seam() {
    // The text reader's batches overlap: a text found whole is found when it lies across a seam.
    use std::io::Write as _;
    let engine = Engine::new(Arc::new(with_examples())).expect("engine");
    let rules = engine.rules().clone();
    let key = crate::FingerprintKey::new(&[3; 32]).expect("key");
    let format = Some(crate::readers::Format::Text);
    let options = crate::scan::ScanOptions { format, ..crate::scan::ScanOptions::new(key) };
    let example = rules.iter().find(|(_, r)| r.id == "github-token" || r.id.starts_with("private-key")).map(|(_, r)| r);
    let marked = example.and_then(|r| r.positives.first()).map(|p| parts(p).1.to_owned()).expect("an example");
    let (text, start, end) = unmark(&marked).expect("marked");
    for shift in [0usize, 1, 7, 20, 40, 60] {
        let mut file = tempfile::NamedTempFile::new().expect("file");
        let filler = (4 << 20) - 20_000 - shift;
        let line = b"nothing to see here, move along\n";
        let mut written = 0;
        while written < filler {
            let n = line.len().min(filler - written);
            file.write_all(&line[..n]).expect("write");
            written += n;
        }
        // Enough text around for the seam to fall anywhere near the value.
        for _ in 0..2 {
            file.write_all(b"\n").expect("write");
            file.write_all(text.as_bytes()).expect("write");
            file.write_all(&vec![b' '; 20_000 - text.len()]).expect("write");
        }
        file.flush().expect("flush");
        let inputs = crate::scan::inputs(&[file.path().to_path_buf()]);
        let mut sink = Collect::default();
        crate::scan::scan(&engine, &inputs, &options, &Default::default(), &mut sink).expect("scan");
        let at: Vec<(u64, u64)> = sink.findings.iter().map(|f| (f.start, f.end)).collect();
        let first = (written + 1 + start) as u64;
        let second = first + 20_001;
        let len = (end - start) as u64;
        assert_eq!(at, vec![(first, first + len), (second, second + len)], "shift {shift}");
    }
}

#[derive(Default)]
struct Collect {
    findings: Vec<crate::Finding>,
}

impl crate::scan::Sink for Collect {
    fn finding(&mut self, finding: crate::Finding) {
        self.findings.push(finding);
    }

    fn file(&mut self, _: crate::scan::FileReport) {}
}
