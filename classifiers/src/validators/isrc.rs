//! International standard recording code (ISO 3901).
//!
//! A country or allocated prefix, a registrant of three characters, two digits of year and five of designation.

use crate::validators::countries;
use crate::validators::digits::{compact, shape};

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    compact(number, " -")
        .is_some_and(|n| shape(&n, "AAXXX9999999") && (countries::is_country(&n[..2]) || allocated(&n[..2])))
}

/// Prefixes handed out beyond the ISO 3166 codes when a country ran out of registrants.
fn allocated(prefix: &[u8]) -> bool {
    "BC BK BP BX CB CP DG FX GX KS QM QN QT QZ UK XK YU ZB ZZ".as_bytes().chunks(3).any(|p| p.starts_with(prefix))
}
