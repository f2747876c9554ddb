//! Italian medicine code (AIC).
//!
//! Nine digits that begin with 0 with a Luhn-like check, or six characters of the same number in base 32.

use crate::validators::digits::{compact, fixed, within};

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    let Some(n) = compact(number, " ") else { return false };
    match n.len() {
        9 => fixed::<9>(&n).is_some_and(|d| passes(&d)),
        6 => {
            let number = n.iter().try_fold(0, |v, b| Some(v * 32 + within(*b, "0123456789BCDFGHJKLMNPQRSTUVWXYZ")?));
            number.is_some_and(|mut v: u64| {
                let mut d = [0; 9];
                for slot in d.iter_mut().rev() {
                    (*slot, v) = (v % 10, v / 10);
                }
                v == 0 && passes(&d)
            })
        }
        _ => false,
    }
}

/// The digits in even places are doubled, counted from the left.
fn passes(d: &[u64; 9]) -> bool {
    d[0] == 0 && sum(d) == d[8]
}

fn sum(d: &[u64; 9]) -> u64 {
    d[..8].iter().enumerate().map(|(i, v)| if i % 2 == 1 { v * 2 / 10 + v * 2 % 10 } else { *v }).sum::<u64>() % 10
}
