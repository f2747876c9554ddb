//! Norwegian IBAN.
//!
//! An IBAN of Norway, with the check of the account number inside.

use crate::validators::digits::compact;
use crate::validators::iban;

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    compact(number, " -.").is_some_and(|n| n.starts_with(b"NO")) && iban::is_valid(number)
}
