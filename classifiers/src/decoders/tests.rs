//! Each encoding found, mapped back and not told twice; text without encodings left alone.

use super::*;
use crate::scan::{self, ScanInput, ScanOptions, Sink};
use crate::{Engine, Finding, FingerprintKey, RuleSet};
use ::base64::Engine as _;
use ::base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use std::io::Write as _;
use std::sync::{Arc, LazyLock};

static ENGINE: LazyLock<Engine> =
    LazyLock::new(|| Engine::new(Arc::new(RuleSet::built_in().expect("rules"))).expect("engine"));

#[derive(Default)]
struct Collect(Vec<Finding>);

impl Sink for Collect {
    fn finding(&mut self, finding: Finding) {
        self.0.push(finding);
    }

    fn file(&mut self, _: scan::FileReport) {}
}

fn scan_as(name: &str, text: &[u8]) -> Vec<Finding> {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join(name);
    std::fs::write(&path, text).expect("written");
    let options = ScanOptions::new(FingerprintKey::new(&[7; 32]).expect("a key"));
    let mut found = Collect::default();
    let inputs = [ScanInput::file(path, text.len() as u64)];
    scan::scan(&ENGINE, &inputs, &options, &Default::default(), &mut found).expect("it scans");
    found.0
}

/// What a scan of a text finds: entity, matched source, fingerprint.
fn found(text: &str) -> Vec<(String, String, String)> {
    let cut = |f: &Finding| text[f.start as usize..f.end as usize].to_owned();
    scan_as("a.txt", text.as_bytes()).iter().map(|f| (f.entity.clone(), cut(f), f.fingerprint.clone())).collect()
}

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    out.write_all(text).expect("in memory");
    out.finish().expect("in memory")
}

const MAIL: &str = "jane.roe@hospital-north.org";
const PLAIN: &str = "please write to jane.roe@hospital-north.org before noon today";

#[test]
fn each_encoding_shows_the_same_value_at_its_place() {
    let expected = found(PLAIN);
    assert_eq!(expected.len(), 1);
    let utf16: Vec<u8> = PLAIN.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let packed = STANDARD.encode(gzip(PLAIN.as_bytes()));
    let mut zlib = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
    zlib.write_all(PLAIN.as_bytes()).expect("in memory");
    let zlib = STANDARD.encode(zlib.finish().expect("in memory"));
    for (text, place) in [
        ("write to\\njane.roe\\u0040hospital-north.org now".to_owned(), Some("jane.roe\\u0040hospital-north.org")),
        ("to=jane.roe%40hospital-north.org&x=1".to_owned(), Some("jane.roe%40hospital-north.org")),
        ("to jane.roe&#64;hospital-north.org now".to_owned(), Some("jane.roe&#64;hospital-north.org")),
        ("to jane.roe&commat;hospital&#x2d;north.org".to_owned(), Some("jane.roe&commat;hospital&#x2d;north.org")),
        ("to jane.roe=40hospital-no=\nrth.org now".to_owned(), Some("jane.roe=40hospital-no=\nrth.org")),
        ("to jane.roe\u{ff20}hospital-north.org now".to_owned(), Some("jane.roe\u{ff20}hospital-north.org")),
        ("to jane.r\u{ad}oe@hospital-north.org now".to_owned(), Some("jane.r\u{ad}oe@hospital-north.org")),
        (format!("payload: {} end", STANDARD.encode(PLAIN)), None),
        (format!("payload: {} end", URL_SAFE_NO_PAD.encode(PLAIN)), None),
        (format!("https://x.example/data/{}", STANDARD.encode(PLAIN)), None),
        (format!("payload: {} end", STANDARD.encode(utf16)), None),
        (format!("payload: {packed} end"), Some(packed.trim_end_matches('='))),
        (format!("payload: {zlib} end"), Some(zlib.trim_end_matches('='))),
        // In each other.
        (format!("payload: {} end", STANDARD.encode(PLAIN.replace('@', "%40"))), None),
        (format!("payload: {} end", STANDARD.encode(STANDARD.encode(PLAIN))), None),
        ("to jane.roe%2540hospital-north.org now".to_owned(), Some("jane.roe%2540hospital-north.org")),
    ] {
        let found = found(&text);
        let mails: Vec<_> = found.iter().filter(|f| f.0 == "EMAIL_ADDRESS").collect();
        assert_eq!(mails.len(), 1, "{text}: {found:?}");
        assert_eq!(mails[0].2, expected[0].2, "{text}: the fingerprint is that of the value");
        if let Some(place) = place {
            assert_eq!(mails[0].1, place, "{text}");
        }
    }
}

