//! Copies of each format: nothing of the values is left, everything else is, and a scan of the copy agrees.

use super::*;
use crate::{Confidence, FingerprintKey, RuleSet};
use std::sync::{Arc, LazyLock};

static ENGINE: LazyLock<Engine> =
    LazyLock::new(|| Engine::new(Arc::new(RuleSet::built_in().expect("rules"))).expect("engine"));

const MAIL: &str = "u.brandt@hospital-north.org";
const SSN: &str = "536-22-8726";
const CARD: &str = "4079 4636 1743 0119";

fn options() -> ScanOptions {
    let key = FingerprintKey::new(&[5; 32]).expect("a key");
    ScanOptions { confidence_min: Confidence::Medium, ..ScanOptions::new(key) }
}

fn cleaned(name: &str, content: &[u8], mode: Mode) -> (Vec<u8>, CleanReport) {
    cleaned_with(name, content, mode, &options())
}

fn cleaned_with(name: &str, content: &[u8], mode: Mode, options: &ScanOptions) -> (Vec<u8>, CleanReport) {
    let folder = tempfile::tempdir().expect("a folder");
    let (input, output) = (folder.path().join(name), folder.path().join(format!("clean-{name}")));
    std::fs::write(&input, content).expect("written");
    let report = clean_file(&ENGINE, &input, &output, mode, options).expect("it is cleaned");
    (std::fs::read(output).expect("a copy"), report)
}

fn holds_value(text: &str) -> bool {
    [MAIL, SSN, CARD, "hospital-north"].iter().any(|value| text.contains(value))
}

#[test]
fn every_mode_leaves_nothing_in_lines_of_json_and_keeps_the_rest() {
    let encoded = MAIL.replace('@', "\\u0040");
    let content = format!(
        "{{\"id\": 7,  \"note\":\"mail {MAIL}, SSN {SSN}\", \"tags\":[\"a\",\"{encoded}\"]}}\n{{\"id\":8,\"note\":\"fine\"}}\n\nno json, card {CARD}\n"
    );
    for mode in [Mode::Mask, Mode::Hash, Mode::Surrogate] {
        let (copy, report) = cleaned("a.jsonl", content.as_bytes(), mode);
        let copy = String::from_utf8(copy).expect("text");
        assert!(!holds_value(&copy), "{mode:?}");
        assert_eq!((report.left_count, report.rows, report.rows_dropped), (0, 4, 0), "{mode:?}");
        assert_eq!(report.problems.len(), 1, "the last line is no JSON");
        let lines: Vec<&str> = copy.lines().collect();
        assert!(lines[0].starts_with("{\"id\": 7,  \"note\":\"mail "), "{mode:?}");
        assert_eq!((lines[1], lines.len()), ("{\"id\":8,\"note\":\"fine\"}", 4));
        let first: serde_json::Value = serde_json::from_str(lines[0]).expect("still JSON");
        assert_eq!(first["tags"][0], "a");
    }
    let (copy, report) = cleaned("a.jsonl", content.as_bytes(), Mode::Drop);
    assert_eq!(String::from_utf8_lossy(&copy), "{\"id\":8,\"note\":\"fine\"}\n\n");
    assert_eq!((report.rows_dropped, report.left_count), (2, 0));
}

#[test]
fn equal_values_have_equal_hashes_and_surrogates() {
    let content = format!("{{\"a\":\"{MAIL}\"}}\n{{\"a\":\"{MAIL}\"}}\n{{\"a\":\"other@hospital-north.org\"}}\n");
    for mode in [Mode::Hash, Mode::Surrogate] {
        let (copy, _) = cleaned("a.jsonl", content.as_bytes(), mode);
        let text = String::from_utf8(copy).expect("text");
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], lines[1]);
        assert_ne!(lines[0], lines[2]);
        assert!(mode == Mode::Hash || lines[0].contains("@example.com"));
    }
}

