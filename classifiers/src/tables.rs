//! Small tables inside a text: a header line of column names and the lines below it, lines of `name: value`, or a table in
//! HTML whose heads are marked as such (`<th>`).
//!
//! Training text and messages hold pasted CSV, Markdown tables and forms. A cell of them is a value with a field name, and
//! field rules know what a column `dob` or `bic` holds where no rule for running text could. This module says which bytes
//! are which cell; it does not scan them, and it reads no files (see [`crate::readers`] for those).

use std::ops::Range;

/// Bytes of a header line, at most.
const HEADER_BYTES_MAX: usize = 2_048;
/// Bytes of a column's name, at most.
const NAME_BYTES_MAX: usize = 40;
/// Columns that make a table whatever they are called.
const COLUMNS_MIN: usize = 3;
/// Bytes of a line that could be two names: most lines with one comma are a sentence.
const TWO_NAMES_BYTES_MAX: usize = 2 * NAME_BYTES_MAX + 6;
/// Lines of `name: value` that make a form; fewer are a sentence or a heading.
const PAIRS_MIN: usize = 3;

/// Tells whether a name is one that columns are known to have: two such names are a header, and two others are a sentence
/// with a comma in it.
pub type IsKnown<'a> = &'a dyn Fn(&str) -> bool;

/// A cell of a table: byte ranges in the text of the column's name and of the value, quotes left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cell {
    /// The column's name.
    pub name: Range<usize>,
    /// The value; never empty.
    pub value: Range<usize>,
}

/// Appends the cells of all tables in a text: at its start, behind a blank line, a code fence or a line that ends with a
/// colon. A table is looked at for `bytes_max` bytes. Bytes that are no UTF-8 end a table. `starts` says that the first
/// byte is the start of the text, and not of a part of it.
pub fn find(text: &[u8], starts: bool, bytes_max: usize, known_name: IsKnown<'_>, out: &mut Vec<Cell>) {
    let mut at = 0;
    let mut may_start = starts;
    let mut known = Valid { text, base: 0, valid: "" };
    while at < text.len() {
        let end = at + memchr::memchr(b'\n', &text[at..]).unwrap_or(text.len() - at);
        if may_start && could_be_head(&text[at..end]) {
            let valid = known.from(at, bytes_max);
            let first = out.len();
            let used = table(valid, known_name, out);
            for cell in &mut out[first..] {
                cell.name = cell.name.start + at..cell.name.end + at;
                cell.value = cell.value.start + at..cell.value.end + at;
            }
            if used > 0 {
                at += used;
                may_start = true;
                continue;
            }
        }
        let line = text[at..end].trim_ascii_end();
        may_start = line.is_empty() || line.ends_with(b":") || line.starts_with(b"```");
        at = end + 1;
    }
    html(text, bytes_max, out);
}

/// Appends the cells of tables in HTML. A row of heads names the columns of the rows below it; a head with cells behind
/// it in its row names those. Tables without heads say nothing of what their cells are.
fn html(text: &[u8], bytes_max: usize, out: &mut Vec<Cell>) {
    let mut at = 0;
    let mut known = Valid { text, base: 0, valid: "" };
    while let Some(start) = next_head(text, at) {
        let table = known.from(start, bytes_max);
        let mut rows = Rows::default();
        let mut place = 0;
        while let Some(open) = memchr::memchr(b'<', &table.as_bytes()[place..]).map(|n| place + n) {
            let close = memchr::memchr(b'>', &table.as_bytes()[open..]).map_or(table.len(), |n| open + n);
            place = (close + 1).min(table.len());
            match tag(&table[open + 1..close]).as_str() {
                head @ ("th" | "td") => rows.cells.push((head == "th", content(table, place))),
                "tr" => rows.end(table, start, out),
                "/table" => break,
                _ => {}
            }
        }
        rows.end(table, start, out);
        at = start + place.max(1);
    }
}

