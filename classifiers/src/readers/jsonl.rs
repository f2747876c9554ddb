//! JSON Lines: one JSON value a line, its strings written into the batch as they are decoded.
//!
//! A line that is not JSON is reported and scanned as text, so that nothing in it goes unseen.

use super::text::Seam;
use super::{BATCH_BYTES, BatchPlace, Lookahead, Problem, Problems, Reader, io_message};
use crate::columns::{FieldFilter, INTEGER_MIN, LIST_INDEX_MAX, fraction, whole_number};
use crate::values::{FieldTable, ValueBatch};
use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use std::fmt;
use std::io::{BufRead, BufReader, Read, Write as _};

/// Bytes of a part, about.
const PART_BYTES: u64 = 2 << 20;

pub(super) struct JsonlReader {
    input: Box<dyn BufRead + Send>,
    /// Longest line that is decoded.
    record_bytes_max: usize,
    filter: FieldFilter,
    line: Vec<u8>,
    line_number: u64,
    row: u64,
    first_row: u64,
    /// The next bytes go on with a line that is too long to be decoded.
    in_long_line: bool,
    /// How its pieces overlap.
    seam: Seam,
    /// A piece was read while the batch held other lines: it is the next batch, and whether the line ends with it.
    waiting: Option<bool>,
    /// The input is a part that ends inside such a line.
    open_end: bool,
    /// Of a reader that is split: what was read behind the last line break.
    carry: Vec<u8>,
    problems: Problems,
    ended: bool,
    /// What reading ahead for a part met.
    failed: Option<Problem>,
}

impl JsonlReader {
    pub(super) fn new(input: Lookahead, filter: FieldFilter, record_bytes_max: usize) -> Self {
        Self {
            input: Box::new(BufReader::with_capacity(1 << 18, input)),
            record_bytes_max,
            filter,
            line: Vec::new(),
            line_number: 0,
            row: 0,
            first_row: 0,
            in_long_line: false,
            seam: Seam::default(),
            waiting: None,
            open_end: false,
            carry: Vec::new(),
            problems: Problems::default(),
            ended: false,
            failed: None,
        }
    }

    /// Decodes the current line into the batch.
    fn decode(&mut self, fields: &mut FieldTable, batch: &mut ValueBatch) {
        let line = std::mem::take(&mut self.line);
        let mut text = line.as_slice();
        if self.line_number == 1 {
            text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
        }
        let before = batch.spans().len();
        if let Err(e) = decode_value(text, self.row, &self.filter, fields, batch) {
            let why = match is_too_deep(&e) {
                true => TOO_DEEP,
                false => "not valid JSON; the line was scanned as text",
            };
            self.problems.add(format!("line {} column {}", self.line_number, e.column()), why);
            // Fields decoded before the error are in the text as well: one form of them is enough.
            batch.truncate(before);
            batch.push(self.row, None, text);
        }
        self.line = line;
    }

    /// A line too long to decode: scanned as text in pieces that overlap, each a batch of its own.
    fn piece(&mut self, complete: bool, batch: &mut ValueBatch, place: &mut BatchPlace) {
        if !self.in_long_line {
            let message = format!(
                "longer than {} bytes; scanned as text, not decoded (`--format text` scans the file whole)",
                self.record_bytes_max
            );
            self.problems.add(format!("line {}", self.line_number), message);
        }
        batch.push_with(self.row, None, |buffer| {
            buffer.extend_from_slice(self.seam.carry());
            buffer.extend_from_slice(&self.line);
        });
        self.seam.settle(batch.value(0), complete, place);
        (place.is_piece, place.first_row) = (true, self.row);
        place.lines.push(self.line_number);
        self.in_long_line = !complete;
        if complete {
            self.seam = Seam::default();
            self.row += 1;
        }
    }
}

