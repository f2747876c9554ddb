//! Lithuanian personal code (asmens kodas).
//!
//! Sex and century, date of birth, serial and a two-stage check modulo 11; a leading 9 marks codes without a date.

use crate::validators::digits::digits;

use crate::validators::ee::ik;

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    digits::<11>(number, " ").is_some_and(|d| (d[0] == 9 || ik::dated(&d)) && ik::check(&d) == d[10])
}
