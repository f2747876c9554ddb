//! Ecuadorian identity card number (CI).
//!
//! Province, a third digit below 6, a serial and a Luhn check.

use crate::validators::digits::{digits, value};
use crate::validators::luhn;

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    digits::<10>(number, " -").is_some_and(|d| passes(&d) && d[2] <= 5)
}

/// Whether the province and the check are right, whatever the third digit.
pub(crate) fn passes(d: &[u64]) -> bool {
    is_province(value(&d[..2])) && luhn::sums_to_zero(d)
}

/// The provinces, and 30 and 50 for people registered abroad.
pub(crate) fn is_province(code: u64) -> bool {
    matches!(code, 1..=24 | 30 | 50)
}
