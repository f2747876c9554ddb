//! What must hold of every scan: the same findings however a text is cut, on however many threads, and in whatever form
//! the values stand. The texts are the examples of the rules, so each new rule is covered.

use super::*;
use crate::rule_test::{parts, unmark};
use crate::{RuleSet, readers};
use std::sync::LazyLock;

static ENGINE: LazyLock<Engine> =
    LazyLock::new(|| Engine::new(Arc::new(RuleSet::built_in().expect("rules"))).expect("engine"));

fn options(ner: Ner) -> ScanOptions {
    let key = FingerprintKey::new(&[5; 32]).expect("a key");
    ScanOptions { ner, confidence_min: Confidence::Low, sketch_content: true, ..ScanOptions::new(key) }
}

/// Texts of all examples that are for running text, without line breaks.
fn examples() -> Vec<String> {
    let rules = crate::harness::with_examples();
    let positives: Vec<String> = rules
        .iter()
        .flat_map(|(_, rule)| rule.positives.iter())
        .filter_map(|p| match parts(p) {
            (None, marked) => unmark(marked).map(|(text, ..)| text),
            _ => None,
        })
        .filter(|text| !text.contains(['\n', '\r', '\0']))
        .collect();
    assert!(positives.len() > 1_000, "{} examples", positives.len());
    positives
}

/// Where and what, without what differs by form.
fn key_of(f: &Finding) -> (u64, u64, String, String, u32) {
    (f.start, f.end, f.detector.clone(), f.fingerprint.clone(), f.score.to_bits())
}

/// A part of a mail whose escapes are told by its header, with words that are encoded.
const MAIL: &str = "Subject: =?utf-8?Q?SSN_536-22?=\n =?utf-8?Q?=2D8726?=\nContent-Type: text/plain; charset=utf-8\n\
    Content-Transfer-Encoding: quoted-printable\n\nhis SSN 536=2D22-8741, mail jane.roe=40hospital-north.org\n--x\n";

#[test]
fn a_text_has_the_same_findings_however_it_is_cut() {
    let mut text = String::new();
    for (n, example) in examples().iter().enumerate() {
        text.push_str(example);
        // Lines, paragraphs, and stretches without a break.
        text.push_str(
            ["\n", "\n\n", " and so on, ", "\nname,dob,city\nUte,1.2.1979,Ghent\nJan,3.4.1980,Rostock\n\n"][n % 4],
        );
        if n % 50 == 0 {
            text.push_str(MAIL);
        }
    }
    let text = text.into_bytes();
    for ner in [Ner::Auto, Ner::On] {
        let options = options(ner);
        let in_chunks = |bytes: usize| {
            let reader = readers::text_in_chunks(Box::new(std::io::Cursor::new(text.clone())), bytes);
            let done = direct::read(&ENGINE, "a.txt", reader, Some("text"), &options).expect("it is scanned");
            done.findings
        };
        let whole = in_chunks(text.len() + 1);
        assert!(whole.len() > 1_000, "{} findings", whole.len());
        for bytes in [20_011, 33_333, 50_000, 65_536] {
            let cut = in_chunks(bytes);
            let differs = whole.iter().zip(&cut).find(|(a, b)| a != b).map(|(a, b)| {
                (a.start, a.end, a.detector.clone(), a.score, b.start, b.end, b.detector.clone(), b.score)
            });
            assert_eq!((differs, cut.len()), (None, whole.len()), "{ner:?}, chunks of {bytes} bytes");
        }
    }
}

/// What a stream of these pieces gives in all, and how much of it before the end.
fn streamed<'t>(
    pieces: impl Iterator<Item = &'t [u8]>,
    step_bytes: usize,
    options: &ScanOptions,
) -> (Vec<Finding>, usize) {
    let mut stream = StreamScanner::with_step(&ENGINE, "a.txt", options, step_bytes).expect("a scanner");
    let mut found: Vec<Finding> = pieces.flat_map(|piece| stream.push(piece).expect("it is scanned")).collect();
    let early = found.len();
    found.extend(stream.finish().expect("it is scanned"));
    (found, early)
}