/// Where the next head of a column opens.
fn next_head(text: &[u8], from: usize) -> Option<usize> {
    let is_head = |at: &usize| {
        text.get(at + 1..at + 3).is_some_and(|name| name.eq_ignore_ascii_case(b"th"))
            && text.get(at + 3).is_some_and(|b| b.is_ascii_whitespace() || *b == b'>')
    };
    memchr::memchr_iter(b'<', text.get(from..)?).map(|n| from + n).find(is_head)
}

/// The name of a tag in small letters, from what stands between its brackets.
fn tag(inner: &str) -> String {
    let name = inner.split(|c: char| c.is_ascii_whitespace()).next().unwrap_or_default();
    // No name that is asked for is longer.
    name.chars().take(8).map(|c| c.to_ascii_lowercase()).collect()
}

/// The text of a cell that begins at a place: the first piece of text in it, other tags left out.
fn content(table: &str, mut start: usize) -> Range<usize> {
    loop {
        let end = memchr::memchr(b'<', &table.as_bytes()[start..]).map_or(table.len(), |n| start + n);
        let text = trimmed(table, start..end);
        if !text.is_empty() || end == table.len() {
            return text;
        }
        let close = memchr::memchr(b'>', &table.as_bytes()[end..]).map_or(table.len(), |n| end + n);
        if matches!(tag(&table[end + 1..close]).as_str(), "/td" | "/th" | "td" | "th" | "tr" | "/tr" | "/table") {
            return text;
        }
        start = (close + 1).min(table.len());
    }
}

/// The rows of a table in HTML, one at a time.
#[derive(Default)]
struct Rows {
    /// The heads of columns.
    names: Vec<Range<usize>>,
    /// The cells of this row, and whether each is a head.
    cells: Vec<(bool, Range<usize>)>,
}

impl Rows {
    /// Ends a row. `base` is where the table begins in the text.
    fn end(&mut self, table: &str, base: usize, out: &mut Vec<Cell>) {
        let cells = std::mem::take(&mut self.cells);
        if cells.is_empty() {
            return;
        }
        if cells.iter().all(|(is_head, _)| *is_head) {
            self.names = cells.into_iter().map(|(_, name)| name).collect();
            return;
        }
        // A row with another number of cells is not in the columns of the heads.
        let by_column = self.names.len() == cells.len();
        let first = cells[0].0.then(|| cells[0].1.clone());
        for (column, (_, value)) in cells.into_iter().enumerate().filter(|(_, (is_head, _))| !is_head) {
            let name = if by_column { Some(self.names[column].clone()) } else { first.clone() };
            let named = name.filter(|name| is_name(&table[name.clone()]) && !value.is_empty());
            let of_text = |range: Range<usize>| range.start + base..range.end + base;
            out.extend(named.map(|name| Cell { name: of_text(name), value: of_text(value) }));
        }
    }
}

/// The part of a text that is known to be UTF-8: each byte is looked at once, however many lines could begin a table.
struct Valid<'t> {
    text: &'t [u8],
    base: usize,
    valid: &'t str,
}

impl<'t> Valid<'t> {
    /// The UTF-8 text from a place on, at most so many bytes. Places only go forward.
    fn from(&mut self, at: usize, bytes_max: usize) -> &'t str {
        if at >= self.base + self.valid.len() {
            let rest = &self.text[at..];
            self.base = at;
            self.valid = match std::str::from_utf8(rest) {
                Ok(valid) => valid,
                Err(e) => std::str::from_utf8(&rest[..e.valid_up_to()]).unwrap_or_default(),
            };
        }
        let valid = self.valid.get(at - self.base..).unwrap_or_default();
        let end = (0..=bytes_max.min(valid.len())).rev().find(|n| valid.is_char_boundary(*n)).unwrap_or(0);
        &valid[..end]
    }
}

