//! Finnish individual tax number (veronumero).
//!
//! Twelve digits without a published check.

use crate::validators::digits::digits;

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    digits::<12>(number, " ").is_some()
}
