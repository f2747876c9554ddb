//! Spanish foreigner's identity number (NIE).
//!
//! `X`, `Y` or `Z` in place of the first digit of a DNI.

use crate::validators::digits::{compact, within};

use crate::validators::es::dni;

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    compact(number, " -.").is_some_and(|n| passes(&n))
}

/// Whether the number passes as a DNI once its first letter is a digit.
pub(crate) fn passes(n: &[u8]) -> bool {
    let Some(first) = n.first().and_then(|b| within(*b, "XYZ")) else { return false };
    let mut plain = [0; 9];
    n.len() == 9 && {
        plain.copy_from_slice(n);
        plain[0] = b'0' + first as u8;
        dni::passes(&plain)
    }
}
