//! German identity card or passport number (Seriennummer).
//!
//! Nine letters without vowels and digits, and a check with the weights 7, 3 and 1 (ICAO Doc 9303, part 3, section
//! 4.9).

use crate::validators::digits::{base36, compact};

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    let Some(n) = compact(number, " ") else { return false };
    let Some((check, serial)) = n.split_last().filter(|(_, serial)| serial.len() == 9) else { return false };
    let sum = serial.iter().zip([7, 3, 1].iter().cycle()).try_fold(0, |sum, (b, w)| Some(sum + base36(*b)? * w));
    check.is_ascii_digit() && sum.is_some_and(|sum| sum % 10 == u64::from(check - b'0'))
}