/// Whether a line could begin a table: a look at its bytes, since most lines of prose do not.
fn could_be_head(line: &[u8]) -> bool {
    let Some(first) = line.first() else { return false };
    if !(first.is_ascii_alphabetic() || *first >= 0x80 || b"_|\"-*".contains(first)) {
        return false;
    }
    let head = &line[..line.len().min(NAME_BYTES_MAX + 6)];
    if head.contains(&b':') {
        return true;
    }
    let least = if line.len() <= TWO_NAMES_BYTES_MAX { 1 } else { COLUMNS_MIN - 1 };
    let delimited = |d: &u8| memchr::memchr_iter(*d, line).take(least).count() == least;
    line.len() <= HEADER_BYTES_MAX && (*first == b'|' || !line.ends_with(b".") && b",;\t|".iter().any(delimited))
}

/// Appends the cells of the table that a text begins with, of any kind, and gives its length; 0 where there is none.
fn table(text: &str, known_name: IsKnown<'_>, out: &mut Vec<Cell>) -> usize {
    let first = out.len();
    let used = markdown(text, out);
    if out.len() > first {
        return used;
    }
    let used = delimited(text, known_name, out);
    if out.len() > first {
        return used;
    }
    // Names without values are passed over too, or the lines behind each of them would be looked at again.
    pairs(text, out)
}

/// A Markdown table: `| name | name |`, a line of dashes, and rows.
fn markdown(text: &str, out: &mut Vec<Cell>) -> usize {
    let header = line_at(text, 0);
    let mut names = Vec::new();
    if header.len() > HEADER_BYTES_MAX || !split_bars(text, header.clone(), &mut names) {
        return 0;
    }
    let rule = line_at(text, (header.end + 1).min(text.len()));
    let is_rule = text[rule.clone()].contains('-') && text[rule.clone()].bytes().all(|b| b"|-: \t\r".contains(&b));
    if !is_rule || !names.iter().all(|name| is_name(&text[name.clone()])) {
        return 0;
    }
    let mut at = rule.end + 1;
    let mut row = Vec::new();
    while at < text.len() {
        let line = line_at(text, at);
        row.clear();
        if !split_bars(text, line.clone(), &mut row) || row.len() != names.len() {
            return at;
        }
        fill(&names, &row, out);
        at = line.end + 1;
    }
    text.len()
}

/// Cuts a line that begins and ends with a bar into what stands between bars.
fn split_bars(text: &str, line: Range<usize>, out: &mut Vec<Range<usize>>) -> bool {
    let line = trimmed(text, line);
    let Some(inner) = text[line.clone()].strip_prefix('|').and_then(|l| l.strip_suffix('|')) else { return false };
    let mut at = line.start + 1;
    for part in inner.split('|') {
        out.push(trimmed(text, at..at + part.len()));
        at += part.len() + 1;
    }
    true
}

/// Lines of `name: value`, at least three.
fn pairs(text: &str, out: &mut Vec<Cell>) -> usize {
    let first = out.len();
    let (mut at, mut lines) = (0, 0);
    while at < text.len() {
        let line = line_at(text, at);
        let Some(cell) = pair(text, line.clone()) else { break };
        lines += 1;
        if !cell.value.is_empty() {
            out.push(cell);
        }
        at = line.end + 1;
    }
    if lines < PAIRS_MIN {
        out.truncate(first);
        return 0;
    }
    at.min(text.len())
}

/// A line `name: value`, maybe as an item of a list and with a bold name.
fn pair(text: &str, line: Range<usize>) -> Option<Cell> {
    let line = trimmed(text, line);
    let head = &text[line.start..line.end.min(char_end(text, line.start + NAME_BYTES_MAX + 6))];
    let colon = line.start + head.find(':')?;
    let strip = |range: Range<usize>| {
        let part = &text[range.clone()];
        let start = range.start + (part.len() - part.trim_start_matches(['-', '*', ' ']).len());
        start..start.max(range.start + part.trim_end_matches(['*', ' ']).len())
    };
    let name = strip(line.start..colon);
    let value = text[colon + 1..line.end].trim_start_matches('*');
    let value = trimmed(text, line.end - value.len()..line.end);
    is_name(&text[name.clone()]).then_some(Cell { name, value })
}

/// The first place at or after this one that is no inside of a character.
fn char_end(text: &str, place: usize) -> usize {
    (place..text.len()).find(|n| text.is_char_boundary(*n)).unwrap_or(text.len())
}

