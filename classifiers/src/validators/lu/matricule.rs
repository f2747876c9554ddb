//! Luxembourg national number (matricule).
//!
//! Date of birth and serial, then a Luhn and a Verhoeff check over the same eleven digits.

use crate::validators::digits::{compact, fixed, is_date, value};
use crate::validators::luhn;
use crate::validators::verhoeff;

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    let Some(n) = compact(number, " ") else { return false };
    let Some(d) = fixed::<13>(&n) else { return false };
    let with_second = [&n[..11], &n[12..]].concat();
    is_date(value(&d[..4]), value(&d[4..6]), value(&d[6..8]))
        && luhn::sums_to_zero(&d[..12])
        && verhoeff::passes(&with_second)
}
