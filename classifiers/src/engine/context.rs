//! Words near a value: which rules' context words stand in the text around a place.
//!
//! Text is looked at block by block, and only around values that need it; what was found in a block is kept while the
//! scan is near it. In text full of numbers each byte is looked at once, however many numbers share a context. What a
//! word is worth is the rule's affair.

use super::grams::{Grams, LOOKAHEAD, Wanted};
use super::marks::block_codes;
use super::need::ALONE_BYTES_MAX;
use crate::rule_set::RuleSet;

/// Bytes of a block.
const BLOCK: usize = 64;
/// Blocks that are remembered.
const BLOCKS: usize = 1 << 11;

/// The context words of all rules.
#[derive(Debug)]
pub(super) struct ContextWords {
    grams: Grams,
    /// By word: a rule on numbers needs one like it.
    of_numbers: Vec<bool>,
    number_before_bytes: usize,
}

impl ContextWords {
    pub(super) fn new(rules: &RuleSet) -> Self {
        let words = rules.iter().flat_map(|(rule, spec)| {
            let words = spec.near.iter().flat_map(|near| &near.words);
            words.zip(&spec.need.near).map(move |(text, around)| Wanted { text, caseless: true, rule, around: *around })
        });
        let grams = Grams::new(words);
        let is_of_numbers = |rule: u16| rules.get(rule).trigger == super::DIGITS && rules.get(rule).needs_context();
        let of_numbers = grams.all().map(|word| word.rules.iter().any(|w| is_of_numbers(w.rule))).collect();
        let nears = rules.iter().filter(|(rule, _)| is_of_numbers(*rule)).filter_map(|(_, spec)| spec.near.as_ref());
        let number_before_bytes = nears.map(|near| near.before_bytes).max().unwrap_or(0);
        Self { grams, of_numbers, number_before_bytes }
    }

    /// How far before a number a word may stand that some rule needs, in bytes.
    pub(super) fn number_before_bytes(&self) -> usize {
        self.number_before_bytes
    }
}

/// Words that were found in one thread's text.
#[derive(Debug)]
pub(super) struct Context<'e> {
    words: &'e ContextWords,
    /// For each remembered block: its number plus one, and where its words are in `found`.
    blocks: Vec<(usize, u32, u32)>,
    /// `(literal, start)`.
    found: Vec<(u16, usize)>,
    codes: Vec<u8>,
}

impl<'e> Context<'e> {
    pub(super) fn new(words: &'e ContextWords) -> Self {
        Self { words, blocks: vec![(0, 0, 0); BLOCKS], found: Vec::new(), codes: vec![0; BLOCK + LOOKAHEAD] }
    }

    /// Forgets everything, for another text.
    pub(super) fn restart(&mut self) {
        if !self.found.is_empty() || self.blocks.iter().any(|b| b.0 != 0) {
            self.blocks.fill((0, 0, 0));
            self.found.clear();
        }
    }

    /// Whether one of the rule's words stands in `text[low..high]` whole.
    pub(super) fn has(&mut self, rule: u16, text: &[u8], low: usize, high: usize) -> bool {
        if low >= high {
            return false;
        }
        // A word's piece lies in it, or begins one byte before it.
        let (first, last) = (low.saturating_sub(1) / BLOCK, high / BLOCK);
        (first..=last).any(|block| {
            let (from, to) = self.block(text, block);
            self.found[from..to].iter().any(|&(id, start)| {
                let word = self.words.grams.get(id);
                let end = start + word.len();
                low <= start
                    && end <= high
                    && word.is_wanted_by(rule)
                    && (word.len() > ALONE_BYTES_MAX || stands_alone(text, start, end))
            })
        })
    }

    /// Whether a word stands about `text[low..high]` that any rule on numbers needs. Says yes too often, never too rarely.
    pub(super) fn has_for_number(&mut self, text: &[u8], low: usize, high: usize) -> bool {
        let (first, last) = (low.saturating_sub(1) / BLOCK, high / BLOCK);
        (first..=last).any(|block| {
            let (from, to) = self.block(text, block);
            self.found[from..to]
                .iter()
                .any(|(id, start)| self.words.of_numbers[*id as usize] && (low..high).contains(start))
        })
    }

    /// Where the words of a block are in `found`.
    fn block(&mut self, text: &[u8], block: usize) -> (usize, usize) {
        let (known, from, to) = self.blocks[block % BLOCKS];
        if known == block + 1 {
            return (from as usize, to as usize);
        }
        if self.found.len() > 1 << 20 {
            self.restart();
        }
        let start = self.found.len();
        let base = block * BLOCK;
        if base < text.len() {
            let leads = block_codes(text, base, &mut self.codes);
            let found = &mut self.found;
            self.words.grams.scan(text, base, &self.codes, &[leads], |id, at| found.push((id, at)));
        }
        self.blocks[block % BLOCKS] = (block + 1, start as u32, self.found.len() as u32);
        (start, self.found.len())
    }
}

fn stands_alone(text: &[u8], start: usize, end: usize) -> bool {
    let letter = |b: Option<&u8>| b.is_some_and(u8::is_ascii_alphabetic);
    !letter(start.checked_sub(1).and_then(|i| text.get(i))) && !letter(text.get(end))
}

/// Whether a word stands in a text, short ones alone.
pub(super) fn has_word(text: &str, word: &str) -> bool {
    text.match_indices(word)
        .any(|(at, _)| word.len() > ALONE_BYTES_MAX || stands_alone(text.as_bytes(), at, at + word.len()))
}
