//! International mobile equipment identity (3GPP TS 23.003).
//!
//! Fourteen digits, a Luhn digit, or sixteen digits with a software version in place of the check.

use crate::validators::digits::{compact, is_digits};
use crate::validators::luhn;

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    compact(number, " -/").is_some_and(|n| match n.len() {
        14 | 16 => is_digits(&n),
        15 => luhn::passes(&n),
        _ => false,
    })
}
