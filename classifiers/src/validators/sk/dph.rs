//! Slovak VAT number (IČ DPH).
//!
//! Ten digits that are a multiple of 11, with 2, 3, 4, 7, 8 or 9 in third place; or a birth number.

use crate::validators::digits::{compact, fixed, strip, value};

use crate::validators::cz::rc;

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    compact(number, " -").is_some_and(|n| {
        let n = strip(&n, "SK");
        let company = |d: [u64; 10]| d[0] != 0 && matches!(d[2], 2 | 3 | 4 | 7 | 8 | 9) && value(&d).is_multiple_of(11);
        fixed::<10>(n).is_some_and(company) || rc::passes(n)
    })
}
