//! Literals in one pass: where the prefixes and label words of all rules stand.
//!
//! Every second position of the text is looked up in a bitmap that stays in the first-level cache: four codes (see
//! [`super::codes`]) and the class of a fifth, 23 bits in all. Each literal stands in the bitmap with two pieces, one for either parity of its position, and
//! of all its pieces those are taken that are rarest in ordinary text; what a rule's expression demands before and behind
//! a literal makes the pieces of short ones longer. A position that the bitmap names is looked up exactly, and the
//! literal's bytes are compared. The pass costs about the same for a hundred literals and for five thousand, and its
//! tables are built in about a millisecond. What stands at a literal is the rules' affair.

use super::codes::{CLASS_BITS, code};
use super::need::{AHEAD, Around, TOKEN_BEHIND};
use super::shares::{self, GRAM};
use std::collections::BTreeMap;

/// Bits of a word's place in the bitmap that is looked up everywhere: 32 KiB in all, the size of a first-level cache.
const WORD_BITS: u32 = 13;
/// Bits of a position in the bitmap of pieces outside ASCII.
const HIGH_FILTER_BITS: u32 = 14;
/// Codes of the piece by which a short literal is known.
const SHORT_GRAM: usize = 3;
/// Bytes that must be readable behind a segment's codes.
pub(super) const LOOKAHEAD: usize = 4;
/// Literals of up to so many bytes are looked for at token-shaped runs only, where their rules' expressions demand one.
const SHORT_BYTES_MAX: usize = 8;

/// The bitmap.
type Filter = [u32; 1 << WORD_BITS];
/// The codes of a block and of what lies behind it.
type Block = [u8; 64 + LOOKAHEAD];

/// A literal to look for, for one rule.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted<'a> {
    /// Its text.
    pub(super) text: &'a str,
    /// ASCII case does not matter.
    pub(super) caseless: bool,
    /// The rule.
    pub(super) rule: u16,
    /// Codes that may stand around it.
    pub(super) around: Around,
}

/// A literal and the rules that are tried where it stands.
#[derive(Debug)]
pub(super) struct Literal {
    text: Box<[u8]>,
    caseless: bool,
    /// Rules that want it, in the order of their indices.
    pub(super) rules: Vec<Wanting>,
}

impl Literal {
    fn new(text: Vec<u8>, caseless: bool, rules: Vec<Wanting>) -> Self {
        debug_assert!(rules.is_sorted_by_key(|wanting| wanting.rule));
        Self { text: text.into(), caseless, rules }
    }

    /// Bytes of the literal.
    pub(super) fn len(&self) -> usize {
        self.text.len()
    }

    /// Whether a rule wants it. Some words are wanted by hundreds.
    pub(super) fn is_wanted_by(&self, rule: u16) -> bool {
        self.rules.binary_search_by_key(&rule, |wanting| wanting.rule).is_ok()
    }

    #[inline]
    fn stands_at(&self, text: &[u8], start: usize) -> bool {
        text.get(start..start + self.text.len()).is_some_and(|there| match self.caseless {
            true => there.eq_ignore_ascii_case(&self.text),
            false => *there == *self.text,
        })
    }
}

/// A rule that wants a literal.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanting {
    /// The rule.
    pub(super) rule: u16,
    /// Codes that may stand around the literal.
    pub(super) around: Around,
}

/// A piece of a literal: which one, how many bytes before the piece it begins (minus one: a byte behind), and the bytes
/// around the piece as far as the literal has them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Entry {
    near: Near,
    literal: u16,
    back: i16,
}

/// Bytes of text that tell a piece's literal from most others: so many of them before the piece, the rest from it on.
const NEAR_BEFORE: usize = 2;

/// What eight bytes must be: `text & mask == bytes`, where the mask leaves out the bit that tells the case of a letter and
/// the bytes outside the literal.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Near {
    bytes: u64,
    mask: u64,
}

impl Near {
    #[inline]
    fn is(self, eight: u64) -> bool {
        eight & self.mask == self.bytes
    }

