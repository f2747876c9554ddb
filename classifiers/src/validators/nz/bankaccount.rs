//! New Zealand bank account number.
//!
//! Bank, branch, account and suffix, with weights that depend on the bank (Inland Revenue, bank account validation).

use crate::validators::digits::{compact, dot, is_digits, value};

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    compact(number, "").and_then(|n| lay_out(&n)).is_some_and(|d| passes(&d))
}

/// The parts at their full widths of 2, 4, 8 and 4 digits. Where blanks and hyphens do not make four parts, the digits
/// are taken in a row, with seven for the account.
fn lay_out(n: &[u8]) -> Option<[u64; 18]> {
    let mut out = [0; 18];
    let parts = || n.split(|b| matches!(b, b' ' | b'-')).filter(|p| !p.is_empty());
    if parts().count() == 4 && parts().zip([3, 5, 9, 5]).all(|(p, width)| p.len() < width) {
        for (part, end) in parts().zip([2, 6, 14, 18]) {
            place(part, end, &mut out)?;
        }
        return Some(out);
    }
    let mut row = [0; 16];
    let mut len = 0;
    for b in parts().flatten() {
        *row.get_mut(len)? = *b;
        len += 1;
    }
    let row = row.get(..len).filter(|_| len >= 15)?;
    for (part, end) in [(&row[..2], 2), (&row[2..6], 6), (&row[6..13], 14), (&row[13..], 18)] {
        place(part, end, &mut out)?;
    }
    Some(out)
}

/// Puts the digits of `part` so that they stop before `end`.
fn place(part: &[u8], end: usize, out: &mut [u64; 18]) -> Option<()> {
    if !is_digits(part) {
        return None;
    }
    for (slot, b) in out[end - part.len()..end].iter_mut().zip(part) {
        *slot = u64::from(b - b'0');
    }
    Some(())
}

fn passes(d: &[u64; 18]) -> bool {
    let account = value(&d[6..14]);
    let weighted = |weights: [u64; 18]| dot(d, &weights);
    let reduced = |weights: [u64; 18]| -> u64 {
        let once = |v: u64| v / 10 + v % 10;
        d.iter().zip(weights).map(|(d, w)| once(once(d * w))).sum()
    };
    match scheme(value(&d[..2]), value(&d[2..6])) {
        Some(b'A') if account < 990_000 => weighted([0, 0, 6, 3, 7, 9, 0, 0, 10, 5, 8, 4, 2, 1, 0, 0, 0, 0]) % 11 == 0,
        Some(b'A') => weighted([0, 0, 0, 0, 0, 0, 0, 0, 10, 5, 8, 4, 2, 1, 0, 0, 0, 0]) % 11 == 0,
        Some(b'D') => weighted([0, 0, 0, 0, 0, 0, 0, 7, 6, 5, 4, 3, 2, 1, 0, 0, 0, 0]) % 11 == 0,
        Some(b'E') => reduced([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 5, 4, 3, 2, 0, 0, 0, 1]) % 11 == 0,
        Some(b'F') => weighted([0, 0, 0, 0, 0, 0, 0, 1, 7, 3, 1, 7, 3, 1, 0, 0, 0, 0]) % 10 == 0,
        Some(b'G') => reduced([0, 0, 0, 0, 0, 0, 0, 1, 3, 7, 1, 3, 7, 1, 0, 3, 7, 1]) % 10 == 0,
        Some(b'X') => true,
        _ => false,
    }
}

/// The weights a bank uses, for the branches it has.
#[rustfmt::skip]
fn scheme(bank: u64, branch: u64) -> Option<u8> {
    Some(match (bank, branch) {
        (1, 1..=999 | 1100..=1199 | 1800..=1899) => b'A',
        (2, 1..=999 | 1200..=1299) => b'A',
        (3, 1..=999 | 1300..=1399 | 1500..=1599 | 1700..=1799 | 1900..=1999 | 7350..=7399) => b'A',
        (4, 2020..=2024) => b'A',
        (6, 1..=999 | 1400..=1499) => b'A',
        (8, 6500..=6599) => b'D',
        (9, 0) => b'E',
        (10, 5165..=5169) => b'A',
        (11, 5000..=6499 | 6600..=8999) => b'A',
        (12, 3000..=3299 | 3400..=3499 | 3600..=3699) => b'A',
        (13, 4900..=4999) => b'A',
        (14, 4700..=4799) => b'A',
        (15, 3900..=3999) => b'A',
        (16, 4400..=4499) => b'A',
        (17, 3300..=3399) => b'A',
        (18, 3500..=3599) => b'A',
        (19, 4600..=4649) => b'A',
        (20, 4100..=4199) => b'A',
        (21, 4800..=4899) => b'A',
        (22, 4000..=4049) => b'A',
        (23, 3700..=3799) => b'A',
        (24, 4300..=4349) => b'A',
        (25, 2500..=2599) => b'F',
        (26, 2600..=2699) => b'G',
        (27, 3800..=3849) => b'A',
        (28, 2100..=2149) => b'G',
        (29, 2150..=2299) => b'G',
        (30, 2900..=2949) => b'A',
        (31, 2800..=2849) => b'X',
        (33, 6700..=6799) => b'F',
        (35, 2400..=2499) => b'A',
        (38, 9000..=9499) => b'A',
        _ => return None,
    })
}
