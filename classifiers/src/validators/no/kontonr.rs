//! Norwegian bank account number.
//!
//! Eleven digits modulo 11; postal accounts begin with 0000 and have seven digits with a Luhn check.

use crate::validators::digits::compact;
use crate::validators::luhn;

use crate::validators::bank;

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    compact(number, " .-").is_some_and(|n| match n.strip_prefix(b"0000") {
        Some(postal) => postal.len() == 7 && luhn::passes(postal),
        None if n.len() == 7 => luhn::passes(&n),
        None => bank::norwegian_account(&n),
    })
}
