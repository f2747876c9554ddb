//! What mutations begin from: small valid inputs of each kind, made here, and inputs that once failed, kept as files.

use arrow_array::builder::{ListBuilder, StringBuilder};
use arrow_array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use lineward_classifiers::readers::Format;
use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;

const NOTE: &str =
    "Mail u.brandt@hospital-north.org, SSN 536-22-8726, card 4079 4636 1743 0119, Dr. Ute Brandt of Ghent";

/// The beginning of the note as `xz` packs it: the library that reads it writes none here.
const XZ: &str = "fd377a585a000004e6d6b4460200210116000000742fe5a30100304d61696c20752e6272616e647440686f73706974616c2d6e\
    6f7274682e6f72672c2053534e203533362d32322d383732360000000055fdce84bf954fe6000149315d41e3501fb6f37d010000000004595a";

/// Inputs that once failed.
pub fn kept(target: &str) -> Vec<Vec<u8>> {
    let folder = Path::new("tests/fuzz/seeds").join(target);
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    entries.flatten().filter_map(|entry| std::fs::read(entry.path()).ok()).collect()
}

/// Valid inputs of a format.
pub fn of(format: Format) -> Vec<Vec<u8>> {
    let jsonl =
        format!("{{\"id\":1,\"m\":[{{\"t\":\"{NOTE}\"}}],\"n\":4079463617430119}}\n{{\"id\":2,\"a@b.org\":null}}\n");
    match format {
        Format::Jsonl => vec![jsonl.into_bytes()],
        Format::Json => vec![format!("[{{\"a\":\"{NOTE}\"}},{{\"b\":[1,[2,{{\"c\":\"\\u0040\"}}]]}}]").into_bytes()],
        Format::Csv => vec![format!("id,ssn,note\n1,536-22-8726,\"{NOTE}\"\n2,,\"a \"\"b\"\"\n c\"\n").into_bytes()],
        Format::Tsv => vec![format!("id\tnote\n1\t{NOTE}\n").into_bytes()],
        Format::Parquet => vec![parquet()],
        Format::Arrow => vec![arrow_file(), arrow_stream()],
        Format::Avro => vec![avro()],
        Format::Notebook => vec![notebook()],
        Format::Warc => vec![warc()],
        Format::Tar => vec![tar()],
        Format::Zip => vec![zip()],
        _ => texts(),
    }
}

/// Running text with tables, names and values in it.
pub fn texts() -> Vec<Vec<u8>> {
    let table = "Here:\nname,dob,bic\nUte,1.2.1979,X\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\nName: Ute\nCity: Ghent\nDOB: 1.2.79\n";
    let mut wide = vec![0xff, 0xfe];
    wide.extend(NOTE.encode_utf16().flat_map(u16::to_le_bytes));
    let (western, _, _) =
        encoding_rs::WINDOWS_1252.encode("J\u{fc}rgen Wei\u{df} wohnt in K\u{f6}ln, Tel. 0221 123456\n");
    let (japanese, _, _) = encoding_rs::SHIFT_JIS.encode("これは試験の文章です。電話番号は 03-1234-5678 まで。\n");
    let (western, japanese) = (western.into_owned(), japanese.into_owned());
    vec![
        NOTE.into(),
        table.into(),
        wide,
        western,
        japanese,
        format!("<p>{NOTE}</p>\n<!-- x --><script>y</script>").into_bytes(),
    ]
}

/// Text in encodings.
pub fn encoded() -> Vec<Vec<u8>> {
    use base64::Engine as _;
    let base64 = base64::engine::general_purpose::STANDARD;
    let twice = base64.encode(base64.encode(NOTE));
    let zipped = base64.encode(gzip(NOTE.as_bytes()));
    let escaped: String = NOTE.chars().map(|c| format!("\\u{:04x}", u32::from(c))).collect();
    let percent: String = NOTE.bytes().map(|b| format!("%{b:02X}")).collect();
    let entities: String = NOTE.chars().map(|c| format!("&#{};", u32::from(c))).collect();
    let quoted = NOTE.replace('@', "=40").replace(", ", ",=\r\n ");
    [base64.encode(NOTE), twice, zipped, escaped, percent, entities, quoted].map(String::into_bytes).to_vec()
}

