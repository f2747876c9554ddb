//! Belgian structured payment reference (OGM, VCS).
//!
//! Ten digits and their rest modulo 97, written between plus signs.

use crate::validators::digits::compact;

use crate::validators::bank;

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    compact(number, " +/*").is_some_and(|n| bank::belgian_account(&n))
}
