//! Every format with what is well-formed, empty, cut short and hostile.

use super::*;
use std::io::Write as _;

/// What a reader gave.
#[derive(Debug, Default, PartialEq)]
struct Got {
    /// Member, row, field, text.
    values: Vec<(Option<String>, u64, Option<String>, String)>,
    problems: Vec<(String, String)>,
    rows: Option<u64>,
    members_skipped: u64,
    format: Option<Format>,
    binary: bool,
    refused: Option<String>,
}

impl Got {
    fn texts(&self) -> Vec<&str> {
        self.values.iter().map(|v| v.3.as_str()).collect()
    }

    fn members(&self) -> Vec<&str> {
        self.values.iter().filter_map(|v| v.0.as_deref()).collect()
    }

    fn is_clean(&self) -> bool {
        self.problems.is_empty() && self.refused.is_none() && !self.binary
    }

    fn said(&self) -> String {
        format!("{:?} {:?}", self.problems, self.refused)
    }
}

fn read_with(name: &str, bytes: &[u8], options: OpenOptions) -> Got {
    let child = Child { budget: Budget::new(options.limits), options, depth: 0 };
    let source: Arc<dyn Source> = Arc::new(Memory(bytes.to_vec().into()));
    let mut got = Got::default();
    let mut opened = match child.open_layer(name, Input::Sized(source)) {
        Ok(Open::Ready(opened)) => opened,
        Ok(_) => return Got { binary: true, ..got },
        Err(e) => return Got { refused: Some(e.to_string()), ..got },
    };
    got.format = opened.format;
    let (mut fields, mut batch, mut place) = (FieldTable::default(), ValueBatch::new(), BatchPlace::default());
    for _ in 0..100_000 {
        batch.clear();
        let more = opened.reader.next(&mut fields, &mut batch, &mut place);
        for (index, span) in batch.spans().iter().enumerate() {
            let text = String::from_utf8_lossy(batch.value(index as u32)).into_owned();
            got.values.push((place.member.clone(), span.row, span.field.map(|f| fields.path(f).to_owned()), text));
        }
        got.problems.extend(opened.reader.problems().into_iter().map(|p| (p.place, p.message)));
        match more {
            Ok(true) => {}
            Ok(false) => break,
            Err(p) => {
                got.problems.push((p.place, p.message));
                break;
            }
        }
    }
    got.rows = opened.reader.rows();
    got.members_skipped = opened.reader.members_skipped();
    got
}

fn read(name: &str, bytes: &[u8]) -> Got {
    read_with(name, bytes, OpenOptions::default())
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    out.write_all(bytes).expect("in memory");
    out.finish().expect("in memory")
}

fn tar_of(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut out = ::tar::Builder::new(Vec::new());
    for (name, bytes) in members {
        let mut header = ::tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        if name.len() < 100 {
            // As an attacker would write it: the library refuses names that lead out.
            header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
            header.set_cksum();
            out.append(&header, *bytes).expect("in memory");
        } else {
            out.append_data(&mut header, name, *bytes).expect("in memory");
        }
    }
    out.into_inner().expect("in memory")
}

/// A zip archive; members are deflated where that is asked for.
fn zip_of(members: &[(&str, &[u8], bool)]) -> Vec<u8> {
    let (mut out, mut directory) = (Vec::new(), Vec::new());
    for (name, bytes, deflated) in members {
        let mut crc = flate2::Crc::new();
        crc.update(bytes);
        let packed = match deflated {
            true => {
                let mut out = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::fast());
                out.write_all(bytes).expect("in memory");
                out.finish().expect("in memory")
            }
            false => bytes.to_vec(),
        };
        let offset = out.len() as u32;
        let mut common = Vec::new();
        common.extend_from_slice(&[20, 0, 0, 0, if *deflated { 8 } else { 0 }, 0, 0, 0, 0x21, 0]);
        common.extend_from_slice(&crc.sum().to_le_bytes());
        common.extend_from_slice(&(packed.len() as u32).to_le_bytes());
        common.extend_from_slice(&(bytes.len() as u32).to_le_bytes());
        common.extend_from_slice(&(name.len() as u16).to_le_bytes());
        common.extend_from_slice(&[0, 0]);
        out.extend_from_slice(b"PK\x03\x04");
        out.extend_from_slice(&common);
        out.extend_from_slice(name.as_bytes());
        out.extend_from_slice(&packed);
        directory.extend_from_slice(b"PK\x01\x02\x14\x00");
        directory.extend_from_slice(&common);
        directory.extend_from_slice(&[0; 10]);
        directory.extend_from_slice(&offset.to_le_bytes());
        directory.extend_from_slice(name.as_bytes());
    }
    let (start, count) = (out.len() as u32, (members.len() as u16).to_le_bytes());
    out.extend_from_slice(&directory);
    out.extend_from_slice(b"PK\x05\x06\0\0\0\0");
    out.extend_from_slice(&count);
    out.extend_from_slice(&count);
    out.extend_from_slice(&(directory.len() as u32).to_le_bytes());
    out.extend_from_slice(&start.to_le_bytes());
    out.extend_from_slice(&[0, 0]);
    out
}

const LINE: &str = "mail jane.roe@example.org now\n";
/// `LINE` as `xz` packs it.
const LINE_XZ: &str = "fd377a585a000004e6d6b4460200210116000000742fe5a301001d6d61696c206a616e652e726f65406578616d706c652e6f7267206e6f770a000000660dc41dc2d380370001361e3d1995531fb6f37d010000000004595a";

fn avro_of(texts: &[&str]) -> Vec<u8> {
    use arrow_schema::{DataType, Field, Schema};
    let schema = Schema::new(vec![Field::new("note", DataType::Utf8, false), Field::new("n", DataType::Int64, false)]);
    let notes = arrow_array::StringArray::from(texts.to_vec());
    let numbers = arrow_array::Int64Array::from(vec![12_345_678i64; texts.len()]);
    let columns: Vec<arrow_array::ArrayRef> = vec![Arc::new(notes), Arc::new(numbers)];
    let records = arrow_array::RecordBatch::try_new(Arc::new(schema.clone()), columns).expect("columns fit");
    let mut out = arrow_avro::writer::AvroWriter::new(Vec::new(), schema).expect("a schema Avro has");
    out.write(&records).expect("in memory");
    out.finish().expect("in memory");
    out.into_inner()
}

fn parquet_of(texts: &[&str], group_rows: usize) -> Vec<u8> {
    use arrow_schema::{DataType, Field, Schema};
    let schema = Arc::new(Schema::new(vec![
        Field::new("note", DataType::Utf8, false),
        Field::new("share", DataType::Float64, false),
        Field::new("number", DataType::Int64, false),
    ]));
    let columns: Vec<arrow_array::ArrayRef> = vec![
        Arc::new(arrow_array::StringArray::from(texts.to_vec())),
        Arc::new(arrow_array::Float64Array::from(vec![0.5; texts.len()])),
        Arc::new(arrow_array::Int64Array::from(vec![12_345_678i64; texts.len()])),
    ];
    let records = arrow_array::RecordBatch::try_new(Arc::clone(&schema), columns).expect("columns fit");
    let properties =
        ::parquet::file::properties::WriterProperties::builder().set_max_row_group_row_count(Some(group_rows)).build();
    let mut out = ::parquet::arrow::ArrowWriter::try_new(Vec::new(), schema, Some(properties)).expect("a writer");
    out.write(&records).expect("in memory");
    out.into_inner().expect("in memory")
}

fn warc_record(kind: &str, content_type: &str, block: &[u8]) -> Vec<u8> {
    let mut out = format!(
        "WARC/1.0\r\nWARC-Type: {kind}\r\nWARC-Target-URI: https://example.org/a\r\nContent-Type: {content_type}\r\n\
         Content-Length: {}\r\n\r\n",
        block.len()
    )
    .into_bytes();
    out.extend_from_slice(block);
    out.extend_from_slice(b"\r\n\r\n");
    out
}