    /// What both demand.
    fn and(self, other: Self) -> Self {
        let mask = self.mask & other.mask & !(self.bytes ^ other.bytes);
        Self { bytes: self.bytes & mask, mask }
    }

    /// The eight bytes of a text that are compared, where it has them.
    #[inline]
    fn of(text: &[u8], place: usize) -> Option<u64> {
        let from = place.checked_sub(NEAR_BEFORE)?;
        text.get(from..)?.first_chunk().map(|eight| u64::from_le_bytes(*eight))
    }
}

impl Entry {
    /// The piece of `text` that begins at `at`, which may be -1 and may reach beyond the end.
    fn new(literal: u16, text: &[u8], caseless: bool, at: isize) -> Self {
        let (mut bytes, mut mask) = ([0; 8], [0; 8]);
        for i in 0..8 {
            let byte = usize::try_from(at - NEAR_BEFORE as isize + i as isize).ok().and_then(|at| text.get(at));
            if let Some(byte) = byte {
                mask[i] = if caseless && byte.is_ascii_alphabetic() { !0x20 } else { 0xff };
                bytes[i] = *byte & mask[i];
            }
        }
        let near = Near { bytes: u64::from_le_bytes(bytes), mask: u64::from_le_bytes(mask) };
        Self { near, literal, back: at as i16 }
    }
}

/// A key of a table with its entries. One look at it refuses most places.
#[derive(Debug, Clone, Copy, Default)]
struct Slot {
    /// What all entries demand.
    near: Near,
    first: u32,
    count: u32,
}

/// Entries by key: open addressing, a power of two of slots.
#[derive(Debug, Default)]
struct Table {
    /// Of each slot a part of its key, never zero; zero is a free slot. Apart from the slots, because most keys that are
    /// looked up are in none, and this much stays in the cache.
    tags: Vec<u16>,
    slots: Vec<Slot>,
    entries: Vec<Entry>,
    shift: u32,
}

impl Table {
    fn new(pieces: &[(u32, Entry)]) -> Self {
        // Numbers are sorted in a quarter of the time that entries take, and every start of the program waits for it.
        let mut order: Vec<u64> =
            (0u32..).zip(pieces).map(|(at, (key, _))| u64::from(*key) << 32 | u64::from(at)).collect();
        order.sort_unstable();
        let key_of = |place: &u64| (*place >> 32) as u32;
        let entry_of = |place: &u64| pieces[*place as u32 as usize].1;
        let keys = order.chunk_by(|a, b| key_of(a) == key_of(b)).count();
        let bits = (keys + keys / 2).max(2).next_power_of_two().trailing_zeros();
        let size = 1 << bits;
        let mut table =
            Self { tags: vec![0; size], slots: vec![Slot::default(); size], entries: Vec::new(), shift: 32 - bits };
        table.entries.reserve_exact(pieces.len());
        for group in order.chunk_by(|a, b| key_of(a) == key_of(b)) {
            let (mut at, tag) = table.place(key_of(&group[0]));
            while table.tags[at] != 0 {
                at = (at + 1) & (size - 1);
            }
            let first = table.entries.len();
            for entry in group.iter().map(entry_of) {
                // A literal that repeats itself has the same piece twice.
                if table.entries[first..].last() != Some(&entry) {
                    table.entries.push(entry);
                }
            }
            let here = &table.entries[first..];
            let near = here.iter().map(|entry| entry.near).reduce(Near::and).unwrap_or_default();
            table.tags[at] = tag;
            table.slots[at] = Slot { near, first: first as u32, count: here.len() as u32 };
        }
        table
    }

    #[inline]
    fn place(&self, key: u32) -> (usize, u16) {
        let place = key.wrapping_mul(0x9e37_79b1) >> self.shift;
        (place as usize, (key.wrapping_mul(0x85eb_ca6b) >> 16) as u16 | 1)
    }

