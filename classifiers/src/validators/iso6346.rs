//! Freight container number (ISO 6346).
//!
//! Owner, category (U, J, Z or R), six digits and a check digit from values that skip multiples of 11.

use crate::validators::digits::{base36, compact, shape};

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    compact(number, " -").is_some_and(|n| {
        shape(&n, "AAAA9999999") && b"UJZR".contains(&n[3]) && check(&n[..10]) == u64::from(n[10] - b'0')
    })
}

fn check(body: &[u8]) -> u64 {
    let letter = |v: u64| v + (v - 1) / 10;
    let values = body.iter().filter_map(|b| base36(*b)).map(|v| if v > 9 { letter(v) } else { v });
    values.enumerate().map(|(i, v)| v << i).sum::<u64>() % 11 % 10
}
