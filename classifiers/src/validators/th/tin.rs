//! Thai taxpayer identification number (TIN).
//!
//! A personal number or a company number.

use crate::validators::th::{moa, pin};

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    pin::is_valid(number) || moa::is_valid(number)
}
