//! JSON Lines: strings and long numbers are replaced where they stand, and every other byte of a line stays. A line that is
//! no JSON is cleaned as text.

use super::{BATCH_BYTES, Cleaner, Mode};
use crate::Error;
use crate::columns::{FieldFilter, fraction, whole_number};
use crate::inner_json::is_number;
use crate::readers::{is_json, standard};
use crate::values::{FieldTable, ValueBatch, is_value_like};
use std::borrow::Cow;
use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _, Write};
use std::ops::Range;
use std::path::Path;

pub(super) fn clean(cleaner: &mut Cleaner<'_>, from: &Path, out: &mut dyn Write) -> Result<(), Error> {
    let failed = |e: std::io::Error| Error::read(from, e);
    let mut input = BufReader::with_capacity(1 << 18, File::open(from).map_err(failed)?);
    let mut fields = FieldTable::default();
    let mut lines: Vec<Vec<u8>> = Vec::new();
    let mut bytes = 0;
    let bytes_max = cleaner.options.limits.record_bytes_max;
    // Of the input; what is left out of the copy has a number too.
    let mut number: u64 = 0;
    loop {
        let mut line = Vec::new();
        let read = (&mut input).take(bytes_max as u64).read_until(b'\n', &mut line).map_err(failed)?;
        number += 1;
        if read >= bytes_max && !line.ends_with(b"\n") {
            drop(line);
            input.skip_until(b'\n').map_err(failed)?;
            cleaner.leave_out(format!("line {number}"));
            continue;
        }
        if read > 0 {
            bytes += read;
            lines.push(line);
        }
        if bytes >= BATCH_BYTES || read == 0 {
            write_cleaned(cleaner, &lines, &mut fields, out, from)?;
            lines.clear();
            bytes = 0;
        }
        if read == 0 {
            return Ok(());
        }
    }
}

fn write_cleaned(
    cleaner: &mut Cleaner<'_>,
    lines: &[Vec<u8>],
    fields: &mut FieldTable,
    out: &mut dyn Write,
    from: &Path,
) -> Result<(), Error> {
    let first = cleaner.report.rows;
    let mut batch = ValueBatch::new();
    let mut parts: Vec<Vec<Part>> = Vec::with_capacity(lines.len());
    for (row, line) in (first..).zip(lines) {
        let of_line = parts_of(line, &cleaner.filter);
        for part in &of_line {
            let field = part.path.as_deref().map(|path| fields.intern(path));
            batch.push(row, field, part.text.as_bytes());
        }
        parts.push(of_line);
    }
    let edits = cleaner.edit(&batch, fields)?;
    let mut value = 0;
    for ((row, line), parts) in (first..).zip(lines).zip(&parts) {
        let from_value = value;
        value += parts.len() as u32;
        if cleaner.mode == Mode::Drop && edits.rows.contains(&row) {
            cleaner.report.rows_dropped += 1;
            continue;
        }
        let mut done = 0;
        for (part, index) in parts.iter().zip(from_value..) {
            let Some(new) = edits.values.get(&index) else { continue };
            let new = String::from_utf8_lossy(new);
            let text = match (part.is_json, part.is_number) {
                (true, true) if is_number(new.as_bytes()) => new.into_owned(),
                (true, _) => serde_json::to_string(&*new).unwrap_or_default(),
                (false, _) => new.into_owned(),
            };
            let written = out.write_all(&line[done..part.range.start]).and_then(|()| out.write_all(text.as_bytes()));
            written.map_err(|e| Error::read(from, e))?;
            done = part.range.end;
        }
        out.write_all(&line[done..]).map_err(|e| Error::read(from, e))?;
    }
    cleaner.report.rows += lines.len() as u64;
    Ok(())
}

/// A string, a long number or a key that holds data, with where it stands in its line.
#[derive(Debug, PartialEq)]
struct Part {
    range: Range<usize>,
    path: Option<String>,
    text: String,
    /// It is a JSON string or number.
    is_json: bool,
    /// It is a number, and what takes its place is one where it can be.
    is_number: bool,
}

/// What of a line is searched.
fn parts_of(line: &[u8], filter: &FieldFilter) -> Vec<Part> {
    if !is_json(line) {
        return vec![whole(line)];
    }
    // What is not of the standard is as long as what stands for it, so places are those of the line.
    let line = standard(line).map_or(Cow::Borrowed(line), Cow::Owned);
    let mut walk = Walk { filter, frames: Vec::new(), parts: Vec::new(), is_broken: false };
    let mut at = 0;
    while at < line.len() {
        at = walk.step(&line, at);
    }
    // A string that stands for no text: to a scan the line is no JSON.
    if walk.is_broken { vec![whole(&line)] } else { walk.parts }
}

/// A line as text, without its end.
fn whole(line: &[u8]) -> Part {
    let end = line.iter().rposition(|b| !b"\r\n".contains(b)).map_or(0, |last| last + 1);
    // The text may be longer than the bytes that it stands for, where they are no UTF-8.
    Part {
        range: 0..end,
        path: None,
        text: String::from_utf8_lossy(&line[..end]).into_owned(),
        is_json: false,
        is_number: false,
    }
}

