//! GS1-128 element string.
//!
//! Application identifiers with their data, in brackets or in a row. Fixed lengths, classes of characters, dates and
//! the check digits inside the data are checked for the common identifiers.

use crate::validators::digits::{compact, fixed, is_date, is_digits, parse, value};
use crate::validators::ean;

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    let Some(n) = compact(number, "()") else { return false };
    let mut rest = &n[..];
    while let Some((field, tail)) = identifier(rest) {
        let Some(data) = take(tail, field) else { return false };
        rest = &tail[data..];
        if rest.is_empty() {
            return true;
        }
    }
    false
}

/// How the data of an application identifier is written.
#[derive(Clone, Copy)]
enum Field {
    /// A number of this many digits with a GS1 check digit at the end.
    Checked(usize),
    /// Six digits: year, month and day, where day 00 is the end of the month.
    Date,
    /// Exactly this many digits.
    Digits(usize),
    /// Up to this many digits.
    UpToDigits(usize),
    /// Up to this many characters; padded with blanks where more follows.
    Text(usize),
}

/// The application identifier at the start of `text` and what follows it.
fn identifier(text: &[u8]) -> Option<(Field, &[u8])> {
    let (two, tail) = text.split_at_checked(2)?;
    let field = match parse(two)? {
        0 => Field::Checked(18),
        1 | 2 => Field::Checked(14),
        10 | 21 | 22 => Field::Text(20),
        11..=13 | 15..=17 => Field::Date,
        20 => Field::Digits(2),
        30 | 37 => Field::UpToDigits(8),
        90 => Field::Text(30),
        91..=99 => Field::Text(90),
        31..=36 => return text.get(4..).filter(|_| is_digits(&text[..4])).map(|t| (Field::Digits(6), t)),
        39 => return text.get(4..).filter(|_| is_digits(&text[..4])).map(|t| (Field::UpToDigits(15), t)),
        24 | 25 | 40 | 42 | 71 => return three(text),
        _ => return None,
    };
    Some((field, tail))
}

fn three(text: &[u8]) -> Option<(Field, &[u8])> {
    let (head, tail) = text.split_at_checked(3)?;
    let field = match parse(head)? {
        240 | 241 | 250 | 251 | 253 | 254 | 400 | 401 | 403 => Field::Text(30),
        242 => Field::UpToDigits(6),
        402 => Field::Digits(17),
        410..=417 => Field::Checked(13),
        420 => Field::Text(20),
        422 | 424..=426 => Field::Digits(3),
        710..=715 => Field::Text(20),
        _ => return None,
    };
    Some((field, tail))
}

/// How many characters of `text` the field takes, if they fit.
fn take(text: &[u8], field: Field) -> Option<usize> {
    match field {
        Field::Checked(len) => text.get(..len).filter(|t| ean::passes(t)).map(|_| len),
        Field::Digits(len) => text.get(..len).filter(|t| is_digits(t)).map(|_| len),
        Field::Date => {
            let day = fixed::<6>(text.get(..6)?)?;
            let [year, month, day] = [value(&day[..2]), value(&day[2..4]), value(&day[4..])];
            is_date(2000 + year, month, day.max(1)).then_some(6)
        }
        Field::UpToDigits(len) => {
            let run = text.iter().take(len).take_while(|b| b.is_ascii_digit()).count();
            (run > 0).then_some(run)
        }
        Field::Text(len) => (!text.is_empty()).then_some(text.len().min(len)),
    }
}
