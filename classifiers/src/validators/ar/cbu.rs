//! Argentine bank account number (CBU).
//!
//! Bank, branch and check digit, then account and check digit; both parts are weighted 3, 1, 7, 9 from the right.

use crate::validators::digits::digits;

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    digits::<22>(number, " -").is_some_and(|d| part(&d[..8]) && part(&d[8..]))
}

fn part(d: &[u64]) -> bool {
    let body = d[..d.len() - 1].iter().rev().zip([3, 1, 7, 9].iter().cycle());
    (body.map(|(d, w)| d * w).sum::<u64>() + d[d.len() - 1]).is_multiple_of(10)
}
