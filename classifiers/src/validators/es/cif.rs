//! Spanish company tax number (CIF).
//!
//! A letter for the form of the company, seven digits and a Luhn check written as a digit or a letter.

use crate::validators::digits::{compact, fixed, within};
use crate::validators::luhn;

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    compact(number, " -.").is_some_and(|n| passes(&n))
}

/// Whether the form of company allows the check as written and the check is right.
pub(crate) fn passes(n: &[u8]) -> bool {
    let [first, body @ .., last] = n else { return false };
    let Some(d) = fixed::<7>(body) else { return false };
    let check = (10 - luhn::checksum(d.iter().copied().chain([0]))) % 10;
    let digit = within(*last, "0123456789") == Some(check);
    let letter = within(*last, "JABCDEFGHI") == Some(check);
    match first {
        b'A' | b'B' | b'E' | b'H' => digit,
        b'N' | b'P' | b'Q' | b'R' | b'S' | b'W' => letter,
        b'C' | b'D' | b'F' | b'G' | b'J' | b'U' | b'V' => digit || letter,
        _ => false,
    }
}
