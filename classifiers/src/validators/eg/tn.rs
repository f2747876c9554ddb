//! Egyptian tax registration number.
//!
//! Nine digits, in European or Arabic digits. There is no published check.

use crate::validators::digits::digits;

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    digits::<9>(number, " -/").is_some()
}
