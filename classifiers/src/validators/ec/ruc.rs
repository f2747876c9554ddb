//! Ecuadorian tax number (RUC).
//!
//! A person's card number, a public body (third digit 6) or a company (9), followed by the establishment.

use crate::validators::digits::{digits, dot, value};

use crate::validators::ec::ci;

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    digits::<13>(number, " -").is_some_and(|d| {
        let person = || value(&d[10..]) > 0 && ci::passes(&d[..10]);
        ci::is_province(value(&d[..2]))
            && match d[2] {
                0..=5 => person(),
                6 => public(&d) || person(),
                9 => value(&d[10..]) > 0 && dot(&d[..10], &[4, 3, 2, 7, 6, 5, 4, 3, 2, 1]).is_multiple_of(11),
                _ => false,
            }
    })
}

fn public(d: &[u64; 13]) -> bool {
    value(&d[9..]) > 0 && dot(&d[..9], &[3, 2, 7, 6, 5, 4, 3, 2, 1]).is_multiple_of(11)
}
