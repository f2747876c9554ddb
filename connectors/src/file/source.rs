//! Splits files into records.
//!
//! A file is either lines (NDJSON, and whatever is no JSON) or values: the elements of an array, the elements of a
//! `{"Records": [...]}` envelope, or documents one after the other. [`FileSource`] goes through files, [`FileReader`]
//! through one of them, [`Window`] holds the bytes in memory.

use super::input::{self, Input};
use super::splitter::Splitter;
use crate::{ConnectorError, Position, Record};
use std::collections::BTreeMap;
use std::io::{self, Read};
use std::sync::Arc;
use std::vec;

/// Longest line or document that becomes a record, in bytes. Longer ones are skipped and reported.
pub const DOCUMENT_BYTES_MAX: usize = 16 * 1024 * 1024;

/// What a file holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FileItem {
    /// A line, an array element or a document.
    Record(Record),
    /// The last one, which the end of the file cuts off: half a line that somebody is writing. Its position must stay free
    /// for the whole of it.
    Unfinished(Record),
    /// One that is longer than [`DOCUMENT_BYTES_MAX`] and was skipped.
    TooLarge {
        /// Where it starts.
        position: Position,
        /// Its length in bytes.
        bytes: u64,
    },
}

/// Reads files one after the other.
///
/// An iterator over their records in order. An error ends the file it is about, after all that could be read of it;
/// the next item is the next file's. The end of a line or document that a truncated file cuts off is not delivered: its
/// position must stay free for the whole of it.
pub struct FileSource {
    label: Arc<str>,
    files: vec::IntoIter<String>,
    current: Option<FileReader>,
    resume: BTreeMap<String, u64>,
}

impl FileSource {
    /// Reads `paths` in their order. A directory stands for its files at any depth, in name order; `-` is standard
    /// input. Fails when a directory cannot be listed; a file that cannot be opened is an error of its own, later.
    pub fn new(label: &str, paths: &[String]) -> Result<Self, ConnectorError> {
        let files = input::walk(paths)?.into_iter();
        Ok(Self { label: label.into(), files, current: None, resume: BTreeMap::new() })
    }

    /// Leaves out what was handled before: for each path as it appears in positions, the ordinal to start at.
    pub fn resume(mut self, next_ordinals: BTreeMap<String, u64>) -> Self {
        self.resume = next_ordinals;
        self
    }

    fn open(&self, path: &str) -> Result<FileReader, ConnectorError> {
        match input::open(path) {
            Ok(input) => Ok(FileReader::new(self.label.clone(), path, input)),
            Err(source) => Err(ConnectorError::File { path: path.to_owned(), byte_offset: 0, source }),
        }
    }

    fn is_handled(&self, item: &FileItem) -> bool {
        let (FileItem::Record(Record { position, .. })
        | FileItem::Unfinished(Record { position, .. })
        | FileItem::TooLarge { position, .. }) = item;
        match position {
            Position::File { path, ordinal, .. } => self.resume.get(&**path).is_some_and(|next| ordinal < next),
            Position::Kafka { .. } => false,
        }
    }
}

impl Iterator for FileSource {
    type Item = Result<FileItem, ConnectorError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let Some(reader) = &mut self.current else {
                let path = self.files.next()?;
                match self.open(&path) {
                    Ok(reader) => self.current = Some(reader),
                    Err(error) => return Some(Err(error)),
                }
                continue;
            };
            match reader.next() {
                Some(Ok(item)) if self.is_handled(&item) => {}
                Some(Ok(item)) => return Some(Ok(item)),
                Some(Err(error)) => {
                    self.current = None;
                    return Some(Err(error));
                }
                None => self.current = None,
            }
        }
    }
}

/// Splits one file.
struct FileReader {
    label: Arc<str>,
    path: Arc<str>,
    window: Window,
    /// `None` until the first bytes are read.
    form: Option<Form>,
    ordinal: u64,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Lines,
    Values(Place),
}

/// Where among JSON values the reader is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Top,
    Array,
    /// In the array of a `{"Records": [...]}`.
    Envelope,
}

impl FileReader {
    fn new(label: Arc<str>, path: &str, input: Input) -> Self {
        Self { label, path: path.into(), window: Window::new(input), form: None, ordinal: 0 }
    }

