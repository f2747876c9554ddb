//! Bulgarian VAT number.
//!
//! Nine digits of a company, or ten of a person, a foreigner or another body.

use crate::validators::digits::{compact, dot, fixed, strip};

use crate::validators::bg::{egn, pnf};

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    compact(number, " -.").is_some_and(|n| {
        let n = strip(&n, "BG");
        fixed::<9>(n).is_some_and(|d| company(&d) == d[8])
            || fixed::<10>(n).is_some_and(|d| egn::passes(&d) || pnf::passes(&d) || other(&d))
    })
}

fn company(d: &[u64; 9]) -> u64 {
    match dot(d, &[1, 2, 3, 4, 5, 6, 7, 8]) % 11 {
        10 => dot(d, &[3, 4, 5, 6, 7, 8, 9, 10]) % 11 % 10,
        check => check,
    }
}

fn other(d: &[u64; 10]) -> bool {
    (11 - dot(d, &[4, 3, 2, 7, 6, 5, 4, 3, 2]) % 11) % 11 == d[9]
}