#[test]
fn cells_of_csv_are_replaced_and_headers_stay() {
    let content = format!("id,ssn,note\n1,{SSN},\"a, b\"\n2,,\"mail {MAIL}\"\n");
    let (copy, report) = cleaned("a.csv", content.as_bytes(), Mode::Mask);
    assert_eq!(
        String::from_utf8_lossy(&copy),
        "id,ssn,note\n1,***-**-****,\"a, b\"\n2,,mail *.******@********-*****.***\n"
    );
    assert_eq!((report.rows, report.left_count), (2, 0));
    let of_field = |field: &str| report.replaced.iter().filter(|r| r.field.as_deref() == Some(field)).count();
    assert_eq!((of_field("ssn"), of_field("note")), (1, 1));
    let (copy, report) = cleaned("a.csv", content.as_bytes(), Mode::Drop);
    assert_eq!((String::from_utf8_lossy(&copy).as_ref(), report.rows_dropped), ("id,ssn,note\n", 2));
}

#[test]
fn text_is_copied_around_what_is_replaced() {
    let content = format!("First line.\nMail {MAIL} and card {CARD}.\nLast line.");
    let (copy, report) = cleaned("a.txt", content.as_bytes(), Mode::Mask);
    let expected = "First line.\nMail *.******@********-*****.*** and card **** **** **** ****.\nLast line.";
    assert_eq!((String::from_utf8_lossy(&copy).as_ref(), report.left_count), (expected, 0));
    let (copy, report) = cleaned("a.txt", content.as_bytes(), Mode::Drop);
    assert_eq!(String::from_utf8_lossy(&copy), "First line.\nLast line.");
    assert_eq!((report.rows, report.rows_dropped), (3, 1));
    let (copy, report) = cleaned("a.txt", content.as_bytes(), Mode::Surrogate);
    let text = String::from_utf8(copy).expect("text");
    assert!(!holds_value(&text) && text.ends_with(".\nLast line.") && report.left_count == 0);
}

#[test]
fn columns_of_parquet_are_built_anew_at_any_depth() {
    use arrow_array::builder::{ListBuilder, StringBuilder};
    use arrow_array::{Array as _, ArrayRef, Int64Array, RecordBatch, StringArray, StructArray, cast::AsArray as _};
    let mut tags = ListBuilder::new(StringBuilder::new());
    tags.append_value([Some("a"), Some(MAIL)]);
    tags.append_null();
    tags.append_value([Some("b")]);
    let notes: ArrayRef = Arc::new(StringArray::from(vec![Some("fine"), None, Some(SSN)]));
    let inner = StructArray::try_from(vec![("ssn", Arc::clone(&notes))]).expect("a struct");
    let records = RecordBatch::try_from_iter_with_nullable([
        ("n", Arc::new(Int64Array::from(vec![1, 2, 3])) as ArrayRef, false),
        ("pan", Arc::new(Int64Array::from(vec![Some(4_079_463_617_430_119), None, Some(9)])), true),
        ("tags", Arc::new(tags.finish()), true),
        ("who", Arc::new(inner), true),
    ])
    .expect("columns fit");
    let mut writer = ::parquet::arrow::ArrowWriter::try_new(Vec::new(), records.schema(), None).expect("a writer");
    writer.write(&records).expect("in memory");
    let content = writer.into_inner().expect("in memory");
    let read = |copy: Vec<u8>| {
        let reader = ::parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder::try_new(bytes::Bytes::from(copy));
        let mut batches = reader.expect("Parquet").build().expect("a reader");
        batches.next().expect("a batch").expect("readable")
    };
    let (copy, report) = cleaned("a.parquet", &content, Mode::Mask);
    assert_eq!((report.left_count, report.rows), (0, 3));
    let new = read(copy);
    assert_eq!((new.schema(), new.column(0)), (records.schema(), records.column(0)));
    let pan = new.column(1).as_primitive::<arrow_array::types::Int64Type>();
    assert_eq!((pan.is_null(0), pan.is_null(1), pan.value(2)), (true, true, 9));
    let tags = new.column(2).as_list::<i32>();
    assert_eq!(tags.value(0).as_string::<i32>().value(1), "*.******@********-*****.***");
    assert_eq!((tags.value(0).as_string::<i32>().value(0), tags.is_null(1)), ("a", true));
    let who = new.column(3).as_struct().column(0).as_string::<i32>();
    assert_eq!((who.value(0), who.is_null(1), who.value(2)), ("fine", true, "***-**-****"));
    let (copy, report) = cleaned("a.parquet", &content, Mode::Drop);
    assert_eq!((read(copy).num_rows(), report.rows_dropped), (1, 2));
}

