//! Singaporean unique entity number (UEN).
//!
//! A business, a local company or another entity, each with a check letter modulo 11.

use crate::validators::digits::{LAST_YEAR, compact, dot, fixed, is_digits, parse, value, within};

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    compact(number, " -").is_some_and(|n| match (n.len(), n.first()) {
        (9, _) => business(&n),
        (10, Some(b'R' | b'S' | b'T')) => other(&n),
        (10, _) => company(&n),
        _ => false,
    })
}

fn business(n: &[u8]) -> bool {
    fixed::<8>(&n[..8]).is_some_and(|d| n[8] == b"XMKECAWLJDB"[(dot(&d, &[10, 4, 9, 3, 8, 2, 7, 1]) % 11) as usize])
}

fn company(n: &[u8]) -> bool {
    fixed::<9>(&n[..9]).is_some_and(|d| {
        n[9] == b"ZKCMDNERGWH"[(dot(&d, &[10, 8, 6, 4, 9, 7, 5, 3, 1]) % 11) as usize]
            && (1800..=LAST_YEAR).contains(&value(&d[..4]))
    })
}

fn other(n: &[u8]) -> bool {
    const ALPHABET: &str = "ABCDEFGHJKLMNPQRSTUVWX0123456789";
    const KINDS: &str = "CC CD CH CL CM CP CS CX DP FB FC FM FN GA GB GS HS LL LP MB MC MD MH MM MQ NB NR PA PB PF RF \
                         RP SM SS TC TU VH XL";
    let sum = n[..9]
        .iter()
        .zip([4, 3, 5, 3, 10, 2, 2, 5, 7])
        .try_fold(0, |sum, (b, w)| Some(sum + within(*b, ALPHABET)? * w));
    let year = parse(&n[1..3]);
    KINDS.as_bytes().chunks(3).any(|k| k.starts_with(&n[3..5]))
        && is_digits(&n[5..9])
        && year.is_some_and(|y| n[0] != b'T' || 2000 + y <= LAST_YEAR)
        && sum.is_some_and(|s: u64| within(n[9], ALPHABET) == Some((s + 6) % 11))
}
