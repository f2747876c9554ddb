//! French VAT number.
//!
//! Two check characters, by one of two rules, and a SIREN.

use crate::validators::digits::{compact, fixed, strip, value, within};
use crate::validators::luhn;

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    compact(number, " -.").is_some_and(|n| passes(strip(&n, "FR")))
}

/// Whether key and company number agree; Monaco's numbers begin with 000 and are not Luhn-checked.
pub(crate) fn passes(n: &[u8]) -> bool {
    const ALPHABET: &str = "0123456789ABCDEFGHJKLMNPQRSTUVWXYZ";
    let Some(body) = n.get(2..).and_then(fixed::<9>) else { return false };
    let siren = value(&body);
    let company = luhn::sums_to_zero(&body) || body[..3] == [0, 0, 0];
    let (Some(first), Some(second)) = (within(n[0], ALPHABET), within(n[1], ALPHABET)) else { return false };
    let key = match (first < 10, second < 10) {
        (true, true) => return company && first * 10 + second == (12 + 3 * (siren % 97)) % 97,
        (true, false) => first * 24 + second - 10,
        (false, _) => (first * 34 + second).saturating_sub(100),
    };
    company && (siren + 1 + key / 11) % 11 == key % 11
}