#[test]
fn quoted_printable_breaks_and_signs_are_undone() {
    for (text, place) in [
        ("SSN: 536-22=\n-8741 on file", "536-22=\n-8741"),
        ("SSN: 536-=\r\n22-8741 on file", "536-=\r\n22-8741"),
        ("SSN: 536=2D22=2D8741 on file", "536=2D22=2D8741"),
        ("her SSN=3A 536-22-8741 on file", "536-22-8741"),
        ("mail jane=2Eroe=40hospital-north=2Eorg now", "jane=2Eroe=40hospital-north=2Eorg"),
    ] {
        let found = found(text);
        assert!(found.iter().any(|f| f.1 == place), "{text}: {found:?}");
    }
    // Sums, settings and the padding of base64.
    for text in ["4*5=20 and 6=2D2", "size=40", "x==\nabc", "a=2E5", "hue=3A5F0C"] {
        let mut batch = ValueBatch::new();
        batch.push(0, None, text.as_bytes());
        let derived = derive(&batch);
        let plain: Vec<_> = (0..derived.origins.len() as u32).map(|n| derived.batch.value(n)).collect();
        assert!(plain.is_empty(), "{text}: {plain:?}");
    }
}

#[test]
fn headers_of_mail_are_undone() {
    let expected = found(PLAIN);
    for (text, place) in [
        ("Subject: =?utf-8?Q?write_to_jane.roe=40hospital-north.org?= now", "jane.roe=40hospital-north.org"),
        (
            "Subject: =?utf-8?Q?jane.r?=\n =?utf-8?Q?oe@hospital-north.org?=",
            "jane.r?=\n =?utf-8?Q?oe@hospital-north.org",
        ),
        ("Reply-To: =?iso-8859-1?Q?jane.roe=40hospital-north.org?=", "jane.roe=40hospital-north.org"),
        ("X: =?utf-8?B?amFuZS5yb2VAaG9zcGl0YWwtbm9ydGgub3Jn?= x", "amFuZS5yb2VAaG9zcGl0YWwtbm9ydGgub3Jn"),
    ] {
        let found: Vec<_> = found(text).into_iter().filter(|f| f.0 == "EMAIL_ADDRESS").collect();
        assert_eq!(found.len(), 1, "{text}: {found:?}");
        assert_eq!((found[0].1.as_str(), &found[0].2), (place, &expected[0].2), "{text}");
    }
    // Escapes that only the header of their part tells from sums.
    let mail = |transfer: &str| {
        format!(
            "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: {transfer}\r\n\r\nhis SSN 536=2D22-8741 now\r\n\
             --boundary\r\n{} SSN 536=2D22-8741\r\n",
            "words ".repeat(100)
        )
    };
    let of = |transfer: &str| {
        found(&mail(transfer)).into_iter().filter(|f| f.0 == "US_SSN").map(|f| f.1).collect::<Vec<_>>()
    };
    assert_eq!(of("quoted-printable"), ["536=2D22-8741"], "that behind the boundary is of another part");
    assert_eq!(of("Quoted-Printable"), ["536=2D22-8741"]);
    assert_eq!(of("8bit"), [""; 0]);
    // A part is looked at as far as it is the same for every cut of a text.
    let long = mail("quoted-printable").replace("his SSN", &format!("{} his SSN", "words of a letter\r\n".repeat(800)));
    assert!(found(&long).iter().all(|f| f.0 != "US_SSN"));
}

