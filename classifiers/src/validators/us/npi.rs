//! United States national provider identifier (NPI).
//!
//! Ten digits that begin with 1 or 2, with a Luhn check after the prefix 80840.

use crate::validators::digits::digits;
use crate::validators::luhn;

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    digits::<10>(number, " -").is_some_and(|d| {
        // The fixed prefix adds 24 to the sum.
        matches!(d[0], 1 | 2) && (luhn::checksum(d.iter().copied()) + 24) % 10 == 0
    })
}
