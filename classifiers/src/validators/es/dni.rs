//! Spanish national identity number (DNI).
//!
//! Eight digits and the letter of the rest modulo 23.

use crate::validators::digits::{compact, parse, within};

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    compact(number, " -.").is_some_and(|n| passes(&n))
}

/// Whether eight digits are followed by their letter.
pub(crate) fn passes(n: &[u8]) -> bool {
    n.split_last().is_some_and(|(last, body)| {
        body.len() == 8 && parse(body).is_some_and(|v| within(*last, LETTERS) == Some(v % 23))
    })
}

/// The check letters by remainder.
pub(crate) const LETTERS: &str = "TRWAGMYFPDXBNJZSQVHLCKE";