#[test]
fn json_in_a_value_stays_json() {
    let inner = format!("{{\"ssn\": \"{SSN}\", \"card\": 4079463617430119, \"note\": \"line\\nmail {MAIL}\"}}");
    let lines = format!("{inner}\n{inner}\n");
    let deep = serde_json::json!({ "payload": inner, "n": 1 }).to_string();
    for mode in [Mode::Mask, Mode::Hash, Mode::Surrogate] {
        let content = serde_json::json!({ "one": inner, "lines": lines, "deep": deep }).to_string();
        let (copy, report) = cleaned("a.jsonl", content.as_bytes(), mode);
        let copy = String::from_utf8(copy).expect("text");
        assert!(!holds_value(&copy) && !copy.contains("4079463617430119"), "{mode:?}: {copy}");
        assert_eq!((report.left_count, report.problems.len()), (0, 0), "{mode:?}");
        let parse = |text: &str| serde_json::from_str::<serde_json::Value>(text).expect("still JSON");
        let new = parse(copy.trim_end());
        let text = |value: &serde_json::Value| value.as_str().expect("a text").to_owned();
        let check = |inner: &str| {
            let value = parse(inner);
            assert!(value["note"].as_str().is_some_and(|note| note.starts_with("line\nmail ")), "{mode:?}: {inner}");
            let is_surrogate = mode == Mode::Surrogate;
            assert_eq!(value["card"].is_u64(), is_surrogate, "a made-up number is a number, {mode:?}: {inner}");
        };
        check(&text(&new["one"]));
        assert_eq!(text(&new["lines"]).lines().inspect(|line| check(line)).count(), 2);
        check(&text(&parse(&text(&new["deep"]))["payload"]));
    }
    let cell = format!("id,payload\n1,\"{}\"\n", inner.replace('"', "\"\""));
    let (copy, report) = cleaned("a.csv", cell.as_bytes(), Mode::Mask);
    assert_eq!(report.left_count, 0);
    let mut copy = ::csv::Reader::from_reader(copy.as_slice());
    let record = copy.records().next().expect("a record").expect("CSV");
    assert!(serde_json::from_str::<serde_json::Value>(&record[1]).is_ok(), "{}", &record[1]);
}

#[test]
fn values_in_the_place_of_names_are_neither_told_nor_left() {
    // Without a head the first line is a record, and is cleaned as one.
    let content = format!("{SSN},Jane\n536-22-8727,John\n");
    let (copy, report) = cleaned("a.csv", content.as_bytes(), Mode::Mask);
    assert!(!holds_value(&String::from_utf8_lossy(&copy)) && report.rows == 2);
    // Named by a value because somebody says so: the name goes, and is told nowhere.
    let content = format!("{MAIL},note\nx,{SSN}\ny,fine\n");
    let folder = tempfile::tempdir().expect("a folder");
    let (input, output) = (folder.path().join("a.csv"), folder.path().join("b.csv"));
    std::fs::write(&input, content).expect("written");
    let options = ScanOptions { header: crate::readers::Header::Present, ..options() };
    for mode in [Mode::Mask, Mode::Drop] {
        let report = clean_file(&ENGINE, &input, &output, mode, &options).expect("it is cleaned");
        let copy = std::fs::read_to_string(&output).expect("a copy");
        assert!(copy.starts_with("column_0,note\n") && !holds_value(&copy), "{copy}");
        assert_eq!(report.left_count, 0);
    }
    let content = format!("{{\"about {MAIL}\": \"SSN {SSN}\"}}\n");
    let (_, report) = cleaned("a.jsonl", content.as_bytes(), Mode::Mask);
    assert!(!report.replaced.is_empty());
    assert!(!report.replaced.iter().any(|r| r.field.as_deref().is_some_and(holds_value)), "{:?}", report.replaced);
}

