//! A scan as a whole: the same result on any number of threads, samples, unchanged inputs, limits on memory.

use super::*;
use crate::RuleSet;
use std::fmt::Write as _;
use std::fs;
use std::sync::{LazyLock, Mutex};
use std::time::{Duration, SystemTime};

static ENGINE: LazyLock<Engine> =
    LazyLock::new(|| Engine::new(Arc::new(RuleSet::built_in().expect("rules"))).expect("engine"));

#[derive(Default, Debug, PartialEq)]
struct Collect {
    findings: Vec<Finding>,
    files: Vec<FileReport>,
}

impl Sink for Collect {
    fn finding(&mut self, finding: Finding) {
        self.findings.push(finding);
    }

    fn file(&mut self, report: FileReport) {
        self.files.push(report);
    }
}

fn options() -> ScanOptions {
    let key = FingerprintKey::new(&[5; 32]).expect("a key");
    ScanOptions { sketch_content: true, ..ScanOptions::new(key) }
}

fn scanned(folder: &Path, options: &ScanOptions) -> Collect {
    let mut sink = Collect::default();
    scan(&ENGINE, &inputs(&[folder.to_path_buf()]), options, &Progress::default(), &mut sink).expect("it scans");
    sink
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

fn parquet_of(texts: &str) -> Vec<u8> {
    use arrow_array::{ArrayRef, RecordBatch, StringArray};
    let column: ArrayRef = Arc::new(StringArray::from(texts.lines().collect::<Vec<_>>()));
    let records = RecordBatch::try_from_iter([("note", column)]).expect("columns fit");
    let properties = parquet::file::properties::WriterProperties::builder()
        .set_max_row_group_row_count(Some(20_000))
        .set_dictionary_enabled(false)
        .set_compression(parquet::basic::Compression::UNCOMPRESSED)
        .build();
    let mut out = parquet::arrow::ArrowWriter::try_new(Vec::new(), records.schema(), Some(properties)).expect("writer");
    out.write(&records).expect("in memory");
    out.into_inner().expect("in memory")
}

/// Files of each kind that is split, larger than what is not, with small ones between.
fn corpus(folder: &Path) {
    let text = lines(160_000, |n, what| format!("line {n}: {what}, and so on to the end of it"));
    let json = lines(120_000, |n, what| format!("{{\"id\":{n},\"messages\":[{{\"content\":\"{what}, and so on\"}}]}}"));
    for (name, content) in [
        ("b.txt", text.as_bytes()),
        ("d.jsonl", format!("{{broken\n\n{json}").as_bytes()),
        ("f.parquet", &parquet_of(&text)),
        ("a.txt", b"to first@hospital-north.org"),
        ("c.json", br#"{"x":"second@hospital-north.org"}"#),
        ("e.csv", b"mail,n\nthird@hospital-north.org,1\n"),
        ("g.txt", b"to last@hospital-north.org"),
    ] {
        fs::write(folder.join(name), content).expect("written");
    }
}

/// A scan in shares, each told as JSON; and how many there were.
fn in_shares(folder: &Path, options: &ScanOptions, group_bytes: u64) -> (Collect, usize) {
    let inputs = inputs(&[folder.to_path_buf()]);
    let options = share::settled(options);
    let progress = Progress::default();
    let groups = share::shares(&ENGINE, &inputs, &options, group_bytes).expect("shares");
    let mut sink = Collect::default();
    let mut settling = Settling::new(options.confidence_min, &mut sink);
    let mut gather = share::Gather::new(&ENGINE, &inputs, &options, &progress).expect("a worker");
    for part in groups.iter().flatten() {
        let mut told = Vec::new();
        let mut tell = |piece: share::Piece| told.push(piece.write());
        share::scan_share(&ENGINE, &inputs[part.input], part, &options, &progress, &mut tell).expect("it scans");
        let pieces = told.iter().map(|piece| share::Piece::read(piece).expect("a piece"));
        gather.share(part, pieces, &mut settling);
    }
    gather.finish(&mut settling);
    settling.end();
    (sink, groups.len())
}

#[test]
fn a_scan_in_shares_has_the_result_of_one_scan() {
    let folder = tempfile::tempdir().expect("a folder");
    corpus(folder.path());
    fs::write(folder.path().join("h.bin"), [0u8, 159, 146, 150].repeat(100)).expect("written");
    let options = ScanOptions { hash_content: true, ..options() };
    let alone = scanned(folder.path(), &options);
    for (group_bytes, least) in [(u64::MAX, 1), (3 << 20, 8), (1 << 20, 16)] {
        let (shared, count) = in_shares(folder.path(), &options, group_bytes);
        assert!(count >= least, "{count} groups of {group_bytes} bytes");
        assert!(shared == alone, "in groups of {group_bytes} bytes");
    }
}

/// Bytes that can be read up to a place.
#[derive(Debug)]
struct Broken(Arc<Vec<u8>>, usize);

impl Source for Broken {
    fn size_bytes(&self) -> u64 {
        self.0.len() as u64
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> std::io::Result<usize> {
        let from = offset as usize;
        if from >= self.1 {
            return Err(std::io::ErrorKind::PermissionDenied.into());
        }
        let count = buffer.len().min(self.1.min(self.0.len()) - from);
        buffer[..count].copy_from_slice(&self.0[from..from + count]);
        Ok(count)
    }
}

/// A scan in three shares or so, each by a process that can read the input up to a place: findings, and the report.
fn in_shares_read_to(name: &str, bytes: &Arc<Vec<u8>>, read_to: impl Fn(usize) -> usize) -> (usize, FileReport) {
    static ADDRESSES: LazyLock<Engine> = LazyLock::new(|| {
        let rules = RuleSet::built_in().expect("rules").select(&["email*".to_owned()], &[]);
        Engine::new(Arc::new(rules.expect("a detector"))).expect("engine")
    });
    let options = share::settled(&options());
    let progress = Progress::default();
    let input = |until| ScanInput {
        path: name.into(),
        source: Some(Arc::new(Broken(bytes.clone(), until))),
        size_bytes: bytes.len() as u64,
        ..ScanInput::default()
    };
    let inputs = [input(usize::MAX)];
    let groups = share::shares(&ADDRESSES, &inputs, &options, 3 << 20).expect("shares");
    assert!(groups.len() >= 3, "{name}: {} groups", groups.len());
    let mut sink = Collect::default();
    let mut gather = share::Gather::new(&ADDRESSES, &inputs, &options, &progress).expect("a worker");
    for (number, part) in groups.iter().flatten().enumerate() {
        let mut told = Vec::new();
        let input = input(read_to(number));
        let mut tell = |piece| told.push(piece);
        share::scan_share(&ADDRESSES, &input, part, &options, &progress, &mut tell).expect("it scans");
        gather.share(part, told, &mut sink);
    }
    gather.finish(&mut sink);
    (sink.findings.len(), sink.files.remove(0))
}

#[test]
fn groups_of_empty_files_are_bounded() {
    let inputs = vec![ScanInput::file("empty.txt".into(), 0); 25_000];
    let groups = share::shares(&ENGINE, &inputs, &options(), 1 << 20).expect("shares");
    assert_eq!(groups.iter().map(Vec::len).collect::<Vec<_>>(), [10_000, 10_000, 5_000]);
}

#[test]
fn a_share_that_cannot_be_read_is_told() {
    const ALL: usize = usize::MAX;
    let rest = ", and so on".repeat(50);
    let text = lines(22_000, |n, what| format!("line {n}: {what}{rest}"));
    let json = lines(22_000, |n, what| format!("{{\"id\":{n},\"messages\":[{{\"content\":\"{what}{rest}\"}}]}}"));
    for (name, content) in [("a.txt", text), ("a.jsonl", json)] {
        let bytes = Arc::new(content.into_bytes());
        let (all, report) = in_shares_read_to(name, &bytes, |_| ALL);
        assert!(all > 3_000 && report.problems.is_empty(), "{name}");
        // Not at all; and not up to the share's own first part.
        for (share, until) in [(0, 0), (2, 0), (2, 3 << 20)] {
            let (found, report) = in_shares_read_to(name, &bytes, |number| if number == share { until } else { ALL });
            assert!(found > 0 && found < all, "{name}: {found} of {all} with share {share} to {until}");
            assert_eq!(report.problems.len(), 1, "{name}, share {share} to {until}: {:?}", report.problems);
            assert!(report.sketch.is_none());
        }
        // What all meet alike is told once, as a scan by one process does.
        for until in [0, 5 << 20] {
            let (_, report) = in_shares_read_to(name, &bytes, |_| until);
            assert_eq!(report.problems.len(), 1, "{name} to {until}: {:?}", report.problems);
        }
    }
}

#[test]
fn the_result_does_not_depend_on_the_number_of_threads() {
    let folder = tempfile::tempdir().expect("a folder");
    corpus(folder.path());
    let alone = scanned(folder.path(), &options());
    // 22,858 lines of text, 17,143 of JSON, 22,858 rows, and the four small files.
    assert_eq!(alone.findings.len(), 22_858 + 17_143 + 22_858 + 4);
    let names: Vec<_> = alone.files.iter().map(|f| f.path.file_name().expect("a name").to_owned()).collect();
    assert_eq!(names, ["a.txt", "b.txt", "c.json", "d.jsonl", "e.csv", "f.parquet", "g.txt"]);
    assert_eq!(alone.files[3].problems.len(), 1);
    assert_eq!((alone.files[3].rows, alone.files[5].rows), (Some(120_001), Some(160_000)));
    for jobs in [2, 3, 8] {
        let together = scanned(folder.path(), &ScanOptions { jobs, ..options() });
        assert_eq!(together.files, alone.files, "{jobs} threads");
        let first = together.findings.iter().zip(&alone.findings).position(|(a, b)| a != b);
        assert_eq!((first, together.findings.len()), (None, alone.findings.len()), "{jobs} threads");
    }
}

/// A source that makes its reader wait, so that what comes later is done long before.
#[derive(Debug)]
struct Slow(Vec<u8>);

impl Source for Slow {
    fn size_bytes(&self) -> u64 {
        self.0.len() as u64
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> std::io::Result<usize> {
        let from = (offset as usize).min(self.0.len());
        let count = buffer.len().min(self.0.len() - from);
        std::thread::sleep(Duration::from_millis(if count > 0 { 400 } else { 0 }));
        buffer[..count].copy_from_slice(&self.0[from..from + count]);
        Ok(count)
    }
}

/// Counts what was found in all and what was handed out.
struct Counting<'a> {
    progress: &'a Progress,
    handed_out: u64,
    ahead_max: u64,
    order: Mutex<Vec<String>>,
}

impl Sink for Counting<'_> {
    fn finding(&mut self, finding: Finding) {
        self.handed_out += 1;
        let found = self.progress.findings.load(Ordering::Relaxed);
        self.ahead_max = self.ahead_max.max(found - self.handed_out);
        let mut order = self.order.lock().expect("one thread");
        if order.last() != Some(&finding.path) {
            order.push(finding.path);
        }
    }

    fn file(&mut self, _: FileReport) {}
}

#[test]
fn what_is_found_ahead_of_its_turn_is_bounded() {
    let folder = tempfile::tempdir().expect("a folder");
    let dense = "a.person@hospital-north.org\n".repeat(40_000);
    let mut all = vec![ScanInput {
        path: "slow.txt".into(),
        source: Some(Arc::new(Slow(b"x@hospital-north.org\n".repeat(5_000)))),
        ..ScanInput::default()
    }];
    for n in 0..8 {
        let path = folder.path().join(format!("{n}.txt"));
        fs::write(&path, &dense).expect("written");
        all.push(ScanInput::file(path, dense.len() as u64));
    }
    let progress = Progress::default();
    let mut sink = Counting { progress: &progress, handed_out: 0, ahead_max: 0, order: Mutex::default() };
    scan(&ENGINE, &all, &ScanOptions { jobs: 4, ..options() }, &progress, &mut sink).expect("it scans");
    assert_eq!(sink.handed_out, 5_000 + 8 * 40_000);
    assert!(sink.ahead_max < 80_000, "{} findings waited", sink.ahead_max);
    let expected: Vec<String> = all.iter().map(|i| i.path.to_string_lossy().into_owned()).collect();
    assert_eq!(*sink.order.lock().expect("one thread"), expected);
}

#[test]
fn a_stopped_scan_ends() {
    let folder = tempfile::tempdir().expect("a folder");
    corpus(folder.path());
    struct Stopping<'a>(&'a Progress, u64);
    impl Sink for Stopping<'_> {
        fn finding(&mut self, _: Finding) {
            self.1 += 1;
            self.0.stop.store(true, Ordering::Relaxed);
        }
        fn file(&mut self, _: FileReport) {}
    }
    for jobs in [1, 3] {
        let progress = Progress::default();
        let mut sink = Stopping(&progress, 0);
        let options = ScanOptions { jobs, ..options() };
        scan(&ENGINE, &inputs(&[folder.path().to_path_buf()]), &options, &progress, &mut sink).expect("it ends");
        assert!(sink.1 >= 1 && sink.1 < 62_000, "{}", sink.1);
    }
}