    /// Calls `with` for each entry of a key, and for a few of others, that fits the eight bytes.
    #[inline]
    fn each(&self, key: u32, eight: Option<u64>, mut with: impl FnMut(&Entry)) {
        let (mut at, wanted) = self.place(key);
        // Near the ends of a text there are no eight bytes, and the literals are compared themselves.
        let fits = |near: Near| eight.is_none_or(|eight| near.is(eight));
        loop {
            let tag = self.tags[at];
            if tag == 0 {
                return;
            }
            if tag == wanted {
                let slot = &self.slots[at];
                if fits(slot.near) {
                    let entries = &self.entries[slot.first as usize..(slot.first + slot.count) as usize];
                    entries.iter().filter(|entry| fits(entry.near)).for_each(&mut with);
                }
            }
            at = (at + 1) & (self.tags.len() - 1);
        }
    }
}

/// The literals of a rule set, ready to be looked for.
#[derive(Debug)]
pub(super) struct Grams {
    literals: Vec<Literal>,
    filter: Box<Filter>,
    /// The same grams in another order: most of what the bitmap names by chance is not in both.
    second: Box<Filter>,
    table: Table,
    high_filter: Box<[u32; 1 << (HIGH_FILTER_BITS - 5)]>,
    high_table: Table,
    has_high: bool,
    /// Literals that stand before token-shaped runs: a bit for each three codes, and by those codes.
    short_filter: Box<[u32; 1 << (5 * SHORT_GRAM - 5)]>,
    short_table: Table,
    len_max: usize,
}

