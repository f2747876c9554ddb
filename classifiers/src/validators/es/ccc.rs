//! Spanish bank account number (CCC).
//!
//! Bank and branch, two check digits modulo 11, and the account.

use crate::validators::digits::compact;

use crate::validators::bank;

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    compact(number, " -").is_some_and(|n| bank::spanish_account(&n))
}
