//! Slovenian company registration number (matična številka).
//!
//! Six digits and a check modulo 11, with or without three characters for the unit.

use crate::validators::digits::{base36, compact, dot, fixed, is_digits};

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    compact(number, " .").is_some_and(|n| {
        let Some(d) = n.get(..7).and_then(fixed::<7>) else { return false };
        let check = 11 - dot(&d, &[7, 6, 5, 4, 3, 2]) % 11;
        let unit = match &n[7..] {
            [] => true,
            [first, rest @ ..] => rest.len() == 2 && base36(*first).is_some() && is_digits(rest),
        };
        unit && check != 11 && check % 10 == d[6]
    })
}
