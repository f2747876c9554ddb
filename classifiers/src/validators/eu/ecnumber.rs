//! European Community number (EINECS, ELINCS).
//!
//! Six digits and a check modulo 11, in groups of three, three and one.

use crate::validators::digits::{compact, digits, dot, fixed, shape};

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    compact(number, " ").is_some_and(|n| {
        let d = if shape(&n, "999-999-9") { digits::<7>(number, " -") } else { fixed::<7>(&n) };
        d.is_some_and(|d| checks(&d))
    })
}

/// Whether the check digit is the rest modulo 11, where 10 is written 1.
fn checks(d: &[u64; 7]) -> bool {
    match dot(d, &[1, 2, 3, 4, 5, 6]) % 11 {
        10 => d[6] == 1,
        rest => d[6] == rest,
    }
}