#[test]
fn dates_and_fractions_of_columns_go_where_they_tell_who_somebody_is() {
    use arrow_array::{
        Array as _, ArrayRef, Date32Array, Decimal128Array, Float64Array, RecordBatch, TimestampMicrosecondArray,
        cast::AsArray as _, types::Date32Type,
    };
    let days: ArrayRef = Arc::new(Date32Array::from(vec![Some(1_593), None, Some(2_593)]));
    let decimals = Decimal128Array::from(vec![4_820_849, 4_821_849, 4_822_849]).with_precision_and_scale(10, 5);
    let columns: [(&str, ArrayRef, bool); 5] = [
        ("date_of_birth", Arc::clone(&days), true),
        ("loaded_on", Arc::clone(&days), true),
        ("dob", Arc::new(TimestampMicrosecondArray::from(vec![137_635_200_000_000; 3])), false),
        ("latitude", Arc::new(Float64Array::from(vec![48.20849, 48.20859, 12.0])), true),
        ("longitude", Arc::new(decimals.expect("decimals")), true),
    ];
    let records = RecordBatch::try_from_iter_with_nullable(columns).expect("columns fit");
    let mut writer = ::parquet::arrow::ArrowWriter::try_new(Vec::new(), records.schema(), None).expect("a writer");
    writer.write(&records).expect("in memory");
    let content = writer.into_inner().expect("in memory");
    for mode in [Mode::Mask, Mode::Surrogate] {
        let (copy, report) = cleaned("a.parquet", &content, mode);
        assert_eq!(report.left_count, 0, "{mode:?}");
        let fields: Vec<&str> = report.replaced.iter().filter_map(|r| r.field.as_deref()).collect();
        assert_eq!(fields, ["date_of_birth", "dob", "latitude", "longitude"]);
        let reader = ::parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder::try_new(bytes::Bytes::from(copy));
        let new = reader.expect("Parquet").build().expect("a reader").next().expect("a batch").expect("readable");
        assert_eq!((new.schema(), new.column(1)), (records.schema(), records.column(1)));
        let born = new.column(0).as_primitive::<Date32Type>();
        let is_made_up = born.is_valid(0) && born.value(0) != 1_593;
        assert_eq!((is_made_up, born.is_null(1)), (mode == Mode::Surrogate, true), "{mode:?}");
        assert_eq!(new.column(2).null_count(), 0, "a column that takes no null");
        assert_ne!(new.column(2).as_ref(), records.column(2).as_ref());
        let latitude = new.column(3).as_primitive::<arrow_array::types::Float64Type>();
        assert_eq!((latitude.is_null(0), latitude.value(2)), (true, 12.0));
        assert_eq!(new.column(4).null_count(), 3);
    }
    let (copy, _) = cleaned("a.jsonl", b"{\"latitude\": 48.20849, \"score\": 48.20849}\n", Mode::Surrogate);
    let new: serde_json::Value = serde_json::from_slice(&copy).expect("JSON");
    assert!(new["latitude"].is_f64() && new["latitude"] != new["score"] && new["score"] == 48.20849, "{new}");
}

#[test]
fn values_and_keys_of_maps_go() {
    use arrow_array::builder::{MapBuilder, StringBuilder};
    use arrow_array::{ArrayRef, RecordBatch, cast::AsArray as _};
    let mut map = MapBuilder::new(None, StringBuilder::new(), StringBuilder::new());
    for row in [vec![("note", SSN), ("size", "big")], vec![(MAIL, "yes")], vec![("size", "small"), ("note", "none")]] {
        for (key, value) in row {
            map.keys().append_value(key);
            map.values().append_value(value);
        }
        map.append(true).expect("as many keys as values");
    }
    let column: ArrayRef = Arc::new(map.finish());
    let records = RecordBatch::try_from_iter([("m", column)]).expect("a batch");
    let mut writer = ::parquet::arrow::ArrowWriter::try_new(Vec::new(), records.schema(), None).expect("a writer");
    writer.write(&records).expect("in memory");
    let (copy, report) = cleaned("a.parquet", &writer.into_inner().expect("in memory"), Mode::Mask);
    assert_eq!((report.left_count, report.rows), (0, 3));
    let mut fields: Vec<&str> = report.replaced.iter().filter_map(|r| r.field.as_deref()).collect();
    fields.sort_unstable();
    assert_eq!(fields, ["m.*", "m.note"]);
    let reader = ::parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder::try_new(bytes::Bytes::from(copy));
    let new = reader.expect("Parquet").build().expect("a reader").next().expect("a batch").expect("readable");
    let map = new.column(0).as_map();
    let text = |array: &ArrayRef| -> Vec<String> {
        array.as_string::<i32>().iter().map(|text| text.unwrap_or_default().to_owned()).collect()
    };
    assert_eq!(text(map.keys()), ["note", "size", "*.******@********-*****.***", "size", "note"]);
    assert_eq!(text(map.values()), ["***-**-****", "big", "yes", "small", "none"]);
}

