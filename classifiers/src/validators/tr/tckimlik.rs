//! Turkish personal identity number (T.C. kimlik no.).
//!
//! Nine digits and two checks modulo 10.

use crate::validators::digits::digits;

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    digits::<11>(number, " ").is_some_and(|d| {
        let odd: u64 = d[..9].iter().step_by(2).sum();
        let even: u64 = d[1..8].iter().step_by(2).sum();
        d[0] != 0 && (odd * 7 + 90 - even) % 10 == d[9] && d[..10].iter().sum::<u64>() % 10 == d[10]
    })
}
