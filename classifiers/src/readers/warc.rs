//! Web archives (WARC 1.0 and 1.1, their WET and WAT forms): a record of the archive is a row.
//!
//! Fields are `target_uri`, the headers of an HTTP message under `http.`, and `payload`. The payload of a response is
//! undone as far as HTTP packed it (chunks, gzip, deflate). Pictures and other binary payloads hold no text; they are left
//! out and counted. Compression of the archive itself, one gzip member a record, is undone before.

use super::compression::ZSTD_WINDOW_LOG_MAX;
use super::limits::{Budget, Unpacked};
use super::{BATCH_BYTES, BatchPlace, Lookahead, Problem, Problems, Reader, encodings, io_message};
use crate::columns::FieldFilter;
use crate::values::{FieldTable, ValueBatch};
use std::io::{self, BufRead, BufReader, Read};
use std::sync::Arc;

/// Longest line of a record's header, in bytes, and how many lines it may have.
const HEADER_LINE_BYTES_MAX: u64 = 64 << 10;
const HEADER_LINES_MAX: usize = 256;
/// Longest name of an HTTP header that becomes a field.
const FIELD_BYTES_MAX: usize = 40;
/// Bytes of a payload that are looked at to tell text from binary.
const LOOK_BYTES: usize = 4 << 10;

pub(super) struct WarcReader {
    input: BufReader<Lookahead>,
    filter: FieldFilter,
    budget: Arc<Budget>,
    row: u64,
    /// Bytes of the current record that are too many for one value.
    left: u64,
    /// Payloads that were left out as binary.
    skipped: u64,
    problems: Problems,
    ended: bool,
}

/// What matters in a record's header.
#[derive(Default)]
struct Header {
    content_bytes: u64,
    is_http: bool,
    target_uri: Vec<u8>,
}

/// Bytes that brotli unpacks at once.
const BROTLI_BUFFER_BYTES: usize = 4_096;

/// Whether a body begins with text: brotli has no first bytes of its own by which it is told.
fn begins_as_text(body: &[u8]) -> bool {
    let head = &body[..body.len().min(64)];
    let is_control = |b: &u8| *b < b' ' && !matches!(b, b'\t' | b'\n' | b'\r');
    let valid = std::str::from_utf8(head).map_or_else(|e| e.valid_up_to(), str::len);
    // The last character may be cut.
    valid + 3 >= head.len() && !head.iter().any(is_control)
}

impl WarcReader {
    pub(super) fn new(input: Lookahead, filter: FieldFilter, budget: Arc<Budget>) -> Self {
        let input = BufReader::with_capacity(1 << 18, input);
        Self { input, filter, budget, row: 0, left: 0, skipped: 0, problems: Problems::default(), ended: false }
    }

    fn problem(&mut self, message: &str) {
        self.problems.add(format!("record {}", self.row), message);
    }

    fn line(&mut self, line: &mut Vec<u8>) -> io::Result<bool> {
        line.clear();
        let got = (&mut self.input).take(HEADER_LINE_BYTES_MAX).read_until(b'\n', line)?;
        if got as u64 == HEADER_LINE_BYTES_MAX {
            return Err(io::ErrorKind::InvalidData.into());
        }
        while line.last().is_some_and(|b| matches!(b, b'\r' | b'\n')) {
            line.pop();
        }
        Ok(got > 0)
    }

