//! European one-stop shop VAT number (OSS, IOSS).
//!
//! `EU` or `IM`, the member state by its number and a serial. The rule of the check digit is not published.

use crate::validators::digits::{compact, is_digits, parse};

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    compact(number, " -").is_some_and(|n| {
        let Some((scheme, body)) = n.split_at_checked(2) else { return false };
        let length = match scheme {
            b"EU" => 9,
            b"IM" => 10,
            _ => return false,
        };
        body.len() == length && is_digits(body) && parse(&body[..3]).is_some_and(is_member_state)
    })
}

/// The ISO 3166-1 numbers of the member states.
fn is_member_state(number: u64) -> bool {
    matches!(
        number,
        40 | 56
            | 100
            | 191
            | 196
            | 203
            | 208
            | 233
            | 246
            | 250
            | 276
            | 300
            | 348
            | 372
            | 380
            | 428
            | 440
            | 442
            | 470
            | 528
            | 616
            | 620
            | 642
            | 703
            | 705
            | 724
            | 752
    )
}
