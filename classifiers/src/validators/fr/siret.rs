//! French establishment number (SIRET).
//!
//! A SIREN and five digits with a Luhn check over all. The post office may use a sum that is a multiple of 5 instead.

use crate::validators::digits::{digits, value};
use crate::validators::luhn;

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    digits::<14>(number, " .").is_some_and(|d| {
        let post = value(&d[..9]) == 356_000_000 && d.iter().sum::<u64>() % 5 == 0;
        luhn::sums_to_zero(&d[..9]) && (luhn::sums_to_zero(&d) || post)
    })
}
