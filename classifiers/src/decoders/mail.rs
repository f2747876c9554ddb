//! Parts of mail whose header says that they are quoted-printable: there every `=` with two digits is an escape, where in
//! other text most are none.

use super::escapes;
use crate::values::ValueBatch;
use std::ops::Range;

/// Bytes around `charset=` in which the rest of its header is.
const HEADER_BYTES: usize = 1 << 10;
/// How much of a part is looked at in plain text: a reader of text in chunks keeps as much in front of what it accepts.
const TEXT_BYTES_MAX: usize = 12 << 10;
/// How much of a part is looked at in a field.
const FIELD_BYTES_MAX: usize = 1 << 20;

/// Adds the escapes of such parts to those that were found; `charsets` are the places of `charset=`, in ascending order.
pub(super) fn add_escapes(batch: &ValueBatch, charsets: &[usize], places: &mut Vec<usize>) {
    let (mut index, mut done) = (0, 0usize);
    let known = places.len();
    for charset in charsets {
        let Some(span) = super::span_at(batch, &mut index, *charset) else { continue };
        let text = &batch.buffer()[span.start..span.end];
        let bytes_max = if span.field.is_some() { FIELD_BYTES_MAX } else { TEXT_BYTES_MAX };
        // The end may begin where the search before ended.
        let searched = done.saturating_sub(span.start + 2);
        let Some(body) = body(text, *charset - span.start, searched, bytes_max) else { continue };
        let (start, end) = ((span.start + body.start).max(done), span.start + body.end);
        if start < end {
            let part = &batch.buffer()[start..end];
            let escapes = memchr::memchr_iter(b'=', part).filter(|at| escapes::is_quoted_printable(&part[*at..]));
            places.extend(escapes.map(|at| start + at));
            done = end;
        }
    }
    if places.len() > known {
        places.sort_unstable();
        places.dedup();
    }
}

/// The body of a part in whose header `charset=` stands, if the header says that it is quoted-printable. It does not end
/// before `searched`, where the one before was searched for its end.
fn body(text: &[u8], charset: usize, searched: usize, bytes_max: usize) -> Option<Range<usize>> {
    let from = charset.saturating_sub(HEADER_BYTES);
    let near = &text[from..text.len().min(charset + HEADER_BYTES)];
    let here = charset - from;
    // An empty line ends a header.
    let start = blank_lines(&near[..here]).last().map_or(0, |line| line.end);
    let end = blank_lines(&near[here..]).next()?;
    let header = &near[start..here + end.start];
    if !is_quoted_printable(header) {
        return None;
    }
    let begin = from + here + end.end;
    let end = text.len().min(begin.max(charset + bytes_max));
    let from = begin.max(searched).min(end);
    let boundary = memchr::memmem::find(&text[from..end], b"\n--").map_or(end, |at| from + at);
    Some(begin..boundary)
}

/// Line breaks around empty lines, with nothing between them.
fn blank_lines(text: &[u8]) -> impl Iterator<Item = Range<usize>> {
    memchr::memchr_iter(b'\n', text).filter_map(|at| match text[at + 1..] {
        [b'\n', ..] => Some(at..at + 2),
        [b'\r', b'\n', ..] => Some(at..at + 3),
        _ => None,
    })
}

fn is_quoted_printable(header: &[u8]) -> bool {
    const NAME: &[u8] = b"content-transfer-encoding:";
    const VALUE: &[u8] = b"quoted-printable";
    header.split(|b| *b == b'\n').any(|line| {
        line.len() > NAME.len()
            && line[..NAME.len()].eq_ignore_ascii_case(NAME)
            && line[NAME.len()..].trim_ascii().eq_ignore_ascii_case(VALUE)
    })
}
