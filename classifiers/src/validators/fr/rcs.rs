//! French trade register number (RCS).
//!
//! `RCS`, the town of the registry, `A` or `B` and a SIREN.

use crate::validators::digits::digits;
use crate::validators::luhn;

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    let Some(rest) = number.trim().strip_prefix("RCS ") else { return false };
    let Some((town, tail)) = rest.rsplit_once(" A").or_else(|| rest.rsplit_once(" B")) else { return false };
    town.chars().any(char::is_alphabetic)
        && town.chars().all(|c| c.is_alphabetic() || " -'".contains(c))
        && digits::<9>(tail, " ").is_some_and(|d| luhn::sums_to_zero(&d))
}