#[test]
fn compression_is_undone_whatever_the_name() {
    let mut bzip2 = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
    bzip2.write_all(LINE.as_bytes()).expect("in memory");
    let packed = [
        ("a.txt.gz", gzip(LINE.as_bytes())),
        ("a", [gzip(b"mail jane.roe@"), gzip(b"example.org now\n")].concat()),
        ("a.zst", zstd::encode_all(LINE.as_bytes(), 1).expect("in memory")),
        ("a.bz2", bzip2.finish().expect("in memory")),
        ("a.xz", hex::decode(LINE_XZ).expect("hex")),
        ("a.xz.gz", gzip(&hex::decode(LINE_XZ).expect("hex"))),
    ];
    for (name, bytes) in &packed {
        let got = read(name, bytes);
        assert_eq!((got.texts(), got.is_clean()), (vec![LINE], true), "{name}: {}", got.said());
        // What is cut says so, wherever it is cut.
        for cut in 10..bytes.len() - 1 {
            let got = read(name, &bytes[..cut]);
            let first_member = *name == "a" && got.texts() == ["mail jane.roe@"];
            assert!(!got.is_clean() || first_member, "{name} cut at {cut}");
        }
    }
}

#[test]
fn utf16_is_text() {
    let le: Vec<u8> = "Grüße, 您好 jane.roe@example.org\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let be: Vec<u8> = LINE.encode_utf16().flat_map(u16::to_be_bytes).collect();
    for (bytes, expected) in [
        ([b"\xff\xfe".as_slice(), &le].concat(), "Grüße, 您好 jane.roe@example.org\n"),
        ([b"\xfe\xff".as_slice(), &be].concat(), LINE),
        (be.clone(), LINE),
        // Half a character at the end is no reason to lose the rest.
        ([b"\xfe\xff".as_slice(), &be, b"\0"].concat(), "mail jane.roe@example.org now\n\u{fffd}"),
    ] {
        let got = read("a.txt", &bytes);
        assert_eq!((got.texts(), got.is_clean()), (vec![expected], true));
    }
    let jsonl: Vec<u8> = "\u{feff}{\"a\":\"x@y.example\"}\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert_eq!(read("a.jsonl", &jsonl).texts(), ["x@y.example"]);
    // A few NULs do not make text of something else.
    assert!(read("a.txt", b"\x7fELF\0\0\0\0\0\0\0\0\x01\x02\0\0\0\0").binary);
}

#[test]
fn encodings_that_are_told_become_utf8() {
    let of = |encoding: &'static encoding_rs::Encoding, text: &str| encoding.encode(text).0.into_owned();
    let long = "Ein Mann namens Jürgen Weiß wohnt in Köln, \u{201e}am Fluß\u{201c}, für 12 \u{20ac}.\n";
    let japanese = "これは試験の文章です。電話番号は 03-1234-5678 まで。\n";
    let russian = "Позвоните по номеру 12, пожалуйста.\n";
    let chinese = "患者姓名：王小明，住在北京市朝阳区，电话 010-12345678。\n";
    let taiwanese = "病人姓名：王小明，住在臺北市信義區，電話 02-12345678。\n";
    let korean = "환자 이름은 김철수이고 서울에 삽니다. 전화 02-123-4567.\n";
    let greek = "Ο ασθενής μένει στην Αθήνα και το τηλέφωνό του είναι 12.\n";
    let polish = "Pacjentka mieszka w Łodzi, choć często jeździ do Gdańska na święta. Ból głowy, żołądek.\n";
    let utf16 = |text: &str, bytes: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(bytes).collect::<Vec<u8>>();
    for (bytes, expected) in [
        (of(encoding_rs::WINDOWS_1252, long), long),
        (of(encoding_rs::SHIFT_JIS, japanese), japanese),
        (of(encoding_rs::EUC_JP, japanese), japanese),
        (of(encoding_rs::GBK, chinese), chinese),
        (of(encoding_rs::BIG5, taiwanese), taiwanese),
        (of(encoding_rs::EUC_KR, korean), korean),
        (of(encoding_rs::KOI8_R, russian), russian),
        (of(encoding_rs::WINDOWS_1251, russian), russian),
        (of(encoding_rs::ISO_8859_7, greek), greek),
        (of(encoding_rs::ISO_8859_2, polish), polish),
        (of(encoding_rs::WINDOWS_1250, polish), polish),
        (utf16(russian, u16::to_le_bytes), russian),
        (utf16(russian, u16::to_be_bytes), russian),
        (utf16(japanese, u16::to_le_bytes), japanese),
    ] {
        let got = read("a.txt", &bytes);
        assert_eq!((got.texts(), got.is_clean()), (vec![expected], true));
    }
    let json = of(encoding_rs::WINDOWS_1252, "{\"name\":\"André Muñoz\"}\n");
    assert_eq!(read("a.jsonl", &json).texts(), ["André Muñoz"]);
    // UTF-8 stays what it is, also cut in a character or with a few broken ones; what is nothing of these stays bytes.
    let text = format!("{}é and ü and ß, twice é and ü", "x".repeat(HEAD_BYTES - 1));
    assert_eq!(read("a.txt", text.as_bytes()).texts(), [text.as_str()]);
    let broken = [long.as_bytes(), b"\xff\n", long.as_bytes()].concat();
    assert_eq!(read("a.txt", &broken).texts(), [String::from_utf8_lossy(&broken)]);
    let noise: Vec<u8> = (0u32..900).map(|i| (i.wrapping_mul(0x9e37_79b1) >> 13) as u8 | 1).collect();
    assert_eq!(read("a.txt", &noise).texts(), [String::from_utf8_lossy(&noise)]);
    // The first accent comes late.
    let late = format!("{}{long}", "plain words, line by line\n".repeat(2_000));
    assert_eq!(read("a.txt", &of(encoding_rs::WINDOWS_1252, &late)).texts(), [late.as_str()]);
    assert_eq!(read("a.txt", late.as_bytes()).texts(), [late.as_str()]);
    let lines = format!("{}{{\"name\":\"André Muñoz\"}}\n", "{\"n\":\"some words of ASCII\"}\n".repeat(900));
    assert_eq!(read("a.jsonl", &of(encoding_rs::WINDOWS_1252, &lines)).texts().last(), Some(&"André Muñoz"));
    // Between pieces of ASCII that are no words of its script.
    let codes = b"x\xe6y\xcd3\xf8z\xd0q\xc5p\xe9\xf1\xe6\xcd\xf8\xd0\xc5k\xe6\xcd\xf8w\xd0\xc5\xe9\xf1g".repeat(4);
    assert_eq!(read("a.txt", &codes).texts(), [String::from_utf8_lossy(&codes)]);
}

