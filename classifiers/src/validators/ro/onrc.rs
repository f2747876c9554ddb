//! Romanian trade register number (ONRC).
//!
//! A letter for the kind of entry, county, serial and year; since 2024 fourteen characters with a check digit, where
//! the county of new entries is 00.

use crate::validators::digits::{LAST_YEAR, compact, fixed, is_date, parse, value};

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    compact(number, "").is_some_and(|n| old(&n)) || compact(number, " /-.").is_some_and(|n| new(&n))
}

fn old(n: &[u8]) -> bool {
    let Some((b'J' | b'F' | b'C', tail)) = n.split_first() else { return false };
    let mut parts = tail.split(|b| matches!(b, b' ' | b'/' | b'-')).filter(|p| !p.is_empty());
    let (Some(county), Some(serial), Some(year), None) = (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return false;
    };
    county.len() <= 2
        && serial.len() <= 5
        && parse(county).is_some_and(is_county)
        && parse(serial).is_some_and(|s| s > 0)
        && registered(year)
}

/// A year, or the whole date with the year last.
fn registered(text: &[u8]) -> bool {
    let mut parts = text.rsplit(|b| *b == b'.').map(parse);
    let known = parts.next().flatten().is_some_and(|year| (1990..=2024).contains(&year));
    match (parts.next(), parts.next(), parts.next()) {
        (None, None, None) => known,
        (Some(Some(month)), Some(Some(day)), None) => known && is_date(2000, month, day),
        _ => false,
    }
}

fn new(n: &[u8]) -> bool {
    let (14, Some(d)) = (n.len(), n.get(1..).and_then(fixed::<13>)) else { return false };
    let county = match value(&d[..4]) {
        1990..=2023 => is_county(value(&d[10..12])),
        2024 => value(&d[10..12]) == 0 || is_county(value(&d[10..12])),
        2025..=LAST_YEAR => value(&d[10..12]) == 0,
        _ => false,
    };
    // The letter counts by its ASCII code.
    let sum = u64::from(n[0]) + d[..12].iter().sum::<u64>();
    matches!(n[0], b'J' | b'F' | b'C') && county && sum % 10 == d[12]
}

/// The numbers of the counties, the sectors of Bucharest among them.
fn is_county(number: u64) -> bool {
    matches!(number, 1..=40 | 51 | 52)
}
