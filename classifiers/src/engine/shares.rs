//! How often pieces of text stand in text, and which pieces of a literal are the rarest.
//!
//! The first pass looks for two pieces of each literal, and costs as much as these stand in text for other reasons. They
//! are chosen once: for built-in rules when the program is built (`build.rs` uses this file), for users' rules when they
//! are read. What is known here decides only speed, never what is found.

use super::codes::{CLASS_BITS, CODES, CodeSet, HIGH, code};
use super::need::{Around, members};
use std::sync::OnceLock;

/// Codes of a gram; the class of one more belongs to it.
pub const GRAM: usize = 4;
/// Expected share of positions that one more entry makes the bitmap name for nothing, times what that costs.
const ENTRY_COST: f32 = 4e-6;

/// How often a code follows another in a mix of prose, logs and source text, as binary logarithm of the share of all
/// pairs plus 20, in base 36; `0` is never, or nearly. Rows are the first code. Made by counting; it decides only speed.
const PAIRS: [&[u8; CODES]; CODES] = [
    b"gce7d6dcdccdbbda9ccccc8cdeb9c7a6",
    b"edb6e0a8a99978955a898989a9869656",
    b"fce7c0a8a99968966aaa8a6aba888755",
    b"68759098889967977898895899967215",
    b"dec9g088778832302246140135600900",
    b"b7cb7e77777777777777777777777777",
    b"b897724abb68b6b5acbd3a2ccdaa9895",
    b"8784809566b710a64b54a119a6a310a0",
    b"a99870b985b80b90ba58c65a8b985771",
    b"dab981a759c974b42867a50995968380",
    b"ebca82c9ccb996a47bbd899ddc9a9b93",
    b"c99790a446a983b02879c32a98903160",
    b"b998408345b379a02759930a76801051",
    b"b8a870c439d503b00455b60969805370",
    b"a7856199bbaaa1427baec84acc6a292a",
    b"32312050008003208000800040a00001",
    b"a999809734c444901568421384444040",
    b"c9a850b56aca52c09c65c736999851a0",
    b"aa9950b987c521a01787aa2687a24490",
    b"dab872b5bccac6b5888ac746bc998883",
    b"c9986098bb7b9695aacdaa1dabc9b672",
    b"989750b269c537903b53ba0b8aa32060",
    b"44843000302000000530004420a00000",
    b"cbc962b79ad898b0a8aac85bbba966a0",
    b"dbb972a6a8d65bb09978ab67cdb483a9",
    b"dbca72c598d63dd01876c90baaa388a3",
    b"9684809998a885a04bac8a0cbc120453",
    b"776550a021c110a00420800372108140",
    b"979730b235a40ab00619b00985005010",
    b"88979074847423700386390049300430",
    b"c9a85156539322700569a80697205013",
    b"9353206000a001500100600010400244",
];

/// The commonest grams of the same mix: lines of a negative binary logarithm of the share, a blank, and the grams one behind
/// the other, each code as a character of its own.
const COMMON: &str = include_str!("common_grams.txt");

/// Upper bound of the share of a gram that is not in [`COMMON`].
const RARE: f32 = 1.0 / 65_536.0;

/// The codes around and of a literal, one set a place, from the byte before it on.
pub fn sets_of(text: &[u8], around: &Around) -> Vec<CodeSet> {
    let mut sets = vec![around.before];
    sets.extend(text.iter().map(|b| 1 << code(*b)));
    sets.extend(around.behind);
    sets.push(CodeSet::MAX);
    sets
}

/// Where the two cheapest pieces of a literal begin in [`sets_of`] it, one at an even place and one at an odd.
pub fn pieces_of(text: &[u8], around: &Around) -> [u8; 2] {
    static SHARES: OnceLock<Shares> = OnceLock::new();
    let shares = SHARES.get_or_init(Shares::new);
    let offers: Vec<f32> = sets_of(text, around).windows(GRAM + 1).map(|window| shares.cost(window)).collect();
    [0, 1].map(|parity| {
        let places = (parity..offers.len().min(usize::from(u8::MAX))).step_by(2);
        places.min_by(|a, b| offers[*a].total_cmp(&offers[*b])).unwrap_or(parity) as u8
    })
}

/// The classes of a set, each with the codes of the set that are in it.
pub fn classes(set: CodeSet) -> Vec<(u32, CodeSet)> {
    let codes = |class: u32| set & ((1 << (1 << CLASS_BITS)) - 1) << (class << CLASS_BITS);
    (0..CODES as u32 >> CLASS_BITS).map(|class| (class, codes(class))).filter(|(_, codes)| *codes != 0).collect()
}

