//! Canadian business number (BN).
//!
//! Nine digits with a Luhn check, with or without a program of two letters and an account of four digits.

use crate::validators::digits::{compact, shape};
use crate::validators::luhn;

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    compact(number, " -").is_some_and(|n| {
        let Some((body, program)) = n.split_at_checked(9) else { return false };
        luhn::passes(body) && (program.is_empty() || shape(program, "RA9999") && b"CDEGMNPRTZ".contains(&program[1]))
    })
}
