//! Portuguese bank account number (NIB).
//!
//! Bank, branch, account and a check modulo 97.

use crate::validators::digits::{compact, fixed, repeats};

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    let Some(n) = compact(number, " .-") else { return false };
    fixed::<21>(&n).is_some_and(|d| d.iter().fold(0, |rest, d| (rest * 10 + d) % 97) == 1 && !repeats(&d))
}
