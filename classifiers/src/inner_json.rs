//! Replacements in a text that holds JSON: what parses before parses after.
//!
//! A field of a record often holds a whole JSON document as text, or lines of it, and documents hold others. What is found
//! in it is a range of its characters; a quote, a backslash or a digit replaced where it stands would break it. So here the
//! text is taken apart: in strings the decoded text changes and is written anew, a number becomes a string where what
//! replaces it is no number, and brackets, commas and colons stay. What is found is the affair of others.

use std::ops::Range;

/// Documents inside each other that are taken apart; what is deeper is text.
const DEPTH_MAX: usize = 16;

/// What takes the place of a range of a text.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Edit {
    /// Bytes of the text.
    pub(crate) range: Range<usize>,
    /// What is there afterwards; `None` for what is there already, which is only to be found again.
    pub(crate) new: Option<Vec<u8>>,
}

/// A text with edits, and where they are in it. `edits` are in order and apart.
pub(crate) fn edited(text: &[u8], edits: &[Edit]) -> (Vec<u8>, Vec<Range<usize>>) {
    edited_at(text, edits, 0)
}

fn edited_at(text: &[u8], edits: &[Edit], depth: usize) -> (Vec<u8>, Vec<Range<usize>>) {
    let mut out = Out { bytes: Vec::with_capacity(text.len()), ranges: Vec::new() };
    for (part, is_json) in parts(text, depth) {
        let inside = clipped(edits, &part);
        match is_json && !inside.is_empty() {
            true => out.json(&text[part.clone()], &inside, depth),
            false => out.plain(&text[part.clone()], &inside),
        }
    }
    (out.bytes, out.ranges)
}

/// The parts of a text that are JSON or are not: the whole of it, or its lines.
fn parts(text: &[u8], depth: usize) -> Vec<(Range<usize>, bool)> {
    let is_json = |text: &[u8]| {
        let starts = text.trim_ascii_start().first().is_some_and(|b| matches!(b, b'{' | b'[' | b'"'));
        starts && crate::readers::is_json(text.trim_ascii())
    };
    if depth >= DEPTH_MAX || !text.iter().any(|b| matches!(b, b'{' | b'[' | b'"')) {
        return vec![(0..text.len(), false)];
    }
    if is_json(text) {
        return vec![(0..text.len(), true)];
    }
    let mut parts: Vec<(Range<usize>, bool)> = Vec::new();
    let mut start = 0;
    for line in text.split_inclusive(|b| *b == b'\n') {
        let range = start..start + line.len();
        start = range.end;
        match (is_json(line), parts.last_mut()) {
            // What is found may go over several lines of a text.
            (false, Some((last, false))) => last.end = range.end,
            (is_json, _) => parts.push((range, is_json)),
        }
    }
    parts
}

/// The edits in a part of a text, by places in it. What goes beyond it is replaced in the part that holds most of it, and
/// masked in the others.
fn clipped(edits: &[Edit], part: &Range<usize>) -> Vec<Edit> {
    let first = edits.partition_point(|edit| edit.range.end <= part.start);
    let here = edits[first..].iter().take_while(|edit| edit.range.start < part.end);
    here.map(|edit| {
        let (start, end) = (edit.range.start.max(part.start), edit.range.end.min(part.end));
        let holds_most = 2 * (end - start) >= edit.range.len();
        let mask = || vec![b'*'; end - start];
        let new = edit.new.as_ref().map(|new| if holds_most { new.clone() } else { mask() });
        Edit { range: start - part.start..end - part.start, new }
    })
    .filter(|edit| !edit.range.is_empty())
    .collect()
}

struct Out {
    bytes: Vec<u8>,
    ranges: Vec<Range<usize>>,
}

impl Out {
    fn plain(&mut self, text: &[u8], edits: &[Edit]) {
        let mut done = 0;
        for edit in edits {
            self.bytes.extend_from_slice(&text[done..edit.range.start]);
            let from = self.bytes.len();
            self.bytes.extend_from_slice(edit.new.as_deref().unwrap_or(&text[edit.range.clone()]));
            self.ranges.push(from..self.bytes.len());
            done = edit.range.end;
        }
        self.bytes.extend_from_slice(&text[done..]);
    }

    /// Goes over the strings and numbers of valid JSON.
    fn json(&mut self, text: &[u8], edits: &[Edit], depth: usize) {
        let (mut at, mut done) = (0, 0);
        while at < text.len() {
            let (end, is_string) = match text[at] {
                b'"' => (end_of_string(text, at), true),
                b'-' | b'0'..=b'9' => (end_of_number(text, at), false),
                _ => {
                    at += 1;
                    continue;
                }
            };
            let inside = if is_string { at + 1..end.saturating_sub(1).max(at + 1) } else { at..end };
            let here = clipped(edits, &inside);
            if !here.is_empty() {
                self.bytes.extend_from_slice(&text[done..inside.start]);
                match is_string {
                    true => self.string(&text[inside.clone()], &here, depth),
                    false => self.number(&text[inside.clone()], &here),
                }
                done = inside.end;
            }
            at = end;
        }
        self.bytes.extend_from_slice(&text[done..]);
    }

