//! Machine-readable zone of a travel document (ICAO Doc 9303).
//!
//! Three lines of 30, two of 36 or two of 44 characters. Document number, dates and their sum have checks with the
//! weights 7, 3 and 1; a visa has no check over them all.

use crate::validators::digits::base36;

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    const CAPACITY: usize = 90;
    let mut zone = [0; CAPACITY];
    let mut len = 0;
    // Line ends may be written as an escape, whose letter is a small one.
    for b in number.bytes().filter(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || *b == b'<') {
        let Some(slot) = zone.get_mut(len) else { return false };
        (*slot, len) = (b, len + 1);
    }
    match len {
        90 => is_card(&zone),
        72 => is_booklet(&zone[..36], &zone[36..72]),
        88 => is_booklet(&zone[..44], &zone[44..88]),
        _ => false,
    }
}

/// Three lines: the first has the number, the second the dates and the check over both.
fn is_card(zone: &[u8; 90]) -> bool {
    let (first, second) = (&zone[..30], &zone[30..60]);
    let all = [&first[5..], &second[..7], &second[8..15], &second[18..29]].concat();
    checked(&first[5..15]) && are_dates(&second[..7], &second[8..15]) && check(&all) == digit(second[29])
}

/// Two lines: the second has number, dates and the check over all, which a visa has not.
fn is_booklet(first: &[u8], second: &[u8]) -> bool {
    let last = second.len() - 1;
    let all = [&second[..10], &second[13..20], &second[21..last]].concat();
    checked(&second[..10])
        && are_dates(&second[13..20], &second[21..28])
        && (first[0] == b'V' || check(&all) == digit(second[last]))
}

/// Six digits of a date, or fillers where a part of it is not known, with their check.
fn are_dates(birth: &[u8], expiry: &[u8]) -> bool {
    [birth, expiry].iter().all(|date| date.iter().all(|b| b.is_ascii_digit() || *b == b'<') && checked(date))
}

/// Whether the last character is the check of those before.
fn checked(text: &[u8]) -> bool {
    text.split_last().is_some_and(|(last, body)| check(body) == digit(*last))
}

/// The sum modulo 10 with the weights 7, 3 and 1; a filler counts nothing.
fn check(text: &[u8]) -> u64 {
    text.iter().zip([7, 3, 1].iter().cycle()).map(|(b, w)| base36(*b).unwrap_or(0) * w).sum::<u64>() % 10
}

/// A check digit; a filler stands for 0.
fn digit(b: u8) -> u64 {
    match b {
        b'<' => 0,
        _ => base36(b).unwrap_or(10),
    }
}