#[test]
fn the_first_line_of_csv_is_a_head_or_a_record() {
    let field_of = |text: &str| {
        let got = read("a.csv", text.as_bytes());
        got.values.first().map(|v| (v.2.clone().unwrap_or_default(), v.3.clone())).expect("a value")
    };
    for text in [
        "Jane Roe,1980-02-03,Cologne\nJohn Doe,1981-02-03,Bonn\n",
        "Jane Roe,12\nJohn Doe,14\n",
        "Jane Roe,jane@x.example\n",
        "Jane Roe,10.0.0.1\n",
        "Jane Roe,fe80::1\n",
        "Jane Roe,https://x.example\n",
        "Jane Roe,,Cologne\nJohn Doe,,Bonn\n",
        "Jane Roe,f,f\nJohn Doe,m,n\n",
        "Jane Roe,Cologne\nJohn Doe,Bonn\nMary Major,Cologne\n",
        "Jane Roe,true\n",
        "Jane Roe,$ 9.50\n",
        // Nothing comes again, and nothing speaks for names.
        "Jane Roe,Cologne,red\nJohn Doe,Bonn,blue\nMary Major,Essen,green\n",
        "Jane Roe,nurse\n",
        "Jane Roe\nJohn Doe\n",
        "Jane Roe,has asthma since her childhood\nJohn Doe,takes aspirin after each long meal\n",
    ] {
        assert_eq!(field_of(text), ("column_0".into(), "Jane Roe".into()), "{text}");
    }
    for (text, field, value) in [
        ("name,city\nJane Roe,Cologne\n", "name", "Jane Roe"),
        (",name\n0,Jane Roe\n", "column_0", "0"),
        ("name,city,,\nJane Roe,Cologne,,\n", "name", "Jane Roe"),
        ("country,2019,2020,2021\nFrance,1,2,3\n", "country", "France"),
        (",0,1,2\nx,a,b,c\n", "column_0", "x"),
        ("name,phone,phone\nJane Roe,030 1234567,030 7654321\n", "name", "Jane Roe"),
        ("name,city\nJane Roe,Cologne\nname,city\nJohn Doe,Bonn\n", "name", "Jane Roe"),
        // By their words, of which names are made, and by their form.
        ("firstName,lastName\njane,roe\n", "firstName", "jane"),
        ("Vorname,Ort\nJane,Bonn\n", "Vorname", "Jane"),
        ("crew_of_ship,x_flag\njane,so\n", "crew_of_ship", "jane"),
        // By what stands below: texts, values that come again, capitals.
        ("who,said\njane,the quick brown fox jumps over it\njohn,and the lazy dog sleeps under it\n", "who", "jane"),
        ("who,mood\na,ok\nb,bad\nc,ok\nd,ok\ne,bad\nf,ok\n", "who", "a"),
        ("crew,port\nJane,Bonn\nJohn,Kiel\n", "crew", "Jane"),
    ] {
        assert_eq!(field_of(text), (field.into(), value.into()), "{text}");
    }
    let read_as = |header, text: &str| {
        let options = OpenOptions { header, ..OpenOptions::default() };
        read_with("a.csv", text.as_bytes(), options).values.remove(0)
    };
    assert_eq!(read_as(Header::Absent, "name,city\n").3, "name");
    // A name that is a value is not told, whoever says that it is a name.
    let told = read_as(Header::Present, "jane@x.example,city\nx,y\n");
    assert_eq!((told.2.as_deref(), told.3.as_str()), (Some("column_0"), "x"));
}

#[test]
fn what_is_damaged_at_its_beginning_is_read_up_to_there() {
    let mut packed = gzip(LINE.repeat(20).as_bytes());
    let checksum = packed.len() - 6;
    packed[checksum] ^= 0xff;
    let got = read("a.txt.gz", &packed);
    assert_eq!(got.texts().concat(), LINE.repeat(20));
    assert_eq!(got.problems, [("byte 600".to_owned(), "its compressed content is damaged or truncated".to_owned())]);
    // Where nothing comes out there is nothing to begin with.
    assert!(read("a.txt.gz", &packed[..10]).refused.is_some());
}

#[test]
fn json_as_python_writes_it_is_read() {
    let text = br#"{"a":NaN,"b":[-Infinity,Infinity],"note":"cut \ud83d","pair":"\ud83d\ude00","c":"say \"NaN\""}"#;
    let expected = ["cut \u{fffd}", "\u{1f600}", "say \"NaN\""];
    for name in ["a.jsonl", "a.json", "noname"] {
        let got = read(name, &[text.as_slice(), b"\n"].concat());
        assert_eq!((got.texts(), got.is_clean()), (expected.to_vec(), true), "{name}: {}", got.said());
    }
    let list = [b"[".as_slice(), text, b",\n {\"note\":NaN}]"].concat();
    let got = read("a.json", &list);
    assert_eq!((got.texts(), got.rows, got.is_clean()), (expected.to_vec(), Some(2), true), "{}", got.said());
    for wrong in ["{\"a\":nan}", "{\"a\":NaNs}", "{\"a\":\"\\ud8\"}", "{NaN:1}"] {
        assert!(!read("a.jsonl", wrong.as_bytes()).is_clean(), "{wrong}");
    }
}

#[test]
fn damage_in_a_row_group_ends_that_one_alone() {
    let texts: Vec<String> = (0..9).map(|n| format!("note number {n}")).collect();
    let mut bytes = parquet_of(&texts.iter().map(String::as_str).collect::<Vec<_>>(), 3);
    let at = bytes.windows(13).position(|w| w == b"note number 4").expect("plain text");
    // The header of the page is in front of its values.
    bytes[at - 30..at - 21].fill(0xff);
    let got = read("a.parquet", &bytes);
    let notes: Vec<&str> = got.texts().into_iter().filter(|t| t.starts_with("note number")).collect();
    assert_eq!(
        notes,
        ["note number 0", "note number 1", "note number 2", "note number 6", "note number 7", "note number 8"]
    );
    assert_eq!((got.rows, got.problems.len()), (Some(9), 1), "{}", got.said());
    assert!(got.problems[0].0.starts_with("row group 1, row 3"), "{}", got.said());
}

#[test]
fn payloads_of_web_archives_are_unpacked_from_brotli_and_zstd() {
    let text = LINE.repeat(50);
    let mut brotli = brotli::CompressorWriter::new(Vec::new(), 4 << 10, 5, 22);
    brotli.write_all(text.as_bytes()).expect("in memory");
    let brotli = brotli.into_inner();
    let zstd = zstd::encode_all(text.as_bytes(), 3).expect("in memory");
    for (encoding, body) in [("br", brotli.as_slice()), ("zstd", zstd.as_slice()), ("br", text.as_bytes())] {
        let http = [format!("HTTP/1.1 200 OK\r\nContent-Encoding: {encoding}\r\n\r\n").as_bytes(), body].concat();
        let got = read("a.warc", &warc_record("response", "application/http", &http));
        assert!(got.is_clean(), "{encoding}: {}", got.said());
        assert_eq!(got.values.last().map(|v| v.3.as_str()), Some(text.as_str()), "{encoding}");
    }
    let cut = [b"HTTP/1.1 200 OK\r\nContent-Encoding: br\r\n\r\n".as_slice(), &brotli[..brotli.len() / 2]].concat();
    assert!(!read("a.warc", &warc_record("response", "application/http", &cut)).is_clean());
}

#[test]
fn tar_members_each_by_their_format() {
    let long = format!("{}/notes.txt", "folder".repeat(30));
    let nested = tar_of(&[("deep.csv", b"a,b\n1,2\n")]);
    let parquet = parquet_of(&["in a shard"], 10);
    let bytes = tar_of(&[
        ("000001.json", b"{\"caption\":\"first\"}"),
        ("000001.txt", b"second"),
        (&long, b"third"),
        ("rows.jsonl.gz", &gzip(b"{\"x\":\"fourth\"}\n{\"x\":\"fifth\"}\n")),
        ("empty.txt", b""),
        ("more.tar", &nested),
        ("part.parquet", &parquet),
    ]);
    let got = read("shard.tar", &bytes);
    assert_eq!(got.texts(), ["first", "second", "third", "fourth", "fifth", "1", "2", "in a shard", "12345678"]);
    let members = [
        "000001.json",
        "000001.txt",
        &long,
        "rows.jsonl.gz",
        "rows.jsonl.gz",
        "more.tar!deep.csv",
        "more.tar!deep.csv",
    ];
    assert_eq!(got.members()[..7], members);
    assert_eq!((got.rows, got.format), (Some(5), Some(Format::Tar)));
    assert!(got.is_clean(), "{}", got.said());
    // Packed around it, and without the extension.
    assert_eq!(read("shard.tgz", &gzip(&bytes)).values, got.values);
    assert_eq!(read("shard", &bytes).values, got.values);
    let cut = read("shard.tar", &bytes[..bytes.len() - 1_800]);
    assert!(!cut.is_clean() && cut.texts().len() >= 7);
}

#[test]
fn tar_damage_ends_it_and_says_where() {
    let mut bytes = tar_of(&[("a.txt", b"first"), ("b.txt", b"second")]);
    bytes[1024] ^= 0xff;
    let got = read("a.tar", &bytes);
    assert_eq!(got.texts(), ["first"]);
    assert!(got.said().contains("damaged tar header"), "{}", got.said());
    assert!(got.said().contains("byte 1536"), "{}", got.said());
}

