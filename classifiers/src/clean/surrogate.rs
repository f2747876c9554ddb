//! Made-up values in the place of real ones: of the same kind and shape, and the same for the same value and key.

use crate::Rule;
use sha2::{Digest, Sha256};

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
        "LOCATION" => PLACES[dice(0).below(PLACES.len())].to_owned(),
        // A domain that nobody can have (RFC 2606).
        "EMAIL_ADDRESS" => format!("person.{:08x}@example.com", dice(0).number()),
        "DATE_TIME" | "DATE_OF_BIRTH" => (0..TRIES)
            .map(|nonce| date(value, &mut dice(nonce)))
            .find(|made| made != value)
            .unwrap_or_else(|| "*".repeat(value.chars().count())),
        _ => (0..TRIES)
            .map(|nonce| shaped(value, &mut dice(nonce)))
            .find(|made| made != value && (rule.checks.is_empty() || !rule.accepts(made)))
            .unwrap_or_else(|| "*".repeat(value.chars().count())),
    }
}

/// Digits for digits and letters for letters, everything else as it is.
fn shaped(value: &str, dice: &mut Dice) -> String {
    let letter = |first: u8, dice: &mut Dice| char::from(first + dice.below(26) as u8);
    let made = value.chars().map(|c| match c {
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