impl Reader for JsonlReader {
    fn next(
        &mut self,
        fields: &mut FieldTable,
        batch: &mut ValueBatch,
        place: &mut BatchPlace,
    ) -> Result<bool, Problem> {
        place.lines.clear();
        place.is_piece = false;
        if let Some(complete) = self.waiting.take() {
            self.piece(complete, batch, place);
            return Ok(true);
        }
        place.first_row = self.row;
        while batch.len() < BATCH_BYTES && !self.ended {
            self.line.clear();
            let limit = self.record_bytes_max as u64;
            let got = match (&mut self.input).take(limit).read_until(b'\n', &mut self.line) {
                Ok(got) => got,
                Err(e) => {
                    self.ended = true;
                    if self.in_long_line && batch.is_empty() {
                        self.piece(true, batch, place);
                    }
                    return Err(Problem { place: format!("line {}", self.line_number + 1), message: io_message(&e) });
                }
            };
            if got == 0 {
                self.ended = true;
                // The end of a line that is as long as its pieces.
                if self.in_long_line && !self.open_end {
                    self.piece(true, batch, place);
                }
                break;
            }
            if !self.in_long_line {
                self.line_number += 1;
            }
            let complete = self.line.last() == Some(&b'\n') || ((got as u64) < limit && !self.open_end);
            if !complete || self.in_long_line {
                match batch.is_empty() {
                    true => self.piece(complete, batch, place),
                    false => self.waiting = Some(complete),
                }
                return Ok(true);
            }
            while self.line.last().is_some_and(|b| matches!(b, b'\n' | b'\r')) {
                self.line.pop();
            }
            if self.line.iter().all(u8::is_ascii_whitespace) {
                continue;
            }
            place.lines.push(self.line_number);
            self.decode(fields, batch);
            self.row += 1;
        }
        Ok(!batch.is_empty() || !self.ended)
    }

    fn problems(&mut self) -> Vec<Problem> {
        self.problems.take()
    }

    fn problems_untold(&mut self) -> u64 {
        self.problems.take_untold()
    }

    fn rows(&self) -> Option<u64> {
        Some(self.row - self.first_row)
    }

    fn splits(&self) -> bool {
        true
    }

    fn split(&mut self) -> Option<Box<dyn Reader + Send>> {
        if self.ended {
            return None;
        }
        let mut bytes = std::mem::take(&mut self.carry);
        let mut failed = None;
        let mut open_end = false;
        loop {
            match (&mut self.input).take(PART_BYTES).read_to_end(&mut bytes) {
                Ok(got) => self.ended = (got as u64) < PART_BYTES,
                Err(e) => {
                    self.ended = true;
                    failed = Some(io_message(&e));
                }
            }
            if self.ended {
                break;
            }
            if let Some(last) = memchr::memrchr(b'\n', &bytes) {
                self.carry = bytes.split_off(last + 1);
                break;
            }
            if bytes.len() >= self.record_bytes_max {
                open_end = true;
                break;
            }
        }
        if bytes.is_empty() && failed.is_none() && !self.in_long_line {
            return None;
        }
        let message = failed.clone();
        let part = self.part(bytes, open_end, failed);
        self.failed = message.map(|message| Problem { place: format!("line {}", self.line_number + 1), message });
        Some(Box::new(part))
    }

    fn split_failed(&self) -> Option<Problem> {
        self.failed.clone()
    }
}

/// A part whose bytes were read; where reading failed behind them, it ends so.
struct Failing {
    bytes: std::io::Cursor<Vec<u8>>,
    failed: Option<String>,
}

impl Read for Failing {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let mut have = self.fill_buf()?;
        let got = have.read(buffer)?;
        self.consume(got);
        Ok(got)
    }
}

impl BufRead for Failing {
    fn fill_buf(&mut self) -> std::io::Result<&[u8]> {
        let at_end = self.bytes.position() >= self.bytes.get_ref().len() as u64;
        match self.failed.take_if(|_| at_end) {
            Some(message) => Err(std::io::Error::other(message)),
            None => self.bytes.fill_buf(),
        }
    }

    fn consume(&mut self, count: usize) {
        self.bytes.consume(count);
    }
}