#[test]
fn a_stop_that_several_threads_meet_is_one_problem() {
    let mut report = FileReport::of(&ScanInput::file("a.txt".into(), 1));
    let stopped = || UnitReport { problems: vec![whole_file("the scan was stopped".into())], ..UnitReport::default() };
    let broken = || Problem { place: "line 1".into(), message: "broken".into() };
    report.add(stopped());
    report.add(UnitReport { problems: vec![broken(), broken()], ..stopped() });
    report.add(stopped());
    assert_eq!(report.problems, [whole_file("the scan was stopped".into()), broken(), broken()]);
}

#[test]
fn samples_are_parts_and_say_so() {
    let folder = tempfile::tempdir().expect("a folder");
    corpus(folder.path());
    let all = scanned(folder.path(), &options());
    for jobs in [1, 3] {
        let first = scanned(folder.path(), &ScanOptions { jobs, sample: Some(Sample::Rows(700)), ..options() });
        let expected: Vec<&Finding> =
            all.findings.iter().filter(|f| f.row.map_or(f.line.unwrap_or_default() <= 700, |row| row < 700)).collect();
        assert_eq!(first.findings.iter().collect::<Vec<_>>(), expected);
        let coverage: Vec<Option<f64>> = first.files.iter().map(|f| f.coverage).collect();
        let whole = Some(1.0);
        assert_eq!(coverage, [whole, None, whole, None, whole, None, whole]);
    }
    let share = |jobs| scanned(folder.path(), &ScanOptions { jobs, sample: Some(Sample::Share(0.1)), ..options() });
    let tenth = share(1);
    let records = |of: &Collect| of.findings.iter().filter(|f| f.row.is_some()).count() as f64;
    let part = records(&tenth) / records(&all);
    assert!((0.08..0.12).contains(&part), "{part}");
    assert!(tenth.files.iter().all(|f| f.coverage == Some(0.1)));
    assert_eq!(share(3).findings, tenth.findings);
    assert!(tenth.findings.iter().all(|f| all.findings.contains(f) || f.row.is_none()));
}