    fn next(&mut self) -> Option<Result<FileItem, ConnectorError>> {
        let form = match self.form {
            Some(form) => form,
            None => detect(&mut self.window),
        };
        self.form = Some(form);
        let item = match form {
            Form::Lines => self.next_line(),
            Form::Values(place) => self.next_value(place),
        };
        match (item, self.window.failure.take()) {
            // What a failure cuts off is not delivered. `next` is not called again after an error.
            (None, Some(source)) => {
                let (path, byte_offset) = (self.path.to_string(), self.window.read_bytes());
                Some(Err(ConnectorError::File { path, byte_offset, source }))
            }
            (item, failure) => {
                self.window.failure = failure;
                item.map(Ok)
            }
        }
    }

    /// The next line that is not blank.
    fn next_line(&mut self) -> Option<FileItem> {
        loop {
            let position = self.position();
            let (mut is_blank, mut has_ended) = (true, false);
            let (value, bytes) = self.window.take_while_open(|chunk| {
                let end = memchr::memchr(b'\n', chunk);
                is_blank &= chunk[..end.unwrap_or(chunk.len())].iter().all(u8::is_ascii_whitespace);
                has_ended = end.is_some();
                end.map(|end| end + 1)
            })?;
            if !is_blank {
                let value = value.map(|mut line| {
                    line.truncate(line.len() - line_ending(&line));
                    line
                });
                let is_whole = has_ended || value.as_deref().is_none_or(is_closed);
                return Some(self.item(position, value, bytes, is_whole));
            }
        }
    }

    /// The next value, wherever brackets and commas leave one.
    fn next_value(&mut self, mut place: Place) -> Option<FileItem> {
        loop {
            let first = self.window.skip_blanks_and_commas()?;
            let envelope = if place == Place::Top && first == b'{' { envelope_bytes(&mut self.window) } else { None };
            match (place, first) {
                (Place::Top, b'[') => {
                    self.window.consume(1);
                    place = Place::Array;
                }
                (Place::Array, b']') => {
                    self.window.consume(1);
                    place = Place::Top;
                }
                (Place::Envelope, b']') => {
                    self.window.consume(1);
                    self.form = Some(Form::Values(Place::Top));
                    if let Some(rest) = self.rest_of_envelope() {
                        return Some(rest);
                    }
                    place = Place::Top;
                }
                _ => match envelope {
                    Some(bytes) => {
                        self.window.consume(bytes);
                        place = Place::Envelope;
                    }
                    None => break,
                },
            }
            self.form = Some(Form::Values(place));
        }
        let position = self.position();
        let (value, bytes, has_ended) = self.take_split(Splitter::default())?;
        Some(self.item(position, value, bytes, has_ended))
    }

    /// What a splitter takes, its bytes, and whether that is all of it: the file may end first.
    fn take_split(&mut self, mut splitter: Splitter) -> Option<(Option<Vec<u8>>, u64, bool)> {
        let mut has_ended = false;
        let (value, bytes) = self.window.take_while_open(|chunk| {
            let end = splitter.end(chunk);
            has_ended = end.is_some();
            end
        })?;
        Some((value, bytes, has_ended))
    }

    /// Reads what follows the records of an envelope. Paging tokens are no record; anything else is one, as it stands:
    /// no document, so that whoever decodes it says that it was not understood.
    fn rest_of_envelope(&mut self) -> Option<FileItem> {
        let position = self.position();
        let (value, bytes, has_ended) = self.take_split(Splitter::inside_object())?;
        let says_nothing = value.as_deref().is_some_and(is_end_of_envelope);
        (!says_nothing).then(|| self.item(position, value, bytes, has_ended))
    }

    fn item(&mut self, position: Position, value: Option<Vec<u8>>, bytes: u64, is_whole: bool) -> FileItem {
        self.ordinal += 1;
        let Some(value) = value else { return FileItem::TooLarge { position, bytes } };
        let record = Record {
            source: self.label.clone(),
            position,
            key: None,
            value: Some(value),
            timestamp_us: None,
            headers: Vec::new(),
        };
        if is_whole { FileItem::Record(record) } else { FileItem::Unfinished(record) }
    }