#[test]
fn a_stream_has_the_findings_of_its_text_however_it_is_cut() {
    let examples = examples();
    let mut options = options(Ner::Auto);
    // A text of unknown length, as the stream is.
    let whole = |text: &[u8], options: &ScanOptions| {
        let reader = readers::text_in_chunks(Box::new(std::io::Cursor::new(text.to_vec())), text.len() + 1);
        direct::read(&ENGINE, "a.txt", reader, Some("text"), options).expect("it is scanned").findings
    };
    // Cut at every byte.
    let short = format!(
        "{}\nto Jürgen: jürgen.groß@hospital-north.org, SSN 536-22-8726, card 4079 4636 1743 0119.\n",
        examples[7]
    );
    let expected = whole(short.as_bytes(), &options);
    assert!(expected.len() >= 3, "{} findings", expected.len());
    for at in 0..=short.len() {
        let (before, after) = short.as_bytes().split_at(at);
        assert_eq!(streamed([before, after].into_iter(), 1 << 10, &options).0, expected, "cut at byte {at}");
    }
    assert_eq!(streamed(short.as_bytes().chunks(1), 1 << 10, &options).0, expected, "byte by byte");
    // Cut anywhere, with batches of several sizes.
    let long: String = examples.iter().step_by(2).map(|example| format!("{example}\n")).collect();
    let long = long.into_bytes();
    options.ner = Ner::Off;
    let expected = whole(&long, &options);
    for (round, step_bytes) in [(1u64, 5_000), (2, 20_000), (3, 64 << 10)] {
        let mut state = round;
        let mut rest = long.as_slice();
        let pieces = std::iter::from_fn(|| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let (piece, later) = rest.split_at((state >> 33) as usize % 900 % (rest.len() + 1));
            rest = later;
            (!piece.is_empty() || !rest.is_empty()).then_some(piece)
        });
        let (found, early) = streamed(pieces, step_bytes, &options);
        assert!(early > expected.len() / 4, "{early} of {} before the end", expected.len());
        let first = found.iter().zip(&expected).position(|(a, b)| a != b);
        assert_eq!((first, found.len()), (None, expected.len()), "steps of {step_bytes} bytes");
    }
}

#[test]
fn the_number_of_threads_changes_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let examples = examples();
    let mut lines = String::new();
    let mut text = String::new();
    while text.len() < 5 << 20 {
        for example in &examples {
            lines.push_str(&serde_json::json!({ "note": example, "n": lines.len() }).to_string());
            lines.push('\n');
            text.push_str(example);
            text.push('\n');
        }
    }
    std::fs::write(folder.path().join("a.jsonl"), lines).expect("written");
    std::fs::write(folder.path().join("b.txt"), text).expect("written");
    let inputs = inputs(&[folder.path().to_path_buf()]);
    let with_jobs = |jobs| {
        let mut all = Collect::default();
        let options = ScanOptions { jobs, ..options(Ner::Auto) };
        scan(&ENGINE, &inputs, &options, &Progress::default(), &mut all).expect("it is scanned");
        all
    };
    let alone = with_jobs(1);
    assert!(alone.0.len() > 50_000, "{} findings", alone.0.len());
    let together = with_jobs(3);
    assert!(together.1 == alone.1, "other reports");
    let first = alone.0.iter().zip(&together.0).position(|(a, b)| a != b);
    assert_eq!((first, together.0.len()), (None, alone.0.len()));
}

#[derive(Default)]
struct Collect(Vec<Finding>, Vec<FileReport>);

impl Sink for Collect {
    fn finding(&mut self, finding: Finding) {
        self.0.push(finding);
    }

    fn file(&mut self, report: FileReport) {
        self.1.push(report);
    }
}

