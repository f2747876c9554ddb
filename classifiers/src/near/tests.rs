//! Sketches of texts whose shingles are known, against a plain count of them.

use super::*;
use crate::scan::{ScanOptions, scan_bytes};
use crate::values::{FieldTable, ValueBatch};
use crate::{Engine, RuleSet};
use std::collections::BTreeSet;
use std::sync::{Arc, OnceLock};

fn key() -> FingerprintKey {
    FingerprintKey::new(&[7; 32]).expect("long enough")
}

/// Text without a pattern: words by a congruential sequence.
fn lines(seed: u64, count: usize) -> Vec<String> {
    let mut state = seed.wrapping_mul(GOLDEN) | 1;
    let mut next = |of: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % of
    };
    let mut line = |_| {
        let words = 6 + next(14);
        (0..words).map(|_| format!("w{}", next(5_000))).collect::<Vec<_>>().join(" ")
    };
    (0..count).map(&mut line).collect()
}

/// The shingles of lines, counted plainly.
fn shingles(lines: &[String]) -> BTreeSet<Vec<&str>> {
    let words = |line: &'_ str| line.split(' ').map(str::len).sum::<usize>();
    assert!(lines.iter().all(|line| words(line) > 0));
    lines
        .iter()
        .flat_map(|l| l.split(' ').collect::<Vec<_>>().windows(5).map(<[_]>::to_vec).collect::<Vec<_>>())
        .collect()
}

fn jaccard(a: &[String], b: &[String]) -> f64 {
    let (a, b) = (shingles(a), shingles(b));
    a.intersection(&b).count() as f64 / a.union(&b).count() as f64
}

fn engine() -> &'static Engine {
    static ENGINE: OnceLock<Engine> = OnceLock::new();
    ENGINE.get_or_init(|| {
        let rules = Arc::new(RuleSet::built_in().expect("rules"));
        Engine::new(rules).expect("an engine")
    })
}

/// The sketch of a file, as a scan makes it.
fn scanned(name: &str, text: impl Into<Vec<u8>>) -> Sketch {
    let options = ScanOptions { sketch_content: true, ..ScanOptions::new(key()) };
    let done = scan_bytes(engine(), name, text.into(), &options).expect("scanned");
    *done.report.sketch.expect("a sketch")
}

fn text(lines: &[String]) -> Sketch {
    scanned("a.txt", lines.join("\n"))
}

fn alike(a: &Sketch, b: &Sketch) -> f32 {
    let (a, b) = (a.signature(&key(), SAMPLE_MAX), b.signature(&key(), SAMPLE_MAX));
    a.expect("a signature").similarity(&b.expect("a signature")).expect("one key")
}

/// Text of one value, without a reader.
fn sketch_of(value: &str) -> Sketch {
    let mut words = Words::new(&key());
    words.add(&ValueBatch::of_text(value.into()), 0..usize::MAX);
    words.take()
}

#[test]
fn small_texts_are_compared_exactly() {
    let a = lines(1, 40);
    for changed in [0, 1, 5, 20, 40] {
        let b: Vec<String> = lines(2, changed).into_iter().chain(a[changed..].iter().cloned()).collect();
        assert!((f64::from(alike(&text(&a), &text(&b))) - jaccard(&a, &b)).abs() < 1e-6, "{changed} changed");
    }
}

#[test]
fn large_texts_are_compared_within_the_stated_error() {
    let a = lines(3, 20_000);
    for changed in [200, 1_000, 2_000, 6_000] {
        let b: Vec<String> = lines(4, changed).into_iter().chain(a[changed..].iter().cloned()).collect();
        let (exact, found) = (jaccard(&a, &b), f64::from(alike(&text(&a), &text(&b))));
        let error = (exact * (1.0 - exact) / SAMPLE_MAX as f64).sqrt();
        assert!((found - exact).abs() < 4.0 * error, "{found} is not {exact}");
    }
}

#[test]
fn the_order_of_records_does_not_matter() {
    let a = lines(5, 3_000);
    let mut b = a.clone();
    b.reverse();
    b.rotate_left(1_000);
    assert_eq!(text(&a), text(&b));
}

#[test]
fn case_punctuation_and_white_space_do_not_matter() {
    let a = sketch_of("The patient, Mr. O'Brien, was seen on 3 May; straße ÉCOLE.");
    for same in [
        "the patient mr o brien was seen on 3 may straße école",
        "THE   PATIENT -- MR (O BRIEN)\twas seen: on 3 May! Straße «école»",
        // Accents as characters of their own are lost, as those of one character are not.
        "the patient mr o brien was seen on 3 may straße \u{301}école",
    ] {
        assert_eq!(sketch_of(same), a, "{same}");
    }
    let other = sketch_of("the patient mr o brien was seen on 4 may straße école");
    assert_ne!(other, a);
}