#[test]
fn base64_places_hold_the_characters_of_the_value() {
    let packed = STANDARD.encode(PLAIN);
    let text = format!("payload: {packed} end");
    let found = scan_as("a.txt", text.as_bytes());
    let mail = found.iter().find(|f| f.entity == "EMAIL_ADDRESS").expect("found");
    let (start, end) = (mail.start as usize - 9, mail.end as usize - 9);
    assert!(start.is_multiple_of(4));
    let decoded = STANDARD.decode(&packed[start..end]).expect("whole groups");
    let decoded = String::from_utf8(decoded).expect("text");
    assert!(decoded.contains(MAIL) && decoded.len() <= MAIL.len() + 4, "{decoded}");
}

#[test]
fn wrapped_base64_is_one_run() {
    let long = format!("{} {PLAIN} {}", "some words in front of it ".repeat(4), "and some behind it ".repeat(4));
    let packed = STANDARD.encode(&long);
    for break_ in ["\n", "\r\n"] {
        let lines: Vec<&str> =
            packed.as_bytes().chunks(76).map(|line| std::str::from_utf8(line).expect("ASCII")).collect();
        let text = format!("Content-Transfer-Encoding: base64\n\n{}\n", lines.join(break_));
        let mails = found(&text).into_iter().filter(|f| f.0 == "EMAIL_ADDRESS").count();
        assert_eq!(mails, 1, "{break_:?}");
    }
}

#[test]
fn numbers_with_wide_digits_and_hard_spaces() {
    let plain = found("card number 4079 4636 1743 0119 exp 12/30");
    let card = |found: &[(String, String, String)]| {
        found.iter().find(|f| f.0 == "CREDIT_CARD").map(|f| (f.1.clone(), f.2.clone()))
    };
    let expected = card(&plain).expect("a card");
    for number in [
        "4079\u{a0}4636\u{a0}1743\u{a0}0119",
        "4079\u{202f}4636\u{202f}1743\u{202f}0119",
        "４０７９ ４６３６ １７４３ ０１１９",
        "4079\u{2011}4636\u{2011}1743\u{2011}0119",
        "٤٠٧٩ ٤٦٣٦ ١٧٤٣ ٠١١٩",
        "۴۰۷۹ ۴۶۳۶ ۱۷۴۳ ۰۱۱۹",
        "4079\u{200b} 4636\u{2060} 1743 0119",
    ] {
        let got = card(&found(&format!("card number {number} exp 12/30"))).expect(number);
        assert_eq!(got, (number.to_owned(), expected.1.clone()));
    }
}

#[test]
fn tables_and_labels_are_known_in_encoded_text() {
    let table = "login,email,plate\nkfisher22,jane.roe@hospital-north.org,KX71 RVB\nmoorhen_9,ann@hospital-north.org,LD19 HHA\n";
    let of = |text: &str, entity: &str| found(text).into_iter().filter(|f| f.0 == entity).count();
    let (users, mails) = (of(table, "USERNAME"), of(table, "EMAIL_ADDRESS"));
    assert_eq!((users, mails), (2, 2), "the table itself");
    let json = |text: &str| serde_json::json!({ "body": text }).to_string();
    for encoded in
        [json(table), json(&json(table)), STANDARD.encode(table), table.replace('\n', "&#10;").replace(',', "&#44;")]
    {
        assert_eq!((of(&encoded, "USERNAME"), of(&encoded, "EMAIL_ADDRESS")), (users, mails), "{encoded}");
    }
    let record = r#"{"email": "jane.roe@hospital-north.org", "username": "kfisher22"}"#;
    assert_eq!(
        (of(record, "USERNAME"), of(&json(record), "USERNAME"), of(&json(&json(record)), "USERNAME")),
        (1, 1, 1)
    );
    for secret in
        ["<kilnToken>\n    e3lp8yrcneq7cbt5qile\n</kilnToken>", "<add key=\"SmtpPassword\" value=\"Tr0ut_88line\"/>"]
    {
        assert_eq!((of(secret, "CREDENTIAL"), of(&json(secret), "CREDENTIAL")), (1, 1), "{secret}");
    }
    let told = "Host: kiln\nUsername:\u{a0}kfisher22\nLast\u{a0}login: 4";
    assert_eq!(of(told, "USERNAME"), 1);
    assert_eq!(of(&json(&told.replace('\u{a0}', " ")), "USERNAME"), 1);
}

