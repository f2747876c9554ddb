//! United States individual taxpayer number (ITIN).
//!
//! Begins with 9; the group is one of those handed out.

use crate::validators::digits::value;

use crate::validators::us::ssn;

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    ssn::grouped(number).is_some_and(|d| d[0] == 9 && matches!(value(&d[3..5]), 50..=65 | 70..=88 | 90..=92 | 94..=99))
}