/// Numbers of many kinds.
pub fn numbers() -> Vec<Vec<u8>> {
    let all = "4079463617430119 DE89370400440532013000 536-22-8726 943 476 5919 12345678Z 978-0-471-48648-0 85073003328 \
               LU 10000356 1M8GDM9AXKP042788 0000-0002-1825-0097 ÄÖ１２３ bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq";
    all.split(' ').map(|n| n.as_bytes().to_vec()).collect()
}

/// Rule files.
pub fn rules() -> Vec<Vec<u8>> {
    let rule = "- id: badge\n  title: Badge\n  entity: BADGE\n  categories: [pii]\n  keywords: [badge]\n  \
                find: '(?i:badge) ([A-Z]{2}\\d{4})\\b'\n  score: 0.7\n  near: [works]\n  match: ['badge «QX4711»']\n  \
                no_match: [{ text: 'badge 12', why: short }]\n";
    vec![rule.into()]
}

/// Commits of a Delta table's log.
pub fn delta_commits() -> Vec<Vec<u8>> {
    let protocol = "{\"protocol\":{\"minReaderVersion\":1,\"minWriterVersion\":2}}\n{\"metaData\":{\"id\":\"a\",\"partitionColumns\":[]}}\n";
    let add = "{\"add\":{\"path\":\"part-1.parquet\",\"partitionValues\":{},\"size\":7,\"modificationTime\":1,\"dataChange\":true}}\n";
    let escaped = "{\"add\":{\"path\":\"d=a%20b/part%252.parquet\"}}\n{\"remove\":{\"path\":\"part-1.parquet\"}}\n";
    let elsewhere = "{\"add\":{\"path\":\"s3://bucket/x.parquet\"}}\n{\"add\":{\"path\":\"../up.parquet\"}}\n";
    [format!("{protocol}{add}"), format!("{add}{escaped}"), elsewhere.to_owned()].map(String::into_bytes).to_vec()
}

/// A checkpoint of such a log.
pub fn delta_checkpoint() -> Vec<u8> {
    use arrow_array::{Array as _, StructArray};
    let paths = |names: [Option<&str>; 2]| -> ArrayRef {
        let column: ArrayRef = Arc::new(StringArray::from(names.to_vec()));
        let nulls = column.nulls().cloned();
        let fields = vec![Arc::new(arrow_schema::Field::new("path", arrow_schema::DataType::Utf8, true))];
        Arc::new(StructArray::new(fields.into(), vec![column], nulls))
    };
    let columns =
        [("add", paths([Some("part-1.parquet"), None]), true), ("remove", paths([None, Some("part-0.parquet")]), true)];
    let records = RecordBatch::try_from_iter_with_nullable(columns).expect("columns fit");
    let mut out = parquet::arrow::ArrowWriter::try_new(Vec::new(), records.schema(), None).expect("a writer");
    out.write(&records).expect("in memory");
    out.into_inner().expect("in memory")
}

/// Cards of data sets, with their front matter.
pub fn cards() -> Vec<Vec<u8>> {
    let configs = "---\nconfigs:\n- config_name: en\n  data_files:\n  - split: train\n    path: data/train-*\n  - split: test\n    path: [\"data/*.jsonl\", \"**/x?.csv\"]\n- config_name: de\n  data_files: data/de/*\n---\n# Card\n";
    let info =
        "---\ndataset_info:\n  features:\n  - name: text\n    dtype: string\ntask_categories: [text-generation]\n---\n";
    vec![configs.into(), info.into(), b"\xef\xbb\xbf---\nconfigs: 1\n---\n".to_vec()]
}

