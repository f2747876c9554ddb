//! European excise number (SEED).
//!
//! A member state and eleven characters; France has a form of its own. There is no check digit.

use crate::validators::countries;
use crate::validators::digits::{base36, compact};

use crate::validators::fr::accise;

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    compact(number, " -").is_some_and(|n| {
        let Some((state, rest)) = n.split_at_checked(2) else { return false };
        (1..=11).contains(&rest.len())
            && countries::is_member_state(state)
            && rest.iter().all(|b| base36(*b).is_some())
            && (state != b"FR" || accise::is_valid(number))
    })
}
