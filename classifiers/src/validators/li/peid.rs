//! Liechtenstein personal identification number (PEID).
//!
//! Four to twelve digits, zeros in front left out. There is no check digit.

use crate::validators::digits::{compact, is_digits};

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    compact(number, " .").is_some_and(|n| {
        let zeros = n.iter().take_while(|b| **b == b'0').count();
        is_digits(&n) && (4..=12).contains(&(n.len() - zeros))
    })
}