impl JsonlReader {
    /// A reader of the next lines, and the counts for those behind them.
    fn part(&mut self, bytes: Vec<u8>, open_end: bool, failed: Option<String>) -> Self {
        let (line_number, row, in_long_line, seam) = (self.line_number, self.row, self.in_long_line, self.seam.clone());
        if bytes.is_empty() && self.in_long_line {
            (self.in_long_line, self.row) = (false, self.row + 1);
        }
        for line in bytes.split_inclusive(|b| *b == b'\n') {
            let complete = line.last() == Some(&b'\n') || !open_end;
            if !self.in_long_line {
                self.line_number += 1;
            }
            let counts = self.in_long_line || !line.iter().all(u8::is_ascii_whitespace);
            self.row += u64::from(complete && counts);
            match complete {
                true => self.seam = Seam::default(),
                false => self.seam.skip(line),
            }
            self.in_long_line = !complete;
        }
        Self {
            input: Box::new(Failing { bytes: std::io::Cursor::new(bytes), failed }),
            record_bytes_max: self.record_bytes_max,
            filter: self.filter.clone(),
            line: Vec::new(),
            line_number,
            row,
            first_row: row,
            in_long_line,
            seam,
            waiting: None,
            open_end,
            carry: Vec::new(),
            problems: Problems::default(),
            ended: false,
            failed: None,
        }
    }
}

/// What is said of a record with too many brackets in brackets.
pub(super) const TOO_DEEP: &str = "nested deeper than 128; the record was scanned as text, without fields";

/// Whether JSON was not decoded for its depth, which the library limits to 128 and has no other name for.
pub(super) fn is_too_deep(e: &serde_json::Error) -> bool {
    e.to_string().starts_with("recursion limit exceeded")
}

/// Writes the wanted strings (and long whole numbers) of a JSON value into a batch. What Python and JavaScript write
/// beyond the standard is read too, see [`standard`].
pub(crate) fn decode_value(
    json: &[u8],
    row: u64,
    filter: &FieldFilter,
    fields: &mut FieldTable,
    batch: &mut ValueBatch,
) -> Result<(), serde_json::Error> {
    let before = batch.spans().len();
    let strict = decode_standard(json, row, filter, fields, batch);
    match strict.is_err().then(|| standard(json)).flatten() {
        Some(json) => {
            batch.truncate(before);
            // Where it is still wrong, the first error is the one to tell.
            decode_standard(&json, row, filter, fields, batch).or(strict)
        }
        None => strict,
    }
}

/// Whether a text is one JSON value, as [`decode_value`] reads it.
pub(crate) fn is_json(text: &[u8]) -> bool {
    let is_standard = |text: &[u8]| serde_json::from_slice::<serde::de::IgnoredAny>(text).is_ok();
    is_standard(text) || standard(text).is_some_and(|text| is_standard(&text))
}

/// JSON with what is not of the standard, and what Python writes unasked, in a form that is: `NaN` and `Infinity` become
/// 0 (and `-Infinity` -0), half of a surrogate pair (`\ud83d` alone, of a text that was cut) becomes U+FFFD. It is as long
/// as before, so places in it are the same. `None` where there is nothing of the kind.
pub(crate) fn standard(json: &[u8]) -> Option<Vec<u8>> {
    let mut out: Option<Vec<u8>> = None;
    let (mut at, mut in_string) = (0, false);
    while let Some(byte) = json.get(at) {
        let mut put = |with: &[u8]| out.get_or_insert_with(|| json.to_vec())[at..at + with.len()].copy_from_slice(with);
        let step = match byte {
            b'"' => {
                in_string = !in_string;
                1
            }
            b'\\' if in_string => match (unit_at(json, at), unit_at(json, at + 6)) {
                (Some(0xd800..=0xdbff), Some(0xdc00..=0xdfff)) => 12,
                (Some(0xd800..=0xdfff), _) => {
                    put(b"\\ufffd");
                    6
                }
                _ => 2,
            },
            b'N' if !in_string && json[at..].starts_with(b"NaN") => {
                put(b"0  ");
                3
            }
            b'I' if !in_string && json[at..].starts_with(b"Infinity") => {
                put(b"0       ");
                8
            }
            _ => 1,
        };
        at += step;
    }
    out
}

