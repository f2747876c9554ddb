//! Belgian national number (NISS, numéro national).
//!
//! Date of birth, a serial and 97 minus the rest modulo 97; from 2000 on a 2 is put before the nine digits.

use crate::validators::digits::{LAST_YEAR, digits, is_date, value};

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    digits::<11>(number, " -.").is_some_and(|d| passes(&d) && value(&d[2..4]) <= 12)
}

/// Whether the check digits hold for one of both centuries and the month, less 20 or 40 for BIS numbers, can be.
pub(crate) fn passes(d: &[u64; 11]) -> bool {
    let (body, check) = (value(&d[..9]), value(&d[9..]));
    let (year, month, day) = (value(&d[..2]), value(&d[2..4]) % 20, value(&d[4..6]));
    [1900, 2000].into_iter().any(|century| {
        let full = if century == 2000 { 2_000_000_000 + body } else { body };
        // A month or day of 0 stands for an unknown date.
        let known = month == 0 || day == 0 || is_date(century + year, month, day);
        97 - full % 97 == check && known && month <= 12 && day <= 31 && century + year <= LAST_YEAR
    })
}