#[test]
fn scripts_without_spaces_have_shingles_too() {
    let a = sketch_of("患者は五月三日に診察を受けました");
    assert_eq!(a.shingle_count, 16 - 4);
    assert_eq!(sketch_of("患者は 五月三日に、診察を受けました"), a);
    assert!((alike(&a, &sketch_of("患者は五月四日に診察を受けました")) - 7.0 / 17.0).abs() < 1e-6);
}

#[test]
fn shingles_cross_neither_lines_nor_values() {
    let counts = |text: &str| sketch_of(text).shingle_count;
    assert_eq!(counts("one two three four five six"), 2);
    assert_eq!(counts("one two three\nfour five six"), 2, "a short line is a shingle of its own");
    assert_eq!(counts("one two three four five\r\nsix"), 2);
    assert_eq!(counts(" ,;\n\n"), 0);
    let sum = sketch_of("one two three four five").sample;
    assert_ne!(sum, sketch_of("five two three four one").sample, "the order of words counts");
}

#[test]
fn words_of_any_length_and_place_are_the_same() {
    // Through every offset in a block of 64 bytes, at the end of the buffer and before it.
    let long = "x".repeat(150);
    let line = format!("short eightchr ninechars {long} ünï tail");
    let expected = sketch_of(&line);
    for blanks in 0..130 {
        assert_eq!(sketch_of(&format!("{}{line}", " ".repeat(blanks))), expected, "{blanks} blanks before");
        assert_eq!(sketch_of(&format!("{line}{}", " ".repeat(blanks))), expected, "{blanks} blanks behind");
    }
}

