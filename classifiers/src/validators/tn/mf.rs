//! Tunisian tax number (matricule fiscal).
//!
//! Seven digits and a control letter, then VAT code, category and establishment where they are given.

use crate::validators::digits::{compact, is_digits};

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    compact(number, " /.-").is_some_and(|n| {
        let leading = n.iter().take_while(|b| b.is_ascii_digit()).count();
        if !(1..=7).contains(&leading) || n.get(leading).is_none_or(|b| !b"ABCDEFGHJKLMNPQRSTVWXYZ".contains(b)) {
            return false;
        }
        match &n[leading + 1..] {
            [] => leading >= 3,
            [vat, category, branch @ ..] => {
                b"ABDNP".contains(vat)
                    && b"CMNPE".contains(category)
                    && branch.len() == 3
                    && is_digits(branch)
                    && (branch == b"000" || *category == b'E')
            }
            _ => false,
        }
    })
}
