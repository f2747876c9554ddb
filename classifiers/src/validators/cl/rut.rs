//! Chilean tax and identity number (RUT, RUN).
//!
//! Seven or eight digits and a check modulo 11, where `K` is 10.

use crate::validators::digits::{compact, dot, strip, unpadded, within};

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    compact(number, " -.").is_some_and(|n| {
        let Some((last, body)) = strip(&n, "CL").split_last() else { return false };
        let Some(d) = unpadded::<8>(body) else { return false };
        body.len() >= 7 && within(*last, "0123456789K") == Some((11 - dot(&d, &[3, 2, 7, 6, 5, 4, 3, 2]) % 11) % 11)
    })
}
