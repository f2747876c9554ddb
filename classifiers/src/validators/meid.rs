//! Mobile equipment identifier (3GPP2 S.R0048).
//!
//! Fourteen hexadecimal or eighteen decimal digits, with or without a Luhn check (base 16 for hexadecimal).

use crate::validators::digits::{base36, compact, is_digits, parse};
use crate::validators::luhn;

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    compact(number, " -").is_some_and(|n| match n.len() {
        14 => n.iter().all(u8::is_ascii_hexdigit),
        15 if is_digits(&n) => luhn::passes(&n),
        15 => hex_luhn(&n),
        18 => in_range(&n),
        19 => in_range(&n[..18]) && hex_luhn_of_decimal(&n),
        _ => false,
    })
}

/// The first ten digits stand for 32 bits, the other eight for 24.
fn in_range(n: &[u8]) -> bool {
    parse(&n[..10]).is_some_and(|v| v < 1 << 32) && parse(&n[10..]).is_some_and(|v| v < 1 << 24)
}

/// Luhn with hexadecimal digits: doubled values are reduced in base 16.
fn hex_luhn(n: &[u8]) -> bool {
    let doubled = |i: usize, v: u64| if i % 2 == 1 { v * 2 / 16 + v * 2 % 16 } else { v };
    n.iter().all(u8::is_ascii_hexdigit)
        && n.iter().rev().enumerate().map(|(i, b)| doubled(i, base36(*b).unwrap_or(0))).sum::<u64>() % 16 == 0
}

/// A check digit after the decimal form is plain Luhn over its nineteen digits.
fn hex_luhn_of_decimal(n: &[u8]) -> bool {
    luhn::passes(n)
}
