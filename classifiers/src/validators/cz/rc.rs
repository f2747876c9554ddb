//! Czech birth number (rodné číslo).
//!
//! Date of birth, with 50 added to the month for women and 20 when serials ran out, and a serial; ten digits since
//! 1954, a multiple of 11 but for those, most of them from before 1985, that write a check of 10 as 0.

use crate::validators::digits::{compact, is_date, is_digits, parse};

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    compact(number, " /").is_some_and(|n| passes(&n))
}

/// Whether nine or ten digits have a date and, where there is one, a right check.
pub(crate) fn passes(n: &[u8]) -> bool {
    if !is_digits(n) || !matches!(n.len(), 9 | 10) {
        return false;
    }
    let part = |at: usize| parse(&n[at..at + 2]).unwrap_or(0);
    let (two, month, day) = (part(0), part(2) % 50, part(4));
    let year = match (n.len(), two) {
        (9, 80..) => 1800 + two,
        (9, 54..) => return false,
        (10, ..=53) => 2000 + two,
        _ => 1900 + two,
    };
    let month = if month > 20 && year >= 2004 { month - 20 } else { month };
    let check = n.len() == 9 || parse(n).is_some_and(|v| v % 11 == 0 || v / 10 % 11 == 10 && v % 10 == 0);
    is_date(year, month, day) && check
}
