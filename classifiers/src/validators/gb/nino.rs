//! United Kingdom national insurance number (NINO).
//!
//! Two letters, six digits and a letter A to D. Some prefixes are never issued; there is no check digit.

use crate::validators::digits::{compact, shape};

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    const BARRED: [&[u8; 2]; 7] = [b"BG", b"GB", b"KN", b"NK", b"NT", b"TN", b"ZZ"];
    compact(number, " -").is_some_and(|n| {
        shape(&n, "AA999999A")
            && !b"DFIQUV".contains(&n[0])
            && !b"DFIOQUV".contains(&n[1])
            && !BARRED.iter().any(|b| n[..2] == b[..])
            && n[8] <= b'D'
    })
}