    /// The header of the next record; `None` at the end.
    fn header(&mut self) -> io::Result<Option<Header>> {
        let mut line = Vec::new();
        // Records end with two empty lines; some writers leave more or fewer.
        loop {
            if !self.line(&mut line)? {
                return Ok(None);
            }
            if !line.is_empty() {
                break;
            }
        }
        if !line.starts_with(b"WARC/") {
            return Err(io::ErrorKind::InvalidData.into());
        }
        let mut header = Header::default();
        let mut has_length = false;
        for _ in 0..HEADER_LINES_MAX {
            if !self.line(&mut line)? {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            if line.is_empty() {
                return match has_length {
                    true => Ok(Some(header)),
                    false => Err(io::ErrorKind::InvalidData.into()),
                };
            }
            let Some((name, value)) = split_header(&line) else { continue };
            match name.to_ascii_lowercase().as_slice() {
                b"content-length" => {
                    let length = std::str::from_utf8(value).ok().and_then(|n| n.parse().ok());
                    header.content_bytes = length.ok_or_else(|| io::Error::from(io::ErrorKind::InvalidData))?;
                    has_length = true;
                }
                b"content-type" => header.is_http = value.to_ascii_lowercase().starts_with(b"application/http"),
                b"warc-target-uri" => header.target_uri = value.to_vec(),
                _ => {}
            }
        }
        Err(io::ErrorKind::InvalidData.into())
    }

    fn block(&mut self, bytes: u64) -> io::Result<Vec<u8>> {
        let mut block = Vec::new();
        let got = (&mut self.input).take(bytes).read_to_end(&mut block)?;
        match (got as u64) < bytes {
            true => Err(io::ErrorKind::UnexpectedEof.into()),
            false => Ok(block),
        }
    }

    /// Reads one record, or the next piece of a long one, into the batch. `false` at the end.
    fn record(&mut self, fields: &mut FieldTable, batch: &mut ValueBatch) -> io::Result<bool> {
        let piece_max = self.budget.limits.record_bytes_max as u64;
        if self.left > 0 {
            let bytes = self.left.min(piece_max);
            let block = self.block(bytes)?;
            self.push(fields, batch, "payload", &block);
            self.left -= bytes;
            self.row += u64::from(self.left == 0);
            return Ok(true);
        }
        let Some(header) = self.header()? else { return Ok(false) };
        let bytes = header.content_bytes.min(piece_max);
        let block = self.block(bytes)?;
        self.push(fields, batch, "target_uri", &header.target_uri);
        self.left = header.content_bytes - bytes;
        if self.left > 0 {
            self.problem("a record too long to be decoded; scanned as it is, in pieces");
            self.push(fields, batch, "payload", &block);
        } else {
            match header.is_http {
                true => self.http(fields, batch, &block),
                false => self.push_text(fields, batch, &block),
            }
            self.row += 1;
        }
        Ok(true)
    }

    /// An HTTP message: its headers, and its body undone.
    fn http(&mut self, fields: &mut FieldTable, batch: &mut ValueBatch, block: &[u8]) {
        let (head_end, body_start) = head_end(block).unwrap_or((block.len(), block.len()));
        let (mut chunked, mut packed) = (false, None);
        for (index, line) in block[..head_end].split(|b| *b == b'\n').enumerate() {
            let line = line.trim_ascii();
            // The first line is a request with its path, or a status.
            let (name, value) = match split_header(line) {
                Some((name, value)) if index > 0 => match field_name(name) {
                    Some(field) => (field, value),
                    // It may be no header at all, and what stands before a colon data.
                    None => (OTHER.to_owned(), line),
                },
                None if index > 0 => (OTHER.to_owned(), line),
                _ => ("http.line".to_owned(), line),
            };
            match name.as_str() {
                "http.transfer-encoding" => chunked = value.eq_ignore_ascii_case(b"chunked"),
                "http.content-encoding" => packed = Some(value.to_ascii_lowercase()),
                _ => {}
            }
            self.push(fields, batch, &name, value);
        }
        let body = &block[body_start..];
        // Crawlers often keep these headers and store the body undone, so what does not look packed is taken as it is.
        let joined = chunked.then(|| dechunk(body)).flatten();
        let body = joined.as_deref().unwrap_or(body);
        let plain = match packed.as_deref() {
            Some(b"gzip" | b"x-gzip") if body.starts_with(&[0x1f, 0x8b]) => {
                Some(self.inflate(flate2::read::MultiGzDecoder::new(body)))
            }
            Some(b"deflate") if body.first().is_some_and(|b| b & 0x0f == 8) => {
                Some(self.inflate(flate2::read::ZlibDecoder::new(body)))
            }
            Some(b"zstd") if body.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]) => {
                let decoder = zstd::stream::read::Decoder::with_buffer(body).and_then(|mut decoder| {
                    decoder.window_log_max(ZSTD_WINDOW_LOG_MAX)?;
                    Ok(decoder)
                });
                decoder.ok().map(|decoder| self.inflate(decoder))
            }
            Some(b"br") if !begins_as_text(body) => {
                Some(self.inflate(brotli::Decompressor::new(body, BROTLI_BUFFER_BYTES)))
            }
            _ => None,
        };
        match plain {
            Some(plain) => self.push_text(fields, batch, &plain),
            None => self.push_text(fields, batch, body),
        }
    }

    /// What can be unpacked of a body, up to the length of a record.
    fn inflate(&mut self, packed: impl Read) -> Vec<u8> {
        let mut plain = Vec::new();
        let limit = self.budget.limits.record_bytes_max as u64;
        let mut unpacked = Unpacked { inner: packed, budget: Arc::clone(&self.budget) }.take(limit);
        match unpacked.read_to_end(&mut plain) {
            Ok(got) if got as u64 == limit => {
                self.problem("a payload that unpacks to too much; its end was not scanned")
            }
            Ok(_) => {}
            Err(e) => {
                let message = format!("a payload that cannot be unpacked whole: {}", io_message(&e));
                self.problem(&message);
            }
        }
        plain
    }

    /// A payload, where it is text.
    fn push_text(&mut self, fields: &mut FieldTable, batch: &mut ValueBatch, text: &[u8]) {
        let look = &text[..text.len().min(LOOK_BYTES)];
        if let Some(encoding) = encodings::encoding(look) {
            self.push(fields, batch, "payload", &encodings::decode(text, encoding));
        } else if look.contains(&0) {
            self.skipped += 1;
        } else {
            self.push(fields, batch, "payload", text);
        }
    }

    fn push(&self, fields: &mut FieldTable, batch: &mut ValueBatch, field: &str, value: &[u8]) {
        if !value.is_empty() && self.filter.wants(field) {
            batch.push(self.row, Some(fields.intern(field)), value);
        }
    }
}