    /// A number: all of it goes.
    fn number(&mut self, text: &[u8], edits: &[Edit]) {
        let new = edits.iter().find_map(|edit| edit.new.as_deref());
        let from = self.bytes.len();
        match new {
            None => self.bytes.extend_from_slice(text),
            Some(new) if is_number(new) => self.bytes.extend_from_slice(new),
            Some(new) => {
                self.bytes.push(b'"');
                self.encoded(&String::from_utf8_lossy(new), &mut []);
                self.bytes.push(b'"');
            }
        }
        self.ranges.push(from..self.bytes.len());
    }

    /// The inside of a string: its text is edited, and written anew.
    fn string(&mut self, raw: &[u8], edits: &[Edit], depth: usize) {
        let Some((text, inside)) = decoded(raw, edits) else { return self.plain(raw, edits) };
        let (new, mut ranges) = edited_at(text.as_bytes(), &inside, depth + 1);
        self.encoded(&String::from_utf8_lossy(&new), &mut ranges);
        self.ranges.extend(ranges);
    }

    /// Writes a text as the inside of a JSON string; ranges of it become ranges of what is written.
    fn encoded(&mut self, text: &str, ranges: &mut [Range<usize>]) {
        let (mut starts, mut ends) = (0, 0);
        for (at, c) in text.char_indices() {
            let here = self.bytes.len();
            while ends < ranges.len() && ranges[ends].end <= at {
                if starts == ends {
                    ranges[ends].start = here;
                    starts += 1;
                }
                ranges[ends].end = here;
                ends += 1;
            }
            while starts < ranges.len() && ranges[starts].start <= at {
                ranges[starts].start = here;
                starts += 1;
            }
            match c {
                '"' | '\\' => self.bytes.extend([b'\\', c as u8]),
                '\n' => self.bytes.extend(b"\\n"),
                '\r' => self.bytes.extend(b"\\r"),
                '\t' => self.bytes.extend(b"\\t"),
                '\0'..='\x1f' => self.bytes.extend(format!("\\u{:04x}", u32::from(c)).bytes()),
                _ => self.bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
            }
        }
        let end = self.bytes.len();
        ranges[starts..].iter_mut().for_each(|range| range.start = end);
        ranges[ends..].iter_mut().for_each(|range| range.end = end);
    }
}

/// One past the closing quote of the string that opens at a place.
fn end_of_string(text: &[u8], open: usize) -> usize {
    let mut end = open + 1;
    while text.get(end).is_some_and(|b| *b != b'"') {
        end += if text[end] == b'\\' { 2 } else { 1 };
    }
    (end + 1).min(text.len())
}

fn end_of_number(text: &[u8], start: usize) -> usize {
    text[start..].iter().position(|b| b",]} \t\r\n".contains(b)).map_or(text.len(), |n| start + n)
}

/// Whether a text is a number in JSON, whole or with decimals.
pub(crate) fn is_number(text: &[u8]) -> bool {
    let text = text.strip_prefix(b"-").unwrap_or(text);
    let (whole, decimals) = match text.iter().position(|b| *b == b'.') {
        Some(point) => (&text[..point], &text[point + 1..]),
        None => (text, &b"0"[..]),
    };
    let are_digits = |text: &[u8]| !text.is_empty() && text.iter().all(u8::is_ascii_digit);
    are_digits(whole) && are_digits(decimals) && (whole.len() == 1 || whole[0] != b'0')
}

/// The text of the inside of a JSON string, and edits by places in it: a range that begins or ends in an escape has all
/// of it.
fn decoded(raw: &[u8], edits: &[Edit]) -> Option<(String, Vec<Edit>)> {
    let mut text = String::with_capacity(raw.len());
    let mut inside = edits.to_vec();
    let (mut at, mut starts, mut ends) = (0, 0, 0);
    while at < raw.len() {
        let (c, len) = character(raw, at)?;
        let (from, next) = (text.len(), at + len);
        text.push(c);
        while edits.get(starts).is_some_and(|edit| edit.range.start < next) {
            // Of two in one escape the second has nothing left.
            let free = starts
                .checked_sub(1)
                .map_or(0, |before| if ends < starts { text.len() } else { inside[before].range.end });
            inside[starts].range.start = from.max(free);
            starts += 1;
        }
        while ends < starts && edits[ends].range.end <= next {
            inside[ends].range.end = text.len();
            ends += 1;
        }
        at = next;
    }
    inside[starts..].iter_mut().for_each(|edit| edit.range.start = text.len());
    inside[ends..].iter_mut().for_each(|edit| edit.range.end = text.len());
    Some((text, inside))
}

