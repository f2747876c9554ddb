//! Indonesian tax number (NPWP).
//!
//! Fifteen digits with a Luhn check over the first nine, the same after a zero, or an identity card number.

use crate::validators::digits::{compact, is_digits};
use crate::validators::luhn;

use crate::validators::id::nik;

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    compact(number, " -.").is_some_and(|n| match n.len() {
        15 => is_digits(&n) && luhn::passes(&n[..9]),
        16 if n[0] == b'0' => is_digits(&n) && luhn::passes(&n[1..10]),
        16 => nik::is_valid(number),
        _ => false,
    })
}
