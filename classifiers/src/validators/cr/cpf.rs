//! Costa Rican identity card number (CPF).
//!
//! Province, volume and entry of 1, 4 and 4 digits; written with hyphens the zeros in front may be missing. There is
//! no check digit.

use crate::validators::digits::{compact, is_digits, unpadded};

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    let Some(n) = compact(number, " ") else { return false };
    let mut parts = n.split(|b| *b == b'-');
    match (parts.next(), parts.next(), parts.next(), parts.next()) {
        (Some(all), None, None, None) => is_digits(all) && matches!((all.len(), all), (9, _) | (10, [b'0', ..])),
        (Some(province), Some(volume), Some(entry), None) => {
            unpadded::<2>(province).is_some_and(|d| d[0] == 0)
                && [volume, entry].iter().all(|p| (3..=4).contains(&p.len()) && is_digits(p))
        }
        _ => false,
    }
}
