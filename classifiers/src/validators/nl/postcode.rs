//! Dutch postal code.
//!
//! Four digits and two letters other than SA, SD and SS.

use crate::validators::digits::{compact, shape, strip};

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    compact(number, " -").is_some_and(|n| {
        let n = strip(&n, "NL");
        shape(n, "9999AA") && n[0] != b'0' && !matches!(&n[4..], b"SA" | b"SD" | b"SS")
    })
}