impl Grams {
    /// Makes the tables. Equal literals of several rules are one; a literal that its rule's expression cannot begin with
    /// is left out.
    pub(super) fn new<'a>(wanted: impl Iterator<Item = Wanted<'a>>) -> Self {
        let mut by_text: BTreeMap<(Vec<u8>, bool), Vec<Wanting>> = BTreeMap::new();
        for w in wanted.filter(|w| w.around.behind[0] != 0) {
            let text = if w.caseless { w.text.to_ascii_lowercase() } else { w.text.to_owned() };
            let wanting = Wanting { rule: w.rule, around: w.around };
            by_text.entry((text.into_bytes(), w.caseless)).or_default().push(wanting);
        }
        let (mut pieces, mut high_pieces, mut short_pieces) = (Vec::new(), Vec::new(), Vec::new());
        let mut literals = Vec::new();
        for (id, ((text, caseless), rules)) in (0u16..).zip(by_text) {
            let is_short = (SHORT_GRAM..=SHORT_BYTES_MAX).contains(&text.len())
                && rules.iter().all(|wanting| wanting.around.token_bytes >= TOKEN_BEHIND);
            match high_key_of(&text) {
                None if is_short => short_pieces.push((short_key(&text), Entry::new(id, &text, caseless, 0))),
                Some((at, key)) => high_pieces.push((key, Entry::new(id, &text, caseless, at as isize))),
                None => add_pieces(id, &text, caseless, &joined(&rules), &mut pieces),
            }
            literals.push(Literal::new(text, caseless, rules));
        }
        let mut filter = Box::new([0; 1 << WORD_BITS]);
        pieces.iter().for_each(|(gram, _)| set_bit(filter.as_mut_slice(), place_of(*gram)));
        let mut second = Box::new([0; 1 << WORD_BITS]);
        pieces.iter().for_each(|(gram, _)| set_bit(second.as_mut_slice(), second_place(*gram)));
        let mut high_filter = Box::new([0; 1 << (HIGH_FILTER_BITS - 5)]);
        high_pieces.iter().for_each(|(key, _)| set_bit(high_filter.as_mut_slice(), fold_high(*key)));
        let mut short_filter = Box::new([0; 1 << (5 * SHORT_GRAM - 5)]);
        short_pieces.iter().for_each(|(key, _)| set_bit(short_filter.as_mut_slice(), *key));
        let has_high = !high_pieces.is_empty();
        let len_max = literals.iter().map(Literal::len).max().unwrap_or(0);
        Self {
            literals,
            filter,
            second,
            table: Table::new(&pieces),
            high_filter,
            high_table: Table::new(&high_pieces),
            has_high,
            short_filter,
            short_table: Table::new(&short_pieces),
            len_max,
        }
    }

    /// The literal with an id that a scan reported.
    pub(super) fn get(&self, id: u16) -> &Literal {
        &self.literals[id as usize]
    }

    /// All literals, in the order of their ids.
    pub(super) fn all(&self) -> impl Iterator<Item = &Literal> {
        self.literals.iter()
    }

    /// How many distinct literals there are.
    pub(super) fn len(&self) -> usize {
        self.literals.len()
    }

    /// Bytes of the longest literal.
    pub(super) fn len_max(&self) -> usize {
        self.len_max
    }

    /// Calls `found(literal, start)` for each occurrence that has its piece in the segment that begins at `from` of the
    /// text, an even place; a literal may be told twice. `codes` are those of the segment, a multiple of 64, and of [`LOOKAHEAD`] bytes behind it;
    /// `leads` has a bit for each byte that begins a character outside ASCII. The order is nearly that of the starts.
    pub(super) fn scan(
        &self,
        text: &[u8],
        from: usize,
        codes: &[u8],
        leads: &[u64],
        mut found: impl FnMut(u16, usize),
    ) {
        let blocks = (codes.len() - LOOKAHEAD) / 64;
        let mut named = [(0, 0); 32];
        for (block, leads) in leads.iter().copied().enumerate().take(blocks) {
            let base = block * 64;
            let Some(here) = codes[base..].first_chunk() else { return };
            let mut hits = self.look_up(here);
            // Which of these the second bitmap names too is as good as random, so that it is counted without a branch.
            let mut count = 0;
            while hits != 0 {
                let i = hits.trailing_zeros() as usize;
                hits &= hits - 1;
                let gram = gram_of(here, 2 * i);
                named[count & 31] = (gram, from + base + 2 * i);
                count += bit(self.second.as_slice(), second_place(gram)) as usize;
            }
            for (gram, place) in &named[..count.min(32)] {
                self.verify(&self.table, *gram, text, *place, &mut found);
            }
            if self.has_high && leads != 0 {
                self.scan_high(text, from + base, leads, &mut found);
            }
        }
    }

    /// A bit for each of the 32 even places of a block at which the bitmap names the gram.
    #[inline]
    fn look_up(&self, codes: &Block) -> u32 {
        let mut pairs = [0u16; 34];
        for (pair, two) in pairs.iter_mut().zip(codes.chunks_exact(2)) {
            *pair = u16::from(two[0]) | u16::from(two[1]) << 5;
        }
        let (mut words, mut bits) = ([0u16; 32], [0u16; 32]);
        for i in 0..32 {
            (words[i], bits[i]) = fold(pairs[i], pairs[i + 1], (pairs[i + 2] & 0x1f) >> CLASS_BITS);
        }
        let filter = &*self.filter;
        let mut hits = 0;
        for i in 0..32 {
            // The mask tells the compiler what `fold` sees to anyway.
            let word = filter[usize::from(words[i]) & (filter.len() - 1)];
            hits |= (word >> (bits[i] & 31) & 1) << i;
        }
        hits
    }

    /// Compares the literals of a piece. An entry of another piece does no harm: a literal that stands there is there, and
    /// is at most told twice.
    #[inline]
    fn verify(&self, table: &Table, key: u32, text: &[u8], place: usize, found: &mut impl FnMut(u16, usize)) {
        table.each(key, Near::of(text, place), |entry| {
            let Some(start) = place.checked_add_signed(-isize::from(entry.back)) else { return };
            if self.literals[entry.literal as usize].stands_at(text, start) {
                found(entry.literal, start);
            }
        });
    }

    /// Calls `found(literal, start)` for each literal that stands before a token-shaped run: it ends in the run, or right
    /// where it begins, with at least [`TOKEN_BEHIND`] bytes of the run behind it.
    pub(super) fn scan_token(&self, text: &[u8], start: usize, len: usize, mut found: impl FnMut(u16, usize)) {
        let last = (start + len).saturating_sub(TOKEN_BEHIND as usize + SHORT_GRAM);
        for place in start.saturating_sub(SHORT_BYTES_MAX)..=last {
            let Some(three) = text.get(place..place + SHORT_GRAM) else { return };
            let key = short_key(three);
            if bit(self.short_filter.as_slice(), key) != 0 {
                self.verify(&self.short_table, key, text, place, &mut found);
            }
        }
    }

    fn scan_high(&self, text: &[u8], base: usize, mut leads: u64, found: &mut impl FnMut(u16, usize)) {
        while leads != 0 {
            let place = base + leads.trailing_zeros() as usize;
            leads &= leads - 1;
            let Some(three) = text.get(place..place + 3) else { return };
            let key = high_key(three);
            if bit(self.high_filter.as_slice(), fold_high(key)) != 0 {
                self.verify(&self.high_table, key, text, place, found);
            }
        }
    }
}