#[test]
fn unchanged_files_are_not_read_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let kept = tempfile::tempdir().expect("a folder");
    corpus(folder.path());
    let old = SystemTime::now() - Duration::from_secs(60);
    let age = |name: &str| {
        let file = fs::File::options().append(true).open(folder.path().join(name)).expect("opened");
        file.set_modified(old).expect("set");
    };
    ["a.txt", "b.txt", "c.json", "d.jsonl", "e.csv", "f.parquet", "g.txt"].into_iter().for_each(age);
    let incremental = |jobs| ScanOptions { jobs, incremental: Some(kept.path().to_path_buf()), ..options() };
    let without_flag = |mut of: Collect| {
        of.files.iter_mut().for_each(|f| f.unchanged = false);
        of
    };
    let full = scanned(folder.path(), &options());
    assert_eq!(scanned(folder.path(), &incremental(3)), full);
    let again = scanned(folder.path(), &incremental(1));
    let unchanged: Vec<bool> = again.files.iter().map(|f| f.unchanged).collect();
    // The one with a problem is read again, and those with too many findings.
    assert_eq!(unchanged, [true, false, true, false, true, false, true]);
    assert_eq!(without_flag(again), full);
    // Another content of the same length and time is seen.
    fs::write(folder.path().join("a.txt"), "to nobody, nobody, nobody..").expect("written");
    age("a.txt");
    let changed = scanned(folder.path(), &incremental(1));
    assert_eq!((changed.files[0].unchanged, changed.findings.len()), (false, full.findings.len() - 1));
    // Other rules or options are another scan.
    let high = ScanOptions { confidence_min: Confidence::High, ..incremental(1) };
    assert!(scanned(folder.path(), &high).files.iter().all(|f| !f.unchanged));
    // What is kept and damaged is not there.
    for entry in fs::read_dir(kept.path()).expect("listed") {
        fs::write(entry.expect("listed").path(), "{\"form\":1").expect("written");
    }
    assert!(scanned(folder.path(), &incremental(1)).files.iter().all(|f| !f.unchanged));
}

