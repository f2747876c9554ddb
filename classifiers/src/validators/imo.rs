//! IMO ship identification number.
//!
//! Seven digits; the last is the last digit of the sum of the others weighted 7 to 2.

use crate::validators::digits::{dot, national};

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    national::<7>(number, " -", "IMO").is_some_and(|d| dot(&d[..6], &[7, 6, 5, 4, 3, 2]) % 10 == d[6])
}