#[test]
fn zip_members_stream_and_are_checked() {
    let parquet = parquet_of(&["stored parquet"], 10);
    let bytes = zip_of(&[
        ("a/notes.txt", b"first", true),
        ("b.jsonl", b"{\"x\":\"second\"}\n", false),
        ("folder/", b"", false),
        ("c.parquet", &parquet, false),
        ("d.parquet", &parquet, true),
    ]);
    let got = read("a.zip", &bytes);
    let expected = ["first", "second", "stored parquet", "12345678", "stored parquet", "12345678"];
    assert_eq!((got.texts(), got.is_clean()), (expected.to_vec(), true), "{}", got.said());
    assert_eq!(got.members()[..2], ["a/notes.txt", "b.jsonl"]);
    // Inside another archive.
    let got = read("x.tar", &tar_of(&[("a.zip", &bytes)]));
    assert_eq!(got.members()[0], "a.zip!a/notes.txt");
    // A flipped bit in a deflated member does not pass.
    let at = bytes.windows(5).position(|w| w == b"notes").expect("a name") + 10;
    let mut broken = bytes.clone();
    broken[at] ^= 1;
    assert!(!read("a.zip", &broken).is_clean());
    assert!(read("a.zip", &bytes[..bytes.len() - 30]).refused.is_some());
    assert!(read("a.zip", b"PK\x03\x04").refused.is_some());
}

#[test]
fn names_that_lead_out_are_told() {
    for bytes in [tar_of(&[("../../etc/cron.d/x", b"text")]), zip_of(&[("../../etc/cron.d/x", b"text", true)])] {
        let got = read("a", &bytes);
        assert_eq!(got.texts(), ["text"]);
        assert!(got.said().contains("leads out of the archive"), "{}", got.said());
    }
}

#[test]
fn binary_members_are_counted_once() {
    let program = [b"\x7fELF\x02\x01\x01".as_slice(), &[0; 64]].concat();
    let bytes = tar_of(&[("1.so", &program), ("1.txt", b"caption"), ("2.so", &program)]);
    let got = read("a.tar", &bytes);
    assert_eq!((got.texts(), got.problems.len()), (vec!["caption"], 1));
    assert!(got.said().contains("2 of its members are binary"), "{}", got.said());
    let skip = OpenOptions { binary: BinaryPolicy::Skip, ..OpenOptions::default() };
    assert!(read_with("a.tar", &bytes, skip).is_clean());
}

#[test]
fn pictures_sound_and_films_are_counted_and_no_problem() {
    let head = |begins: &[u8]| [begins, &[0; 64]].concat();
    let (picture, sound, film) =
        (head(b"\xff\xd8\xff\xe0\0\x10JFIF"), head(b"RIFF\0\x01\0\0WAVEfmt "), head(b"\0\0\0\x18ftypmp42"));
    let bytes = tar_of(&[("1.jpg", &picture), ("1.txt", b"caption"), ("1.wav", &sound), ("1.mp4", &film)]);
    let got = read("shard.tar", &bytes);
    assert!(got.is_clean(), "{}", got.said());
    assert_eq!((got.texts(), got.members_skipped), (vec!["caption"], 3));
    let scan = OpenOptions { binary: BinaryPolicy::Scan, ..OpenOptions::default() };
    assert_eq!(
        read_with("shard.tar", &bytes, scan).values.len(),
        4,
        "their bytes are looked at where that is asked for"
    );
    assert!(read("a.jpg", b"RIFF is what begins here, and ID3 is no tag").is_clean(), "text is text");
    let riff = head(b"RIFF\0\x01\0\0sfbk");
    assert!(!read("shard.tar", &tar_of(&[("1.sf2", &riff)])).is_clean(), "another container");
}

#[test]
fn arrays_of_numbers_hold_no_text_and_arrays_of_text_do() {
    let array = |descr: &str| {
        let head = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': (3,), }}\n");
        [b"\x93NUMPY\x01\0\x76\0", head.as_bytes(), &[0; 64]].concat()
    };
    for (descr, is_clean) in [("<f4", true), ("|u1", true), ("<U12", false), ("|S9", false), ("|O", false)] {
        let got = read("shard.tar", &tar_of(&[("1.npy", &array(descr)), ("1.txt", b"caption")]));
        assert_eq!((got.is_clean(), got.texts()), (is_clean, vec!["caption"]), "{descr}");
    }
}

#[test]
fn text_with_a_few_nuls_is_text() {
    let long = "a line of words and more of them\n".repeat(10);
    for (name, text) in [
        ("a.txt", format!("\0{long}")),
        ("a.txt", format!("x\0{long}")),
        ("environ", "PATH=/bin\0HOME=/home/ana\0LANG=de_DE.UTF-8\0".to_owned()),
        ("a.md", format!("{long}naïve\0{long}")),
    ] {
        let got = read(name, text.as_bytes());
        assert_eq!((got.texts().concat(), got.is_clean()), (text, true), "{name}: {}", got.said());
    }
    let got = read("a.jsonl", b"{\"a\":\"one\"}\n{\"a\":\"t\0wo\"}\n{\"a\":\"three\"}\n");
    assert_eq!(got.texts(), ["one", "{\"a\":\"t\0wo\"}", "three"]);
    assert!(got.said().contains("line 2"), "{}", got.said());
    assert!(read("a.txt", format!("{long}\0\x01\x02{long}").as_bytes()).binary);
    assert!(read("a.txt", "a\0b\0c\0d\0".repeat(20).replace('b', "\0").as_bytes()).binary);
}

#[test]
fn what_has_no_name_is_told_by_what_it_is() {
    let format_of = |name: &str, bytes: &[u8]| match open_bytes(name, bytes.to_vec(), &OpenOptions::default()) {
        Ok(Open::Ready(opened)) => opened.format,
        _ => None,
    };
    let table = b"name,email,city\nAna,ana@x.org,Graz\nBob,bob@x.org,Linz\nCid,cid@x.org,Wels\n";
    let document = b"{\n  \"people\": [\n    {\"name\": \"Ana\"}\n  ]\n}\n";
    let notebook = b"{\n \"cells\": [],\n \"metadata\": {},\n \"nbformat\": 4,\n \"nbformat_minor\": 5\n}\n";
    for (bytes, expected) in [
        (&table[..], Format::Csv),
        (document, Format::Json),
        (b"[1, 2,\n 3]", Format::Json),
        (notebook, Format::Notebook),
        (b"{\"a\":1}\n{\"a\":2}\n", Format::Jsonl),
        (b"Dear Ana, dear Bob,\nthis is a letter, not more\nand not less\n", Format::Text),
        (b"[INFO] started\n[INFO] ended\n", Format::Text),
        (b"{ not json }\n", Format::Text),
    ] {
        assert_eq!(format_of("-", bytes), Some(expected), "{}", String::from_utf8_lossy(bytes));
    }
    assert_eq!(format_of("a.txt", table), Some(Format::Text), "a name that says what it is");
    // Behind what is seen at first: a record is one of many, and a document of many lines may be.
    let long = "word ".repeat(10_000);
    let lines = format!("{{\"a\":\"{long}\"}}\n{{\"a\":\"two\"}}\n");
    assert_eq!(format_of("-", lines.as_bytes()), Some(Format::Jsonl));
    assert_eq!(read("part-00000", lines.as_bytes()).texts(), [long.as_str(), "two"]);
    let pretty = format!("{{\n  \"a\": \"{long}\"\n}}\n{{\n  \"a\": \"two\"\n}}\n");
    let got = read("-", pretty.as_bytes());
    assert_eq!((got.format, got.is_clean()), (Some(Format::Text), true));
    let records = arrow_array::RecordBatch::try_from_iter([(
        "note",
        Arc::new(arrow_array::StringArray::from(vec!["one", "two"])) as arrow_array::ArrayRef,
    )]);
    let records = records.expect("a batch");
    let mut stream = arrow_ipc::writer::StreamWriter::try_new(Vec::new(), &records.schema()).expect("a writer");
    stream.write(&records).expect("in memory");
    let bytes = stream.into_inner().expect("in memory");
    assert_eq!((format_of("-", &bytes), read("-", &bytes).texts()), (Some(Format::Arrow), vec!["one", "two"]));
}

