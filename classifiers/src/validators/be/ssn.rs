//! Belgian social security number.
//!
//! Either a national number or a BIS number.

use crate::validators::be::{bis, nn};

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    nn::is_valid(number) || bis::is_valid(number)
}
