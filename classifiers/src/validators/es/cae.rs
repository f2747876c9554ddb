//! Spanish excise establishment code (CAE).
//!
//! `ES000`, the office, the activity, a serial and a check letter whose rule is not published.

use crate::validators::digits::{compact, parse, shape};

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    compact(number, " -").is_some_and(|n| {
        shape(&n, "ES00099XX999A")
            && parse(&n[5..7]).is_some_and(|office| (1..=56).contains(&office))
            && n[7].is_ascii_uppercase()
    })
}
