//! Andorran tax number (NRT).
//!
//! A letter for the kind of person, six digits and a control letter that is not published; number ranges are checked.

use crate::validators::digits::{compact, shape};

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    compact(number, " -.").is_some_and(|n| {
        shape(&n, "A999999A")
            && match n[0] {
                b'F' => n[1..7] <= *b"699999".as_slice(),
                b'A' | b'L' => n[1] == b'7',
                first => b"CDEGOPU".contains(&first),
            }
    })
}
