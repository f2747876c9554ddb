//! Spanish cadastral reference.
//!
//! Twenty characters: parcel, sheet or place, building, and two check letters modulo 23.

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    let mut values = [0; 20];
    let mut len = 0;
    for c in number.trim().chars().filter(|c| !matches!(c, ' ' | '-')) {
        let (Some(v), Some(slot)) = (letter_or_digit(c), values.get_mut(len)) else { return false };
        *slot = v;
        len += 1;
    }
    let (plot, sheet, unit) = (&values[..7], &values[7..14], &values[14..18]);
    len == 20 && check(plot, unit) == CHECKS[values[18] as usize] && check(sheet, unit) == CHECKS[values[19] as usize]
}

/// Digits as they are, letters from 11 in the Spanish alphabet so that they can be told apart.
fn letter_or_digit(c: char) -> Option<u64> {
    let c = c.to_uppercase().next()?;
    let at = "ABCDEFGHIJKLMNÑOPQRSTUVWXYZ".chars().position(|a| a == c).map(|i| i as u64 + 11);
    at.or_else(|| c.to_digit(10).map(u64::from))
}

/// The place of the check letter for a half of the reference.
fn check(half: &[u64], unit: &[u64]) -> Option<u64> {
    let plain = |v: &u64| if *v > 10 { *v - 10 } else { *v };
    let all = half.iter().chain(unit).map(plain);
    Some(all.zip([13, 15, 12, 5, 4, 17, 9, 21, 3, 7, 1]).map(|(v, w)| v * w).sum::<u64>() % 23)
}

/// The place in `MQWERTYUIOPASDFGHJKLBZX` of each value of [`letter_or_digit`], if it can be a check letter.
const CHECKS: [Option<u64>; 38] = {
    let mut table = [None; 38];
    let letters = b"MQWERTYUIOPASDFGHJKLBZX";
    let mut i = 0;
    while i < letters.len() {
        let plain = (letters[i] - b'A') as usize + 11;
        table[plain + (letters[i] > b'N') as usize] = Some(i as u64);
        i += 1;
    }
    table
};
