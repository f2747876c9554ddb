//! Checks inside national bank account numbers that IBANs carry as well.

use crate::validators::digits::{dot, fixed, value};

/// Belgium: ten digits and their remainder modulo 97, with 97 in place of 0.
pub(crate) fn belgian_account(text: &[u8]) -> bool {
    fixed::<12>(text).is_some_and(|d| {
        let rest = value(&d[..10]) % 97;
        value(&d[10..]) == if rest == 0 { 97 } else { rest }
    })
}

/// Spain: bank and branch, two check digits, account of ten digits.
pub(crate) fn spanish_account(text: &[u8]) -> bool {
    const WEIGHTS: [u64; 10] = [1, 2, 4, 8, 5, 10, 9, 7, 3, 6];
    let check = |sum: u64| match 11 - sum % 11 {
        10 => 1,
        11 => 0,
        other => other,
    };
    fixed::<20>(text)
        .is_some_and(|d| check(dot(&d[..8], &WEIGHTS[2..])) == d[8] && check(dot(&d[10..], &WEIGHTS)) == d[9])
}

/// Norway: eleven digits modulo 11.
pub(crate) fn norwegian_account(text: &[u8]) -> bool {
    fixed::<11>(text).is_some_and(|d| dot(&d, &[5, 4, 3, 2, 7, 6, 5, 4, 3, 2, 1]).is_multiple_of(11))
}