#[test]
fn texts_of_other_encodings_have_copies_in_utf8() {
    let text = format!("Grüße an alle: mail {MAIL}, für später\n");
    let windows = encoding_rs::WINDOWS_1252.encode(&text).0.into_owned();
    let wide: Vec<u8> = format!("\u{feff}{text}").encode_utf16().flat_map(u16::to_le_bytes).collect();
    let late = ["plain words\n".repeat(1_000).into_bytes(), windows.clone()].concat();
    for bytes in [windows, wide, late] {
        for name in ["a.txt", "a.csv"] {
            let (copy, report) = cleaned(name, &bytes, Mode::Mask);
            let copy = String::from_utf8(copy).expect("UTF-8");
            assert!(copy.contains("Grüße an alle") && !holds_value(&copy), "{name}: {copy}");
            assert_eq!(report.left_count, 0);
        }
    }
}

#[test]
fn a_copy_of_a_file_of_a_delta_table_goes_by_the_names_of_the_table() {
    use arrow_array::{ArrayRef, Date32Array, RecordBatch};
    let folder = tempfile::tempdir().expect("a folder");
    let schema = r#"{"type":"struct","fields":[{"name":"date_of_birth","type":"date","nullable":true,"metadata":{"delta.columnMapping.id":1,"delta.columnMapping.physicalName":"col-5f"}}]}"#;
    let action = serde_json::json!({ "metaData": { "id": "x", "schemaString": schema } });
    std::fs::create_dir(folder.path().join("_delta_log")).expect("made");
    std::fs::write(folder.path().join(format!("_delta_log/{:020}.json", 0)), action.to_string()).expect("written");
    let days: ArrayRef = Arc::new(Date32Array::from(vec![1_593, 1_594]));
    let records = RecordBatch::try_from_iter_with_nullable([("col-5f", days, true)]).expect("columns fit");
    let mut writer = ::parquet::arrow::ArrowWriter::try_new(Vec::new(), records.schema(), None).expect("a writer");
    writer.write(&records).expect("in memory");
    let (input, output) = (folder.path().join("a.parquet"), folder.path().join("b.parquet"));
    std::fs::write(&input, writer.into_inner().expect("in memory")).expect("written");
    let report = clean_file(&ENGINE, &input, &output, Mode::Mask, &options()).expect("it is cleaned");
    assert_eq!((report.replaced[0].field.as_deref(), report.replaced[0].count), (Some("date_of_birth"), 2));
    assert_eq!(report.left_count, 0);
}

#[test]
fn what_is_left_is_told() {
    // A surrogate that was not accepted would be found: the check itself is checked by a copy that was not cleaned.
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("a.txt");
    std::fs::write(&path, format!("mail {MAIL}")).expect("written");
    let options = options();
    let mut cleaner = Cleaner::new(&ENGINE, Mode::Mask, &options).expect("a cleaner");
    cleaner.check(Format::Text, &path).expect("it is scanned");
    assert_eq!((cleaner.report.left_count, cleaner.report.left.len()), (1, 1));
    let refused = |name: &str| {
        let error = clean_file(&ENGINE, &folder.path().join(name), &path, Mode::Mask, &options).expect_err("refused");
        error.to_string()
    };
    std::fs::write(folder.path().join("a.zip"), "x").expect("written");
    for (name, told) in [("a.zip", "unpack it first"), ("nope", "it does not exist"), (".", "it is a directory")] {
        assert!(refused(name).contains(told), "{}", refused(name));
    }
}

#[test]
fn no_date_of_birth_stays_because_another_one_became_it() {
    // Surrogates are dates of the same years, so many of them equal a real date of another row.
    let dates: Vec<String> = (0..4_000_u32)
        .map(|n| format!("{}-{:02}-{:02}", 1_930 + n * 7 % 70, 1 + n * 5 % 12, 1 + n * 11 % 12))
        .collect();
    let rows: String = dates.iter().enumerate().map(|(n, date)| format!("{n},{date}\n")).collect();
    let (copy, report) = cleaned("a.csv", format!("id,date_of_birth\n{rows}").as_bytes(), Mode::Surrogate);
    let copy = String::from_utf8(copy).expect("text");
    let new: Vec<&str> = copy.lines().skip(1).filter_map(|line| line.split(',').nth(1)).collect();
    assert_eq!((new.len(), report.left_count), (dates.len(), 0));
    assert_eq!(new.iter().zip(&dates).filter(|(new, old)| *new == old).count(), 0);
}

