//! One JSON document: the elements of a top-level array are its records, any other document is one record.
//!
//! A `.json` file that holds a value a line is read as JSONL. The document is read whole, up to a limit.

use super::limits::{Budget, LimitMet};
use super::{BATCH_BYTES, BatchPlace, Lookahead, Problem, Problems, Reader, compression, jsonl};
use crate::columns::FieldFilter;
use crate::values::{FieldTable, ValueBatch};

pub(super) fn open(input: Lookahead, filter: FieldFilter, budget: &Budget) -> Result<Box<dyn Reader + Send>, String> {
    if is_lines(input.head()) {
        return Ok(Box::new(jsonl::JsonlReader::new(input, filter, budget.limits.record_bytes_max)));
    }
    let limit = budget.limits.document_bytes_max;
    let text =
        compression::read_whole(input, budget).map_err(|e| match e.get_ref().is_some_and(|e| e.is::<LimitMet>()) {
            true => format!("a JSON document of more than {limit} bytes; give it as JSON Lines, one record a line"),
            false => super::io_message(&e),
        })?;
    Ok(Box::new(JsonReader { text, elements: None, next: 0, filter, problems: Problems::default() }))
}

/// The first line is a JSON value by itself and another line follows.
fn is_lines(head: &[u8]) -> bool {
    let Some(end) = memchr::memchr(b'\n', head) else { return false };
    let first = &head[..end];
    let rest = &head[end..];
    first.first().is_some_and(|b| matches!(b, b'{' | b'['))
        && rest.iter().any(|b| !b.is_ascii_whitespace())
        && jsonl::is_json(first)
}

struct JsonReader {
    text: Vec<u8>,
    /// Bounds of the records in the text, found on the first call.
    elements: Option<Vec<(usize, usize)>>,
    next: usize,
    filter: FieldFilter,
    problems: Problems,
}

impl JsonReader {
    /// Checks the document and finds the bounds of its records.
    fn bounds(&self) -> Result<Vec<(usize, usize)>, serde_json::Error> {
        let skip = if self.text.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
        serde_json::from_slice::<serde::de::IgnoredAny>(&self.text[skip..])?;
        let first = self.text[skip..].iter().position(|b| !b.is_ascii_whitespace()).unwrap_or_default() + skip;
        match self.text.get(first) {
            Some(b'[') => Ok(elements(&self.text, first)),
            _ => Ok(vec![(first, self.text.len())]),
        }
    }
}

/// Bounds of the elements of a valid JSON array that opens at `open`.
fn elements(text: &[u8], open: usize) -> Vec<(usize, usize)> {
    let mut out = Vec::new();
    let mut depth = 0usize;
    let mut in_string = false;
    let mut escaped = false;
    let mut start = open + 1;
    for (at, byte) in text.iter().enumerate().skip(open) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            _ if in_string => {}
            b'[' | b'{' => depth += 1,
            b']' | b'}' => depth -= 1,
            _ => {}
        }
        if !in_string && ((depth == 1 && *byte == b',') || depth == 0) {
            if text[start..at].iter().any(|b| !b.is_ascii_whitespace()) {
                out.push((start, at));
            }
            start = at + 1;
        }
        if depth == 0 {
            break;
        }
    }
    out
}

impl Reader for JsonReader {
    fn next(
        &mut self,
        fields: &mut FieldTable,
        batch: &mut ValueBatch,
        place: &mut BatchPlace,
    ) -> Result<bool, Problem> {
        place.lines.clear();
        place.first_row = self.next as u64;
        if self.elements.is_none() {
            let mut bounds = self.bounds();
            if bounds.is_err()
                && let Some(text) = jsonl::standard(&self.text)
            {
                let told = std::mem::replace(&mut self.text, text);
                bounds = self.bounds().inspect_err(|_| self.text = told);
            }
            match bounds {
                Ok(elements) => self.elements = Some(elements),
                Err(e) => {
                    // Nothing in a broken document goes unseen: it is scanned as text.
                    self.elements = Some(Vec::new());
                    let problem = Problem {
                        place: format!("line {} column {}", e.line(), e.column()),
                        message: "not valid JSON; the file was scanned as text".into(),
                    };
                    batch.push(0, None, &self.text);
                    self.text = Vec::new();
                    return Err(problem);
                }
            }
        }
        while batch.len() < BATCH_BYTES
            && let Some(&(start, end)) = self.elements.as_ref().and_then(|elements| elements.get(self.next))
        {
            let row = self.next as u64;
            self.next += 1;
            let before = batch.spans().len();
            if let Err(e) = jsonl::decode_value(&self.text[start..end], row, &self.filter, fields, batch) {
                // The splitter accepted it: it is too deep, or has a string that stands for no text.
                let why = match jsonl::is_too_deep(&e) {
                    true => jsonl::TOO_DEEP,
                    false => "not valid JSON; the record was scanned as text",
                };
                self.problems.add(format!("record {row}"), why);
                batch.truncate(before);
                batch.push(row, None, &self.text[start..end]);
            }
        }
        Ok(!batch.is_empty() || self.elements.as_ref().is_some_and(|elements| self.next < elements.len()))
    }

    fn problems(&mut self) -> Vec<Problem> {
        self.problems.take()
    }

    fn problems_untold(&mut self) -> u64 {
        self.problems.take_untold()
    }

    fn rows(&self) -> Option<u64> {
        Some(self.elements.as_ref().map_or(0, |e| e.len() as u64))
    }
}
