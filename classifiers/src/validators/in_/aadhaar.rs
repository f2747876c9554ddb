//! Indian personal identity number (Aadhaar).
//!
//! Twelve digits that begin with 2 to 9, with a Verhoeff check; palindromes are not issued.

use crate::validators::digits::compact;
use crate::validators::verhoeff;

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    compact(number, " -").is_some_and(|n| n.len() == 12 && passes(&n))
}

/// Whether the digits may begin so, are no palindrome and have a right Verhoeff check.
pub(crate) fn passes(n: &[u8]) -> bool {
    verhoeff::passes(n) && n[0] >= b'2' && !n.iter().eq(n.iter().rev())
}
