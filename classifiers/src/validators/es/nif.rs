//! Spanish tax number (NIF).
//!
//! A DNI, a NIE, a CIF, or `K`, `L` or `M` with seven digits and the letter of a DNI.

use crate::validators::digits::{compact, parse, strip, within};

use crate::validators::es::{cif, dni, nie};

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    compact(number, " -.").is_some_and(|n| {
        let n = strip(&n, "ES");
        dni::passes(n) || nie::passes(n) || cif::passes(n) || special(n)
    })
}

/// Minors and people without a DNI have a letter and seven digits that are checked as a DNI.
fn special(n: &[u8]) -> bool {
    let [b'K' | b'L' | b'M', body @ .., last] = n else { return false };
    body.len() == 7 && parse(body).is_some_and(|v| within(*last, dni::LETTERS) == Some(v % 23))
}
