//! Hong Kong identity card number (HKID).
//!
//! One or two letters, six digits and a check modulo 11, where `A` is 10; often written in brackets.

use crate::validators::digits::{compact, dot, fixed, within};

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    compact(number, " ()-").is_some_and(|n| {
        let letters = n.iter().take_while(|b| b.is_ascii_uppercase()).count();
        let (Some(body), 1 | 2) = (n.get(letters..letters + 6).and_then(fixed::<6>), letters) else { return false };
        let [first, second] = if letters == 1 {
            [36, u64::from(n[0] - b'A') + 10]
        } else {
            [n[0], n[1]].map(|b| u64::from(b - b'A') + 10)
        };
        let sum = first * 9 + second * 8 + dot(&body, &[7, 6, 5, 4, 3, 2]);
        n.len() == letters + 7 && within(n[letters + 6], "0123456789A") == Some((11 - sum % 11) % 11)
    })
}