#[test]
fn literals_are_found_in_one_walk() {
    let text = br#"{"a": "x\ny", "b": "one", "c": "p\"q\nr"}"#;
    let mut literals = Literals::default();
    let place = |needle: &str| memchr::memmem::find(text, needle.as_bytes()).expect("there");
    let cut = |range: Option<std::ops::Range<usize>>| range.map(|r| String::from_utf8_lossy(&text[r]).into_owned());
    assert_eq!(cut(literals.around(text, 0, place("\\ny"))).as_deref(), Some("x\\ny"));
    assert_eq!(cut(literals.around(text, 0, place("y\""))), None, "given before");
    assert_eq!(cut(literals.around(text, 0, place("one"))), None, "of one line");
    assert_eq!(cut(literals.around(text, 0, place("\\nr"))).as_deref(), Some("p\\\"q\\nr"));
    assert_eq!(cut(literals.around(text, 9, place("\\ny"))).as_deref(), Some("x\\ny"), "another value");
}

#[test]
fn the_same_thing_is_not_told_twice() {
    for text in [
        // Found as it is, with escapes around it.
        "\\n\\t mail jane.roe@hospital-north.org \\\"x\\\" %20 &amp; =3D",
        // The shorter reading is inside the longer one.
        "call +1%20415%20555%200132 or\\n+1 415 555 0132",
    ] {
        let found = found(text);
        for (at, one) in found.iter().enumerate() {
            assert!(!found[..at].iter().any(|other| other.0 == one.0 && other.1 == one.1), "{found:?}");
        }
    }
    let twice = found(&format!("mail {MAIL} and {}", STANDARD.encode(PLAIN)));
    assert_eq!(twice.iter().filter(|f| f.0 == "EMAIL_ADDRESS").count(), 2, "two places, both told");
}

/// What is packed as a whole has one place in the file, and is as many things as it holds.
#[test]
fn all_that_is_packed_together_is_told() {
    let text = "ssn: 536-22-8721, write to jane.roe@hospital-north.org or to john.roe@hospital-north.org,\n\
        account GB82WEST12345698765432 and key AKIAZ7Q3M5XRJ4WB2TNK\n";
    let what = |found: &[Finding]| {
        let mut all: Vec<String> = found.iter().map(|f| format!("{} {}", f.detector, f.fingerprint)).collect();
        all.sort();
        all
    };
    let plain = scan_as("plain.txt", text.as_bytes());
    assert!(plain.len() >= 5, "{:?}", what(&plain));
    let packed = STANDARD.encode(gzip(text.as_bytes()));
    let twice = STANDARD.encode(gzip(packed.as_bytes()));
    let record = serde_json::json!({ "a": packed, "b": 1 }).to_string();
    for (name, text) in [("packed.txt", &packed), ("twice.txt", &twice), ("record.jsonl", &record)] {
        let found = scan_as(name, text.as_bytes());
        assert_eq!(what(&found), what(&plain), "{name}");
        assert!(found.iter().all(|f| f.start == found[0].start), "{name}: all of it is one place");
    }
}

#[test]
fn very_much_that_is_packed_together_is_told_too() {
    let mails: String = (0..20_000).map(|n| format!("person{n}@hospital-north.org\n")).collect();
    let found = scan_as("packed.txt", STANDARD.encode(gzip(mails.as_bytes())).as_bytes());
    let different: std::collections::HashSet<&str> = found.iter().map(|f| f.fingerprint.as_str()).collect();
    assert_eq!((found.len(), different.len()), (20_000, 20_000));
}

