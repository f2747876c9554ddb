//! Swedish personal identity number.
//!
//! Date of birth, a serial and a Luhn check over ten digits; coordination numbers add 60 to the day.

use crate::validators::digits::{compact, fixed, is_date, parse, value};
use crate::validators::luhn;

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    compact(number, " -+:").is_some_and(|n| {
        let (century, body) = match n.len() {
            10 => (None, &n[..]),
            12 => (parse(&n[..2]), &n[2..]),
            _ => return false,
        };
        let Some(d) = fixed::<10>(body) else { return false };
        let (year, month, day) = (value(&d[..2]), value(&d[2..4]), value(&d[4..6]));
        let day = if day > 60 { day - 60 } else { day };
        let born = match century {
            Some(c) => (18..=20).contains(&c) && is_date(c * 100 + year, month, day),
            None => is_date(1900 + year, month, day) || is_date(2000 + year, month, day),
        };
        born && luhn::sums_to_zero(&d)
    })
}
