//! The file source: each row is a content and the records it must become, whole, in small pieces, and compressed.

use super::*;
use crate::{ConnectorError, Position, Record};
use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::Path;
use tempfile::TempDir;

/// Name, content, and its records.
const ROWS: &[(&str, &str, &[&str])] = &[
    ("empty", "", &[]),
    ("blank", " \n\n\t\r\n", &[]),
    ("one line", "{\"a\": 1}", &["{\"a\": 1}"]),
    ("lines", "{\"a\": 1}\n{\"a\": 2}\n", &["{\"a\": 1}", "{\"a\": 2}"]),
    ("CRLF lines, blank ones between", "{\"a\": 1}\r\n\r\n  \n{\"a\": 2}\r\n", &["{\"a\": 1}", "{\"a\": 2}"]),
    ("byte order mark", "\u{feff}{\"a\": 1}\n{\"a\": 2}", &["{\"a\": 1}", "{\"a\": 2}"]),
    ("broken line in the middle", "{\"a\": 1}\n{\"a\": \n{\"a\": 3}\n", &["{\"a\": 1}", "{\"a\": ", "{\"a\": 3}"]),
    ("broken first line", "{\"a\": \"x\n{\"a\": 2}\n", &["{\"a\": \"x", "{\"a\": 2}"]),
    ("bracket in a string", "{\"a\": \"}{\"}\n{\"b\": \"\\\"}\"}\n", &["{\"a\": \"}{\"}", "{\"b\": \"\\\"}\"}"]),
    ("no JSON", "plain text\nmore\n", &["plain text", "more"]),
    ("array", "[{\"a\": 1}, {\"a\": [2]}]", &["{\"a\": 1}", "{\"a\": [2]}"]),
    ("array over lines", "[\n  {\"a\": 1},\n  {\"a\":\n 2}\n]\n", &["{\"a\": 1}", "{\"a\":\n 2}"]),
    ("array of scalars", "[1, \"a, b]\", null]", &["1", "\"a, b]\"", "null"]),
    ("empty array", "[]", &[]),
    ("arrays one after the other", "[{}]\n[{\"a\": 1}]", &["{}", "{\"a\": 1}"]),
    ("array that does not close", "[{\"a\": 1}, {\"a\": ", &["{\"a\": 1}", "{\"a\": "]),
    ("array of arrays", "[[1], [2, 3]]", &["[1]", "[2, 3]"]),
    ("envelope", "{\"Records\": [{\"a\": 1}, {\"a\": 2}]}", &["{\"a\": 1}", "{\"a\": 2}"]),
    (
        "envelope with more",
        "{\"Records\":[{\"a\":1}],\"next\":{\"x\":\"]}\"}}\n{\"b\":2}",
        &["{\"a\":1}", ",\"next\":{\"x\":\"]}\"}}", "{\"b\":2}"],
    ),
    (
        "envelope with a page token",
        "{\"Records\":[{\"a\":1}] , \"nextToken\": \"]}\"}\n{\"b\":2}",
        &["{\"a\":1}", "{\"b\":2}"],
    ),
    ("envelope that does not close", "{\"Records\":[{\"a\":1}]\n", &["{\"a\":1}"]),
    ("envelopes a line", "{\"Records\":[{\"a\":1}]}\n{\"Records\":[{\"a\":2}]}\n", &["{\"a\":1}", "{\"a\":2}"]),
    ("pretty envelope", "{\n \"Records\" : [\n {\"a\": 1}\n ]\n}\n", &["{\"a\": 1}"]),
    ("empty envelope", "{\"Records\": []}", &[]),
    ("no envelope", "{\"Recorded\": [1]}", &["{\"Recorded\": [1]}"]),
    ("one pretty document", "{\n  \"a\": 1\n}\n", &["{\n  \"a\": 1\n}"]),
    ("pretty documents", "{\n \"a\": 1\n}\n{\n \"a\": 2\n}", &["{\n \"a\": 1\n}", "{\n \"a\": 2\n}"]),
    ("documents on one line", "{\"a\": 1}{\"a\": 2}", &["{\"a\": 1}", "{\"a\": 2}"]),
    (
        "flat array field",
        "{\"items\": [\n{\"a\": 1},\n{\"a\": 2}\n]}\n",
        &["{\"items\": [\n{\"a\": 1},\n{\"a\": 2}\n]}"],
    ),
    ("last document cut off", "{\n \"a\": 1\n}\n{\n \"a\":", &["{\n \"a\": 1\n}", "{\n \"a\":"]),
    ("stray bracket", "[{\"a\": 1}]}\n{\"a\": 2}", &["{\"a\": 1}", "}", "{\"a\": 2}"]),
];

