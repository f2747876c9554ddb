//! Mauritian national identity number (NID).
//!
//! The first letter of the surname, date of birth, a serial and a check character modulo 17.

use crate::validators::digits::{base36, compact, fixed, is_date, is_digits, value};

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    compact(number, " ").is_some_and(|n| {
        if n.len() != 14 || !n[0].is_ascii_uppercase() || !is_digits(&n[1..13]) {
            return false;
        }
        let Some(d) = fixed::<6>(&n[1..7]) else { return false };
        let sum: u64 = n[..13].iter().zip((2..=14).rev()).map(|(b, w)| base36(*b).unwrap_or(0) * w).sum();
        let (day, month, year) = (value(&d[..2]), value(&d[2..4]), value(&d[4..]));
        (is_date(1900 + year, month, day) || is_date(2000 + year, month, day))
            && base36(n[13]) == Some((17 - sum % 17) % 17)
    })
}
