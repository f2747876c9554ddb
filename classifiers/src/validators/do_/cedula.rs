//! Dominican identity number (cédula).
//!
//! Eleven digits with a Luhn check. A few numbers that were issued with a wrong check are refused.

use crate::validators::digits::{digits, repeats};
use crate::validators::luhn;

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    digits::<11>(number, " -").is_some_and(|d| luhn::sums_to_zero(&d) && !repeats(&d))
}
