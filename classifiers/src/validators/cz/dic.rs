//! Czech VAT number (DIČ).
//!
//! Eight digits for a company, nine or ten for a person.

use crate::validators::digits::{compact, dot, fixed, strip};

use crate::validators::cz::rc;

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    compact(number, " /").is_some_and(|n| {
        let n = strip(&n, "CZ");
        fixed::<8>(n).is_some_and(|d| company(&d)) || fixed::<9>(n).is_some_and(|d| special(&d)) || rc::passes(n)
    })
}

fn company(d: &[u64; 8]) -> bool {
    d[0] != 9
        && match 11 - dot(d, &[8, 7, 6, 5, 4, 3, 2]) % 11 {
            10 => d[7] == 0,
            11 => d[7] == 1,
            check => d[7] == check,
        }
}

/// People without a birth number have nine digits that begin with 6.
fn special(d: &[u64; 9]) -> bool {
    let sum = dot(&d[1..], &[8, 7, 6, 5, 4, 3, 2]) % 11;
    d[0] == 6 && (18 - (21 - sum) % 11) % 10 == d[8]
}