#[test]
fn bytes_that_are_no_text_do_no_harm() {
    let mut words = Words::new(&key());
    let bytes: Vec<u8> = (0..4_096u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    words.add(&ValueBatch::of_text(bytes), 0..usize::MAX);
    words.add(&ValueBatch::new(), 0..usize::MAX);
    assert!(words.take().shingle_count > 0);
    assert_eq!(words.take().signature(&key(), SAMPLE_MAX), None, "nothing was added since");
}

/// Plain text is read in overlapping batches: a shingle belongs to one of them.
#[test]
fn batches_that_overlap_give_each_shingle_once() {
    let text = lines(6, 400).join("\n").replace('7', "\n");
    let whole = sketch_of(&text);
    for cut in (300..3_000).step_by(7) {
        let mut words = Words::new(&key());
        let (behind, ahead) = (cut - 300, cut + 300);
        words.add(&ValueBatch::of_text(text.as_bytes()[..ahead].to_vec()), 0..cut);
        words.add(&ValueBatch::of_text(text.as_bytes()[behind..].to_vec()), 300..usize::MAX);
        assert_eq!(words.take(), whole, "cut at {cut}");
    }
}

#[test]
fn parts_add_up_to_the_whole() {
    let all = lines(7, 2_000);
    let whole = text(&all);
    for size in [1_999, 700, 90] {
        let mut parts: Vec<Sketch> = all.chunks(size).map(text).collect();
        parts.rotate_left(1);
        let sum = parts.into_iter().reduce(|mut sum, part| {
            sum.merge(&part);
            sum
        });
        assert_eq!(sum.expect("parts"), whole, "parts of {size} lines");
    }
}

#[test]
fn the_form_of_a_file_does_not_matter() {
    let (notes, rows) = (lines(8, 500), 0..500usize);
    let label = |n: usize| ["ward north", "ward south", "intensive care"][n % 3];
    let jsonl: String = rows
        .clone()
        .map(|n| {
            format!(
                "{{\"id\": \"{:08}\", \"label\": \"{}\", \"text\": \"{}\", \"n\": {n}, \"ok\": true}}\n",
                n * 7,
                label(n),
                notes[n]
            )
        })
        .collect();
    let csv: String = std::iter::once("text,label,n,id,ok\n".to_owned())
        .chain(rows.clone().map(|n| format!("\"{}\",{},{n},{:08},true\n", notes[n], label(n), n * 7)))
        .collect();
    let column = |of: &dyn Fn(usize) -> String| -> arrow_array::ArrayRef {
        Arc::new(arrow_array::StringArray::from(rows.clone().map(of).collect::<Vec<_>>()))
    };
    let batch = arrow_array::RecordBatch::try_from_iter([
        ("label", column(&|n| label(n).to_owned())),
        ("text", column(&|n| notes[n].clone())),
        ("id", column(&|n| format!("{:08}", n * 7))),
    ])
    .expect("columns of one length");
    let mut parquet = Vec::new();
    let mut writer = parquet::arrow::ArrowWriter::try_new(&mut parquet, batch.schema(), None).expect("a writer");
    writer.write(&batch).expect("written");
    writer.close().expect("closed");
    let jsonl = scanned("a.jsonl", jsonl);
    assert_eq!(
        jsonl.shingle_count as usize,
        shingles_read(&notes) + 500,
        "one shingle of the short values of a record"
    );
    assert_eq!(scanned("a.csv", csv), jsonl);
    assert_eq!(scanned("a.parquet", parquet), jsonl);
}

fn shingles_read(lines: &[String]) -> usize {
    lines.iter().map(|line| line.split(' ').count() - 4).sum()
}

/// Every table with a running number and a few labels has the same values: that makes no near copy.
#[test]
fn tables_of_the_same_labels_are_not_alike() {
    let table = |seed: u64| -> String {
        let row = |n: u64| {
            let hash = fold(n + 1, seed | 1);
            format!("{n},{},{}\n", ["red", "green", "blue"][(hash % 3) as usize], 1_000_000 + hash % 9_000_000)
        };
        std::iter::once("id,colour,amount\n".to_owned()).chain((0..2_000).map(row)).collect()
    };
    let (a, b) = (scanned("a.csv", table(GOLDEN)), scanned("b.csv", table(GOLDEN ^ 0xf00d_beef_1234)));
    assert!(alike(&a, &b) < 0.01);
    assert!(alike(&a, &scanned("c.csv", table(GOLDEN))) == 1.0);
}

#[test]
fn what_was_read_in_part_has_no_sketch() {
    let lines = lines(9, 50).join("\n");
    let sketch = |name: &str, text: &str, change: &dyn Fn(&mut ScanOptions)| {
        let mut options = ScanOptions { sketch_content: true, ..ScanOptions::new(key()) };
        change(&mut options);
        scan_bytes(engine(), name, text.into(), &options).expect("scanned").report.sketch
    };
    assert!(sketch("a.txt", &lines, &|_| {}).is_some());
    assert!(sketch("a.txt", &lines, &|o| o.sketch_content = false).is_none());
    assert!(sketch("a.txt", &lines, &|o| o.fields = vec!["x".into()]).is_none());
    assert!(sketch("a.txt", &lines, &|o| o.sample = Some(crate::scan::Sample::Rows(10))).is_none());
    assert!(sketch("a.jsonl", "{\"a\": \"one two three four five\"}\n{\"a\": \n", &|_| {}).is_none(), "a broken line");
}

#[test]
fn keys_share_no_hash() {
    let other = FingerprintKey::new(&[8; 32]).expect("long enough");
    let text = lines(10, 100).join("\n");
    let signature = |key: &FingerprintKey| {
        let mut words = Words::new(key);
        words.add(&ValueBatch::of_text(text.clone().into()), 0..usize::MAX);
        words.take().signature(key, SAMPLE_MAX).expect("a signature")
    };
    let (mine, theirs) = (signature(&key()), signature(&other));
    let hashes: BTreeSet<&u64> = mine.sample().iter().collect();
    assert!(theirs.sample().iter().all(|hash| !hashes.contains(hash)));
    assert_eq!(mine.similarity(&theirs), None);
}

/// Stored signatures are compared with those of later versions: they must never change. What this is compared with was
/// computed by `near/form_1.py`, which shares nothing with this crate.
#[test]
fn a_signature_is_what_it_always_was() {
    let mut fields = FieldTable::default();
    let mut batch = ValueBatch::new();
    let (note, label) = (fields.intern("note"), fields.intern("label"));
    batch.push(0, Some(note), "The PATIENT was seen on ward 12, bed 4.\nDischarged".as_bytes());
    batch.push(0, Some(label), b"follow-up");
    batch.push(1, Some(note), "Überweisung an die extraordinarily-long Praxis 患者".as_bytes());
    batch.push(1, Some(label), b"12");
    let mut words = Words::new(&key());
    words.add(&batch, 0..usize::MAX);
    let signature = words.take().signature(&key(), SAMPLE_MAX).expect("a signature");
    let frozen = include_str!("form_1.json");
    assert_eq!(
        serde_json::to_value(&signature).expect("written"),
        serde_json::from_str::<serde_json::Value>(frozen).expect("JSON")
    );
}
