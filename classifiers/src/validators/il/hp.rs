//! Israeli company number (mispar het-pe).
//!
//! Nine digits that begin with 5, with a Luhn check.

use crate::validators::digits::digits;
use crate::validators::luhn;

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    digits::<9>(number, " -").is_some_and(|d| d[0] == 5 && luhn::sums_to_zero(&d))
}
