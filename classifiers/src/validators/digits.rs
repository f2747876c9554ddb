//! Reading a written number into digits, and the arithmetic most checks share.
//!
//! A number is copied once into a fixed buffer without its separators; nothing here allocates. Text that is too
//! long, or that holds anything but ASCII after mapping typographic dashes, blanks and foreign decimal digits,
//! is not a number and reads as `None`.

use std::ops::Deref;

/// The longest number, in characters without separators, that a validator looks at.
const CAPACITY: usize = 96;

/// The last year a birth or registration date may carry. A fixed horizon keeps verdicts the same from day to day.
pub(crate) const LAST_YEAR: u64 = 2035;

/// A number without its separators, in upper case. Always ASCII.
pub(crate) struct Compact {
    bytes: [u8; CAPACITY],
    len: usize,
}

impl Deref for Compact {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}

/// Strips `separators` and surrounding blanks, and folds to upper-case ASCII.
pub(crate) fn compact(number: &str, separators: &str) -> Option<Compact> {
    let mut out = Compact { bytes: [0; CAPACITY], len: 0 };
    for c in number.trim().chars() {
        let c = fold(c)?;
        if separators.as_bytes().contains(&c) {
            continue;
        }
        *out.bytes.get_mut(out.len)? = c;
        out.len += 1;
    }
    Some(out)
}

/// The upper-case ASCII byte a character stands for, if there is one.
fn fold(c: char) -> Option<u8> {
    match c {
        '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{ff0d}' => Some(b'-'),
        '\u{a0}' | '\u{2000}'..='\u{200a}' | '\u{202f}' | '\u{3000}' => Some(b' '),
        '\u{660}'..='\u{669}' => Some(b'0' + (c as u32 - 0x660) as u8),
        '\u{6f0}'..='\u{6f9}' => Some(b'0' + (c as u32 - 0x6f0) as u8),
        '\u{ff10}'..='\u{ff19}' => Some(b'0' + (c as u32 - 0xff10) as u8),
        _ => c.is_ascii().then(|| c.to_ascii_uppercase() as u8),
    }
}

/// The `N` digits of a number that is nothing but digits and `separators`.
pub(crate) fn digits<const N: usize>(number: &str, separators: &str) -> Option<[u64; N]> {
    fixed(&compact(number, separators)?)
}

/// As [`digits`], for a number that may be written after a country or type `prefix`.
pub(crate) fn national<const N: usize>(number: &str, separators: &str, prefix: &str) -> Option<[u64; N]> {
    fixed(strip(&compact(number, separators)?, prefix))
}

/// `text` without `prefix`, or all of it where it does not start so.
pub(crate) fn strip<'a>(text: &'a [u8], prefix: &str) -> &'a [u8] {
    text.strip_prefix(prefix.as_bytes()).unwrap_or(text)
}

/// The values of exactly `N` decimal digits.
pub(crate) fn fixed<const N: usize>(text: &[u8]) -> Option<[u64; N]> {
    let text: &[u8; N] = text.try_into().ok()?;
    is_digits(text).then(|| text.map(|b| u64::from(b - b'0')))
}

/// The values of at most `N` decimal digits, padded with zeros on the left.
pub(crate) fn unpadded<const N: usize>(text: &[u8]) -> Option<[u64; N]> {
    if text.len() > N || !is_digits(text) {
        return None;
    }
    let mut out = [0; N];
    for (to, from) in out.iter_mut().rev().zip(text.iter().rev()) {
        *to = u64::from(from - b'0');
    }
    Some(out)
}

/// Whether `text` is one or more decimal digits.
pub(crate) fn is_digits(text: &[u8]) -> bool {
    !text.is_empty() && text.iter().all(u8::is_ascii_digit)
}

/// The value of one to eighteen decimal digits.
pub(crate) fn parse(text: &[u8]) -> Option<u64> {
    (is_digits(text) && text.len() <= 18).then(|| text.iter().fold(0, |n, b| n * 10 + u64::from(b - b'0')))
}

/// The value of digit values read as one decimal number. Callers pass at most eighteen.
pub(crate) fn value(digits: &[u64]) -> u64 {
    digits.iter().fold(0, |n, d| n.wrapping_mul(10).wrapping_add(*d))
}

/// The sum of digits times weights, as far as the shorter of both goes.
pub(crate) fn dot(digits: &[u64], weights: &[u64]) -> u64 {
    digits.iter().zip(weights).map(|(d, w)| d * w).sum()
}

/// Whether every digit is the same one.
pub(crate) fn repeats(digits: &[u64]) -> bool {
    digits.windows(2).all(|pair| pair[0] == pair[1])
}

/// The value of a digit or upper-case letter, with `A` as 10.
pub(crate) fn base36(b: u8) -> Option<u64> {
    match b {
        b'0'..=b'9' => Some(u64::from(b - b'0')),
        b'A'..=b'Z' => Some(u64::from(b - b'A') + 10),
        _ => None,
    }
}

/// Where `b` stands in `alphabet`.
pub(crate) fn within(b: u8, alphabet: &str) -> Option<u64> {
    alphabet.bytes().position(|a| a == b).map(|i| i as u64)
}

/// Whether `text` has the shape of `pattern`: `9` is a digit, `A` a letter, `X` either, anything else itself.
pub(crate) fn shape(text: &[u8], pattern: &str) -> bool {
    text.len() == pattern.len()
        && text.iter().zip(pattern.bytes()).all(|(b, p)| match p {
            b'9' => b.is_ascii_digit(),
            b'A' => b.is_ascii_uppercase(),
            b'X' => b.is_ascii_digit() || b.is_ascii_uppercase(),
            _ => *b == p,
        })
}

/// Whether the day exists in the Gregorian calendar.
pub(crate) fn is_date(year: u64, month: u64, day: u64) -> bool {
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let last = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 => 28 + u64::from(leap),
        _ => return false,
    };
    (1..=last).contains(&day)
}
