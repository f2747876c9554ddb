//! What stands around a tagged address by the grammar of addresses: the house number before it, the flat and the postal
//! code behind it. Numbers are alike in all texts, so beside an address a rule knows them better than weights do.

use super::{Entity, Span};

/// Words before the number of a part of a building.
const UNITS: [&[u8]; 8] = [b"apartment", b"suite", b"floor", b"unit", b"room", b"flat", b"apt", b"ste"];
/// Lines of town, region and country.
const LINES_MAX: usize = 3;
/// Bytes of one of them.
const LINE_BYTES: usize = 48;
/// Bytes between two lines of an address: a break, and marks of quoted text.
const GAP_BYTES: usize = 6;

/// The span with its house number, flats and postal code. It does not begin before `floor`.
pub(super) fn grown(text: &[u8], span: Span, floor: usize) -> Span {
    let mut span = span;
    if span.entity == Entity::Address {
        while let Some(start) = number_before(text, span.start, floor) {
            span.start = start;
        }
        while let Some(end) = unit_behind(text, span.end) {
            span.end = end;
        }
        span.end = postal_line_behind(text, span.end).unwrap_or(span.end);
    }
    if matches!(span.entity, Entity::Address | Entity::Location)
        && let Some(end) = postal_code_behind(text, span.end)
    {
        (span.end, span.entity) = (end, Entity::Address);
    }
    span
}

/// The start of a number of up to five digits right before a place, on the same line.
fn number_before(text: &[u8], at: usize, floor: usize) -> Option<usize> {
    let end = at.checked_sub(1).filter(|n| text[*n] == b' ')?;
    let count = text.get(floor..end)?.iter().rev().take_while(|b| b.is_ascii_digit()).count();
    let start = end - count;
    let free = start == floor || matches!(text[start - 1], b' ' | b'\n' | b'\t' | b'>' | b'"' | b':' | b'=' | b'(');
    ((1..=5).contains(&count) && free).then_some(start)
}

/// The end of `Apt. 12` behind a place, on the same or the next line.
fn unit_behind(text: &[u8], at: usize) -> Option<usize> {
    let gap = |b: &&u8| matches!(b, b' ' | b'\n' | b'\r' | b',' | b'>' | b'|' | b'?' | b'*');
    let from = at + text[at..].iter().take_while(gap).count();
    let word = UNITS.iter().find(|w| text[from..].get(..w.len()).is_some_and(|t| t.eq_ignore_ascii_case(w)))?;
    let mut number = from + word.len();
    number += text[number..].iter().take_while(|b| matches!(b, b'.' | b' ' | b'#')).count();
    let digits = text[number..].iter().take_while(|b| b.is_ascii_digit()).count();
    (from > at && from - at <= GAP_BYTES && number > from + word.len() && (1..=5).contains(&digits))
        .then_some(number + digits)
}

/// The end of a number of five digits behind a place, on the same line.
fn postal_code_behind(text: &[u8], at: usize) -> Option<usize> {
    let from = at + text[at..].iter().take_while(|b| matches!(b, b' ' | b',')).count();
    let digits = text[from..].iter().take_while(|b| b.is_ascii_digit()).count();
    let free =
        !text.get(from + digits).is_some_and(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'@' | b'$' | b'%'));
    (digits == 5 && free && (1..=2).contains(&(from - at))).then_some(from + digits)
}

/// The end of up to three lines behind a place that hold only words, the last of them ending in a number of five digits:
/// town, region and country of an envelope.
fn postal_line_behind(text: &[u8], at: usize) -> Option<usize> {
    let mut end = at;
    for _ in 0..LINES_MAX {
        let mark = |b: &&u8| matches!(b, b' ' | b'\n' | b'\r' | b',' | b'>' | b'|' | b'?' | b'*');
        let gap = text[end..].iter().take_while(mark).count();
        let is_break = text[end..end + gap].contains(&b'\n');
        let from = end + gap;
        let name = |b: &&u8| b.is_ascii_alphabetic() || **b >= 0x80 || matches!(b, b' ' | b'.' | b'-' | b'\'' | b',');
        let words = text[from..].iter().take(LINE_BYTES).take_while(name).count();
        let digits = text[from + words..].iter().take_while(|b| b.is_ascii_digit()).count();
        let behind = text.get(from + words + digits);
        if !is_break || gap > 2 * GAP_BYTES || words < 3 {
            return None;
        }
        if digits == 5
            && text[from + words - 1] == b' '
            && !behind.is_some_and(|b| b.is_ascii_alphanumeric() || *b == b'-')
        {
            return Some(from + words + digits);
        }
        if digits > 0 || !matches!(behind, Some(b'\n' | b'\r')) {
            return None;
        }
        end = from + words;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_grow_by_their_grammar() {
        for (text, name, entity, grown_to, grown_entity) in [
            (
                "at 15 Elm Road\n Suite 4\n Apt. 12, x",
                "Elm Road",
                Entity::Address,
                "15 Elm Road\n Suite 4\n Apt. 12",
                Entity::Address,
            ),
            ("in Oakdale, 97331.", "Oakdale", Entity::Location, "Oakdale, 97331", Entity::Address),
            ("in Oakdale 1998 was", "Oakdale", Entity::Location, "Oakdale", Entity::Location),
            ("in Oakdale 97331kg", "Oakdale", Entity::Location, "Oakdale", Entity::Location),
            (
                "7 Elm Road\n Oakdale\n Sri Lanka 05917\nx",
                "Elm Road",
                Entity::Address,
                "7 Elm Road\n Oakdale\n Sri Lanka 05917",
                Entity::Address,
            ),
            ("7 Elm Road\n Oakdale\n total 5917\nx", "Elm Road", Entity::Address, "7 Elm Road", Entity::Address),
            ("v1.15 Elm Road", "Elm Road", Entity::Address, "Elm Road", Entity::Address),
            ("Elm Road suitable 4", "Elm Road", Entity::Address, "Elm Road", Entity::Address),
            ("15 Anna", "Anna", Entity::Person, "Anna", Entity::Person),
        ] {
            let start = text.find(name).expect("the name is in the text");
            let span = grown(text.as_bytes(), Span { start, end: start + name.len(), entity, score: 0.7 }, 0);
            assert_eq!((&text[span.start..span.end], span.entity), (grown_to, grown_entity), "{text}");
        }
    }

    #[test]
    fn a_span_does_not_grow_into_the_one_before() {
        let span = Span { start: 3, end: 6, entity: Entity::Address, score: 0.7 };
        assert_eq!(grown(b"12 Elm", span, 2).start, 3);
        assert_eq!(grown(b"12 Elm", span, 1).start, 1);
        assert_eq!(grown(b"12 Elm", span, 0).start, 0);
    }
}
