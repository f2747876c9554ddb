//! Czech bank account number.
//!
//! An optional prefix, a root and the bank code; prefix and root are multiples of 11 when weighted.

use crate::validators::digits::{compact, dot, parse, unpadded};

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    compact(number, " ").is_some_and(|n| {
        let Some((account, bank)) = n.iter().position(|b| *b == b'/').map(|at| (&n[..at], &n[at + 1..])) else {
            return false;
        };
        let (prefix, root) = match account.iter().position(|b| *b == b'-') {
            Some(at) => (&account[..at], &account[at + 1..]),
            None => (&b"0"[..], account),
        };
        prefix.len() <= 6 && root.len() >= 2 && weighs(prefix) && weighs(root) && is_bank(bank)
    })
}

fn weighs(part: &[u8]) -> bool {
    unpadded::<10>(part).is_some_and(|d| dot(&d, &[6, 3, 7, 9, 10, 5, 8, 4, 2, 1]).is_multiple_of(11))
}

/// The codes of the Czech National Bank's list, of closed banks as well.
fn is_bank(code: &[u8]) -> bool {
    code.len() == 4
        && matches!(
            parse(code),
            Some(
                100 | 300
                    | 400
                    | 600
                    | 710
                    | 800
                    | 2010
                    | 2020
                    | 2030
                    | 2040
                    | 2060
                    | 2070
                    | 2100
                    | 2200
                    | 2210
                    | 2220
                    | 2240
                    | 2250
                    | 2260
                    | 2275
                    | 2310
                    | 2600
                    | 2700
                    | 3030
                    | 3040
                    | 3050
                    | 3060
                    | 3500
                    | 4000
                    | 4300
                    | 5000
                    | 5400
                    | 5500
                    | 5800
                    | 6000
                    | 6100
                    | 6200
                    | 6210
                    | 6300
                    | 6363
                    | 6700
                    | 6800
                    | 7910
                    | 7940
                    | 7950
                    | 7960
                    | 7970
                    | 7980
                    | 7990
                    | 8030
                    | 8040
                    | 8060
                    | 8090
                    | 8150
                    | 8190
                    | 8198
                    | 8199
                    | 8200
                    | 8211
                    | 8215
                    | 8220
                    | 8230
                    | 8231
                    | 8240
                    | 8241
                    | 8250
                    | 8255
                    | 8265
                    | 8270
                    | 8272
                    | 8280
                    | 8283
                    | 8291
                    | 8293
                    | 8299
                    | 8500
            )
        )
}