#[test]
fn rows_and_columns_have_the_same_findings() {
    use arrow_array::{ArrayRef, LargeStringArray, RecordBatch, StringViewArray};
    let examples = examples();
    let options = options(Ner::Auto);
    let by_row = |findings: &[Finding]| {
        let mut all: Vec<_> = findings.iter().map(|f| (f.row, f.field.clone(), key_of(f))).collect();
        all.sort();
        all
    };
    let columns: [ArrayRef; 2] = [
        Arc::new(LargeStringArray::from_iter_values(examples.iter())),
        Arc::new(StringViewArray::from_iter_values(examples.iter())),
    ];
    let lines: String = examples.iter().map(|text| format!("{}\n", serde_json::json!({ "note": text }))).collect();
    let rows = direct::scan_bytes(&ENGINE, "a.jsonl", lines.into_bytes(), &options).expect("it is scanned");
    let expected = by_row(&rows.findings);
    assert!(expected.len() > 1_000, "{} findings", expected.len());
    for column in columns {
        let records = RecordBatch::try_from_iter([("note", column)]).expect("one column");
        let done = direct::scan_record_batch(&ENGINE, "a", &records, &options).expect("it is scanned");
        assert!(by_row(&done.findings) == expected, "{} and {} findings", done.findings.len(), expected.len());
    }
    let mut csv = csv::Writer::from_writer(Vec::new());
    csv.write_record(["note"]).expect("in memory");
    examples.iter().for_each(|text| csv.write_record([text]).expect("in memory"));
    let csv = csv.into_inner().expect("in memory");
    let done = direct::scan_bytes(&ENGINE, "a.csv", csv, &options).expect("it is scanned");
    assert!(by_row(&done.findings) == expected, "{} and {} findings", done.findings.len(), expected.len());
}

/// Rows of a few values, some of them without any, as keys into a dictionary.
fn keys_of(rows: usize, values: usize, seed: u64) -> Vec<Option<usize>> {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize
    };
    (0..rows).map(|_| (next() % 7 > 0).then(|| next() % values)).collect()
}

#[test]
fn dictionaries_have_the_findings_of_plain_columns() {
    use arrow_array::types::{Int8Type, Int32Type, UInt16Type, UInt64Type};
    use arrow_array::{ArrayRef, DictionaryArray, LargeStringArray, PrimitiveArray, RecordBatch, StringArray};
    use arrow_array::{ArrowNativeTypeOp as _, ArrowPrimitiveType};

    fn dictionary<K: arrow_array::types::ArrowDictionaryKeyType>(keys: &[Option<usize>], values: ArrayRef) -> ArrayRef
    where
        <K as ArrowPrimitiveType>::Native: TryFrom<usize>,
    {
        let native = |key: usize| K::Native::try_from(key).unwrap_or(K::Native::ZERO);
        let keys: PrimitiveArray<K> = keys.iter().map(|key| key.map(native)).collect();
        Arc::new(DictionaryArray::try_new(keys, values).expect("keys in range"))
    }

    // Examples, encoded ones, names that the tagger is asked for, an empty one, a missing one, one that stands there twice.
    let mut texts: Vec<Option<String>> = examples().into_iter().step_by(9).take(110).map(Some).collect();
    texts.push(Some("Dear Ulrike Brandt, write to jane.roe%40hospital-north.org or call +44 20 7946 0991".to_owned()));
    texts.push(Some("name,dob,city\nUte,1.2.1979,Ghent\nJan,3.4.1980,Rostock\n".to_owned()));
    texts.extend([Some(String::new()), None, texts[0].clone()]);
    let values: ArrayRef = Arc::new(StringArray::from(texts.clone()));
    let large: ArrayRef = Arc::new(LargeStringArray::from(texts.clone()));
    for ner in [Ner::Auto, Ner::On] {
        let options = options(ner);
        // The last values are used by none.
        let keys = keys_of(600, texts.len() - 1, 3);
        let plain: Vec<Option<&str>> = keys.iter().map(|key| key.and_then(|key| texts[key].as_deref())).collect();
        let plain: ArrayRef = Arc::new(StringArray::from(plain));
        let mail: ArrayRef = Arc::new(StringArray::from_iter_values((0..600).map(|n| match n % 5 {
            0 => format!("mail {n}@hospital-north.org"),
            _ => "none".to_owned(),
        })));
        let scanned = |note: &ArrayRef, (from, count)| {
            let columns = [("note", Arc::clone(note)), ("mail", Arc::clone(&mail))];
            let records = RecordBatch::try_from_iter(columns).expect("columns of one length").slice(from, count);
            direct::scan_record_batch(&ENGINE, "a", &records, &options).expect("it is scanned")
        };
        for part in [(0, 600), (13, 411), (599, 1), (7, 0)] {
            let expected = scanned(&plain, part);
            assert!(expected.findings.len() >= part.1 / 3, "{} findings", expected.findings.len());
            for column in [
                dictionary::<Int8Type>(&keys, Arc::clone(&values)),
                dictionary::<UInt16Type>(&keys, Arc::clone(&large)),
                dictionary::<Int32Type>(&keys, Arc::clone(&values)),
                dictionary::<UInt64Type>(&keys, Arc::clone(&large)),
            ] {
                let done = scanned(&column, part);
                let differs = expected.findings.iter().zip(&done.findings).position(|(a, b)| a != b);
                assert_eq!((differs, done.findings.len()), (None, expected.findings.len()), "{ner:?}, {part:?}");
                assert!(done.report == expected.report, "{ner:?}, {part:?}");
            }
        }
    }
}