/// Compressed inputs, by compression.
pub fn compressed() -> Vec<(&'static str, Vec<Vec<u8>>)> {
    let text = NOTE.repeat(20);
    let mut bzip2 = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
    bzip2.write_all(text.as_bytes()).expect("in memory");
    vec![
        ("gzip", vec![gzip(text.as_bytes())]),
        ("zstd", vec![zstd::encode_all(text.as_bytes(), 1).expect("in memory")]),
        ("bzip2", vec![bzip2.finish().expect("in memory")]),
        ("xz", vec![hex::decode(XZ).expect("hex")]),
    ]
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    out.write_all(bytes).expect("in memory");
    out.finish().expect("in memory")
}

fn records() -> RecordBatch {
    let mut tags = ListBuilder::new(StringBuilder::new());
    tags.append_value([Some("a"), Some(NOTE)]);
    tags.append_null();
    let columns: [(&str, ArrayRef); 3] = [
        ("note", Arc::new(StringArray::from(vec![Some(NOTE), None]))),
        ("pan", Arc::new(Int64Array::from(vec![4_079_463_617_430_119, 7]))),
        ("tags", Arc::new(tags.finish())),
    ];
    RecordBatch::try_from_iter(columns).expect("columns of one length")
}

fn parquet() -> Vec<u8> {
    let records = records();
    let mut out = parquet::arrow::ArrowWriter::try_new(Vec::new(), records.schema(), None).expect("a writer");
    out.write(&records).expect("in memory");
    out.into_inner().expect("in memory")
}

fn arrow_file() -> Vec<u8> {
    let records = records();
    let mut out = arrow_ipc::writer::FileWriter::try_new(Vec::new(), &records.schema()).expect("a writer");
    out.write(&records).and_then(|()| out.into_inner()).expect("in memory")
}

fn arrow_stream() -> Vec<u8> {
    let records = records();
    let mut out = arrow_ipc::writer::StreamWriter::try_new(Vec::new(), &records.schema()).expect("a writer");
    out.write(&records).and_then(|()| out.into_inner()).expect("in memory")
}

fn avro() -> Vec<u8> {
    let column: ArrayRef = Arc::new(StringArray::from(vec![NOTE, "fine"]));
    let records = RecordBatch::try_from_iter([("note", column)]).expect("one column");
    let mut out = arrow_avro::writer::AvroWriter::new(Vec::new(), records.schema().as_ref().clone()).expect("a writer");
    out.write(&records).and_then(|()| out.finish()).expect("in memory");
    out.into_inner()
}

fn notebook() -> Vec<u8> {
    format!(
        "{{\"cells\":[{{\"cell_type\":\"code\",\"source\":[\"x = 1\\n\",\"{NOTE}\"],\"outputs\":[{{\"text\":[\"{NOTE}\"]}}]}}],\"metadata\":{{}},\"nbformat\":4,\"nbformat_minor\":5}}"
    )
    .into_bytes()
}

fn warc() -> Vec<u8> {
    let block = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nTransfer-Encoding: chunked\r\n\r\n{:x}\r\n{NOTE}\r\n0\r\n\r\n",
        NOTE.len()
    );
    format!(
        "WARC/1.0\r\nWARC-Type: response\r\nWARC-Target-URI: http://a.example/\r\nContent-Type: application/http; msgtype=response\r\nContent-Length: {}\r\n\r\n{block}\r\n\r\n",
        block.len()
    )
    .into_bytes()
}

fn tar() -> Vec<u8> {
    let mut out = tar::Builder::new(Vec::new());
    for (name, content) in [("a.txt", NOTE.as_bytes()), ("b/c.json.gz", &gzip(b"{\"a\":\"b\"}"))] {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        out.append_data(&mut header, name, content).expect("in memory");
    }
    out.into_inner().expect("in memory")
}

fn zip() -> Vec<u8> {
    let mut out = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for name in ["a.txt", "b.jsonl"] {
        out.start_file(name, zip::write::SimpleFileOptions::default()).expect("in memory");
        out.write_all(NOTE.as_bytes()).expect("in memory");
    }
    out.finish().expect("in memory").into_inner()
}