#[test]
fn a_copy_with_a_value_that_equals_a_replacement_is_not_clean() {
    let folder = tempfile::tempdir().expect("a folder");
    let (path, options) = (folder.path().join("a.jsonl"), options());
    std::fs::write(&path, format!("{{\"a\":\"{SSN}\",\"ssn\":\"{SSN}\"}}\n{{\"ssn\":\"{SSN}\"}}\n")).expect("written");
    let mut cleaner = Cleaner::new(&ENGINE, Mode::Surrogate, &options).expect("a cleaner");
    cleaner.check(Format::Jsonl, &path).expect("it is scanned");
    let first = cleaner.report.left.iter().find(|f| f.row == Some(0)).expect("a finding");
    let place = place_of(0, first.start, first.end, &first.fingerprint);
    cleaner.accepted.insert(place);
    cleaner.check(Format::Jsonl, &path).expect("it is scanned");
    assert_eq!(cleaner.report.left.iter().map(|f| f.row).collect::<Vec<_>>(), [Some(1)]);
}

#[test]
fn a_broken_line_keeps_its_end_and_half_a_surrogate_makes_text() {
    let mut content = format!("{{\"a\": \"{MAIL} ").into_bytes();
    content.extend_from_slice(b"\xff\xff\xff\n");
    content
        .extend_from_slice(format!("{{\"a\":\"{SSN} \\ud800\",\"ssn\":\"{SSN}\"}}\n{{\"b\":\"fine\"}}\n").as_bytes());
    for mode in [Mode::Mask, Mode::Hash] {
        let (copy, report) = cleaned("a.jsonl", &content, mode);
        let copy = String::from_utf8_lossy(&copy);
        assert!(!holds_value(&copy), "{mode:?}");
        assert_eq!((report.left_count, copy.lines().count()), (0, 3), "{mode:?}");
        assert_eq!(copy.lines().last(), Some("{\"b\":\"fine\"}"));
    }
}

#[test]
fn what_is_left_names_the_input() {
    let folder = tempfile::tempdir().expect("a folder");
    let (path, options) = (folder.path().join("a.txt"), options());
    std::fs::write(&path, format!("mail {MAIL}")).expect("written");
    let mut cleaner = Cleaner::new(&ENGINE, Mode::Mask, &options).expect("a cleaner");
    cleaner.input = "the/input.txt".into();
    cleaner.check(Format::Text, &path).expect("it is scanned");
    assert_eq!(cleaner.report.left[0].path, "the/input.txt");
}

#[test]
fn floats_and_bytes_of_a_fixed_length_are_cleaned() {
    use arrow_array::types::Float64Type;
    use arrow_array::{Array as _, ArrayRef, FixedSizeBinaryArray, Float64Array, RecordBatch, cast::AsArray as _};
    let card = 4_079_463_617_430_119.0;
    let bytes = FixedSizeBinaryArray::try_from_iter([b"536-22-8726".to_vec(), b"nothing at!".to_vec()].into_iter());
    let records = RecordBatch::try_from_iter_with_nullable([
        ("ssn", Arc::new(bytes.expect("bytes")) as ArrayRef, false),
        ("card_number", Arc::new(Float64Array::from(vec![Some(card), Some(1.5)])), true),
    ])
    .expect("columns fit");
    let mut writer = ::parquet::arrow::ArrowWriter::try_new(Vec::new(), records.schema(), None).expect("a writer");
    writer.write(&records).expect("in memory");
    let content = writer.into_inner().expect("in memory");
    for mode in [Mode::Mask, Mode::Hash] {
        let (copy, report) = cleaned("a.parquet", &content, mode);
        assert_eq!((report.left_count, report.replaced.len()), (0, 2), "{mode:?}");
        let reader = ::parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder::try_new(bytes::Bytes::from(copy));
        let new = reader.expect("Parquet").build().expect("a reader").next().expect("a batch").expect("readable");
        let ssn = new.column(0).as_fixed_size_binary();
        assert!(ssn.value(0) != b"536-22-8726" && ssn.value(1) == b"nothing at!", "{mode:?}");
        let cards = new.column(1).as_primitive::<Float64Type>();
        assert_eq!((cards.is_null(0), cards.value(1)), (true, 1.5), "{mode:?}");
    }
}

