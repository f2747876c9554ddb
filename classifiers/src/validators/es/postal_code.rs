//! Spanish postal code.
//!
//! Five digits that begin with the number of a province, 01 to 52.

use crate::validators::digits::{digits, value};

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    digits::<5>(number, "").is_some_and(|d| (1..=52).contains(&value(&d[..2])))
}