    fn position(&self) -> Position {
        Position::File {
            path: self.path.clone(),
            ordinal: self.ordinal,
            line: Some(self.window.line),
            byte_offset: self.window.offset,
        }
    }
}

/// Tells lines from values by the first line, and by a little more when that is no whole object.
fn detect(window: &mut Window) -> Form {
    window.skip_byte_order_mark();
    let values = Form::Values(Place::Top);
    match window.skip_blanks() {
        Some(b'[') => return values,
        Some(b'{') => {}
        _ => return Form::Lines,
    }
    if envelope_bytes(window).is_some() {
        return values;
    }
    let Some(first_bytes) = window.first_line_bytes() else { return values };
    if is_one_value(&window.bytes()[..first_bytes]) {
        return Form::Lines;
    }
    // As much as the judgement needs must be in memory, or it would depend on how the input is cut.
    let _ = window.at(first_bytes + JUDGED_BYTES - 1);
    let (first, rest) = window.bytes().split_at(first_bytes);
    // The first line is broken, or the first of a document over several lines. Such a line ends where a value may go
    // on, and no later one is a whole object.
    let may_go_on = matches!(first.trim_ascii_end().last(), Some(b'{' | b'[' | b',' | b':'));
    let judged = &rest[..rest.len().min(JUDGED_BYTES)];
    if !may_go_on && judged.split_inclusive(|byte| *byte == b'\n').any(is_one_value) {
        return Form::Lines;
    }
    values
}

/// How much behind a first line that is no whole object is looked at.
const JUDGED_BYTES: usize = 64 * 1024;

/// Whether a line is one object that has something in it.
fn is_one_value(line: &[u8]) -> bool {
    let line = line.trim_ascii_end();
    line.len() > 2 && line[0] == b'{' && Splitter::default().end(line) == Some(line.len())
}

/// Whether a line without a line break is a whole object or array, and so more than the beginning of a line.
fn is_closed(line: &[u8]) -> bool {
    let line = line.trim_ascii();
    matches!(line.first(), Some(b'{' | b'[')) && Splitter::default().end(line) == Some(line.len())
}

/// What else an envelope may hold: the place of its next page.
const PAGE_TOKENS: [&str; 2] = ["nextToken", "next_page_token"];

/// Whether what stands behind the records of an envelope is its end, with nothing but paging tokens before it.
fn is_end_of_envelope(rest: &[u8]) -> bool {
    let rest = rest.trim_ascii();
    let rest = rest.strip_prefix(b",").unwrap_or(rest);
    if rest.is_empty() {
        return true;
    }
    let object = [b"{", rest].concat();
    let fields: Result<BTreeMap<String, serde::de::IgnoredAny>, _> = serde_json::from_slice(&object);
    fields.is_ok_and(|fields| fields.keys().all(|field| PAGE_TOKENS.contains(&field.as_str())))
}

/// Bytes up to and with the bracket that opens the array of a `{"Records": [`, if that is what comes next.
fn envelope_bytes(window: &mut Window) -> Option<usize> {
    let mut at = 0;
    for token in [&b"{"[..], b"\"Records\"", b":", b"["] {
        while window.at(at)?.is_ascii_whitespace() {
            at += 1;
            if at > ENVELOPE_BYTES_MAX {
                return None;
            }
        }
        for expected in token {
            if window.at(at)? != *expected {
                return None;
            }
            at += 1;
        }
    }
    Some(at)
}

/// Longest envelope opening that is recognised, white space included.
const ENVELOPE_BYTES_MAX: usize = 4096;

fn line_ending(line: &[u8]) -> usize {
    match line {
        [.., b'\r', b'\n'] => 2,
        [.., b'\n'] => 1,
        _ => 0,
    }
}

/// The part of a file that is in memory.
struct Window {
    input: Input,
    buffer: Vec<u8>,
    /// Index in `buffer` of the first byte that is not consumed.
    start: usize,
    /// Its offset in the decompressed content.
    offset: u64,
    /// Its line, from 1.
    line: u64,
    ended: bool,
    /// Why the input ended early.
    failure: Option<io::Error>,
}

/// How much is read at once.
const CHUNK_BYTES: usize = 256 * 1024;

