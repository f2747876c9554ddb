//! Turkish tax number (VKN).
//!
//! Nine digits and a check from shifted digits doubled modulo 9.

use crate::validators::digits::digits;

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    digits::<10>(number, " ").is_some_and(|d| {
        let part = |(i, digit): (usize, &u64)| {
            let shifted = (digit + 9 - i as u64) % 10;
            match (shifted << (9 - i)) % 9 {
                0 if shifted != 0 => 9,
                rest => rest,
            }
        };
        (d[..9].iter().enumerate().map(part).sum::<u64>() + d[9]) % 10 == 0
    })
}
