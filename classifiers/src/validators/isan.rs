//! International standard audiovisual number (ISO 15706).
//!
//! Sixteen hexadecimal digits, eight more for the version, and a MOD 37,36 check character after either part.

use crate::validators::digits::{compact, strip};
use crate::validators::iso7064::mod_37_36;

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    let Some(n) = compact(number, " -") else { return false };
    let n = strip(&n, "ISAN");
    let (root, first, version, second) = match n.len() {
        16 => (n, None, None, None),
        17 => (&n[..16], Some(n[16]), None, None),
        24 => (&n[..16], None, Some(&n[16..]), None),
        26 => (&n[..16], Some(n[16]), Some(&n[17..25]), Some(n[25])),
        _ => return false,
    };
    let mut all = [0; 25];
    all[..16].copy_from_slice(root);
    let version_fits = version.is_none_or(|v| {
        all[16..24].copy_from_slice(v);
        v.iter().all(u8::is_ascii_hexdigit)
    });
    let mut checked = |at: usize, check: Option<u8>| {
        check.is_none_or(|c| {
            let kept = std::mem::replace(&mut all[at], c);
            let right = mod_37_36::passes(&all[..=at]);
            all[at] = kept;
            right
        })
    };
    root.iter().all(u8::is_ascii_hexdigit) && version_fits && checked(16, first) && checked(24, second)
}