#[test]
fn a_fresh_file_is_not_trusted() {
    let folder = tempfile::tempdir().expect("a folder");
    let kept = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("a.txt"), "x@hospital-north.org").expect("written");
    let incremental = ScanOptions { incremental: Some(kept.path().to_path_buf()), ..options() };
    for _ in 0..2 {
        assert!(!scanned(folder.path(), &incremental).files[0].unchanged);
    }
}

#[test]
fn memory_limits_make_threads_and_records_fewer() {
    let mut roomy = ScanOptions { jobs: 4, ..options() };
    roomy.fit(32 << 30).expect("it fits");
    assert_eq!((roomy.jobs, roomy.limits), (4, Limits::default()));
    let mut tight = ScanOptions { jobs: 8, ..options() };
    tight.fit(300 << 20).expect("it fits");
    assert_eq!(tight.jobs, 2);
    assert!(tight.limits.record_bytes_max < 16 << 20 && tight.limits.document_bytes_max < 64 << 20);
    assert_eq!(tight.fit(100 << 20), Err(208 << 20));
}

/// The summary of a detector in a CSV file of one column.
fn column_of(name: &str, values: impl Iterator<Item = String>, detector: &str, jobs: usize) -> Option<FieldSummary> {
    let folder = tempfile::tempdir().expect("a folder");
    let mut text = format!("n,{name}\n");
    for (n, value) in values.enumerate() {
        writeln!(text, "{n},{value}").expect("in memory");
    }
    fs::write(folder.path().join("a.csv"), text).expect("written");
    let done = scanned(folder.path(), &ScanOptions { jobs, confidence_min: Confidence::Low, ..options() });
    done.files[0].summaries.iter().find(|s| s.detector == detector).cloned()
}

/// A number of 16 digits that begins as cards do and passes the Luhn check, or fails it.
fn card(n: usize, valid: bool) -> String {
    let body = format!("453201{:09}", n * 7_919 % 1_000_000_000);
    let digits = body.bytes().rev().enumerate().map(|(at, b)| {
        let d = u32::from(b - b'0') * if at % 2 == 0 { 2 } else { 1 };
        d / 10 + d % 10
    });
    let check = (10 - digits.sum::<u32>() % 10) % 10;
    format!("{body}{}", if valid { check } else { (check + 1 + n as u32 % 9) % 10 })
}

