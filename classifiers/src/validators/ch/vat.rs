//! Swiss VAT number.
//!
//! A UID followed by `MWST`, `TVA`, `IVA` or `TPV`.

use crate::validators::digits::compact;

use crate::validators::ch::uid;

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    compact(number, " -.").is_some_and(|n| {
        n.starts_with(b"CHE")
            && n.split_at_checked(12)
                .is_some_and(|(body, end)| uid::passes(body) && [&b"MWST"[..], b"TVA", b"IVA", b"TPV"].contains(&end))
    })
}
