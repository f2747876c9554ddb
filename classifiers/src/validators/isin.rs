//! International securities identification number (ISO 6166).
//!
//! A country or special prefix, nine characters and a Luhn digit over the digits of all of them.

use crate::validators::countries;
use crate::validators::digits::{base36, compact, shape};
use crate::validators::luhn;

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    compact(number, " ").is_some_and(|n| {
        shape(&n, "AAXXXXXXXXX9") && (countries::is_country(&n[..2]) || special(&n[..2])) && expanded_luhn(&n)
    })
}

/// Prefixes given to numbering agencies rather than countries, and dissolved countries still in use.
fn special(prefix: &[u8]) -> bool {
    "AN CS DD EU QS QT QW QY QZ SU XA XB XC XD XF XK XS XX YU".as_bytes().chunks(3).any(|p| p.starts_with(prefix))
}

/// Luhn over the characters with letters written as two digits.
fn expanded_luhn(text: &[u8]) -> bool {
    let mut digits = [0; 24];
    let mut len = 0;
    for v in text.iter().filter_map(|b| base36(*b)) {
        for d in [v / 10, v % 10].into_iter().skip(usize::from(v < 10)) {
            digits[len] = d;
            len += 1;
        }
    }
    luhn::sums_to_zero(&digits[..len])
}