#[test]
fn a_summary_counts_matches_and_distinct_values_and_has_the_best_score() {
    let texts = ["call 628-555-7714", "tables 628-555-7714", "tables 628-555-7715", "nothing"];
    let column = column_of("note", texts.map(str::to_owned).into_iter(), "phone-nanp", 1).expect("numbers are found");
    assert_eq!((column.match_count, column.distinct_count, column.distinct_capped), (3, 2, false));
    assert!((column.score_max - 0.9).abs() < 1e-6, "{}", column.score_max);
}

#[test]
fn a_column_is_judged_by_the_share_of_its_values() {
    let cards = || (0..10_000).map(|n| card(n, n % 50 != 0));
    for jobs in [1, 3] {
        let column = column_of("pan", cards(), "payment-card", jobs).expect("cards are found");
        assert_eq!((column.value_count, column.matched_values), (10_000, 9_800));
        assert_eq!((column.share, column.verdict), (Some(0.98), Some(ColumnVerdict::Column)));
        assert!(column.confidence >= 0.95);
    }
    let orders = (0..10_000).map(|n| card(n, n == 4_711));
    let column = column_of("reference", orders, "payment-card-bare", 1).expect("one passes");
    assert_eq!((column.value_count, column.matched_values), (10_000, 1));
    assert_eq!(column.verdict, Some(ColumnVerdict::Chance));
    assert!(column.confidence < 0.5 && column.confidence < column.score_max);
    // Addresses of e-mail are none by chance, and a card in a sentence is one whatever its neighbours are.
    let texts = (0..1_000).map(|n| if n == 7 { "x@hospital-north.org".into() } else { format!("{n}") });
    let column = column_of("note", texts, "email-address", 1).expect("one address");
    assert_eq!((column.matched_values, column.verdict), (1, Some(ColumnVerdict::Some)));
}

#[test]
fn a_column_of_dates_is_no_more_than_dates() {
    let dates = (0..300).map(|n| format!("2024-{:02}-{:02} 10:11:12", n % 12 + 1, n % 28 + 1));
    let column = column_of("created_at", dates, "tagged-date", 1).expect("dates are tagged");
    assert_eq!((column.matched_values, column.verdict), (300, Some(ColumnVerdict::Some)));
    assert!(column.confidence < 0.8, "{}", column.confidence);
}

#[test]
fn bytes_of_no_known_format_are_an_error_unless_they_may_be_skipped() {
    let bytes = b"\x00\x01\x02\xfe\xff\x00".repeat(500);
    let mut options = options();
    let error = scan_bytes(&ENGINE, "model.bin", bytes.clone(), &options).map(|_| ()).expect_err("refused");
    assert!(error.to_string().contains("`model.bin`: its content is binary"), "{error}");
    options.binary = BinaryPolicy::Skip;
    assert!(scan_bytes(&ENGINE, "model.bin", bytes, &options).expect("skipped").report.skipped);
}

/// A CSV file of one column, scanned for cards.
fn cards_in(name: &str, values: impl Iterator<Item = String>, confidence_min: Confidence) -> Collect {
    let folder = tempfile::tempdir().expect("a folder");
    let text: String = std::iter::once(name.to_owned()).chain(values).map(|line| line + "\n").collect();
    fs::write(folder.path().join("a.csv"), text).expect("written");
    let mut found = scanned(folder.path(), &ScanOptions { confidence_min, ..options() });
    found.findings.retain(|f| f.entity == "CREDIT_CARD");
    found
}

#[test]
fn the_verdict_on_a_column_settles_its_findings() {
    let orders = || (0..3_000).map(|n| card(n, n % 11 == 0));
    let found = cards_in("order_no", orders(), Confidence::Low);
    assert_eq!(found.findings.len(), 273);
    assert!(found.findings.iter().all(|f| f.confidence == Confidence::Low && f.score < 0.5));
    let left = cards_in("order_no", orders(), Confidence::Medium);
    assert_eq!((left.findings.len(), left.files[0].findings), (0, 0));
    assert_eq!(left.files[0].below_confidence, 273);
    assert!(left.files[0].summaries.iter().all(|s| !s.is_told(Confidence::Medium) && s.is_told(Confidence::Low)));
    let column = cards_in("v", (0..1_000).map(|n| card(n, n % 50 != 0)), Confidence::Medium);
    assert_eq!(column.findings.len(), 980);
    assert!(column.findings.iter().all(|f| f.confidence == Confidence::High && f.score >= 0.95));
}

#[test]
fn cards_that_chance_does_not_explain_stay() {
    let among = |name: &str, other: fn(usize) -> String| {
        let values = (0..1_000).map(|n| if n % 20 == 0 { card(n, true) } else { other(n) });
        cards_in(name, values, Confidence::Medium).findings.len()
    };
    assert_eq!(among("v", |n| card(n, false)), 0, "numbers as long");
    assert_eq!(among("v", |_| "none given".into()), 50, "words");
    assert_eq!(among("v", |n| format!("{}", 1_000_000 + n)), 50, "shorter numbers");
    assert_eq!(among("credit_card", |n| card(n, false)), 50, "the name says what it is");
}

