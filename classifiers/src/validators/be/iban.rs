//! Belgian IBAN.
//!
//! An IBAN of Belgium, with the check of the national account number.

use crate::validators::digits::compact;
use crate::validators::iban;

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    compact(number, " -.").is_some_and(|n| n.starts_with(b"BE")) && iban::is_valid(number)
}