#[test]
fn an_empty_file_has_an_empty_copy() {
    for name in ["a.jsonl", "a.csv", "a.txt"] {
        let (copy, report) = cleaned(name, b"", Mode::Mask);
        assert_eq!((copy.len(), report.left_count, report.rows), (0, 0, 0), "{name}");
    }
    let (copy, report) = cleaned("a.jsonl", format!("{{\"a\":\"{MAIL}\"}}\n").as_bytes(), Mode::Drop);
    assert_eq!((copy.len(), report.rows_dropped), (0, 1), "all of it was left out");
}

#[test]
fn surrogates_are_of_the_kind_and_nobodys() {
    let values = "{\"ip\":\"17.2.9.41\",\"six\":\"2a02:26f0:9c00::17\",\"phone\":\"(628) 551-7714\",\"abroad\":\"+49 30 90182031\",\"iban\":\"DE89 3704 0044 0532 0130 00\",\"card\":4079463617430119}\n";
    let (copy, report) = cleaned("a.jsonl", values.repeat(40).as_bytes(), Mode::Surrogate);
    assert_eq!(report.left_count, 0);
    let copy = String::from_utf8(copy).expect("text");
    let new: serde_json::Value = serde_json::from_str(copy.lines().next().expect("a line")).expect("JSON");
    let text = |key: &str| new[key].as_str().unwrap_or_default().to_owned();
    let networks = ["192.0.2.", "198.51.100.", "203.0.113."];
    assert!(networks.iter().any(|network| text("ip").starts_with(network)), "{new}");
    assert!(
        text("ip").parse::<std::net::IpAddr>().is_ok() && text("six").parse::<std::net::Ipv6Addr>().is_ok(),
        "{new}"
    );
    assert!(text("six").starts_with("2001:db8:"), "{new}");
    let phone = text("phone");
    assert!(phone.starts_with('(') && phone.get(5..12) == Some(" 555-01") && phone.len() == 14, "{new}");
    assert!(text("abroad").starts_with("+44 7700 900"), "{new}");
    assert!(text("iban").starts_with("DE") && text("iban").len() == 27 && !text("iban").contains("3704"), "{new}");
    assert!(new["card"].as_u64().is_some_and(|n| n != 4_079_463_617_430_119 && n.to_string().len() == 16), "{new}");
}

#[test]
fn made_up_social_security_numbers_pass_a_gate() {
    let text = "her SSN: 536-22-8726, his social security number is 601 45 1187.\n".repeat(3);
    for name in ["a.txt", "a.jsonl"] {
        let content = if name == "a.txt" { text.clone() } else { format!("{{\"note\":{text:?}}}\n") };
        let (copy, report) = cleaned(name, content.as_bytes(), Mode::Surrogate);
        assert_eq!(report.left_count, 0);
        let options = ScanOptions { confidence_min: Confidence::High, ..options() };
        let found = scan::scan_bytes(&ENGINE, name, copy.clone(), &options).expect("scanned").findings;
        assert_eq!(found.iter().map(|f| f.detector.as_str()).collect::<Vec<_>>(), [""; 0]);
        let copy = String::from_utf8(copy).expect("text");
        assert!(!copy.contains("8726") && copy.matches("SSN: 9").count() == 3, "{copy}");
    }
}

/// A rule that finds what is put in the place of what it has found, and what is before it.
const NEVER_AT_REST: &str = r"
- { id: before-bracket, title: t, entity: WORD, categories: [pii], keywords: ['[wo'], lead: '[a-z]{1,9} ?', score: 0.9,
    find: '\[WORD:' }
- { id: seed, title: t, entity: WORD, categories: [pii], keywords: [seed], score: 0.9, find: 'seed' }
";