#[test]
fn a_sample_of_a_dictionary_is_that_of_its_rows() {
    use arrow_array::types::Int32Type;
    use arrow_array::{ArrayRef, DictionaryArray, RecordBatch, StringArray};
    let texts = ["SSN 536-22-8726", "mail jane.roe@hospital-north.org", "nothing", "card 4079 4636 1743 0119"];
    let rows: Vec<&str> = (0..400).map(|n| texts[n * n % 4 + n % 2]).collect();
    let plain: ArrayRef = Arc::new(StringArray::from(rows.clone()));
    let dictionary: ArrayRef = Arc::new(rows.into_iter().collect::<DictionaryArray<Int32Type>>());
    for sample in [Sample::Share(0.3), Sample::Rows(50)] {
        let options = ScanOptions { sample: Some(sample), ..options(Ner::Auto) };
        let found = |column: &ArrayRef| {
            let records = RecordBatch::try_from_iter([("note", Arc::clone(column))]).expect("one column");
            direct::scan_record_batch(&ENGINE, "a", &records, &options).expect("it is scanned").findings
        };
        assert!(!found(&plain).is_empty());
        assert_eq!(found(&dictionary), found(&plain), "{sample:?}");
    }
}

#[test]
fn what_is_found_in_a_file_does_not_depend_on_those_beside_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name);
    std::fs::write(path("letter.txt"), "Yesterday the letter of Ulrike Brandt reached Oslo.\n").expect("written");
    std::fs::write(path("large.txt"), "a line that says nothing\n".repeat(100_000)).expect("written");
    std::fs::write(path("code.py"), "print('nothing')\n").expect("written");
    let found = |names: &[&str]| {
        let paths: Vec<_> = names.iter().map(|name| path(name)).collect();
        let mut all = Collect::default();
        scan(&ENGINE, &inputs(&paths), &options(Ner::Auto), &Progress::default(), &mut all).expect("it is scanned");
        all.0.iter().map(key_of).collect::<Vec<_>>()
    };
    let alone = found(&["letter.txt"]);
    assert!(!alone.is_empty(), "the tagger is asked");
    assert_eq!(found(&["large.txt", "letter.txt", "code.py"]), alone);
}