#[test]
fn findings_that_do_not_fit_into_memory_are_settled_alike() {
    let folder = tempfile::tempdir().expect("a folder");
    let rows = |name: &str, values: &mut dyn Iterator<Item = String>| {
        let lines: Vec<String> =
            values.map(|v| format!("{{\"{name}\":\"{v}\",\"m\":\"u@hospital-north.org\"}}\n")).collect();
        lines.concat()
    };
    let orders = rows("order_no", &mut (0..900).map(|n| card(n, n % 11 == 0)));
    let cards = rows("v", &mut (0..300).map(|n| card(n, n != 7)));
    let mut archive = tar::Builder::new(Vec::new());
    for (name, text) in [("a.jsonl", &orders), ("b.txt", &"to x@hospital-north.org\n".into()), ("c.jsonl", &cards)] {
        let mut header = tar::Header::new_gnu();
        header.set_size(text.len() as u64);
        header.set_mode(0o644);
        archive.append_data(&mut header, name, text.as_bytes()).expect("in memory");
    }
    fs::write(folder.path().join("a.tar"), archive.into_inner().expect("in memory")).expect("written");
    fs::write(folder.path().join("b.txt"), "to y@hospital-north.org").expect("written");
    let inputs = inputs(&[folder.path().to_path_buf()]);
    let held = |count: usize| {
        let mut sink = Collect::default();
        let mut settling = Settling::new(Confidence::Low, &mut sink).holding(count);
        let options = ScanOptions { confidence_min: Confidence::Low, ..options() };
        parallel::scan(&ENGINE, &inputs, &options, &Progress::default(), &mut settling, 1).expect("it scans");
        settling.end();
        sink
    };
    let together = held(usize::MAX);
    let of = |confidence| together.findings.iter().filter(|f| f.confidence == confidence).count();
    assert!(of(Confidence::Low) >= 82 && of(Confidence::High) >= 299, "{} low", of(Confidence::Low));
    for count in [1, 7, 500] {
        assert!(held(count) == together, "{count} held");
    }
}

#[cfg(unix)]
#[test]
fn what_is_no_file_in_a_folder_is_told_and_not_opened() {
    let folder = tempfile::tempdir().expect("a folder");
    let _socket = std::os::unix::net::UnixListener::bind(folder.path().join("a.socket")).expect("a socket");
    std::fs::write(folder.path().join("b.txt"), "nothing").expect("written");
    let found = inputs(&[folder.path().to_path_buf()]);
    let problems: Vec<bool> = found.iter().map(|i| i.problem.as_ref().is_some_and(|p| p.contains("a pipe"))).collect();
    assert_eq!(problems, [true, false]);
    let named = inputs(&[folder.path().join("a.socket")]);
    assert_eq!((named.len(), named[0].problem.as_deref()), (1, None), "one that is named is meant");
}

#[test]
fn base64_goes_on_behind_a_seam_of_batches() {
    use base64::Engine as _;
    let folder = tempfile::tempdir().expect("a folder");
    for lead in ["", "x ", "xy ", "xyz "] {
        let plain: String = (0..300_000).map(|n| format!("row {n}: nothing to see here\n")).collect();
        let plain = format!("{plain}write to jane.roe@hospital-north.org now\n");
        let text = format!("{lead}{}", base64::engine::general_purpose::STANDARD.encode(plain));
        assert!(text.len() > 9 << 20);
        std::fs::write(folder.path().join("a.txt"), text).expect("written");
        let found = scanned(folder.path(), &options()).findings;
        assert!(found.iter().any(|f| f.entity == "EMAIL_ADDRESS"), "behind `{lead}`");
    }
}

#[test]
fn many_names_of_fields_are_learned_at_once() {
    let folder = tempfile::tempdir().expect("a folder");
    // Letters only: a name with many digits is taken for a value.
    let key = |n: usize| -> String {
        let letter = |place: u32| char::from(b'a' + (n / 26_usize.pow(place) % 26) as u8);
        (0..4).map(letter).collect()
    };
    let members: Vec<String> = (0..75_000).map(|n| format!("\"key {}\":\"u{n}@hospital-north.org\"", key(n))).collect();
    std::fs::write(folder.path().join("a.jsonl"), format!("{{{}}}\n", members.join(","))).expect("written");
    let found = scanned(folder.path(), &options()).findings;
    let fields: std::collections::HashSet<&str> = found.iter().filter_map(|f| f.field.as_deref()).collect();
    assert_eq!(fields.len(), 75_000);
    assert!(fields.contains(format!("key {}", key(69_999)).as_str()));
}