fn split_header(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let colon = memchr::memchr(b':', line)?;
    Some((&line[..colon], line[colon + 1..].trim_ascii()))
}

/// Where the head of an HTTP message ends and where its body begins. Some servers end lines without a carriage return.
fn head_end(block: &[u8]) -> Option<(usize, usize)> {
    memchr::memchr_iter(b'\n', block).find_map(|at| match &block[at + 1..] {
        [b'\n', ..] => Some((at, at + 2)),
        [b'\r', b'\n', ..] => Some((at, at + 3)),
        _ => None,
    })
}

/// The field of headers whose names are not made like those of real ones, and of lines that are none.
const OTHER: &str = "http.other";

/// The field of an HTTP header, if its name is made like those of real ones, so that fields stay few.
fn field_name(name: &[u8]) -> Option<String> {
    let usual = name.len() <= FIELD_BYTES_MAX && name.iter().all(|b| b.is_ascii_alphabetic() || *b == b'-');
    let name = std::str::from_utf8(name).ok().filter(|_| usual)?.to_ascii_lowercase();
    // Seconds that a response was in a cache, and no age of anybody.
    let name = if name == "age" { "cached-seconds" } else { &name };
    Some(format!("http.{name}"))
}

/// The body of a chunked message; `None` where it is not made of chunks. The end may be missing.
fn dechunk(body: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(body.len());
    let mut rest = body;
    while !rest.is_empty() {
        let line_end = memchr::memchr(b'\n', rest)?;
        let line = rest[..line_end].split(|b| *b == b';').next().unwrap_or_default().trim_ascii();
        let size = usize::from_str_radix(std::str::from_utf8(line).ok()?, 16).ok()?;
        if size == 0 {
            break;
        }
        let from = line_end + 1;
        let to = from.saturating_add(size).min(rest.len());
        out.extend_from_slice(&rest[from..to]);
        rest = rest[to..].trim_ascii_start();
    }
    Some(out)
}

impl Reader for WarcReader {
    fn next(
        &mut self,
        fields: &mut FieldTable,
        batch: &mut ValueBatch,
        place: &mut BatchPlace,
    ) -> Result<bool, Problem> {
        place.lines.clear();
        place.first_row = self.row;
        while !self.ended && batch.len() < BATCH_BYTES {
            match self.record(fields, batch) {
                Ok(true) => {}
                Ok(false) => self.ended = true,
                Err(e) => {
                    self.ended = true;
                    let message = match e.kind() {
                        io::ErrorKind::InvalidData => "damaged from here on; the rest was not scanned".into(),
                        _ => io_message(&e),
                    };
                    return Err(Problem { place: format!("record {}", self.row), message });
                }
            }
        }
        Ok(!self.ended || !batch.is_empty())
    }

    fn problems(&mut self) -> Vec<Problem> {
        self.problems.take()
    }

    fn problems_untold(&mut self) -> u64 {
        self.problems.take_untold()
    }

    fn rows(&self) -> Option<u64> {
        Some(self.row)
    }

    fn members_skipped(&self) -> u64 {
        self.skipped
    }
}