/// Calls `with` for each gram of four sets, with no class.
pub fn each_gram(sets: &[CodeSet], mut with: impl FnMut(u32)) {
    let [a, b, c, d] = [0, 1, 2, 3].map(|i| sets.get(i).copied().unwrap_or(0));
    for first in members(a) {
        for second in members(b) {
            for third in members(c) {
                for fourth in members(d) {
                    let gram = [first, second, third, fourth].iter().rev().fold(0, |g, c| g << 5 | u32::from(*c));
                    with(gram);
                }
            }
        }
    }
}

/// How often pieces stand in text: of the common ones it is known, of others it is guessed from pairs.
pub struct Shares {
    single: [f32; CODES],
    given: [[f32; CODES]; CODES],
    /// Negative binary logarithm of the share of each common gram; 0 where it is not common.
    common: Box<[u8]>,
}

/// Grams that are tried one by one for their share; of more, only pairs are looked at.
const EACH_MAX: u32 = 64;

impl Shares {
    fn new() -> Self {
        let common = vec![0; 1 << (5 * GRAM)].into_boxed_slice();
        let mut out = Self { single: [0.0; CODES], given: [[0.0; CODES]; CODES], common };
        for (first, row) in PAIRS.iter().enumerate() {
            for (second, digit) in row.iter().enumerate() {
                let log = char::from(*digit).to_digit(36).unwrap_or_default() as i32 - 20;
                out.given[first][second] = (log as f32).exp2();
            }
            out.single[first] = out.given[first].iter().sum();
            let whole = out.single[first];
            out.given[first].iter_mut().for_each(|share| *share /= whole);
        }
        for line in COMMON.lines() {
            let Some((level, grams)) = line.split_once(' ') else { continue };
            let Ok(level) = level.parse::<u8>() else { continue };
            for gram in grams.as_bytes().chunks_exact(GRAM) {
                let key = gram.iter().rev().fold(0usize, |key, b| key << 5 | usize::from(shown_code(*b)));
                out.common[key] = level;
            }
        }
        out
    }

    /// What a piece costs: how often it stands in text, and the room it takes.
    fn cost(&self, sets: &[CodeSet]) -> f32 {
        let (four, fifth) = sets.split_at(GRAM);
        let classes = classes(fifth.first().copied().unwrap_or(CodeSet::MAX));
        let count: u32 = four.iter().map(|set| set.count_ones()).fold(1, u32::saturating_mul);
        let mut share = 0.0;
        if count > EACH_MAX {
            share = self.guess(four);
        } else {
            each_gram(four, |gram| {
                // All codes of a class are let through.
                let goes_on: f32 = classes.iter().map(|(class, _)| self.class_given(gram >> 15, *class)).sum();
                share += self.of(gram) * goes_on;
            });
        }
        share + count as f32 * classes.len() as f32 * ENTRY_COST
    }

    fn class_given(&self, code: u32, class: u32) -> f32 {
        let first = (class << CLASS_BITS) as usize;
        self.given[code as usize & 31][first..first + (1 << CLASS_BITS)].iter().sum()
    }

    fn of(&self, gram: u32) -> f32 {
        match self.common[gram as usize] {
            0 => {
                let codes = [0, 5, 10, 15].map(|shift| (gram >> shift & 31) as usize);
                let guess =
                    codes.windows(2).fold(self.single[codes[0]], |share, pair| share * self.given[pair[0]][pair[1]]);
                // What is not among the common ones is rarer than they.
                guess.min(RARE)
            }
            level => (-f32::from(level)).exp2(),
        }
    }

    fn guess(&self, sets: &[CodeSet]) -> f32 {
        let mut share = [0.0f32; CODES];
        members(sets[0]).for_each(|c| share[c as usize] = self.single[c as usize]);
        for pair in sets.windows(2) {
            let mut next = [0.0f32; CODES];
            for to in members(pair[1]) {
                let from = |c: u8| share[c as usize] * self.given[c as usize][to as usize];
                next[to as usize] = members(pair[0]).map(from).sum();
            }
            share = next;
        }
        share.iter().sum()
    }
}

/// The code of a character of `common_grams.txt`, where `=` is any sign and `~` any byte outside ASCII.
fn shown_code(shown: u8) -> u8 {
    if shown == b'~' { HIGH } else { code(shown) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANY: CodeSet = CodeSet::MAX;

    #[test]
    fn common_pieces_cost_more_than_rare_ones() {
        let shares = Shares::new();
        let total: f32 = shares.single.iter().sum();
        assert!((0.5..2.0).contains(&total), "{total}");
        let common = shares.common.iter().filter(|level| **level > 0).count();
        assert!(common > 5_000, "{common}");
        let set = |s: &str| s.bytes().map(|b| 1 << code(b)).collect::<Vec<CodeSet>>();
        assert!(shares.cost(&set(" the ")) > 10.0 * shares.cost(&set("sswor")));
        let mut any_before = set("xhf_q");
        any_before[0] = ANY;
        assert!(shares.cost(&any_before) > shares.cost(&set("hf_qq")));
    }
}
