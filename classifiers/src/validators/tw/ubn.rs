//! Taiwanese unified business number (UBN).
//!
//! Eight digits whose weighted digit sums are a multiple of 10; the product of a 7 in seventh place counts as 1 or 0.
//! Numbers issued since 2023 need only a multiple of 5; that weaker test is not used.

use crate::validators::digits::digits;

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    digits::<8>(number, " -").is_some_and(|d| {
        let products = d.iter().zip([1, 2, 1, 2, 1, 2, 4, 1]).map(|(d, w)| d * w);
        let sum: u64 = products.map(|p| p / 10 + p % 10).sum();
        sum > 0 && (sum.is_multiple_of(10) || d[6] == 7 && (sum + 1).is_multiple_of(10))
    })
}
