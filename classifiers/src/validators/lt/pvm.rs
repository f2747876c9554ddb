//! Lithuanian VAT number (PVM).
//!
//! Nine digits for a company or twelve for a temporary registration, with a two-stage check modulo 11.

use crate::validators::digits::{compact, fixed, strip};

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    compact(number, " -").is_some_and(|n| {
        let n = strip(&n, "LT");
        fixed::<9>(n).is_some_and(|d| d[7] == 1 && passes(&d))
            || fixed::<12>(n).is_some_and(|d| d[10] == 1 && passes(&d))
    })
}

fn passes(d: &[u64]) -> bool {
    let Some((last, body)) = d.split_last() else { return false };
    let weighted = |from: u64| body.iter().zip(from..).map(|(d, i)| d * (1 + i % 9)).sum::<u64>() % 11;
    let check = match weighted(0) {
        10 => weighted(2) % 10,
        check => check,
    };
    check == *last
}
