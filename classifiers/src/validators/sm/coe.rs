//! San Marino operator number (COE).
//!
//! Up to five digits after leading zeros. There is no check digit.

use crate::validators::digits::{compact, is_digits, strip};

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    compact(number, " .").is_some_and(|n| {
        let n = strip(&n, "SM");
        let zeros = n.iter().take_while(|b| **b == b'0').count();
        is_digits(n) && n.len() <= 6 && (1..=5).contains(&(n.len() - zeros))
    })
}
