//! Chemical Abstracts Service registry number.
//!
//! Two to seven digits, two digits and a check digit, joined by hyphens or not at all; weights count up from the
//! right.

use crate::validators::digits::{compact, is_digits, shape};

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    let (Some(n), Some(written)) = (compact(number, " -"), compact(number, " ")) else { return false };
    let hyphens = n.len() == written.len()
        || written.len() > 5 && shape(&written[written.len() - 5..], "-99-9") && n.len() + 2 == written.len();
    if !hyphens || !(5..=10).contains(&n.len()) || !is_digits(&n) || n[0] == b'0' {
        return false;
    }
    let sum: u64 = n.iter().rev().zip(0..).map(|(b, weight)| u64::from(b - b'0') * weight).sum();
    sum % 10 == u64::from(n[n.len() - 1] - b'0')
}
