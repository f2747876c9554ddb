//! Finnish business identifier (Y-tunnus).
//!
//! Seven digits and a check modulo 11.

use crate::validators::digits::digits;

use crate::validators::fi::alv;

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    digits::<8>(number, " -").is_some_and(|d| alv::passes(&d))
}