fn bit(filter: &[u32], place: u32) -> u32 {
    filter.get((place >> 5) as usize).map_or(0, |word| word >> (place & 31) & 1)
}

fn set_bit(filter: &mut [u32], place: u32) {
    if let Some(word) = filter.get_mut((place >> 5) as usize) {
        *word |= 1 << (place & 31);
    }
}

/// The gram at a place of a block.
#[inline]
fn gram_of(codes: &Block, at: usize) -> u32 {
    let code = |i: usize| u32::from(codes[(at + i).min(codes.len() - 1)]);
    code(0) | code(1) << 5 | code(2) << 10 | code(3) << 15 | code(4) >> CLASS_BITS << 20
}

/// The place of a gram in the second bitmap, in bits.
#[inline]
const fn second_place(gram: u32) -> u32 {
    gram.wrapping_mul(0xc2b2_ae35) >> (32 - WORD_BITS - 5)
}

/// The place of a gram in the bitmap, word and bit: of two pairs of codes and a class. Sixteen bits wide, so that eight
/// are made at a time.
#[inline]
const fn fold(first: u16, second: u16, class: u16) -> (u16, u16) {
    let mixed = first.wrapping_mul(0x9e35) ^ second.wrapping_mul(0x6a4d) ^ class.wrapping_mul(0x3b39);
    (mixed >> (16 - WORD_BITS), (mixed ^ first ^ second >> 2 ^ class << 2) & 31)
}

/// The place of a gram in the bitmap, in bits.
const fn place_of(gram: u32) -> u32 {
    let (word, bit) = fold((gram & 0x3ff) as u16, (gram >> 10 & 0x3ff) as u16, (gram >> 20) as u16);
    (word as u32) << 5 | bit as u32
}

const fn fold_high(key: u32) -> u32 {
    key.wrapping_mul(0x9e37_79b1) >> (32 - HIGH_FILTER_BITS)
}

/// Three bytes from the beginning of a character outside ASCII, case of letters aside.
fn high_key(three: &[u8]) -> u32 {
    three.iter().fold(0, |key, b| key << 8 | u32::from(if b.is_ascii() { b | 0x20 } else { *b }))
}

/// The codes of the first three bytes.
fn short_key(text: &[u8]) -> u32 {
    text.iter().take(SHORT_GRAM).rev().fold(0, |key, b| key << 5 | u32::from(code(*b)))
}

fn high_key_of(text: &[u8]) -> Option<(usize, u32)> {
    let at = text.iter().position(|b| *b >= 0xc0)?;
    Some((at, high_key(text.get(at..at + 3)?)))
}