#[test]
fn json_that_is_too_deep_is_told_so() {
    let deep = format!("{}\"u@hospital-north.org\"{}", "[".repeat(500), "]".repeat(500));
    for (name, text) in
        [("a.json", format!("{{\"a\":{deep}}}")), ("a.jsonl", format!("{{\"a\":1}}\n{{\"a\":{deep}}}\n"))]
    {
        let got = read(name, text.as_bytes());
        assert_eq!(got.problems.len(), 1, "{}", got.said());
        assert!(got.problems[0].1.starts_with("nested deeper than 128"), "{}", got.said());
        assert!(got.texts().iter().any(|text| text.contains("hospital-north")), "it is scanned all the same");
    }
    let got = read("a.jsonl", b"{\"a\":1}\n{broken\n");
    assert!(got.problems[0].1.starts_with("not valid JSON"), "{}", got.said());
}

#[test]
fn bombs_end_with_a_problem() {
    let limits = Limits { ratio_free_bytes: 1 << 20, ratio_max: 50, ..Limits::default() };
    let tight = || OpenOptions { limits, ..OpenOptions::default() };
    let zeros = vec![b'a'; 32 << 20];
    let bomb = gzip(&zeros);
    let deflated = zip_of(&[("bomb.txt", &zeros, true), ("after.txt", b"after", true)]);
    // Each layer is harmless by itself; together they are not.
    let nested = gzip(&gzip(&bomb));
    for (name, bytes) in [("a.gz", &bomb), ("a.zip", &deflated), ("a.gz.gz.gz", &nested)] {
        let got = read_with(name, bytes, tight());
        assert!(got.said().contains("more than 50 times its size"), "{name}: {}", got.said());
        let seen: usize = got.texts().iter().map(|t| t.len()).sum();
        assert!(seen < 20 << 20, "{name}: {seen}");
    }
    let total = Limits { unpacked_bytes_max: 3 << 20, ratio_max: u64::MAX, ..Limits::default() };
    let got = read_with("a.gz", &bomb, OpenOptions { limits: total, ..OpenOptions::default() });
    assert!(got.said().contains("unpacks to more than 3145728 bytes"), "{}", got.said());
}

#[test]
fn too_many_layers_and_members_end_with_a_problem() {
    let mut bytes = b"text".to_vec();
    for _ in 0..9 {
        bytes = gzip(&bytes);
    }
    assert!(read("a", &bytes).said().contains("packed more than 8 times"));
    let mut bytes = b"text".to_vec();
    for _ in 0..9 {
        bytes = tar_of(&[("a.tar", &bytes)]);
    }
    assert!(read("a", &bytes).said().contains("packed more than 8 times"));
    let limits = Limits { entries_max: 2, ..Limits::default() };
    let few = || OpenOptions { limits, ..OpenOptions::default() };
    let got = read_with("a", &tar_of(&[("a", b"1"), ("b", b"2"), ("c", b"3")]), few());
    assert_eq!(got.texts(), ["1", "2"]);
    assert!(got.said().contains("more than 2 members"), "{}", got.said());
    assert!(read_with("a", &zip_of(&[("a", b"1".as_slice(), true); 3]), few()).said().contains("more than 2 members"));
    let limits = Limits { document_bytes_max: 100, ..Limits::default() };
    let small = OpenOptions { limits, ..OpenOptions::default() };
    let got = read_with("a.gz", &gzip(&parquet_of(&["x"], 1)), small);
    assert!(got.said().contains("longer than 100 bytes"), "{}", got.said());
}

#[test]
fn avro_rows_and_damage() {
    let bytes = avro_of(&["first", "second"]);
    let got = read("a.avro", &bytes);
    let note = |row, text: &str| (None, row, Some("note".to_owned()), text.to_owned());
    assert_eq!(got.values[..2], [note(0, "first"), note(1, "second")]);
    assert_eq!((got.rows, got.is_clean(), got.values.len()), (Some(2), true, 4), "{}", got.said());
    for cut in [0, 1, 4, 20, bytes.len() / 2, bytes.len() - 1] {
        let got = read("a.avro", &bytes[..cut]);
        assert!(!got.is_clean(), "cut at {cut}");
    }
    let mut noise = bytes.clone();
    for at in 4..noise.len() {
        noise[at] ^= 0x5a;
        read("a.avro", &noise);
    }
    // Two rows are a 4 in zigzag. A block that says one or three must not be read for ever, nor in silence.
    let sync = &bytes[bytes.len() - 16..];
    let block = bytes.windows(16).position(|w| w == sync).expect("a header") + 16;
    for (said, rows) in [(2, 0), (6, 0), (4, 2), (0, 0), (1, 0)] {
        let mut other = bytes.clone();
        assert_eq!(other[block], 4);
        other[block] = said;
        let got = read("a.avro", &other);
        assert_eq!((got.rows, got.is_clean()), (Some(rows), said == 4), "{said}");
    }
    let many: Vec<String> = (0..700).map(|n| format!("note {n}")).collect();
    let got = read("a.avro", &avro_of(&many.iter().map(String::as_str).collect::<Vec<_>>()));
    assert_eq!((got.rows, got.is_clean(), got.values.len()), (Some(700), true, 1400));
    assert!(got.values.contains(&note(699, "note 699")));
}

#[test]
fn parquet_reads_wanted_columns_and_splits_by_group() {
    let bytes = parquet_of(&["a", "b", "c", "d", "e"], 2);
    let got = read("a.parquet", &bytes);
    let notes: Vec<(u64, &str)> =
        got.values.iter().filter(|v| v.2.as_deref() == Some("note")).map(|v| (v.1, v.3.as_str())).collect();
    assert_eq!(notes, [(0, "a"), (1, "b"), (2, "c"), (3, "d"), (4, "e")]);
    assert_eq!((got.rows, got.values.len()), (Some(5), 10));
    let only = OpenOptions { filter: FieldFilter::new(vec!["no*".into()]), ..OpenOptions::default() };
    assert_eq!(read_with("a.parquet", &bytes, only).texts(), ["a", "b", "c", "d", "e"]);
    let source: Arc<dyn Source> = Arc::new(Memory(bytes.clone().into()));
    let mut whole = parquet::ParquetReader::open(source, FieldFilter::default(), &Limits::default()).expect("it opens");
    let (mut fields, mut place) = (FieldTable::default(), BatchPlace::default());
    let mut rows = Vec::new();
    while let Some(mut part) = whole.split() {
        let mut batch = ValueBatch::new();
        while part.next(&mut fields, &mut batch, &mut place).expect("it reads") {}
        rows.push((place.first_row, part.rows(), batch.spans().iter().map(|s| s.row).max()));
    }
    assert_eq!(rows, [(0, Some(2), Some(1)), (2, Some(2), Some(3)), (4, Some(1), Some(4))]);
    for cut in [1, 4, 8, bytes.len() / 2, bytes.len() - 1] {
        assert!(!read("a.parquet", &bytes[..cut]).is_clean(), "cut at {cut}");
    }
    let mut noise = bytes.clone();
    for at in 4..noise.len() {
        noise[at] ^= 0x5a;
        read("a.parquet", &noise);
        noise[at] ^= 0x5a;
    }
}

