//! Indonesian identity card number (NIK).
//!
//! Province, district, date of birth with 40 added to the day for women, and a serial. There is no check digit.

use crate::validators::digits::{digits, is_date, value};

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    digits::<16>(number, " -.").is_some_and(|d| {
        let day = value(&d[6..8]);
        let day = if day > 40 { day - 40 } else { day };
        let (month, year) = (value(&d[8..10]), value(&d[10..12]));
        is_province(value(&d[..2])) && (is_date(1900 + year, month, day) || is_date(2000 + year, month, day))
    })
}

/// The province codes of the Ministry of Home Affairs.
fn is_province(code: u64) -> bool {
    matches!(code, 11..=19 | 21 | 31..=36 | 51..=53 | 61..=65 | 71..=76 | 81 | 82 | 91..=97)
}