/// The codes around a literal, of all rules that want it.
fn joined(rules: &[Wanting]) -> Around {
    // Any two pieces would do; those of the first rule are as good as the others'.
    let pieces = rules.first().map_or([0; 2], |first| first.around.pieces);
    let mut out = Around { before: 0, behind: [0; 2], ahead: [u32::MAX; AHEAD], token_bytes: 0, pieces };
    for Wanting { around, .. } in rules {
        out.before |= around.before;
        out.behind[0] |= around.behind[0];
        out.behind[1] |= around.behind[1];
    }
    out
}

/// Adds the pieces of a literal, one for either parity.
fn add_pieces(id: u16, text: &[u8], caseless: bool, around: &Around, pieces: &mut Vec<(u32, Entry)>) {
    let sets = shares::sets_of(text, around);
    for at in around.pieces.map(usize::from) {
        let Some(window) = sets.get(at..=at + GRAM) else { continue };
        let entry = Entry::new(id, text, caseless, at as isize - 1);
        let classes = shares::classes(window[GRAM]);
        shares::each_gram(window, |gram| {
            pieces.extend(classes.iter().map(|(class, _)| (gram | class << 20, entry)));
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::marks::Marks;

    const ANY: u32 = u32::MAX;

    fn wanted(text: &str, caseless: bool, rule: u16) -> Wanted<'_> {
        Wanted { text, caseless, rule, around: Around::of(ANY, [ANY; 2], text) }
    }

    /// All occurrences, by the pass and by the definition.
    fn both(grams: &Grams, text: &[u8]) -> [Vec<(usize, u16)>; 2] {
        let mut marks = Marks::default();
        let mut fast = Vec::new();
        let mut from = 0;
        while from < text.len() {
            let to = text.len().min(from + 128);
            marks.segment(text, from, to);
            grams.scan(text, from, &marks.codes, &marks.leads, |id, start| fast.push((start, id)));
            from = to;
        }
        fast.sort_unstable();
        fast.dedup();
        let ids = 0..grams.len() as u16;
        let mut slow: Vec<(usize, u16)> = (0..text.len())
            .flat_map(|at| ids.clone().map(move |id| (at, id)))
            .filter(|(at, id)| grams.get(*id).stands_at(text, *at))
            .collect();
        slow.sort_unstable();
        [fast, slow]
    }

    #[test]
    fn finds_what_stands_there() {
        let literals = [
            ("ssn", true),
            ("hf_", false),
            ("AKIA", false),
            ("password", true),
            ("身份證", false),
            ("imię", true),
            ("età:", true),
            ("пароль", true),
            ("://", false),
        ];
        let grams = Grams::new(literals.iter().zip(0..).map(|((t, c), i)| wanted(t, *c, i)));
        assert_eq!(grams.len(), literals.len());
        let mut seed = 0x9e37_79b9_7f4a_7c15u64;
        let mut next = |n: usize| {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            (seed % n as u64) as usize
        };
        let mut hits = 0;
        for round in 0..2_000 {
            let mut text = Vec::new();
            while text.len() < 200 {
                match next(3) {
                    0 => text.extend_from_slice(literals[next(literals.len())].0.as_bytes()),
                    1 => text.extend_from_slice(literals[next(literals.len())].0.to_uppercase().as_bytes()),
                    _ => text.push(b" aK_:\xc3e0"[next(8)]),
                }
            }
            let [fast, slow] = both(&grams, &text);
            hits += slow.len();
            assert_eq!(fast, slow, "round {round}");
        }
        assert!(hits > 10_000, "{hits}");
    }

    #[test]
    fn what_stands_around_narrows_the_search_and_loses_nothing() {
        let tight =
            Wanted { around: Around::of(1 << code(b' '), [1 << code(b'='), ANY], "pwd"), ..wanted("pwd", true, 0) };
        let grams = Grams::new(
            [tight, Wanted { around: Around::of(ANY, [0; 2], "never"), ..wanted("never", false, 1) }].into_iter(),
        );
        assert_eq!(grams.len(), 1);
        for text in ["a pwd=x", " pwd=x", "aa PWD=", " pwd="] {
            assert_eq!(both(&grams, text.as_bytes())[0].len(), 1, "{text}");
        }
    }
}