#[test]
fn letters_of_escapes_are_no_part_of_values() {
    for text in [
        "see\\njane.roe@hospital-north.org now",
        "see\\\\tjane.roe@hospital-north.org",
        "see%2Cjane.roe@hospital-north.org",
    ] {
        let mails: Vec<_> = found(text).into_iter().filter(|f| f.0 == "EMAIL_ADDRESS").map(|f| f.1).collect();
        assert_eq!(mails, [MAIL], "{text}");
    }
    assert!(!found("key\\nAKIAZ7Q3M5XRJ4WB2TNK\\n").is_empty(), "the word boundary is behind the escape");
}

#[test]
fn escapes_before_words_cost_nothing() {
    let text = b"one line\\nand the next\\n2 eggs\\tand \\\"words\\\" in <b>quotes<\\/b>".repeat(3);
    assert!(Layers::of(&ValueBatch::of_text(text)).is_empty());
}

#[test]
fn what_is_not_decoded_is_left_to_the_plain_scan() {
    let text = b"plain words and then j%40k behind";
    let layers = Layers::of(&ValueBatch::of_text(text.to_vec()));
    assert_eq!(layers.batches().map(|b| b.value(0)).collect::<Vec<_>>(), [b"plain words and then j@k behind"]);
    assert_eq!(layers.source_of(0, 0, 0, 11), None);
    assert_eq!(layers.source_of(0, 0, 21, 24), Some((0, 21, 26)));
    assert_eq!(layers.source_of(0, 1, 0, 1), None);
}

#[test]
fn fields_of_records_keep_their_names() {
    let line = format!("{{\"id\":1,\"body\":\"{}\"}}\n", STANDARD.encode(PLAIN));
    let found = scan_as("a.jsonl", line.as_bytes());
    let mail = found.iter().find(|f| f.entity == "EMAIL_ADDRESS").expect("found");
    assert_eq!((mail.field.as_deref(), mail.row, mail.line), (Some("body"), Some(0), Some(1)));
}

#[test]
fn depth_and_size_are_bounded() {
    let mut nested = PLAIN.to_owned();
    for depth in 1..=DEPTH_MAX + 1 {
        nested = STANDARD.encode(&nested);
        let mails = found(&nested).into_iter().filter(|f| f.0 == "EMAIL_ADDRESS").count();
        assert_eq!(mails, usize::from(depth <= DEPTH_MAX), "depth {depth}");
    }
    // Many small gzip bombs: what is derived stays near the size of the batch.
    let bomb = STANDARD.encode(gzip(&vec![b'a'; 4 << 20]));
    let text = format!("{bomb} ").repeat(40);
    let batch = ValueBatch::of_text(text.clone().into_bytes());
    assert!(derive(&batch).batch.len() < 2 * text.len() + (6 << 20));
    // What was not unpacked is counted.
    assert_eq!(undecoded_of(&batch, None), (0, 40 - derive(&batch).origins.len() as u64));
}

fn undecoded_of(batch: &ValueBatch, zone: Option<std::ops::Range<usize>>) -> (u64, u64) {
    let left = Layers::of(batch).undecoded(batch, zone, |_| 1);
    (left.too_deep, left.too_large)
}

fn records(values: &[String]) -> ValueBatch {
    let mut batch = ValueBatch::new();
    values.iter().zip(0..).for_each(|(value, row)| batch.push(row, None, value.as_bytes()));
    batch
}

#[test]
fn what_lies_too_deep_is_counted() {
    let nested = |depth: usize| (0..depth).fold(PLAIN.to_owned(), |text, _| STANDARD.encode(text));
    assert_eq!(undecoded_of(&records(&[nested(DEPTH_MAX)]), None), (0, 0));
    assert_eq!(undecoded_of(&records(&[nested(DEPTH_MAX + 1), nested(1), nested(DEPTH_MAX + 2)]), None), (2, 0));
    // Four families of escapes side by side are undone in 24 orders; it is one place.
    let escapes = "mail\\njane.roe\\u0040x.org %40y.org &#64;z.org jane\u{ff20}w.org and a=3A=3Db".to_owned();
    assert_eq!(undecoded_of(&records(&[escapes]), None).0, 1);
    let of_web_text = "caf\u{e9}\u{a0}&amp; bar %40 home".to_owned();
    assert_eq!(undecoded_of(&records(&[of_web_text]), None), (0, 0));
}

