//! Belgian BIS number (people outside the national register).
//!
//! As the national number, with 20 or 40 added to the month.

use crate::validators::digits::{digits, value};

use crate::validators::be::nn;

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    digits::<11>(number, " -.").is_some_and(|d| matches!(value(&d[2..4]), 20..=32 | 40..=52) && nn::passes(&d))
}
