//! United States adoption taxpayer number (ATIN).
//!
//! Nine digits in groups of 3, 2 and 4. There is no check digit.

use crate::validators::us::ssn;

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    ssn::grouped(number).is_some()
}
