//! Small tables inside a text: a header line of column names and the lines below it.
//!
//! Training text and messages hold pasted CSV. A cell of it is a value with a field name, and field rules know what a
//! column `dob` or `bic` holds where no rule for running text could. This module says which bytes are which cell; it does
//! not scan them, and it reads no files (see [`crate::readers`] for those).

use std::ops::Range;

/// Bytes of a header line, at most.
const HEADER_BYTES_MAX: usize = 2_048;
/// Bytes of a column's name, at most.
const NAME_BYTES_MAX: usize = 40;
/// Columns that make a table; two names with a comma between them are a sentence.
const COLUMNS_MIN: usize = 3;

/// A cell of a table: byte ranges in the text of the column's name and of the value, quotes left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cell {
    /// The column's name.
    pub name: Range<usize>,
    /// The value; never empty.
    pub value: Range<usize>,
}

/// Appends the cells of the table that a text begins with, if it does: a first line of at least three plain names with
/// commas, semicolons, tabs or bars between them, and lines with as many columns. It ends at the first line that has not.
/// Costs no more than the first line where there is no table.
pub fn cells(text: &str, out: &mut Vec<Cell>) {
    let start = text.len() - text.trim_start_matches(['\n', '\r', '\u{feff}']).len();
    let header = line_at(text, start);
    let Some((delimiter, names)) = names(text, header.clone()) else { return };
    let mut at = header.end + 1;
    let mut row = Vec::with_capacity(names.len());
    while at < text.len() {
        row.clear();
        let end = split(text, at, delimiter, &mut row);
        if row.len() != names.len() {
            return;
        }
        let filled = names.iter().zip(&row).filter(|(_, value)| !value.is_empty());
        out.extend(filled.map(|(name, value)| Cell { name: name.clone(), value: value.clone() }));
        at = end + 1;
    }
}

/// The line that begins at a place, without its end.
fn line_at(text: &str, start: usize) -> Range<usize> {
    let rest = &text.as_bytes()[start..];
    let end = start + memchr::memchr(b'\n', rest).unwrap_or(rest.len());
    start..end
}

/// The delimiter and the names of a header line.
fn names(text: &str, line: Range<usize>) -> Option<(u8, Vec<Range<usize>>)> {
    if line.len() > HEADER_BYTES_MAX || line.end == text.len() {
        return None;
    }
    let delimiter = *b",;\t|".iter().find(|d| text.as_bytes()[line.clone()].contains(d))?;
    let mut names = Vec::new();
    let end = split(text, line.start, delimiter, &mut names);
    let plain = |name: &Range<usize>| is_name(&text[name.clone()]);
    (end == line.end && names.len() >= COLUMNS_MIN && names.iter().all(plain)).then_some((delimiter, names))
}

/// A word or a few, as columns are called: no digit first, nothing but letters, digits, blanks, `_`, `-` and `.`.
fn is_name(name: &str) -> bool {
    let first = name.chars().next();
    (1..=NAME_BYTES_MAX).contains(&name.len())
        && first.is_some_and(|c| c.is_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_alphanumeric() || matches!(c, ' ' | '_' | '-' | '.'))
        && name.split(' ').count() <= 3
}

/// Cuts a line into its columns, blanks around them and quotes left out, and returns the line's end. A quoted column may
/// hold the delimiter, not a line break.
fn split(text: &str, start: usize, delimiter: u8, out: &mut Vec<Range<usize>>) -> usize {
    let bytes = text.as_bytes();
    let end = line_at(text, start).end;
    let mut at = start;
    loop {
        let quoted = bytes[at..end].first() == Some(&b'"');
        let close = if quoted { memchr::memchr(b'"', &bytes[at + 1..end]).map(|n| at + 1 + n) } else { None };
        let from = close.unwrap_or(at);
        let stop = memchr::memchr(delimiter, &bytes[from..end]).map_or(end, |n| from + n);
        out.push(trimmed(text, if let Some(close) = close { at + 1..close } else { at..stop }));
        if stop == end {
            return end;
        }
        at = stop + 1;
    }
}

fn trimmed(text: &str, range: Range<usize>) -> Range<usize> {
    let value = &text[range.clone()];
    let start = range.start + (value.len() - value.trim_start().len());
    start..start + value.trim().len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<(&str, &str)> {
        let mut out = Vec::new();
        cells(text, &mut out);
        out.iter().map(|c| (&text[c.name.clone()], &text[c.value.clone()])).collect()
    }

    #[test]
    fn cells_of_pasted_tables() {
        assert_eq!(
            found("name,dob,bic\nUte,\"Feb 14, 1979\",X\nJan,,Y"),
            [("name", "Ute"), ("dob", "Feb 14, 1979"), ("bic", "X"), ("name", "Jan"), ("bic", "Y")]
        );
        assert_eq!(
            found("\nid;first name;e-mail\r\n7; Ute ;u@x\r\n"),
            [("id", "7"), ("first name", "Ute"), ("e-mail", "u@x")]
        );
        assert_eq!(found("a\tb\tc\n1\t2\t3\nthe end"), [("a", "1"), ("b", "2"), ("c", "3")]);
    }

    #[test]
    fn what_is_no_table() {
        for text in [
            "",
            "a,b,c",
            "a,b\n1,2",
            "Red, green and blue are the colours that we see, or so they say, always.\nx,y,z",
            "1,2,3\n4,5,6",
            "a,b,c\n1,2",
            "a,b,\"c\n1,2,3",
            "a,,c\n1,2,3",
            "\"\n\"",
        ] {
            assert_eq!(found(text), [], "{text:?}");
        }
    }
}
