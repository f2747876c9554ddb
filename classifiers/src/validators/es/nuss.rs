//! Spanish social security number (NUSS, NAF).
//!
//! Province, number and a remainder modulo 97. Numbers under ten million are put behind the province without their
//! zeros.

use crate::validators::digits::{digits, value};

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    digits::<12>(number, " -/").is_some_and(|d| {
        let (province, serial) = (value(&d[..2]), value(&d[2..10]));
        let joined = if serial < 10_000_000 { province * 10_000_000 + serial } else { value(&d[..10]) };
        (1..=66).contains(&province) && joined % 97 == value(&d[10..])
    })
}