#[test]
fn every_form_from_every_compression() {
    let directory = TempDir::new().expect("directory");
    // The name says nothing: the content does.
    let path = directory.path().join("data");
    for (name, content, expected) in ROWS {
        for (compression, bytes) in [
            ("plain", content.as_bytes().to_vec()),
            ("gzip", gzip(content.as_bytes())),
            (
                "two gzip members",
                [gzip(&content.as_bytes()[..content.len() / 2]), gzip(&content.as_bytes()[content.len() / 2..])]
                    .concat(),
            ),
            ("zstd", zstd::encode_all(content.as_bytes(), 1).expect("zstd")),
        ] {
            fs::write(&path, bytes).expect("write");
            let records = records(&path);
            let values: Vec<&str> = records.iter().map(value).collect();
            assert_eq!(values, *expected, "{name}, {compression}");
            check_positions(name, content, &records);
        }
    }
}

/// Ordinals count up, and offset and line are where the record is in the content.
fn check_positions(name: &str, content: &str, records: &[Record]) {
    for (index, record) in records.iter().enumerate() {
        let Position::File { ordinal, line, byte_offset, .. } = &record.position else { panic!("a file position") };
        let offset = *byte_offset as usize;
        assert_eq!(*ordinal, index as u64, "{name}");
        assert!(content[offset..].starts_with(value(record)), "{name}: offset {offset}");
        assert_eq!(*line, Some(1 + content[..offset].matches('\n').count() as u64), "{name}: offset {offset}");
    }
}

#[test]
fn long_files_are_read_in_pieces() {
    let directory = TempDir::new().expect("directory");
    let path = directory.path().join("data");
    let lines: Vec<String> =
        (0..50_000).map(|n| format!("{{\"n\": {n}, \"text\": \"{}\"}}", "x".repeat(n % 97))).collect();
    for content in
        [lines.join("\n"), format!("[{}]", lines.join(",\n")), format!("{{\"Records\": [{}]}}", lines.join(","))]
    {
        fs::write(&path, &content).expect("write");
        let records = records(&path);
        assert!(records.iter().map(value).eq(lines.iter().map(String::as_str)));
    }
}

#[test]
fn what_is_too_long_is_reported_and_skipped() {
    let directory = TempDir::new().expect("directory");
    let path = directory.path().join("data");
    let long = format!("{{\"a\": \"{}\"}}", "x".repeat(DOCUMENT_BYTES_MAX));
    // (content, line of the long one)
    for (content, long_line) in [
        (format!("{{\"b\": 1}}\n{long}\n{{\"b\": 2}}\n"), 2),
        (format!("[{{\"b\": 1}}, {long}, {{\"b\": 2}}]"), 1),
        (format!("{{\"Records\": [{{\"b\": 1}},\n\n{long}, {{\"b\": 2}}]}}"), 3),
    ] {
        fs::write(&path, zstd::encode_all(content.as_bytes(), 1).expect("zstd")).expect("write");
        let items: Vec<FileItem> = source(&path).map(|item| item.expect("item")).collect();
        let [FileItem::Record(first), FileItem::TooLarge { position, bytes }, FileItem::Record(last)] = &items[..]
        else {
            panic!("{} items", items.len())
        };
        assert_eq!((value(first), value(last)), ("{\"b\": 1}", "{\"b\": 2}"));
        let Position::File { ordinal, line, .. } = position else { panic!("a file position") };
        assert_eq!((*ordinal, *line), (1, Some(long_line)));
        assert!((0..=1).contains(&(bytes - long.len() as u64)), "{bytes}");
    }
}

#[test]
fn a_truncated_archive_gives_its_whole_records_and_then_an_error() {
    let directory = TempDir::new().expect("directory");
    let path = directory.path().join("cut");
    let lines: Vec<String> =
        (0..20_000u64).map(|n| format!("{{\"n\": {}}}", n.wrapping_mul(0x9e37_79b9_7f4a_7c15))).collect();
    let content = lines.join("\n");
    for whole in [gzip(content.as_bytes()), zstd::encode_all(content.as_bytes(), 1).expect("zstd")] {
        fs::write(&path, &whole[..whole.len() * 2 / 3]).expect("write");
        let mut items: Vec<_> = source(&path).collect();
        let error = items.pop().expect("an item").expect_err("it is cut off");
        let values: Vec<String> = items
            .into_iter()
            .map(|item| record(item.expect("before the error")))
            .map(|r| value(&r).to_owned())
            .collect();
        assert!(values.len() > 1000, "{}", values.len());
        assert_eq!(values[..], lines[..values.len()]);
        let ConnectorError::File { path: at, byte_offset, .. } = &error else { panic!("{error}") };
        assert_eq!(*at, path.display().to_string());
        let delivered: u64 = values.iter().map(|value| value.len() as u64 + 1).sum();
        assert!(*byte_offset + 1 >= delivered, "{byte_offset} < {delivered}");
    }
}