impl Window {
    fn new(input: Input) -> Self {
        Self { input, buffer: Vec::new(), start: 0, offset: 0, line: 1, ended: false, failure: None }
    }

    fn bytes(&self) -> &[u8] {
        &self.buffer[self.start..]
    }

    /// Offset behind the last byte that could be read.
    fn read_bytes(&self) -> u64 {
        self.offset + self.bytes().len() as u64
    }

    /// The byte `index` behind the start, if the file is that long.
    fn at(&mut self, index: usize) -> Option<u8> {
        while self.bytes().len() <= index {
            self.fill().then_some(())?;
        }
        self.bytes().get(index).copied()
    }

    /// Reads on; false at the end.
    fn fill(&mut self) -> bool {
        if self.ended {
            return false;
        }
        self.buffer.drain(..self.start);
        self.start = 0;
        let old = self.buffer.len();
        self.buffer.resize(old + CHUNK_BYTES, 0);
        let read = loop {
            match self.input.read(&mut self.buffer[old..]) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                outcome => break outcome,
            }
        };
        let count = match read {
            Ok(count) => count,
            Err(error) => {
                self.failure = Some(error);
                0
            }
        };
        self.buffer.truncate(old + count);
        self.ended = count == 0;
        !self.ended
    }

    fn consume(&mut self, count: usize) {
        let consumed = &self.buffer[self.start..self.start + count];
        self.line += memchr::memchr_iter(b'\n', consumed).count() as u64;
        self.offset += count as u64;
        self.start += count;
    }

    /// Takes the bytes until `end` says how many of a chunk are the last, or until the file ends. Bytes past
    /// [`DOCUMENT_BYTES_MAX`] are counted, and none is kept. `None` when no byte is left, or when a failure cuts the
    /// taken part off.
    fn take_while_open(&mut self, mut end: impl FnMut(&[u8]) -> Option<usize>) -> Option<(Option<Vec<u8>>, u64)> {
        let mut seen = 0;
        let mut skipped = 0u64;
        let found = loop {
            let found = end(&self.bytes()[seen..]);
            let taken = found.map_or(self.bytes().len(), |end| seen + end);
            if skipped > 0 || taken > DOCUMENT_BYTES_MAX {
                self.consume(taken);
                skipped += taken as u64;
                seen = 0;
            } else {
                seen = taken;
            }
            if found.is_some() || !self.fill() {
                break found;
            }
        };
        if skipped > 0 {
            return Some((None, skipped));
        }
        if seen == 0 || (found.is_none() && self.failure.is_some()) {
            return None;
        }
        let value = self.bytes()[..seen].to_vec();
        self.consume(seen);
        Some((Some(value), seen as u64))
    }

    /// Skips blanks and line breaks and returns the byte behind them.
    fn skip_blanks(&mut self) -> Option<u8> {
        self.skip(|byte| byte.is_ascii_whitespace())
    }

    fn skip_blanks_and_commas(&mut self) -> Option<u8> {
        self.skip(|byte| byte.is_ascii_whitespace() || byte == b',')
    }

    fn skip(&mut self, is_skipped: impl Fn(u8) -> bool) -> Option<u8> {
        loop {
            let count = self.bytes().iter().take_while(|byte| is_skipped(**byte)).count();
            self.consume(count);
            match self.bytes().first() {
                Some(byte) => return Some(*byte),
                None => self.fill().then_some(())?,
            }
        }
    }

    fn skip_byte_order_mark(&mut self) {
        let mark = [0xef, 0xbb, 0xbf];
        if mark.iter().enumerate().all(|(index, byte)| self.at(index) == Some(*byte)) {
            self.consume(mark.len());
        }
    }

    /// Length of the first line with its line break; `None` when it is longer than a record may be.
    fn first_line_bytes(&mut self) -> Option<usize> {
        let mut seen = 0;
        loop {
            if let Some(end) = memchr::memchr(b'\n', &self.bytes()[seen..]) {
                return Some(seen + end + 1);
            }
            seen = self.bytes().len();
            if seen > DOCUMENT_BYTES_MAX {
                return None;
            }
            if !self.fill() {
                return Some(seen);
            }
        }
    }
}
