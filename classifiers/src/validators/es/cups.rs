//! Spanish supply point code (CUPS).
//!
//! `ES`, sixteen digits, two check letters modulo 529 and, optionally, the border point.

use crate::validators::digits::{compact, parse, shape, within};

use crate::validators::es::dni;

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    compact(number, " -").is_some_and(|n| {
        let Some(body) = n.get(2..18).and_then(parse) else { return false };
        let rest = body % 529;
        let (Some(first), Some(second)) = (n.get(18), n.get(19)) else { return false };
        let border = &n[20..];
        n.starts_with(b"ES")
            && within(*first, dni::LETTERS) == Some(rest / 23)
            && within(*second, dni::LETTERS) == Some(rest % 23)
            && (border.is_empty() || shape(border, "9A") && b"FPRCXYZ".contains(&border[1]))
    })
}
