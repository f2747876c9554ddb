//! Made-up values in the place of real ones: of the same kind and shape, and the same for the same value and key.

use crate::Rule;
use sha2::{Digest, Sha256};

/// Area codes of North America, in which the numbers 555-0100 to 555-0199 are nobody's.
const AREAS: [&str; 16] =
    ["202", "206", "212", "305", "312", "404", "415", "503", "512", "602", "617", "702", "713", "773", "808", "907"];
/// Networks that are for documentation only (RFC 5737).
const NETWORKS: [&str; 3] = ["192.0.2", "198.51.100", "203.0.113"];

/// Tries to make a number that its rule does not take for a real one.
const TRIES: u8 = 64;

const GIVEN: [&str; 16] = [
    "Avery", "Blake", "Casey", "Dana", "Ellis", "Finley", "Harper", "Jordan", "Kendall", "Logan", "Morgan", "Parker",
    "Quinn", "Riley", "Sawyer", "Taylor",
];
const FAMILY: [&str; 16] = [
    "Ashdown",
    "Birchall",
    "Cotterel",
    "Dunmore",
    "Eastlake",
    "Fernsby",
    "Garrick",
    "Holloway",
    "Inglewood",
    "Larkham",
    "Merriton",
    "Northcot",
    "Oakhurst",
    "Penrose",
    "Redfern",
    "Westbrook",
];
const PLACES: [&str; 8] =
    ["Fairhaven", "Millbrook", "Northfield", "Oakvale", "Riverton", "Stonebridge", "Westmere", "Willowdale"];

/// A surrogate. The fingerprint is keyed, so that without the key nobody can tell which value it stands for.
pub(super) fn of(rule: &Rule, value: &str, fingerprint: &str) -> String {
    let dice = |nonce: u8| Dice::new(fingerprint, nonce);
    match rule.entity.as_str() {
        "PERSON" => {
            let mut dice = dice(0);
            let given = GIVEN[dice.below(GIVEN.len())];
            match value.split_whitespace().count() {
                0 | 1 => given.to_owned(),
                _ => format!("{given} {}", FAMILY[dice.below(FAMILY.len())]),
            }
        }
        "LOCATION" if value.parse::<f64>().is_ok() => {
            first_of(value, &|nonce| degrees(value, &mut dice(nonce)), &|_| true)
        }
        "LOCATION" => PLACES[dice(0).below(PLACES.len())].to_owned(),
        "IP_ADDRESS" => first_of(value, &|nonce| address(value, &mut dice(nonce)), &|_| true),
        "PHONE_NUMBER" => first_of(value, &|nonce| phone(value, &mut dice(nonce)), &|_| true),
        "IBAN_CODE" => first_of(value, &|nonce| account(value, &mut dice(nonce)), &|made| !rule.accepts(made)),
        "US_SSN" => first_of(value, &|nonce| social_security(value, &mut dice(nonce)), &|_| true),
        // A domain that nobody can have (RFC 2606).
        "EMAIL_ADDRESS" => format!("person.{:08x}@example.com", dice(0).number()),
        "DATE_TIME" | "DATE_OF_BIRTH" => first_of(value, &|nonce| date(value, &mut dice(nonce)), &|_| true),
        _ => {
            let is_nobodys = |made: &str| rule.checks.is_empty() || !rule.accepts(made);
            first_of(value, &|nonce| shaped(value, &mut dice(nonce)), &is_nobodys)
        }
    }
}

/// The first of some tries that is another value and may be used.
fn first_of(value: &str, make: &dyn Fn(u8) -> String, may_be: &dyn Fn(&str) -> bool) -> String {
    (0..TRIES).map(make).find(|made| made != value && may_be(made)).unwrap_or_else(|| "*".repeat(value.chars().count()))
}

/// An address that is nobody's: for documentation only.
fn address(value: &str, dice: &mut Dice) -> String {
    match value.contains(':') {
        // RFC 3849.
        true => format!("2001:db8::{:x}:{:x}", dice.below(1 << 16), 1 + dice.below((1 << 16) - 1)),
        false => format!("{}.{}", NETWORKS[dice.below(NETWORKS.len())], 1 + dice.below(254)),
    }
}

