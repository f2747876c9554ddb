//! Portuguese identity card number (cartão de cidadão).
//!
//! Nine digits, two characters and a digit; Luhn with letters from 10 on.

use crate::validators::digits::{base36, compact, shape};

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    compact(number, " -").is_some_and(|n| {
        let doubled = |v: u64| if v * 2 > 9 { v * 2 - 9 } else { v * 2 };
        let values = n.iter().rev().map(|b| base36(*b).unwrap_or(0)).enumerate();
        shape(&n, "999999999XX9") && values.map(|(i, v)| if i % 2 == 1 { doubled(v) } else { v }).sum::<u64>() % 10 == 0
    })
}