#[test]
fn directories_are_read_in_name_order_and_past_errors() {
    let directory = TempDir::new().expect("directory");
    let write = |name: &str, content: &[u8]| {
        let path = directory.path().join(name);
        fs::create_dir_all(path.parent().expect("parent")).expect("directory");
        fs::write(path, content).expect("write");
    };
    write("b.json", b"{\"n\": 3}");
    write("a/2.json", b"{\"n\": 2}");
    write("a/1.json", b"{\"n\": 1}");
    write("c.gz", &[0x1f, 0x8b, 0, 0, 0]);
    write("d", b"{\"n\": 4}");
    write(".hidden", b"{\"n\": 0}");
    let paths = [directory.path().display().to_string(), "/no/such/file".to_owned()];
    let (mut values, mut failed) = (Vec::new(), Vec::new());
    for item in FileSource::new("in", &paths).expect("source") {
        match item {
            Ok(item) => values.push(value(&record(item)).to_owned()),
            Err(ConnectorError::File { path, .. }) => failed.push(path),
            Err(error) => panic!("{error}"),
        }
    }
    assert_eq!(values, ["{\"n\": 1}", "{\"n\": 2}", "{\"n\": 3}", "{\"n\": 4}"]);
    assert_eq!(failed, [directory.path().join("c.gz").display().to_string(), "/no/such/file".to_owned()]);
}

#[test]
fn resumes_behind_what_was_handled() {
    let directory = TempDir::new().expect("directory");
    let (a, b) = (directory.path().join("a"), directory.path().join("b"));
    fs::write(&a, "{\"n\": 0}\n\n{\"n\": 1}\n{\"n\": 2}\n").expect("write");
    fs::write(&b, "[{\"n\": 3}]").expect("write");
    let handled = BTreeMap::from([(a.display().to_string(), 2)]);
    let source = FileSource::new("in", &[directory.path().display().to_string()]).expect("source").resume(handled);
    let values: Vec<String> = source.map(|item| value(&record(item.expect("item"))).to_owned()).collect();
    assert_eq!(values, ["{\"n\": 2}", "{\"n\": 3}"]);
}

#[test]
fn the_end_of_a_file_that_somebody_writes_is_unfinished() {
    let directory = TempDir::new().expect("directory");
    let path = directory.path().join("log");
    for (content, unfinished) in [
        ("{\"a\": 1}\n{\"a\": 2", true),
        ("{\"a\": 1}\n{\"a\": 2}", false),
        ("{\"a\": 1}\n{\"a\": 2\n", false),
        ("{\"a\": 1}\n12", true),
        ("text\nmore", true),
        ("[{\"a\": 1}, {\"a\": ", true),
        ("[{\"a\": 1}, {\"a\": 2}", false),
        ("{\"Records\": [{\"a\": 1}], \"nextTo", true),
        ("{\"Records\": [{\"a\": 1}], \"next\": 1", true),
        ("{\"Records\": [{\"a\": 1}], \"next\": 1}", false),
    ] {
        fs::write(&path, content).expect("write");
        let items: Vec<FileItem> = source(&path).map(|item| item.expect("item")).collect();
        let is_unfinished = |item: &FileItem| matches!(item, FileItem::Unfinished(_));
        assert_eq!(items.iter().map(is_unfinished).collect::<Vec<_>>(), [false, unfinished], "{content}");
    }
}

fn source(path: &Path) -> FileSource {
    FileSource::new("in", &[path.display().to_string()]).expect("source")
}

fn records(path: &Path) -> Vec<Record> {
    source(path).map(|item| record(item.expect("item"))).collect()
}

fn record(item: FileItem) -> Record {
    match item {
        FileItem::Record(record) | FileItem::Unfinished(record) => record,
        FileItem::TooLarge { position, .. } => panic!("too large at {position}"),
    }
}

fn value(record: &Record) -> &str {
    std::str::from_utf8(record.value.as_deref().expect("a value")).expect("UTF-8")
}

fn gzip(content: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(content).expect("gzip");
    encoder.finish().expect("gzip")
}