/// The number that an escape of `\u` and four hexadecimal digits stands for, where there is one at a place.
pub(crate) fn unit_at(json: &[u8], at: usize) -> Option<u16> {
    let digits = json.get(at..at + 6)?.strip_prefix(b"\\u")?;
    let digits = digits.iter().all(u8::is_ascii_hexdigit).then_some(digits)?;
    u16::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

fn decode_standard(
    json: &[u8],
    row: u64,
    filter: &FieldFilter,
    fields: &mut FieldTable,
    batch: &mut ValueBatch,
) -> Result<(), serde_json::Error> {
    let mut path = String::new();
    let mut decoder = serde_json::Deserializer::from_slice(json);
    Walk { row, filter, fields, batch, path: &mut path }.deserialize(&mut decoder)?;
    decoder.end()
}

/// Walks a JSON value; `path` is the dotted path of where it stands.
pub(super) struct Walk<'a> {
    pub(super) row: u64,
    pub(super) filter: &'a FieldFilter,
    pub(super) fields: &'a mut FieldTable,
    pub(super) batch: &'a mut ValueBatch,
    pub(super) path: &'a mut String,
}

impl Walk<'_> {
    fn below(&mut self) -> Walk<'_> {
        Walk { row: self.row, filter: self.filter, fields: self.fields, batch: self.batch, path: self.path }
    }

    /// A key that could be data becomes a value under `*`.
    fn hide_key(&mut self, parent_len: usize) {
        let start = if parent_len == 0 { 0 } else { parent_len + 1 };
        if self.path.get(start..).is_some_and(crate::values::is_value_like) {
            let key = self.path.split_off(start);
            self.path.push('*');
            self.leaf(key.as_bytes());
        }
    }

    fn leaf(&mut self, value: &[u8]) {
        if !value.is_empty() && self.filter.wants(self.path) {
            let field = (!self.path.is_empty()).then(|| self.fields.intern(self.path));
            self.batch.push(self.row, field, value);
        }
    }

    fn integer(&mut self, magnitude: u64, value: impl fmt::Display) {
        if magnitude >= INTEGER_MIN {
            let mut text = [0u8; 24];
            let mut cursor = std::io::Cursor::new(&mut text[..]);
            if write!(cursor, "{value}").is_ok() {
                let len = cursor.position() as usize;
                self.leaf(&text[..len]);
            }
        }
    }
}

impl<'de> DeserializeSeed<'de> for Walk<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Walk<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(mut self, value: i64) -> Result<(), E> {
        self.integer(value.unsigned_abs(), value);
        Ok(())
    }

    fn visit_u64<E>(mut self, value: u64) -> Result<(), E> {
        self.integer(value, value);
        Ok(())
    }

    fn visit_f64<E>(mut self, value: f64) -> Result<(), E> {
        if let Some(number) = whole_number(value) {
            self.integer(number.unsigned_abs(), number);
        } else if self.filter.takes_fractions(self.path)
            && let Some(text) = fraction(value)
        {
            self.leaf(text.as_bytes());
        }
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(mut self, value: &str) -> Result<(), E> {
        self.leaf(value.as_bytes());
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut seq: A) -> Result<(), A::Error> {
        let len = self.path.len();
        for index in 0usize.. {
            if len > 0 {
                self.path.push('.');
            }
            if index > LIST_INDEX_MAX {
                self.path.push('*');
            } else {
                use std::fmt::Write as _;
                write!(self.path, "{index}").map_err(A::Error::custom)?;
            }
            let more = seq.next_element_seed(self.below())?.is_some();
            self.path.truncate(len);
            if !more {
                break;
            }
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
        let len = self.path.len();
        while map.next_key_seed(Key { path: self.path })?.is_some() {
            self.hide_key(len);
            map.next_value_seed(self.below())?;
            self.path.truncate(len);
        }
        Ok(())
    }
}

/// Appends a key to the path without a string of its own.
struct Key<'a> {
    path: &'a mut String,
}

impl<'de> DeserializeSeed<'de> for Key<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for Key<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E>(self, key: &str) -> Result<(), E> {
        if !self.path.is_empty() {
            self.path.push('.');
        }
        self.path.push_str(key);
        Ok(())
    }
}