/// Appends the cells of the table that a text begins with, if it does: a first line of at least three plain names, or of
/// two known ones, with commas, semicolons, tabs or bars between them, and lines with as many columns. It ends at the
/// first line that has not. Costs no more than the first line where there is no table.
pub fn cells(text: &str, known_name: IsKnown<'_>, out: &mut Vec<Cell>) {
    delimited(text, known_name, out);
}

fn delimited(text: &str, known_name: IsKnown<'_>, out: &mut Vec<Cell>) -> usize {
    let start = text.len() - text.trim_start_matches(['\n', '\r', '\u{feff}']).len();
    let header = line_at(text, start);
    let Some((delimiter, names)) = names(text, header.clone(), known_name) else { return 0 };
    let mut at = header.end + 1;
    let mut row = Vec::with_capacity(names.len());
    while at < text.len() {
        row.clear();
        let end = split(text, at, delimiter, &mut row);
        if row.len() != names.len() {
            return at;
        }
        fill(&names, &row, out);
        at = end + 1;
    }
    text.len()
}

fn fill(names: &[Range<usize>], row: &[Range<usize>], out: &mut Vec<Cell>) {
    let filled = names.iter().zip(row).filter(|(_, value)| !value.is_empty());
    out.extend(filled.map(|(name, value)| Cell { name: name.clone(), value: value.clone() }));
}

/// The line that begins at a place, without its end.
fn line_at(text: &str, start: usize) -> Range<usize> {
    let rest = &text.as_bytes()[start..];
    let end = start + memchr::memchr(b'\n', rest).unwrap_or(rest.len());
    start..end
}

