//! United Kingdom VAT number.
//!
//! Nine or twelve digits checked modulo 97 by one of two rules, or a government department or health authority.

use crate::validators::digits::{compact, dot, fixed, is_digits, parse, strip, value};

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    compact(number, " -.").is_some_and(|n| {
        let n = strip(strip(&n, "GB"), "XI");
        match n.len() {
            5 => authority(&n[..2], &n[2..]),
            9 => fixed::<9>(n).is_some_and(|d| business(&d)),
            11 => &n[2..6] == b"8888" && authority(&n[..2], &n[6..9]) && remainder(&n[6..]),
            12 => is_digits(n) && fixed::<9>(&n[..9]).is_some_and(|d| business(&d)),
            _ => false,
        }
    })
}

fn business(d: &[u64; 9]) -> bool {
    let sum = dot(d, &[8, 7, 6, 5, 4, 3, 2]) + value(&d[7..]);
    // The rule of 2010 subtracts 55 and holds for numbers from 100 on.
    (sum.is_multiple_of(97) || sum % 97 == 42)
        && (sum.is_multiple_of(97) || value(&d[..3]) >= 100)
        && value(&d[..7]) > 0
}

/// Departments (`GD`) are numbered below 500, health authorities (`HA`) from 500.
fn authority(kind: &[u8], number: &[u8]) -> bool {
    match (kind, parse(number)) {
        (b"GD", Some(n)) => n < 500,
        (b"HA", Some(n)) => n >= 500,
        _ => false,
    }
}

fn remainder(n: &[u8]) -> bool {
    fixed::<5>(n).is_some_and(|d| value(&d[..3]) % 97 == value(&d[3..]))
}