/// The character at a place of the inside of a JSON string, and the bytes it takes.
fn character(raw: &[u8], at: usize) -> Option<(char, usize)> {
    let unit = |at: usize| crate::readers::unit_at(raw, at).map(u32::from);
    if raw[at] != b'\\' {
        let len = match raw[at] {
            0..=0x7f => 1,
            0xc2..=0xdf => 2,
            0xe0..=0xef => 3,
            _ => 4,
        };
        return Some((std::str::from_utf8(raw.get(at..at + len)?).ok()?.chars().next()?, len));
    }
    Some(match raw.get(at + 1)? {
        b'n' => ('\n', 2),
        b'r' => ('\r', 2),
        b't' => ('\t', 2),
        b'b' => ('\u{8}', 2),
        b'f' => ('\u{c}', 2),
        b'u' => match (unit(at)?, unit(at + 6)) {
            (high @ 0xd800..=0xdbff, Some(low @ 0xdc00..=0xdfff)) => {
                (char::from_u32(0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00))?, 12)
            }
            // Half of a pair, which stands for no character.
            (one, _) => (char::from_u32(one).unwrap_or(char::REPLACEMENT_CHARACTER), 6),
        },
        other => (char::from(*other), 2),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Masks each `«…»` of a text; gives the text with the same marks around what was edited.
    fn masked(marked: &str, new: &str) -> String {
        let (mut text, mut edits, mut start) = (String::new(), Vec::new(), 0);
        for c in marked.chars() {
            match c {
                '«' => start = text.len(),
                '»' => edits.push(Edit { range: start..text.len(), new: Some(new.into()) }),
                c => text.push(c),
            }
        }
        let was_json = crate::readers::is_json(text.as_bytes());
        let (out, ranges) = edited(text.as_bytes(), &edits);
        assert!(!was_json || crate::readers::is_json(&out), "{marked}: {}", String::from_utf8_lossy(&out));
        let mut shown = out.clone();
        for range in ranges.iter().rev() {
            shown.splice(range.end..range.end, "»".bytes());
            shown.splice(range.start..range.start, "«".bytes());
        }
        String::from_utf8(shown).expect("UTF-8")
    }

    #[test]
    fn json_in_a_text_stays_json() {
        for (text, expected) in [
            (r#"no {json: «12»}"#, r#"no {json: «*"»}"#),
            (r#"{"a": «12345»}"#, r#"{"a": «"*\""»}"#),
            (r#"{"a": 1«2345»6, "b": 7}"#, r#"{"a": «"*\""», "b": 7}"#),
            (r#"{"a": "x «y» z"}"#, r#"{"a": "x «*\"» z"}"#),
            // A range with half of an escape has all of it.
            (r#"{"a": "x\«n» y\u00«e9» z"}"#, r#"{"a": "x«*\"» y«*\"» z"}"#),
            (r#"{"a": "«\ud83d\ude»00!"}"#, r#"{"a": "«*\"»!"}"#),
            // Over several tokens: the structure stays, and the longest has the new value.
            (r#"{«"k": "a long one"»}"#, r#"{"«*»": "«*\"»"}"#),
            // In a document that is a string of a document.
            (r#"{"a": "{\"b\": «12», \"c\": \"«x»\"}"}"#, r#"{"a": "{\"b\": «\"*\\\"\"», \"c\": \"«*\\\"»\"}"}"#),
            ("{\"a\": «1»}\n{\"b\": \"«x»\"}\n", "{\"a\": «\"*\\\"\"»}\n{\"b\": \"«*\\\"»\"}\n"),
            ("first «x\nsecond» y\n{\"a\": «1»}", "first «*\"» y\n{\"a\": «\"*\\\"\"»}"),
            (r#"{"a": "", "b": "«é»"}"#, r#"{"a": "", "b": "«*\"»"}"#),
        ] {
            assert_eq!(masked(text, "*\""), expected, "{text}");
        }
        assert_eq!(masked(r#"{"a": «12345»}"#, "67"), r#"{"a": «67»}"#, "a number for a number");
        assert_eq!(masked(r#"{"a": «1.25»}"#, "-6.375"), r#"{"a": «-6.375»}"#, "decimals, too");
        assert_eq!(masked(r#"{"a": «12345»}"#, "07"), r#"{"a": «"07"»}"#, "which no number in JSON is");
    }

    #[test]
    fn what_is_there_already_is_found_again() {
        let text = br#"{"a": "one \"two\" three", "b": 12}"#;
        let edits = [Edit { range: 11..18, new: None }, Edit { range: 32..34, new: None }];
        let (out, ranges) = edited(text, &edits);
        assert_eq!(out, text);
        let found: Vec<&[u8]> = ranges.into_iter().map(|range| &out[range]).collect();
        assert_eq!(found, [&br#"\"two\""#[..], b"12"]);
    }
}