#[test]
fn what_is_too_large_is_counted() {
    let noise = |bytes: usize| {
        let words: Vec<String> =
            (0..bytes as u64 / 6).map(|n| format!("{:05x}", n.wrapping_mul(0x9e37_79b9) >> 13 & 0xf_ffff)).collect();
        words.join(" ")
    };
    let packed = |text: &str| STANDARD.encode(gzip(text.as_bytes()));
    assert_eq!(undecoded_of(&records(&[packed(&"a".repeat(4 << 20))]), None), (0, 0), "just what is unpacked");
    assert_eq!(undecoded_of(&records(&[packed(&"a".repeat((4 << 20) + 1))]), None), (0, 1));
    // One run that is longer than is decoded, plain and packed.
    let long = noise(5 << 20);
    assert_eq!(undecoded_of(&records(&[STANDARD.encode(&long)]), None), (0, 1));
    // What a batch of text cuts off is in none; of a record it was written so.
    let run = packed(&noise(100 << 10));
    let cut = format!("payload: {}", &run[..run.len() / 2]);
    let batch = ValueBatch::of_text(cut.clone().into_bytes());
    assert_eq!(undecoded_of(&batch, Some(0..cut.len() - 100)), (0, 1));
    assert_eq!(undecoded_of(&batch, Some(0..cut.len())), (0, 0), "the text ends here");
    assert_eq!(undecoded_of(&batch, Some(1_000..cut.len() - 100)), (0, 0), "the batch before answers for it");
    assert_eq!(undecoded_of(&records(&[cut]), None), (0, 0));
}

#[test]
fn other_base64_is_left_alone() {
    let noise: Vec<u8> = (0..4_000u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    for text in [
        STANDARD.encode(&noise),
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855".to_owned(),
        "/usr/share/doc/packages/some-package/examples/README/more".to_owned(),
        "averylongidentifierinlowercasewithoutanysenseatall".to_owned(),
    ] {
        assert!(derive(&ValueBatch::of_text(text.clone().into_bytes())).origins.is_empty(), "{text}");
    }
}

#[test]
fn nothing_breaks_on_any_bytes() {
    let letters = b"\\u0049n\"%4=&#;x \xc2\xa0\xef\xbc\x91\xe2\x80\x8bAb3/-_\n\xff\0".map(|b| vec![b]).to_vec();
    let of_mail = [
        "=?utf-8?Q?",
        "=?utf-8?B?",
        "=?iso-8859-1?q?",
        "=?big5?B?",
        "?=",
        "?",
        "=",
        "=C3",
        "=\n",
        "_",
        "YWJj",
        " ",
        "\n\n",
        "--x",
        "charset=",
    ];
    let of_mail: Vec<Vec<u8>> = of_mail.iter().map(|part| part.as_bytes().to_vec()).collect();
    let mut seed = 9u64;
    for round in 0..24_000 {
        let parts = if round < 20_000 { &letters } else { &of_mail };
        let mut text = Vec::new();
        if round % 3 == 0 && round >= 20_000 {
            text.extend_from_slice(
                b"Content-Type: text/plain; charset=x\nContent-Transfer-Encoding: quoted-printable\n\n",
            );
        }
        for _ in 0..80 {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            text.extend_from_slice(&parts[(seed >> 33) as usize % parts.len()]);
        }
        let batch = ValueBatch::of_text(text.clone());
        let layers = Layers::of(&batch);
        for (layer, derived) in layers.batches().enumerate() {
            for value in 0..derived.spans().len() as u32 {
                let len = derived.value(value).len();
                for start in 0..len {
                    if let Some((value, from, to)) = layers.source_of(layer, value, start, len) {
                        assert!(value == 0 && from <= to && to <= text.len(), "{from}..{to} of {}", text.len());
                    }
                }
            }
        }
    }
}
