//! Canadian social insurance number (SIN).
//!
//! Nine digits with a Luhn check; none begins with 0 or 8.

use crate::validators::digits::digits;
use crate::validators::luhn;

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    digits::<9>(number, " -").is_some_and(|d| !matches!(d[0], 0 | 8) && luhn::sums_to_zero(&d))
}
