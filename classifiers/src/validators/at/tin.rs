//! Austrian tax number (Abgabenkontonummer).
//!
//! Two digits of tax office, six of account and a check digit by Luhn over all nine.

use crate::validators::digits::{digits, value};
use crate::validators::luhn;

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    digits::<9>(number, " -./,").is_some_and(|d| luhn::sums_to_zero(&d) && is_office(value(&d[..2])))
}

/// The numbers of tax offices, present and merged.
fn is_office(number: u64) -> bool {
    matches!(
        number,
        3 | 4 | 6..=10 | 12 | 15 | 16 | 18 | 22 | 23 | 29 | 33 | 38 | 41 | 46 | 51..=54 | 57 | 59 | 61 | 65 | 67..=69
            | 71 | 72 | 81..=84 | 90 | 91 | 93 | 97 | 98
    )
}