/// A number that is nobody's. One of North America keeps its form; another becomes one that the United Kingdom keeps for
/// drama, since forms of other countries do not tell which of their numbers nobody has.
fn phone(value: &str, dice: &mut Dice) -> String {
    let digits: String = value.chars().filter(char::is_ascii_digit).collect();
    let is_american = digits.len() == 10 && !value.contains('+') || digits.len() == 11 && digits.starts_with('1');
    if !is_american {
        let made = format!("+44 7700 900{:03}", dice.below(1_000));
        let is_bare = value.bytes().all(|b| b.is_ascii_digit());
        return if is_bare { made.replace(['+', ' '], "") } else { made };
    }
    let made = format!("{}55501{:02}", AREAS[dice.below(AREAS.len())], dice.below(100));
    let made = if digits.len() == 11 { format!("1{made}") } else { made };
    let mut made = made.chars();
    value.chars().map(|c| if c.is_ascii_digit() { made.next().unwrap_or(c) } else { c }).collect()
}

/// A number of an area that is never issued, and of a group that no taxpayer number of that area has.
fn social_security(value: &str, dice: &mut Dice) -> String {
    let made = format!("9{:02}{:02}{:04}", dice.below(100), 1 + dice.below(49), 1 + dice.below(9_999));
    let mut made = made.chars();
    value.chars().map(|c| if c.is_ascii_digit() { made.next().unwrap_or(c) } else { c }).collect()
}

/// An account number of the same country.
fn account(value: &str, dice: &mut Dice) -> String {
    let country = value.bytes().take_while(u8::is_ascii_alphabetic).count().min(2);
    format!("{}{}", &value[..country], shaped(&value[country..], dice))
}

/// Degrees as fine as others, of no more than a quarter turn. The last digit is no 0, so that they are as fine as a number,
/// too.
fn degrees(value: &str, dice: &mut Dice) -> String {
    let decimals = value.split_once('.').map_or(0, |(_, decimals)| decimals.len());
    let sign = if value.starts_with('-') { "-" } else { "" };
    let mut made = format!("{sign}{}.", 1 + dice.below(89));
    (1..decimals).for_each(|_| made.push(char::from(b'0' + dice.below(10) as u8)));
    made.push(char::from(b'1' + dice.below(9) as u8));
    made
}

/// Digits for digits and letters for letters, everything else as it is. A number that begins with no zero stays so.
fn shaped(value: &str, dice: &mut Dice) -> String {
    let letter = |first: u8, dice: &mut Dice| char::from(first + dice.below(26) as u8);
    let first = value.chars().next();
    let made = value.chars().enumerate().map(|(at, c)| match c {
        c if at == 0 && matches!(first, Some('1'..='9')) && c.is_numeric() => char::from(b'1' + dice.below(9) as u8),
        c if c.is_numeric() => char::from(b'0' + dice.below(10) as u8),
        c if c.is_uppercase() => letter(b'A', dice),
        c if c.is_alphabetic() => letter(b'a', dice),
        c => c,
    });
    made.collect()
}

/// Another date in the same form: its numbers are day, month or year by their length, its month's name stays.
fn date(value: &str, dice: &mut Dice) -> String {
    let mut out = String::with_capacity(value.len());
    let mut rest = value;
    while let Some(start) = rest.find(|c: char| c.is_ascii_digit()) {
        let len = rest[start..].find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len() - start);
        out.push_str(&rest[..start]);
        match len {
            1 => out.push_str(&(1 + dice.below(9)).to_string()),
            2 => out.push_str(&format!("{:02}", 1 + dice.below(12))),
            4 => out.push_str(&(1_930 + dice.below(70)).to_string()),
            _ => out.extend((0..len).map(|_| char::from(b'0' + dice.below(10) as u8))),
        }
        rest = &rest[start + len..];
    }
    out + rest
}

/// Numbers out of a hash.
struct Dice {
    state: [u8; 32],
    used: usize,
}

impl Dice {
    fn new(seed: &str, nonce: u8) -> Self {
        Self { state: Sha256::new().chain_update([nonce]).chain_update(seed).finalize().into(), used: 0 }
    }

    fn number(&mut self) -> u32 {
        if self.used + 4 > self.state.len() {
            self.state = Sha256::digest(self.state).into();
            self.used = 0;
        }
        let four = &self.state[self.used..self.used + 4];
        self.used += 4;
        four.iter().fold(0, |n, b| n << 8 | u32::from(*b))
    }

    fn below(&mut self, count: usize) -> usize {
        self.number() as usize % count
    }
}
