//! Albanian tax number (NIPT).
//!
//! A letter for the decade, eight digits and a check letter whose rule is not published.

use crate::validators::digits::{compact, shape, strip};

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    compact(number, " -").is_some_and(|n| {
        let n = strip(&n, "AL");
        shape(n, "A99999999A") && n[0] <= b'M'
    })
}
