//! Italian tax code (codice fiscale).
//!
//! Surname, name, date and place of birth and a check letter, with letters for digits where codes would be the same;
//! bodies use a VAT number.

use crate::validators::digits::{base36, compact, is_date, within};

use crate::validators::it::iva;

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    compact(number, " -:").is_some_and(|n| if n.len() == 11 { iva::passes(&n) } else { person(&n) })
}

fn person(n: &[u8]) -> bool {
    let (16, Some((last, body))) = (n.len(), n.split_last()) else { return false };
    let letters = [0, 1, 2, 3, 4, 5, 8, 11].iter().all(|i| n[*i].is_ascii_uppercase());
    let (Some(year), Some(day)) = (two_digits(&n[6..8]), two_digits(&n[9..11])) else { return false };
    let Some(month) = within(n[8], "ABCDEHLMPRST") else { return false };
    let day = if day > 40 { day - 40 } else { day };
    let born = is_date(1900 + year, month + 1, day) || is_date(2000 + year, month + 1, day);
    let place = n[12..15].iter().all(|b| digit(*b).is_some());
    letters && born && place && check(body).is_some_and(|c| within(*last, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == Some(c))
}

/// A digit, or the letter that stands for it.
fn digit(b: u8) -> Option<u64> {
    within(b, "0123456789").or_else(|| within(b, "LMNPQRSTUV"))
}

fn two_digits(text: &[u8]) -> Option<u64> {
    Some(digit(text[0])? * 10 + digit(text[1])?)
}

/// The value of the check letter: characters in odd places go through a table, others count as they are.
fn check(body: &[u8]) -> Option<u64> {
    const ODD: [u64; 26] =
        [1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23];
    let sum = body.iter().enumerate().try_fold(0, |sum, (i, b)| {
        let v = base36(*b)?;
        let v = if v > 9 { v - 10 } else { v };
        Some(sum + if i % 2 == 0 { ODD[v as usize] } else { v })
    });
    sum.map(|s| s % 26)
}