/// The delimiter and the names of a header line.
fn names(text: &str, line: Range<usize>, known_name: IsKnown<'_>) -> Option<(u8, Vec<Range<usize>>)> {
    if line.len() > HEADER_BYTES_MAX || line.end == text.len() {
        return None;
    }
    let delimiter = *b",;\t|".iter().find(|d| text.as_bytes()[line.clone()].contains(d))?;
    let mut names = Vec::new();
    let end = split(text, line.start, delimiter, &mut names);
    let plain = |name: &Range<usize>| is_name(&text[name.clone()]);
    if end != line.end || names.len() < 2 || !names.iter().all(plain) {
        return None;
    }
    let known = |name: &Range<usize>| known_name(&text[name.clone()]);
    (names.len() >= COLUMNS_MIN || names.iter().all(known)).then_some((delimiter, names))
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

    fn known(name: &str) -> bool {
        ["name", "dob", "iban"].contains(&name)
    }

    fn found(text: &str) -> Vec<(&str, &str)> {
        let mut out = Vec::new();
        cells(text, &known, &mut out);
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
        assert_eq!(
            found("name;iban\nUte;X\n\"Jan\";Y"),
            [("name", "Ute"), ("iban", "X"), ("name", "Jan"), ("iban", "Y")]
        );
        assert_eq!(found("name,hue\nUte,red"), [], "two names, and one is not known");
        assert_eq!(found("a\tb\tc\n1\t2\t3\nthe end"), [("a", "1"), ("b", "2"), ("c", "3")]);
    }

    fn found_anywhere(text: &str) -> Vec<(&str, &str)> {
        let mut out = Vec::new();
        find(text.as_bytes(), true, 1 << 12, &known, &mut out);
        out.iter().map(|c| (&text[c.name.clone()], &text[c.value.clone()])).collect()
    }

    #[test]
    fn tables_are_found_in_the_middle_of_a_text() {
        for (text, expected) in [
            (
                "Here it is:\nname,dob,bic\nUte,1.2.79,X\n\nThat was all.",
                vec![("name", "Ute"), ("dob", "1.2.79"), ("bic", "X")],
            ),
            (
                "So\n\n| name | dob |\n|:--|--:|\n| Ute | 1.2.79 |\n| Jan | |\nend",
                vec![("name", "Ute"), ("dob", "1.2.79"), ("name", "Jan")],
            ),
            ("Both:\nname,dob\nUte,1.2.79\n\nname, dob.\nJan,3.4.80", vec![("name", "Ute"), ("dob", "1.2.79")]),
            ("```\na;b;c\n1;2;3\n```", vec![("a", "1"), ("b", "2"), ("c", "3")]),
            (
                "Name: Ute\nDate of birth: 1.2.79\nCity: Köln: Süd\n",
                vec![("Name", "Ute"), ("Date of birth", "1.2.79"), ("City", "Köln: Süd")],
            ),
            (
                "- **Name**: Ute\n- **DOB:** 1.2.79\n- City: Köln",
                vec![("Name", "Ute"), ("DOB", "1.2.79"), ("City", "Köln")],
            ),
            (
                "<p><table><tr><TH class=a>Name</th><th><b>DOB</b></th></tr>\n<tr><td>Ute</td><td><a href=x> 1.2.79</a></td></tr>",
                vec![("Name", "Ute"), ("DOB", "1.2.79")],
            ),
            (
                "<table><tr><th>DOB<td>1.2.79<tr><th>City<td>Köln<td>Bonn</table> <table><tr><td>1</td></tr></table>",
                vec![("DOB", "1.2.79"), ("City", "Köln"), ("City", "Bonn")],
            ),
            ("<tr><th>a</th><th>b</th></tr><tr><td>1</td></tr><tr><td></td><td>2</td></tr>", vec![("b", "2")]),
            ("<thead><this> <th", vec![]),
            ("Name: Ute\nCity: Köln\nand so on", vec![]),
            ("and\na,b,c\n1,2,3", vec![]),
            ("| a | b |\n| 1 | 2 |", vec![]),
        ] {
            assert_eq!(found_anywhere(text), expected, "{text}");
        }
    }

    #[test]
    fn any_bytes_give_cells_inside_the_text() {
        let mut out = Vec::new();
        let parts: [&[u8]; 14] = [
            b"a,b,c\n",
            b"\xff",
            b"|",
            b":\n",
            "é: ü\n".as_bytes(),
            b"**",
            b"\n\n",
            b"\"",
            b"1,2,3\n",
            b"<th>",
            b"<td>",
            b"<tr>",
            b"<",
            b"</table>",
        ];
        let mut state = 7_u64;
        for _ in 0..2_000 {
            let mut text = Vec::new();
            for _ in 0..12 {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                text.extend_from_slice(parts[(state >> 33) as usize % parts.len()]);
            }
            out.clear();
            find(&text, true, 1 << 12, &known, &mut out);
            for cell in &out {
                assert!(std::str::from_utf8(&text[cell.name.clone()]).is_ok() && !text[cell.value.clone()].is_empty());
            }
        }
    }

    #[test]
    fn text_is_validated_once_however_many_lines_look_like_heads() {
        let text = "é:\n\n".repeat(200_000).into_bytes();
        let start = std::time::Instant::now();
        find(&text, true, 1 << 20, &known, &mut Vec::new());
        let heads = ["<th>", "<td>", "</table><th>"].map(|tag| tag.repeat(100_000));
        heads.iter().for_each(|text| find(text.as_bytes(), true, 1 << 20, &known, &mut Vec::new()));
        assert!(start.elapsed().as_secs() < 20, "a megabyte of heads of nothing");
        let mut text = b"\xff\n\na,b,c\n1,2,3\n\xff\n\nd,e,f\n4,5,6\n".to_vec();
        let mut out = Vec::new();
        find(&text, true, 1 << 12, &known, &mut out);
        let values: Vec<&[u8]> = out.iter().map(|c| &text[c.value.clone()]).collect();
        assert_eq!(values, [b"1", b"2", b"3", b"4", b"5", b"6"]);
        text.truncate(12);
        out.clear();
        find(&text, true, 6, &known, &mut out);
        assert_eq!(out, [], "no more than it may see");
    }

    #[test]
    fn names_without_values_are_passed_over() {
        let (text, mut out) = ("kiln: \nflue: \nash: \n", Vec::new());
        assert_eq!((table(text, &known, &mut out), out.len()), (text.len(), 0));
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
