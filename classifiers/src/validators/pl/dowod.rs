//! Polish identity card number (dowód osobisty).
//!
//! Three letters, a check modulo 10 with the weights 7, 3 and 1, and five digits.

use crate::validators::digits::{base36, compact, shape};

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    let Some(n) = compact(number, " ") else { return false };
    let sum = n.iter().zip([7, 3, 1, 9, 7, 3, 1, 7, 3]).try_fold(0, |sum, (b, w)| Some(sum + base36(*b)? * w));
    shape(&n, "AAA999999") && sum.is_some_and(|sum| sum % 10 == 0)
}
