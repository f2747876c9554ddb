//! Chinese resident identity card number.
//!
//! Region, date of birth, serial and a MOD 11-2 check character.

use crate::validators::digits::{compact, fixed, is_date, value};
use crate::validators::iso7064::mod_11_2;

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    compact(number, " -").is_some_and(|n| {
        n.len() == 18
            && mod_11_2::passes(&n)
            && fixed::<17>(&n[..17]).is_some_and(|d| {
                is_province(value(&d[..2])) && is_date(value(&d[6..10]), value(&d[10..12]), value(&d[12..14]))
            })
    })
}

/// The province codes of GB/T 2260.
fn is_province(code: u64) -> bool {
    matches!(code, 11..=15 | 21..=23 | 31..=37 | 41..=46 | 50..=54 | 61..=65 | 71 | 81..=83)
}
