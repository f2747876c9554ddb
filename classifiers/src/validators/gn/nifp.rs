//! Guinean permanent tax number (NIFp).
//!
//! Nine digits with a Luhn check.

use crate::validators::digits::digits;
use crate::validators::luhn;

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    digits::<9>(number, " -").is_some_and(|d| luhn::sums_to_zero(&d))
}
