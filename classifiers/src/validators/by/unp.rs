//! Belarusian payer's number (UNP).
//!
//! Nine characters: a region or kind of person, a serial and a check modulo 11. Letters may be Cyrillic.

use crate::validators::digits::{base36, dot, fixed, strip, within};

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    let mut latin = [0u8; 16];
    let mut len = 0;
    for c in number.trim().chars().filter(|c| !matches!(c, ' ' | 'У' | 'Н' | 'П')) {
        let (Some(b), Some(slot)) = (to_latin(c), latin.get_mut(len)) else { return false };
        *slot = b;
        len += 1;
    }
    let n = strip(&latin[..len], "UNP");
    let (Some(rest), 9) = (n.get(2..).and_then(fixed::<7>), n.len()) else { return false };
    head(n[0], n[1]).is_some_and(|head| (dot(&head, &[29, 23]) + dot(&rest, &[19, 17, 13, 7, 5, 3])) % 11 == rest[6])
}

/// Two digits for a region and a serial, or two letters: the first counts in base 36, the second by its place.
fn head(first: u8, second: u8) -> Option<[u64; 2]> {
    match first {
        b'1'..=b'7' if second.is_ascii_digit() => Some([base36(first)?, base36(second)?]),
        b'A' | b'B' | b'C' | b'E' | b'H' | b'K' | b'M' => Some([base36(first)?, within(second, "ABCEHKMOPT")?]),
        _ => None,
    }
}

/// The Latin letter that looks like a Cyrillic one of the number, or the character itself in upper case.
fn to_latin(c: char) -> Option<u8> {
    let at = "АВСЕНКМОРТ".chars().position(|k| k == c);
    at.map(|i| b"ABCEHKMOPT"[i]).or_else(|| c.is_ascii().then(|| c.to_ascii_uppercase() as u8))
}