#[test]
fn a_name_that_holds_values_is_shown_without_them() {
    let found = |start: usize, end: usize, score: f32| Match { rule: 0, value: 0, start, end, score };
    assert_eq!(safe_path("a.bcdef.g", &[found(2, 5, 0.9), found(3, 7, 0.9)]), "a.*.g", "what overlaps goes whole");
    assert_eq!(safe_path("a.bcdef.g", &[found(2, 7, 0.0)]), "a.bcdef.g");
}

#[test]
fn columns_of_dates_are_judged_as_columns_of_their_text() {
    use arrow_array::{ArrayRef, Date32Array, RecordBatch, StringArray};
    let days = Date32Array::from_iter_values((0..50).map(|n| 1_593 + 97 * n));
    let texts: StringArray = days
        .iter()
        .map(|day| day.map(|day| Date32Array::from(vec![day])))
        .map(|day| {
            let day: ArrayRef = Arc::new(day?);
            let text = arrow_cast::cast(&day, &arrow_schema::DataType::Utf8).ok()?;
            Some(arrow_array::cast::AsArray::as_string::<i32>(&text).value(0).to_owned())
        })
        .collect();
    let found = |column: ArrayRef| {
        let folder = tempfile::tempdir().expect("a folder");
        let records = RecordBatch::try_from_iter([("date_of_birth", column)]).expect("columns fit");
        let mut writer = parquet::arrow::ArrowWriter::try_new(Vec::new(), records.schema(), None).expect("writer");
        writer.write(&records).expect("in memory");
        fs::write(folder.path().join("a.parquet"), writer.into_inner().expect("in memory")).expect("written");
        let done = scanned(folder.path(), &options());
        assert!(done.files[0].problems.is_empty());
        done.findings.into_iter().map(|f| (f.row, f.field, f.detector, f.score, f.fingerprint)).collect::<Vec<_>>()
    };
    let typed = found(Arc::new(days));
    assert_eq!((typed.len(), typed[0].2.as_str()), (50, "date-of-birth"));
    assert_eq!(typed, found(Arc::new(texts)));
}

#[cfg(unix)]
#[test]
fn links_that_are_not_followed_are_counted() {
    use std::os::unix::fs::symlink;
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("a.txt"), "text").expect("written");
    let links_left_out = |paths: &[PathBuf]| {
        let mut left = LinksLeftOut::default();
        inputs_noting(paths, &mut left);
        left
    };
    assert_eq!(links_left_out(&[folder.path().to_path_buf()]), LinksLeftOut::default());
    symlink("a.txt", folder.path().join("b.txt")).expect("linked");
    symlink("nowhere", folder.path().join("c.txt")).expect("linked");
    symlink(".", folder.path().join("loop")).expect("linked");
    symlink("self", folder.path().join("self")).expect("linked");
    let paths = [folder.path().to_path_buf(), folder.path().join("b.txt"), "s3://bucket/x".into()];
    let first = Some(folder.path().join("b.txt"));
    assert_eq!(links_left_out(&paths), LinksLeftOut { count: 4, broken: 2, first });
    assert_eq!(inputs(&[folder.path().to_path_buf()]).len(), 1);
}

#[test]
fn a_private_key_has_one_fingerprint_however_its_lines_are_broken() {
    use crate::rule_test::{parts, unmark};
    let rules = crate::harness::with_examples();
    let rule = rules.get(rules.index_of("private-key").expect("the rule"));
    let (text, start, end) = unmark(parts(&rule.positives[0]).1).expect("marked");
    let key = &text[start..end];
    let quoted = key.lines().map(|line| format!("  \"{line}\\n\" +\n")).collect::<String>();
    let texts = [
        ("a.pem", key.to_owned()),
        ("b.pem", key.replace('\n', "\r\n")),
        ("c.yaml", format!("key: |\n  {}\n", key.replace('\n', "\n  "))),
        ("d.env", format!("KEY=\"{}\"\n", key.replace('\n', "\\n"))),
        ("e.json", serde_json::json!({ "key": key }).to_string()),
        ("f.txt", serde_json::json!({ "log": serde_json::json!({ "key": key }).to_string() }).to_string()),
        ("g.js", format!("const key =\n{quoted}  \"\";\n")),
    ];
    let fingerprint = |name: &str, text: &str| {
        let scanned = scan_bytes(&ENGINE, name, text.as_bytes().to_vec(), &options()).expect("scanned");
        let keys = scanned.findings.iter().filter(|f| f.detector.starts_with("private-key"));
        keys.map(|f| f.fingerprint.clone()).collect::<Vec<_>>()
    };
    let expected = fingerprint("a.pem", key);
    assert_eq!(expected.len(), 1);
    for (name, text) in texts {
        assert_eq!(fingerprint(name, &text), expected, "{name}");
    }
}

/// A text with an address in every line of some.
fn addressed(lines_count: usize) -> String {
    lines(lines_count, |_, what| what.to_owned()).replace('\n', " ")
}

