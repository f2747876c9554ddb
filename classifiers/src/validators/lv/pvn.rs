//! Latvian VAT number and personal code (PVN).
//!
//! Eleven digits: a company when the first is above 3, a person otherwise. Codes that begin with 32 carry no date.

use crate::validators::digits::{dot, is_date, national, value};

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    national::<11>(number, " -", "LV").is_some_and(|d| if d[0] > 3 { company(&d) } else { person(&d) })
}

fn company(d: &[u64; 11]) -> bool {
    dot(d, &[9, 1, 4, 8, 3, 10, 2, 5, 7, 6, 1]) % 11 == 3
}

fn person(d: &[u64; 11]) -> bool {
    let dated = is_date(1800 + d[6] * 100 + value(&d[4..6]), value(&d[2..4]), value(&d[..2])) && d[6] <= 2;
    let check = (1 + dot(d, &[10, 5, 8, 4, 2, 1, 6, 3, 7, 9])) % 11 % 10;
    (dated || value(&d[..2]) == 32) && check == d[10]
}