#[test]
fn what_never_comes_to_rest_is_masked_and_told() {
    let rules = RuleSet::from_files([("own.yaml", NEVER_AT_REST)]).expect("rules");
    let engine = Engine::new(Arc::new(rules)).expect("engine");
    let folder = tempfile::tempdir().expect("a folder");
    let (input, output) = (folder.path().join("a.txt"), folder.path().join("b.txt"));
    std::fs::write(&input, "one two three four five six seven seed and more").expect("written");
    let report = clean_file(&engine, &input, &output, Mode::Hash, &options()).expect("it is cleaned");
    let copy = std::fs::read_to_string(&output).expect("a copy");
    assert_eq!((report.left_count, report.masked_instead > 0), (0, true), "{copy}");
    assert!(copy.starts_with("one two three ") && copy.ends_with(" and more") && copy.contains('*'), "{copy}");
}

#[test]
fn a_rule_that_is_stopped_leaves_no_copy() {
    let worst = "- { id: worst, title: t, entity: WORST, categories: [pii], slow: true, window: 16384, score: 0.9, find: \
                 '[a-z ]*[a-m][a-z ]{60}!' }\n";
    let rules = RuleSet::from_files([("own.yaml", worst)]).expect("rules");
    let engine = Engine::new(Arc::new(rules)).expect("engine");
    let folder = tempfile::tempdir().expect("a folder");
    // Without an order, so that an automaton meets ever new states.
    let words: String = (0..40_000u64).map(|n| format!("{:x} ", n.wrapping_mul(0x9e37_79b9_7f4a_7c15))).collect();
    let words = words.replace(|c: char| c.is_ascii_digit(), "u");
    for (name, content) in [("a.txt", words.clone()), ("a.jsonl", format!("{{\"a\":\"{words}\"}}\n"))] {
        let (input, output) = (folder.path().join(name), folder.path().join(format!("clean-{name}")));
        std::fs::write(&input, content).expect("written");
        let error = clean_file(&engine, &input, &output, Mode::Mask, &options()).expect_err("refused").to_string();
        assert!(error.contains("the rule `worst` was stopped") && !output.exists(), "{name}: {error}");
    }
}

#[test]
fn base64_with_a_value_goes_whole() {
    use base64::Engine as _;
    let run = base64::engine::general_purpose::STANDARD.encode(format!("the patient's SSN is {SSN}, as told before.."));
    assert!(run.ends_with('='));
    let content = format!("{{\"a\":\"data {run} end\"}}\n");
    for mode in [Mode::Mask, Mode::Hash, Mode::Surrogate] {
        let (copy, report) = cleaned("a.jsonl", content.as_bytes(), mode);
        let copy = String::from_utf8(copy).expect("text");
        let left = copy.trim_end().strip_prefix("{\"a\":\"data ").and_then(|rest| rest.strip_suffix(" end\"}"));
        let left = left.expect("what is around it stays");
        assert_eq!(report.left_count, 0, "{mode:?}");
        assert!(!left.contains(&run[..8]) && !left.contains('=') && left.len() < run.len(), "{mode:?}: {left}");
    }
}

#[test]
fn a_record_that_is_too_long_is_left_out_and_told_and_the_rest_is_written() {
    let limits = crate::readers::Limits { record_bytes_max: 4_096, ..Default::default() };
    let options = ScanOptions { limits, ..options() };
    let long = format!("{MAIL} ").repeat(1_000);
    let json = format!("{{\"a\":\"{MAIL}\"}}\n{{\"a\":\"{long}\"}}\n{{\"a\":\"{MAIL}\",\"b\":\"fine\"}}\n");
    let table = format!("a,b\n{MAIL},x\n\"{long}\n{MAIL}\",y\n{MAIL},fine\n");
    for mode in [Mode::Mask, Mode::Hash, Mode::Surrogate] {
        for (name, content, place) in [("a.jsonl", &json, "line 2"), ("a.csv", &table, "record 3")] {
            let (copy, report) = cleaned_with(name, content.as_bytes(), mode, &options);
            let copy = String::from_utf8(copy).expect("text");
            assert!(!holds_value(&copy), "{name} {mode:?}");
            assert_eq!(copy.matches("fine").count(), 1, "{name} {mode:?}");
            assert_eq!((report.rows, report.rows_too_long, report.left_count), (3, 1, 0), "{name} {mode:?}");
            assert_eq!(
                report.problems.iter().map(|p| p.place.as_str()).collect::<Vec<_>>(),
                [place],
                "{name} {mode:?}"
            );
            assert!(report.problems[0].message.contains("4096 bytes"), "{name} {mode:?}");
        }
    }
}
