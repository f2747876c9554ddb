//! Faroese company number (V-tal).
//!
//! Six digits without a published check.

use crate::validators::digits::national;

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    national::<6>(number, " -.", "FO").is_some()
}