#[test]
fn warc_records_are_rows() {
    let chunked = [b"5\r\nSSN 5\r\n".as_slice(), b"a;x=y\r\n36-22-8726\r\n0\r\n\r\n"].concat();
    let http = |headers: &str, body: &[u8]| [format!("HTTP/1.1 200 OK\r\n{headers}\r\n").as_bytes(), body].concat();
    let records = [
        warc_record("warcinfo", "application/warc-fields", b"software: none\r\n"),
        warc_record("response", "application/http; msgtype=response", &http("Server: x\r\n", b"<p>first</p>")),
        warc_record("response", "application/http", &http("Transfer-Encoding: chunked\r\n", &chunked)),
        warc_record("response", "application/http", &http("Content-Encoding: gzip\r\n", &gzip(b"third"))),
        warc_record("response", "application/http", &http("X-1: y\r\n", b"\x89PNG\0\0")),
        warc_record("conversion", "text/plain", "vierter, größer".as_bytes()),
    ];
    let got = read("a.warc", &records.concat());
    let payloads: Vec<(u64, &str)> =
        got.values.iter().filter(|v| v.2.as_deref() == Some("payload")).map(|v| (v.1, v.3.as_str())).collect();
    let expected =
        [(0, "software: none\r\n"), (1, "<p>first</p>"), (2, "SSN 536-22-8726"), (3, "third"), (5, "vierter, größer")];
    assert_eq!(payloads, expected, "{}", got.said());
    assert!(got.values.iter().any(|v| v.2.as_deref() == Some("http.server") && v.3 == "x"));
    assert_eq!((got.rows, got.is_clean()), (Some(6), true), "{}", got.said());
    // One gzip member a record, as crawlers write it.
    let packed: Vec<u8> = records.iter().flat_map(|r| gzip(r)).collect();
    assert_eq!(read("a.warc.gz", &packed).values, got.values);
    let whole = records.concat();
    for cut in [whole.len() - 5, whole.len() / 2, 30] {
        assert!(!read("a.warc", &whole[..cut]).is_clean(), "cut at {cut}");
    }
    let lying = b"WARC/1.0\r\nContent-Length: 99999999999999\r\n\r\nabc";
    assert!(!read("a.warc", lying).is_clean());
}

#[test]
fn notebooks_join_lines_and_leave_pictures_out() {
    let notebook = br#"{"cells":[{"cell_type":"code","source":["key = (\n","  'abc')\n"],
        "outputs":[{"data":{"text/plain":["out"],"image/png":"iVBORw0KGgo"}}]}],"metadata":{"name":"n"},"nbformat":4}"#;
    let got = read("a.ipynb", notebook);
    let field = |name: &str| got.values.iter().find(|v| v.2.as_deref() == Some(name)).map(|v| v.3.as_str());
    assert_eq!(field("cells.0.source"), Some("key = (\n  'abc')\n"));
    assert_eq!(field("cells.0.outputs.0.data.text/plain"), Some("out"));
    assert!(got.is_clean() && !got.texts().iter().any(|t| t.starts_with("iVBOR")));
    let deep = "[".repeat(100_000);
    for broken in [&notebook[..50], b"", deep.as_bytes()] {
        let got = read("a.ipynb", broken);
        assert!(broken.is_empty() || (!got.is_clean() && got.texts().len() == 1));
    }
}

#[test]
fn html_and_markdown_are_text() {
    for (name, text, format) in [
        ("a.html", "<p>x</p>", Format::Html),
        ("page", "<!DOCTYPE HTML><p>x</p>", Format::Html),
        ("README.md", "# x", Format::Markdown),
    ] {
        let got = read(name, text.as_bytes());
        assert_eq!((got.texts(), got.format, got.rows), (vec![text], Some(format), None));
    }
}

#[test]
fn empty_inputs_hold_nothing_or_are_refused() {
    for format in Format::ALL {
        let extension = match format {
            Format::Notebook => "ipynb",
            Format::Text => "txt",
            Format::Markdown => "md",
            other => other.as_str(),
        };
        let got = read(&format!("a.{extension}"), b"");
        let refused = matches!(format, Format::Parquet | Format::Arrow | Format::Avro | Format::Tar | Format::Zip);
        assert_eq!((got.refused.is_some(), got.values.len()), (refused, 0), "{extension}");
    }
}

/// Row, line and text of a value.
type Value = (u64, Option<u64>, String);

/// The values of all parts of a JSON Lines input, and of the same input unsplit. Of the pieces of a line that is too long
/// what each answers for, put together again.
fn split_and_whole(bytes: &[u8], record_bytes_max: usize) -> [Vec<Value>; 2] {
    let open = || {
        let mut input = Lookahead::new(Box::new(std::io::Cursor::new(bytes.to_vec())));
        input.peek(10).expect("in memory");
        jsonl::JsonlReader::new(input, FieldFilter::default(), record_bytes_max)
    };
    let drain = |reader: &mut dyn Reader| {
        let (mut fields, mut out) = (FieldTable::default(), Vec::new());
        let mut place = BatchPlace::default();
        loop {
            let mut batch = ValueBatch::new();
            let more = reader.next(&mut fields, &mut batch, &mut place).expect("in memory");
            assert!(!place.is_piece || batch.spans().len() == 1, "a piece is a batch of its own");
            for (i, span) in batch.spans().iter().enumerate() {
                let text = batch.value(i as u32);
                let zone = match place.is_piece {
                    true => place.accept_from..place.accept_until.min(text.len()),
                    false => 0..text.len(),
                };
                let from = place.is_piece.then_some(place.text_base + zone.start as u64);
                let text = String::from_utf8_lossy(&text[zone]).into_owned();
                out.push(((span.row, place.line_of_row(span.row), text), from));
            }
            if !more {
                return out;
            }
        }
    };
    let joined = |pieces: Vec<(Value, Option<u64>)>| {
        let mut out: Vec<Value> = Vec::new();
        for (value, from) in pieces {
            match (out.last_mut().filter(|last| last.0 == value.0), from) {
                (Some(last), Some(from)) => {
                    assert_eq!(last.2.len() as u64, from, "no byte is left out, and none is there twice");
                    last.2.push_str(&value.2);
                }
                (_, from) => {
                    assert!(matches!(from, None | Some(0)));
                    out.push(value);
                }
            }
        }
        out
    };
    let mut splitting = open();
    let mut parts = Vec::new();
    while let Some(mut part) = splitting.split() {
        parts.extend(drain(part.as_mut()));
    }
    [joined(parts), joined(drain(&mut open()))]
}

#[test]
fn parts_of_json_lines_have_the_places_of_the_whole() {
    let mut text = String::from("\u{feff}{\"a\":\"bom\"}\r\n\n");
    for n in 0..150_000 {
        text.push_str(&format!("{{\"a\":\"value {n} and some more text to fill the part\"}}\n"));
        if n % 1_000 == 0 {
            text.push_str("  \n");
        }
    }
    text.push_str("{\"a\":\"no line break at the end\"}");
    let [parts, whole] = split_and_whole(text.as_bytes(), 64 << 20);
    assert_eq!(parts.len(), 150_002);
    assert_eq!(parts, whole);
    // A line that is longer than a record may be, across parts; at the end also one that ends where a piece does.
    let numbers: String = (0..1_500_000).map(|n| format!("{n} ")).collect();
    for (length, end) in [(9 << 20, "\n{\"a\":\"after\"}\n"), (4 << 20, ""), (5 << 20, ""), ((4 << 20) + 7, "\n")] {
        let long = &numbers[..length];
        let [parts, whole] = split_and_whole(format!("{{\"a\":\"x\"}}\n{long}{end}").as_bytes(), 2 << 20);
        assert!(parts == whole, "{length}: {} and {} values", parts.len(), whole.len());
        assert!(whole[1].2.trim_end_matches('\n') == long && (whole[1].0, whole[1].1) == (1, Some(2)), "{length}");
        assert_eq!(whole.len(), if end.contains("after") { 3 } else { 2 });
    }
}

#[test]
fn a_decoder_that_panics_is_damage() {
    let failed = foreign(|| -> Result<(), String> { panic!("with what it read") });
    assert_eq!(failed, Err("its decoder failed on it".to_owned()));
    assert_eq!(foreign(|| Ok(1)), Ok(1));
}

