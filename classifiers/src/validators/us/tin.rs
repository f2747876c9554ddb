//! United States taxpayer number (TIN).
//!
//! Any of SSN, ITIN, EIN, PTIN and ATIN.

use crate::validators::us::{atin, ein, itin, ptin, ssn};

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    [ssn::is_valid, itin::is_valid, ein::is_valid, ptin::is_valid, atin::is_valid].iter().any(|check| check(number))
}
