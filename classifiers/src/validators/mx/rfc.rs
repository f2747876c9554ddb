//! Mexican tax number (RFC).
//!
//! Three or four letters, a date and a suffix of three characters that people may leave out. The check digit inside
//! the suffix is not verified: many issued numbers do not follow it.

use crate::validators::digits::{base36, fixed, is_date, value};

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    let mut n = [0u8; 13];
    let mut len = 0;
    for c in number.trim().chars().filter(|c| !matches!(c, ' ' | '-' | '_')) {
        let b = match c {
            // Ñ is one letter among the first four; a control byte stands for it.
            'Ñ' | 'ñ' => 1,
            c if c.is_ascii() => c.to_ascii_uppercase() as u8,
            _ => return false,
        };
        let Some(slot) = n.get_mut(len) else { return false };
        *slot = b;
        len += 1;
    }
    let (names, tail) = match len {
        10 | 13 => n[..len].split_at(4),
        12 => n[..len].split_at(3),
        _ => return false,
    };
    let Some(d) = fixed::<6>(&tail[..6]) else { return false };
    let (year, month, day) = (value(&d[..2]), value(&d[2..4]), value(&d[4..]));
    names.iter().all(|b| b.is_ascii_uppercase() || matches!(b, b'&' | 1))
        && !(names.len() == 4 && is_inconvenient(names))
        && (is_date(1900 + year, month, day) || is_date(2000 + year, month, day))
        && tail[6..].iter().all(|b| base36(*b).is_some())
        && tail.last().is_some_and(|b| tail.len() == 6 || b.is_ascii_digit() || *b == b'A')
}

/// Words the tax office replaces (annex IV of its instructions), so no number begins with them.
fn is_inconvenient(names: &[u8]) -> bool {
    const WORDS: &str = "BUEI BUEY CACA CACO CAGA CAGO CAKA CAKO COGE COJA COJE COJI COJO CULO FETO GUEY JOTO KACA KACO \
                         KAGA KAGO KAKA KOGE KOJO KULO MAME MAMO MEAR MEAS MEON MION MOCO MULA PEDA PEDO PENE PUTA PUTO \
                         QULO RATA RUIN";
    WORDS.as_bytes().chunks(5).any(|w| w.starts_with(names))
}
