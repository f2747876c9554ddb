//! International bank account number (ISO 13616).
//!
//! Country, two check digits (MOD 97-10) and a national part whose length and character classes the SWIFT registry
//! gives. Countries with a check of their own inside the national part have it applied too.

use crate::validators::digits::{compact, is_digits};
use crate::validators::iso7064::mod_97_10;

use crate::validators::bank;

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    compact(number, " -.").is_some_and(|n| passes(&n) && national_check(&n))
}

/// Whether the structure is that of the country and the MOD 97-10 check holds.
pub(crate) fn passes(n: &[u8]) -> bool {
    let Some((head, rest)) = n.split_at_checked(4) else { return false };
    is_digits(&head[2..])
        && structure(&head[..2]).is_some_and(|s| fits(rest, s))
        && mod_97_10::remainder(rest.iter().chain(head)) == Some(1)
}

/// The check inside the national part, where the country has one.
fn national_check(n: &[u8]) -> bool {
    let rest = &n[4..];
    match &n[..2] {
        b"BE" => bank::belgian_account(rest),
        b"ES" => bank::spanish_account(rest),
        b"NO" => bank::norwegian_account(rest),
        b"ME" | b"RS" | b"MK" | b"BA" | b"SI" | b"PT" => mod_97_10::remainder(rest.iter()) == Some(1),
        _ => true,
    }
}

fn structure(country: &[u8]) -> Option<&'static str> {
    STRUCTURES.iter().find(|(c, _)| c.as_bytes() == country).map(|(_, s)| *s)
}

/// Whether `text` follows a registry structure: counts, each followed by a class (`n`, `a` or `c`).
fn fits(mut text: &[u8], structure: &str) -> bool {
    let mut count = 0;
    for c in structure.bytes() {
        if c.is_ascii_digit() {
            count = count * 10 + usize::from(c - b'0');
            continue;
        }
        let Some((part, rest)) = text.split_at_checked(count) else { return false };
        let fit = match c {
            b'n' => part.iter().all(u8::is_ascii_digit),
            b'a' => part.iter().all(u8::is_ascii_uppercase),
            _ => part.iter().all(u8::is_ascii_alphanumeric),
        };
        if !fit {
            return false;
        }
        (text, count) = (rest, 0);
    }
    text.is_empty()
}

/// National structures of the SWIFT IBAN registry, adjacent fields of a class taken together.
#[rustfmt::skip]
const STRUCTURES: &[(&str, &str)] = &[
    ("AD", "8n12c"), ("AE", "19n"), ("AL", "8n16c"), ("AT", "16n"), ("AZ", "4a20c"), ("BA", "16n"), ("BE", "12n"),
    ("BG", "4a6n8c"), ("BH", "4a14c"), ("BI", "23n"), ("BR", "23n1a1c"), ("BY", "4c4n16c"), ("CH", "5n12c"),
    ("CR", "18n"), ("CY", "8n16c"), ("CZ", "20n"), ("DE", "18n"), ("DJ", "23n"), ("DK", "14n"), ("DO", "4c20n"),
    ("EE", "16n"), ("EG", "25n"), ("ES", "20n"), ("FI", "14n"), ("FK", "2a12n"), ("FO", "14n"), ("FR", "10n11c2n"),
    ("GB", "4a14n"), ("GE", "2a16n"), ("GI", "4a15c"), ("GL", "14n"), ("GR", "7n16c"), ("GT", "4c20c"),
    ("HN", "4a20n"), ("HR", "17n"), ("HU", "24n"), ("IE", "4a14n"), ("IL", "19n"), ("IQ", "4a15n"), ("IS", "22n"),
    ("IT", "1a10n12c"), ("JO", "4a4n18c"), ("KW", "4a22c"), ("KZ", "3n13c"), ("LB", "4n20c"), ("LC", "4a24c"),
    ("LI", "5n12c"), ("LT", "16n"), ("LU", "3n13c"), ("LV", "4a13c"), ("LY", "21n"), ("MC", "10n11c2n"),
    ("MD", "20c"), ("ME", "18n"), ("MK", "3n10c2n"), ("MN", "16n"), ("MR", "23n"), ("MT", "4a5n18c"),
    ("MU", "4a19n3a"), ("NI", "4a20n"), ("NL", "4a10n"), ("NO", "11n"), ("OM", "3n16c"), ("PK", "4a16c"),
    ("PL", "24n"), ("PS", "4a21c"), ("PT", "21n"), ("QA", "4a21c"), ("RO", "4a16c"), ("RS", "18n"), ("RU", "14n15c"),
    ("SA", "2n18c"), ("SC", "4a20n3a"), ("SD", "14n"), ("SE", "20n"), ("SI", "15n"), ("SK", "20n"),
    ("SM", "1a10n12c"), ("SO", "19n"), ("ST", "21n"), ("SV", "4a20n"), ("TL", "19n"), ("TN", "20n"),
    ("TR", "6n16c"), ("UA", "6n19c"), ("VA", "18n"), ("VG", "4a16n"), ("XK", "16n"), ("YE", "4a4n18c"),
];