/// Walks valid JSON, without recursion: nesting has no limit here.
struct Walk<'a> {
    filter: &'a FieldFilter,
    frames: Vec<Frame>,
    parts: Vec<Part>,
    /// A string could not be decoded.
    is_broken: bool,
}

struct Frame {
    is_object: bool,
    segment: String,
    index: usize,
    expects_key: bool,
}

impl Walk<'_> {
    /// Takes the token at a place and gives where the next one may begin.
    fn step(&mut self, line: &[u8], at: usize) -> usize {
        match line[at] {
            open @ (b'{' | b'[') => {
                let is_object = open == b'{';
                let segment = if is_object { String::new() } else { "0".to_owned() };
                self.frames.push(Frame { is_object, segment, index: 0, expects_key: is_object });
                at + 1
            }
            b'}' | b']' => {
                self.frames.pop();
                at + 1
            }
            b',' => {
                if let Some(frame) = self.frames.last_mut() {
                    frame.expects_key = frame.is_object;
                    frame.index += 1;
                    if !frame.is_object {
                        frame.segment = frame.index.to_string();
                    }
                }
                at + 1
            }
            b'"' => self.string(line, at),
            b'-' | b'0'..=b'9' => self.number(line, at),
            _ => at + 1,
        }
    }

    fn string(&mut self, line: &[u8], at: usize) -> usize {
        let mut end = at + 1;
        while line.get(end).is_some_and(|b| *b != b'"') {
            end += if line[end] == b'\\' { 2 } else { 1 };
        }
        let end = (end + 1).min(line.len());
        let Ok(text) = serde_json::from_slice::<String>(&line[at..end]) else {
            self.is_broken = true;
            return end;
        };
        match self.frames.last_mut().filter(|frame| frame.expects_key) {
            Some(frame) => {
                frame.expects_key = false;
                let holds_data = is_value_like(&text);
                frame.segment = if holds_data { "*".to_owned() } else { text.clone() };
                if holds_data {
                    self.push(at..end, text, false);
                }
            }
            None if !text.is_empty() => self.push(at..end, text, false),
            None => {}
        }
        end
    }

    fn number(&mut self, line: &[u8], at: usize) -> usize {
        let end = line[at..].iter().position(|b| b",]} \t\r\n".contains(b)).map_or(line.len(), |n| at + n);
        let text = String::from_utf8_lossy(&line[at..end]).into_owned();
        let digits = text.trim_start_matches('-');
        if digits.bytes().all(|b| b.is_ascii_digit()) {
            if digits.len() >= 7 {
                self.push(at..end, text, true);
            }
        } else if let Ok(number) = text.parse() {
            if let Some(number) = whole_number(number) {
                self.push(at..end, number.to_string(), true);
            } else if let Some(text) = fraction(number).filter(|_| self.filter.takes_fractions(&self.path())) {
                self.push(at..end, text, true);
            }
        }
        end
    }

    fn path(&self) -> String {
        let segments: Vec<&str> = self.frames.iter().map(|frame| frame.segment.as_str()).collect();
        segments.join(".")
    }

    fn push(&mut self, range: Range<usize>, text: String, is_number: bool) {
        let path = Some(self.path()).filter(|path| !path.is_empty());
        self.parts.push(Part { range, path, text, is_json: true, is_number });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_and_long_numbers_of_a_line() {
        let line = br#" {"a":{"b":["x","\"y\u00e9\\"]},"n":-12345678,"m":12,"jane@x.org":"z","e":"" } "#;
        let filter = FieldFilter::default();
        let found: Vec<(String, String)> =
            parts_of(line, &filter).into_iter().map(|p| (p.path.expect("a path"), p.text)).collect();
        let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
        let expected = [
            pair("a.b.0", "x"),
            pair("a.b.1", "\"yé\\"),
            pair("n", "-12345678"),
            pair("*", "jane@x.org"),
            pair("*", "z"),
        ];
        assert_eq!(found, expected);
        assert!(!parts_of(b"{broken\n", &filter)[0].is_json);
        let floats: Vec<String> =
            parts_of(b"[4079463617430119.0,1.5,4.5e3]", &filter).into_iter().map(|p| p.text).collect();
        assert_eq!(floats, ["4079463617430119"]);
        let python = parts_of(br#"{"a":NaN,"b":-Infinity,"c":"x\ud83d"}"#, &filter);
        assert_eq!((python.len(), python[0].text.as_str(), python[0].range.clone()), (1, "x\u{fffd}", 27..36));
    }

    #[test]
    fn the_end_of_a_line_is_no_part_of_it() {
        for (line, end) in
            [(&b"{broken \xff\xff\xff\r\n"[..], 11), (b"\xff\n", 1), (b"\n", 0), (b"{\"a\":\"\\uq800\"}\n", 14)]
        {
            let parts = parts_of(line, &FieldFilter::default());
            assert_eq!((parts.len(), parts[0].range.clone(), parts[0].is_json), (1, 0..end, false));
        }
    }
}