#[test]
fn a_tar_member_of_an_unknown_type_is_a_file() {
    let mut bytes = tar_of(&[("a.txt", b"first"), ("b.txt", b"second")]);
    bytes[156] = b'Z';
    bytes[148..156].fill(b' ');
    let sum: u32 = bytes[..512].iter().map(|b| u32::from(*b)).sum();
    bytes[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
    let got = read("a.tar", &bytes);
    assert_eq!((got.texts(), got.is_clean()), (vec!["first", "second"], true), "{}", got.said());
}

#[test]
fn zip_members_that_are_stored_are_charged_and_may_not_overlap() {
    let mut bytes = zip_of(&[("a.txt", b"first first", false), ("b.txt", b"second", false)]);
    let limits = Limits { unpacked_bytes_max: 14, ..Limits::default() };
    let got = read_with("a.zip", &bytes, OpenOptions { limits, ..OpenOptions::default() });
    assert_eq!(got.texts(), ["first first"]);
    assert!(got.said().contains("unpacks to more than 14 bytes"), "{}", got.said());
    let name = bytes.windows(5).rposition(|w| w == b"b.txt").expect("a name");
    bytes[name - 4..name].fill(0);
    let got = read("a.zip", &bytes);
    assert!(got.said().contains("overlap"), "{}", got.said());
}

#[test]
fn a_record_of_csv_that_is_too_long_is_scanned_in_pieces() {
    let long = "word ".repeat(200_000);
    let text = format!("a,b\n1,\"{long}\n2,{LINE}3,last\n");
    let limits = Limits { record_bytes_max: 1 << 10, ..Limits::default() };
    let got = read_with("a.csv", text.as_bytes(), OpenOptions { limits, ..OpenOptions::default() });
    let longest = got.texts().iter().map(|t| t.len()).max();
    assert!(longest < Some(300_000), "{longest:?}");
    assert!(got.texts().concat().contains(LINE.trim()) && got.said().contains("in pieces"), "{:?}", got.problems);
    // Records that are short are not in its way, however many.
    let many = "1,two\n".repeat(200_000);
    let got = read_with("a.csv", many.as_bytes(), OpenOptions { limits, ..OpenOptions::default() });
    assert_eq!((got.rows, got.is_clean()), (Some(200_000), true), "{}", got.said());
}

#[test]
fn of_many_problems_the_first_hundred_are_told_however_often_they_are_taken() {
    let mut problems = Problems::default();
    let (mut told, mut untold) = (0, 0);
    for n in 0..150 {
        problems.add(format!("line {n}"), "wrong");
        told += problems.take().len();
        untold += problems.take_untold();
    }
    assert_eq!((told, untold), (100, 50));
}

/// An Avro file of one text, in blocks packed so.
fn packed_avro(text: &str, codec: Option<arrow_avro::compression::CompressionCodec>) -> Vec<u8> {
    let column: arrow_array::ArrayRef = Arc::new(arrow_array::StringArray::from(vec![text]));
    let records = arrow_array::RecordBatch::try_from_iter([("note", column)]).expect("a batch");
    let builder = arrow_avro::writer::WriterBuilder::new(records.schema().as_ref().clone()).with_compression(codec);
    let mut out = builder.build::<_, arrow_avro::writer::format::AvroOcfFormat>(Vec::new()).expect("a writer");
    out.write(&records).expect("in memory");
    out.finish().expect("in memory");
    out.into_inner()
}

#[test]
fn blocks_of_avro_of_every_codec_are_read_and_bombs_are_not() {
    use arrow_avro::compression::CompressionCodec as Codec;
    let limits = Limits { document_bytes_max: 1 << 20, ..Limits::default() };
    let bomb = "0".repeat(2 << 20);
    for codec in [None, Some(Codec::Deflate), Some(Codec::Snappy), Some(Codec::ZStandard), Some(Codec::Bzip2)] {
        let options = OpenOptions { limits, ..OpenOptions::default() };
        let got = read_with("a.avro", &packed_avro("some text", codec), options.clone());
        assert_eq!((got.texts(), got.is_clean()), (vec!["some text"], true), "{codec:?}: {}", got.said());
        let packed = packed_avro(&bomb, codec);
        let got = read_with("a.avro", &packed, options);
        if codec.is_some() {
            assert!(packed.len() < bomb.len() / 10);
            assert!(got.texts().is_empty() && got.said().contains("longer than any"), "{codec:?}: {}", got.said());
        }
        let mut damaged = packed_avro("some text", codec);
        let at = damaged.len() - 20;
        damaged[at] ^= 0xff;
        read("a.avro", &damaged);
    }
}

/// A Parquet file of a column of texts, packed so, in pages of so many rows.
fn packed_parquet(texts: &[&str], codec: ::parquet::basic::Compression, page_rows: usize, dictionary: bool) -> Vec<u8> {
    let column: arrow_array::ArrayRef = Arc::new(arrow_array::StringArray::from(texts.to_vec()));
    let records = arrow_array::RecordBatch::try_from_iter([("note", column)]).expect("a batch");
    let properties = ::parquet::file::properties::WriterProperties::builder()
        .set_compression(codec)
        .set_dictionary_enabled(dictionary)
        .set_data_page_row_count_limit(page_rows)
        .set_write_batch_size(page_rows)
        .build();
    let mut out =
        ::parquet::arrow::ArrowWriter::try_new(Vec::new(), records.schema(), Some(properties)).expect("a writer");
    out.write(&records).expect("in memory");
    out.into_inner().expect("in memory")
}

#[test]
fn pages_of_parquet_that_unpack_to_too_much_are_not_read() {
    use ::parquet::basic::Compression as Codec;
    let small = || OpenOptions {
        limits: Limits { document_bytes_max: 1 << 20, ..Limits::default() },
        ..OpenOptions::default()
    };
    let bomb = "0".repeat(2 << 20);
    for codec in [
        Codec::SNAPPY,
        Codec::ZSTD(Default::default()),
        Codec::GZIP(Default::default()),
        Codec::LZ4,
        Codec::LZ4_RAW,
        Codec::BROTLI(Default::default()),
    ] {
        let got = read_with("a.parquet", &packed_parquet(&["some text"], codec, 1, false), small());
        assert_eq!((got.texts(), got.is_clean()), (vec!["some text"], true), "{codec:?}: {}", got.said());
        for dictionary in [false, true] {
            let got = read_with("a.parquet", &packed_parquet(&[&bomb], codec, 1, dictionary), small());
            assert!(got.texts().is_empty() && got.said().contains("unpacks to more than"), "{codec:?}: {}", got.said());
            assert_eq!(read("a.parquet", &packed_parquet(&[&bomb], codec, 1, dictionary)).texts(), [bomb.as_str()]);
        }
    }
}

#[test]
fn packed_pages_of_parquet_that_belie_their_headers_are_not_read() {
    use ::parquet::basic::Compression as Codec;
    let zeros = vec![0; 2 << 20];
    let mut lz4 = lz4_flex::frame::FrameEncoder::new(Vec::new());
    lz4.write_all(&zeros).expect("in memory");
    let mut brotli = brotli::CompressorWriter::new(Vec::new(), 4 << 10, 5, 22);
    brotli.write_all(&zeros).expect("in memory");
    for (codec, packed) in [
        (Codec::GZIP(Default::default()), gzip(&zeros)),
        (Codec::LZ4, lz4.finish().expect("in memory")),
        (Codec::BROTLI(Default::default()), brotli.into_inner()),
    ] {
        // Of a page that is not packed the text is found in the file; what takes its place is packed and as long.
        let text = "x".repeat(packed.len() - 4);
        let mut bytes = packed_parquet(&[&text], Codec::UNCOMPRESSED, 1, false);
        let at = bytes.windows(text.len()).position(|w| w == text.as_bytes()).expect("the text") - 4;
        bytes[at..at + packed.len()].copy_from_slice(&packed);
        let source: Arc<dyn Source> = Arc::new(Memory(bytes.into()));
        let metadata = ::parquet::file::metadata::ParquetMetaDataReader::new()
            .parse_and_finish(&parquet::Chunks(Arc::clone(&source)))
            .expect("metadata");
        let group = metadata.row_group(0).clone();
        let column = group.column(0).clone().into_builder().set_compression(codec).build().expect("a column");
        let group = group.into_builder().set_column_metadata(vec![column]).build().expect("a group");
        let limits = Limits { document_bytes_max: 1 << 20, ..Limits::default() };
        let pages = pages::Pages::of(parquet::Chunks(source), &group, &limits);
        let refused = ::parquet::file::reader::ChunkReader::get_bytes(&pages, at as u64, packed.len());
        assert!(refused.is_err_and(|e| e.to_string().contains("unpacks to more than")), "{codec:?}");
    }
}

#[test]
fn pages_of_parquet_in_memory_at_once_are_counted_together() {
    use ::parquet::basic::Compression as Codec;
    let long = "0".repeat(900 << 10);
    let texts = vec![long.as_str(); 12];
    let bytes = packed_parquet(&texts, Codec::SNAPPY, 1, false);
    let limits = Limits { document_bytes_max: 1 << 20, ..Limits::default() };
    let small = OpenOptions { limits, ..OpenOptions::default() };
    // A row a page, and few of them in a batch.
    let got = read_with("a.parquet", &bytes, small.clone());
    assert_eq!((got.texts().len(), got.is_clean()), (12, true), "{}", got.said());
    // As many pages in one row.
    let columns: Vec<(String, arrow_array::ArrayRef)> = (0..12)
        .map(|n| {
            (format!("c{n}"), Arc::new(arrow_array::StringArray::from(vec![long.as_str()])) as arrow_array::ArrayRef)
        })
        .collect();
    let wide = arrow_array::RecordBatch::try_from_iter(columns).expect("a batch");
    let mut out = ::parquet::arrow::ArrowWriter::try_new(Vec::new(), wide.schema(), None).expect("a writer");
    out.write(&wide).expect("in memory");
    let got = read_with("a.parquet", &out.into_inner().expect("in memory"), small);
    assert!(got.texts().is_empty() && got.said().contains("pages of a batch unpack to more"), "{}", got.said());
}

#[test]
fn rows_of_parquet_that_share_a_long_value_come_in_short_batches() {
    let long = "long ".repeat(100_000);
    let texts = vec![long.as_str(); 2_000];
    let bytes = packed_parquet(&texts, ::parquet::basic::Compression::UNCOMPRESSED, 20_000, true);
    assert!(bytes.len() < 2 << 20, "{} bytes", bytes.len());
    let source: Arc<dyn Source> = Arc::new(Memory(bytes.into()));
    let mut reader =
        parquet::ParquetReader::open(source, FieldFilter::default(), &Limits::default()).expect("it opens");
    let (mut fields, mut batch, mut place) = (FieldTable::default(), ValueBatch::new(), BatchPlace::default());
    let mut rows = 0;
    while reader.next(&mut fields, &mut batch, &mut place).expect("read") {
        assert!(batch.len() <= 16 << 20, "{} bytes in a batch", batch.len());
        rows += batch.spans().len();
        batch.clear();
    }
    assert_eq!(rows, 2_000);
}

#[test]
fn blocks_of_arrow_that_lie_over_each_other_are_refused() {
    let column: arrow_array::ArrayRef = Arc::new(arrow_array::StringArray::from(vec!["some text"]));
    let records = arrow_array::RecordBatch::try_from_iter([("note", column)]).expect("a batch");
    let mut file = arrow_ipc::writer::FileWriter::try_new(Vec::new(), &records.schema()).expect("a writer");
    (0..6).for_each(|_| file.write(&records).expect("in memory"));
    let mut bytes = file.into_inner().expect("in memory");
    assert_eq!(read("a.arrow", &bytes).texts().len(), 6);
    // All blocks become the first one with a body that reaches to the end of the file.
    let length = u32::from_le_bytes(*bytes[bytes.len() - 10..].first_chunk().expect("four")) as usize;
    let (from, to) = (bytes.len() - 10 - length, bytes.len() - 10);
    let footer = arrow_ipc::root_as_footer(&bytes[from..to]).expect("a footer");
    let blocks: Vec<arrow_ipc::Block> = footer.recordBatches().expect("blocks").iter().copied().collect();
    for block in &blocks {
        let at = bytes.windows(block.0.len()).rposition(|w| w == block.0).expect("the block");
        let (offset, head) = (blocks[0].offset(), blocks[0].metaDataLength());
        let body = bytes.len() as i64 - offset - i64::from(head);
        bytes[at..at + block.0.len()].copy_from_slice(&arrow_ipc::Block::new(offset, head, body).0);
    }
    let got = read("a.arrow", &bytes);
    assert!(got.refused.is_some() && got.texts().is_empty(), "{}", got.said());
}

#[test]
fn a_block_of_avro_that_is_too_long_is_not_read() {
    let limits = Limits { record_bytes_max: 8, ..Limits::default() };
    let got = read_with("a.avro", &avro_of(&["one and two"]), OpenOptions { limits, ..OpenOptions::default() });
    assert!(got.texts().is_empty() && got.said().contains("longer than any"), "{}", got.said());
}

#[test]
fn buffers_of_arrow_that_say_they_are_huge_are_refused() {
    use arrow_ipc::CompressionType;
    use arrow_ipc::writer::{FileWriter, IpcWriteOptions, StreamWriter};
    let text = "pale kiln ".repeat(4_321);
    let column: arrow_array::ArrayRef = Arc::new(arrow_array::StringArray::from(vec![text.as_str()]));
    let records = arrow_array::RecordBatch::try_from_iter([("note", column)]).expect("a batch");
    let options = IpcWriteOptions::default().try_with_compression(Some(CompressionType::LZ4_FRAME)).expect("LZ4");
    let mut file = FileWriter::try_new_with_options(Vec::new(), &records.schema(), options.clone()).expect("a writer");
    file.write(&records).expect("in memory");
    let mut stream = StreamWriter::try_new_with_options(Vec::new(), &records.schema(), options).expect("a writer");
    stream.write(&records).expect("in memory");
    for mut bytes in [file.into_inner().expect("in memory"), stream.into_inner().expect("in memory")] {
        let got = read("a.arrow", &bytes);
        assert_eq!((got.texts(), got.is_clean()), (vec![text.as_str()], true), "{}", got.said());
        let length = (text.len() as u64).to_le_bytes();
        // Behind the offsets, which hold the same number.
        let at = bytes.windows(8).rposition(|w| w == length).expect("the length of the buffer");
        bytes[at..at + 8].copy_from_slice(&(1_u64 << 52).to_le_bytes());
        let got = read("a.arrow", &bytes);
        assert!(got.texts().is_empty() && got.said().contains("unpacks to more than"), "{}", got.said());
    }
}

#[test]
fn http_in_web_archives_may_be_careless_and_in_utf16() {
    let utf16: Vec<u8> = "ein größerer Text".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let records = [
        warc_record("response", "application/http", b"HTTP/1.1 200 OK\nServer: x\nAge: 37\n\nname: body: one\n\nmore"),
        warc_record("response", "application/http", &[b"HTTP/1.1 200 OK\r\n\r\n".as_slice(), &utf16].concat()),
        warc_record("response", "application/http", b"HTTP/1.1 200 OK\r\njane@x.org: 1\r\nno colon\r\n\r\n\x89\0\0"),
    ];
    let got = read("a.warc", &records.concat());
    let of = |field: &str| -> Vec<&str> {
        got.values.iter().filter(|v| v.2.as_deref() == Some(field)).map(|v| v.3.as_str()).collect()
    };
    assert_eq!(of("payload"), ["name: body: one\n\nmore", "ein größerer Text"]);
    assert_eq!((of("http.age").len(), of("http.cached-seconds")), (0, vec!["37"]), "seconds are nobody's age");
    assert_eq!((of("http.server"), of("http.other")), (vec!["x"], vec!["jane@x.org: 1", "no colon"]));
    assert_eq!((got.members_skipped, got.is_clean()), (1, true), "{}", got.said());
}
