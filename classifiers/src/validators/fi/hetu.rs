//! Finnish personal identity code (HETU).
//!
//! Date of birth, a sign for the century, an individual number and a check character modulo 31. Numbers from 900 are
//! temporary and are refused.

use crate::validators::digits::{compact, is_date, is_digits, parse, within};

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    compact(number, " ").is_some_and(|n| {
        if n.len() != 11 || !is_digits(&n[..6]) || !is_digits(&n[7..10]) {
            return false;
        }
        let part = |at: usize, to: usize| parse(&n[at..to]).unwrap_or(0);
        let century = match n[6] {
            b'+' => 1800,
            b'-' | b'U'..=b'Y' => 1900,
            b'A'..=b'F' => 2000,
            _ => return false,
        };
        let rest = (part(0, 6) * 1000 + part(7, 10)) % 31;
        is_date(century + part(4, 6), part(2, 4), part(0, 2))
            && (2..900).contains(&part(7, 10))
            && within(n[10], "0123456789ABCDEFHJKLMNPRSTUVWXY") == Some(rest)
    })
}
