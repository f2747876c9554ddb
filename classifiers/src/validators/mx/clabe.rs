//! Mexican bank account number (CLABE).
//!
//! Bank, place, account and a check modulo 10 over products with 3, 7 and 1, each reduced modulo 10.

use crate::validators::digits::{digits, repeats};

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    digits::<18>(number, " -").is_some_and(|d| {
        let sum: u64 = d[..17].iter().zip([3, 7, 1].iter().cycle()).map(|(d, w)| d * w % 10).sum();
        (10 - sum % 10) % 10 == d[17] && !repeats(&d)
    })
}