#[test]
fn a_line_that_is_too_long_is_searched_as_a_text_is() {
    let folder = tempfile::tempdir().expect("a folder");
    let limits = Limits { record_bytes_max: 40_000, ..Limits::default() };
    let long = addressed(200_000);
    fs::write(folder.path().join("a.txt"), &long).expect("written");
    fs::write(folder.path().join("b.jsonl"), format!("{{\"a\":1}}\n{long}\n{{\"to\":\"x@hospital-north.org\"}}\n"))
        .expect("written");
    for jobs in [1, 2] {
        let found = scanned(folder.path(), &ScanOptions { jobs, limits, ..options() });
        let places = |name: &str| -> Vec<(u64, u64, String)> {
            let of_file = found.findings.iter().filter(|f| f.path.ends_with(name));
            of_file.map(|f| (f.start, f.end, f.fingerprint.clone())).collect()
        };
        let (text, mut records) = (places("a.txt"), places("b.jsonl"));
        assert_eq!(text.len(), 28_572);
        assert_eq!(records.pop().map(|last| (last.0, last.1)), Some((0, 20)), "the record behind it");
        assert!(records == text, "{} and {} places", records.len(), text.len());
        let rows: Vec<Option<u64>> = found.findings.iter().rev().take(2).map(|f| f.row).collect();
        assert_eq!((rows, found.files[1].rows), (vec![Some(2), Some(1)], Some(3)), "on {jobs} threads");
        let problems: Vec<&str> = found.files[1].problems.iter().map(|p| p.place.as_str()).collect();
        assert_eq!(problems, ["line 2"], "it is told once");
    }
}

/// The worst that a rule may be: tried at every word, far ahead, by an expression that needs many states at once, and that
/// matches nothing.
const HOSTILE: &str = r"
- { id: worst, title: t, entity: WORST, categories: [pii], slow: true, window: 16384, score: 0.9,
    find: '[a-z ]*[a-m][a-z ]{60}!' }
";

/// Words without an order, so that an automaton meets ever new states.
fn words(bytes: usize) -> String {
    let mut state = 7u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        match state >> 24 {
            n @ 0..208 => char::from(b'a' + (n % 26) as u8),
            _ => ' ',
        }
    };
    (0..bytes).map(|_| next()).collect()
}

#[test]
fn a_rule_that_takes_too_long_is_stopped_and_told() {
    let rules = RuleSet::built_in().expect("rules").with_files([("own.yaml", HOSTILE)]).expect("rules");
    let engine = Engine::new(Arc::new(rules)).expect("engine");
    let text = words(200_000) + &addressed(20_000);
    let without = scan_bytes(&ENGINE, "a.txt", text.clone().into_bytes(), &options()).expect("it scans");
    let began = std::time::Instant::now();
    let found = scan_bytes(&engine, "a.txt", text.into_bytes(), &options()).expect("it scans");
    assert!(began.elapsed() < Duration::from_secs(60), "{:?}", began.elapsed());
    assert!(found.findings == without.findings && found.findings.len() > 2_857, "the other rules are not in its way");
    let told: Vec<&str> = found.report.problems.iter().map(|p| p.message.as_str()).collect();
    assert!(matches!(&told[..], [one] if one.contains("the rule `worst` was stopped")), "{told:?}");
    // In records too, of which the names are searched as well.
    let record = format!("{{\"note\":\"{}\",\"to\":\"x@hospital-north.org\"}}\n", words(200_000));
    let found = scan_bytes(&engine, "a.jsonl", record.into_bytes(), &options()).expect("it scans");
    let told: Vec<&str> = found.report.problems.iter().map(|p| p.message.as_str()).collect();
    assert!(matches!(&told[..], [one] if one.contains("the rule `worst` was stopped")), "{told:?}");
    assert!(found.findings.iter().any(|f| f.entity == "EMAIL_ADDRESS"));
    // Who scans a stream is told by an error.
    let options = options();
    let mut stream = StreamScanner::new(&engine, "a", &options).expect("it starts");
    let failed = stream.push(words(400_000).as_bytes()).and_then(|_| stream.finish());
    assert!(failed.is_err_and(|e| e.to_string().contains("the rule `worst` was stopped")));
}

#[test]
fn a_stop_ends_a_batch_that_takes_long() {
    let rules = RuleSet::from_files([("own.yaml", HOSTILE)]).expect("rules");
    let engine = Engine::new(Arc::new(rules)).expect("engine");
    let folder = tempfile::tempdir().expect("a folder");
    // So much that the rule may take a minute.
    fs::write(folder.path().join("a.txt"), words(30_000_000)).expect("written");
    let (progress, options) = (Progress::default(), options());
    let mut sink = Collect::default();
    let began = std::time::Instant::now();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            std::thread::sleep(Duration::from_millis(300));
            progress.stop.store(true, Ordering::Relaxed);
        });
        scan(&engine, &inputs(&[folder.path().to_path_buf()]), &options, &progress, &mut sink).expect("it scans");
    });
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    let told: Vec<&str> = sink.files[0].problems.iter().map(|p| p.message.as_str()).collect();
    assert_eq!(told, ["the scan was stopped before its end"]);
}
