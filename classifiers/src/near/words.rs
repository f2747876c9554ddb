//! Words and shingles of values.
//!
//! A word is a run of letters and digits in lower case; white space and punctuation only separate. Letters of scripts
//! that are written without spaces are words of their own. A shingle is five words that follow each other in one line of
//! one value, so neither the order of records nor the format of a file matters. Where a line has fewer words there are
//! smaller ones: a short line of plain text, or of a value of several lines, is one shingle as a whole; short values of
//! one record are one shingle together, in any order, because a label or a name alone is found in every data set.
//! Numbers below a million, fractions and truth values are left out of the latter: readers of typed formats do not give
//! them.

use super::prf::fold;
use super::{Shingles, Sketch};
use crate::FingerprintKey;
use crate::columns::INTEGER_MIN;
use crate::values::{ValueBatch, ValueSpan};
use std::ops::Range;
use wide::u8x16;

/// Words of a shingle.
const GRAM: usize = 5;
/// Longest value that may be a number that is left out.
const NUMBER_BYTES_MAX: usize = 32;

/// Makes a sketch of batches of values.
pub(crate) struct Words {
    shingles: Shingles,
    word: [u64; 2],
    line: Line,
    /// Letters of a word that is not plain ASCII, in lower case.
    folded: Vec<u8>,
    /// Short values of the batch: record, and the shingle of the value.
    short: Vec<(u64, u64)>,
}

/// The line that is being read.
#[derive(Default)]
struct Line {
    /// Words so far.
    count: usize,
    /// Of the last one, two, ... words one number, in which their order counts. That of more words than there are is
    /// of no use.
    grams: [u64; GRAM],
    /// Lines of the value before this one, none of which was empty.
    before: usize,
}

impl Words {
    pub(crate) fn new(key: &FingerprintKey) -> Self {
        let shingles = Shingles::new(key);
        let word = shingles.secrets.word;
        Self { shingles, word, line: Line::default(), folded: Vec::new(), short: Vec::new() }
    }

    /// The sketch of what was added since the last call.
    pub(crate) fn take(&mut self) -> Sketch {
        self.shingles.take()
    }

    /// Adds the values of a batch. Of plain text, which comes in batches that overlap, only what begins in `accepted`.
    pub(crate) fn add(&mut self, batch: &ValueBatch, accepted: Range<usize>) {
        let buffer = batch.buffer();
        let end = accepted.end.min(buffer.len());
        let mut spans = batch.spans();
        let (mut start, mut in_word) = (0, false);
        self.line = Line::default();
        for base in (0..buffer.len()).step_by(64) {
            let block = Block::at(buffer, base);
            let before = block.words << 1 | u64::from(in_word);
            let mut starts = block.words & !before;
            let ends = !block.words & before;
            let mut marks = ends | block.breaks;
            while marks != 0 {
                let bit = marks & marks.wrapping_neg();
                let at = base + marks.trailing_zeros() as usize;
                marks &= marks - 1;
                if ends & bit != 0 {
                    if !in_word {
                        start = base + starts.trailing_zeros() as usize;
                        starts &= starts.wrapping_sub(1);
                    }
                    in_word = false;
                    if start >= end {
                        return self.end_of_batch();
                    }
                    self.word(buffer, start..at, start >= accepted.start);
                }
                if block.breaks & bit != 0 {
                    if at >= end {
                        return self.end_of_batch();
                    }
                    self.line_break(batch, &mut spans, at, at >= accepted.start);
                }
            }
            if starts != 0 {
                start = base + starts.trailing_zeros() as usize;
                in_word = true;
            }
        }
        if in_word && start < end {
            self.word(buffer, start..buffer.len(), start >= accepted.start);
        }
        // A value that the buffer ends with has no byte behind it.
        while let (Some(span), true) = (spans.first(), accepted.end >= buffer.len()) {
            self.line_break(batch, &mut spans, span.end, true);
        }
        self.end_of_batch();
    }

    fn end_of_batch(&mut self) {
        // Most batches have their records in order, and the others some columns of them, each in order.
        self.short.sort_by_key(|(row, _)| *row);
        for of_record in self.short.chunk_by(|a, b| a.0 == b.0) {
            let sum = of_record.iter().fold(0u64, |sum, (_, value)| sum.wrapping_add(*value));
            self.shingles.add(fold(sum ^ self.word[1], self.word[0]));
        }
        self.short.clear();
    }

    #[inline(always)]
    fn word(&mut self, buffer: &[u8], place: Range<usize>, counts: bool) {
        let bytes = place.len();
        match buffer.get(place.start..).and_then(|text| text.first_chunk::<16>()) {
            Some(text) if bytes <= 16 => {
                // The mask of the used bytes of each half, without a branch: words of all lengths come mixed.
                let behind = if bytes <= 8 { 0 } else { u64::MAX >> ((128 - 8 * bytes) & 63) };
                let used = [u64::MAX >> (64 - 8 * bytes.clamp(1, 8)), behind];
                let [low, high] = halves(text);
                let [low, high] = [low & used[0], high & used[1]];
                if (low | high) & HIGH == 0 {
                    let hash = self.mixed(self.word[0], [low | LOWER & used[0], high | LOWER & used[1]]);
                    return self.push(hash, counts);
                }
            }
            _ => {}
        }
        self.long_word(buffer.get(place).unwrap_or_default(), counts);
    }

    /// Adds sixteen bytes to the hash of what is before them.
    #[inline]
    fn mixed(&self, before: u64, [low, high]: [u64; 2]) -> u64 {
        fold(low ^ before, high ^ self.word[1])
    }

    /// The hash of a word in lower case, of any length; what is missing of its last sixteen bytes is zeros.
    fn hash(&self, word: &[u8]) -> u64 {
        let (sixteens, rest) = word.as_chunks::<16>();
        let mut last = [0; 16];
        last[..rest.len()].copy_from_slice(rest);
        let last = (!rest.is_empty()).then_some(&last);
        sixteens.iter().chain(last).fold(self.word[0], |hash, text| self.mixed(hash, halves(text)))
    }

    #[inline(never)]
    fn long_word(&mut self, word: &[u8], counts: bool) {
        if !word.is_ascii() {
            return self.other_word(word, counts);
        }
        self.folded.clear();
        self.folded.extend(word.iter().map(|b| b | 0x20));
        let hash = self.hash(&self.folded);
        self.push(hash, counts);
    }

    /// A run of letters with others than ASCII's among them, and perhaps punctuation.
    fn other_word(&mut self, run: &[u8], counts: bool) {
        let mut folded = std::mem::take(&mut self.folded);
        folded.clear();
        for c in run.utf8_chunks().flat_map(|chunk| chunk.valid().chars()) {
            let alone = stands_alone(c);
            let joins = !alone && (c.is_ascii_alphanumeric() || c.is_alphanumeric());
            if !joins && is_mark(c) {
                continue;
            }
            if joins {
                c.to_lowercase().for_each(|c| folded.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()));
                continue;
            }
            if !folded.is_empty() {
                self.push(self.hash(&folded), counts);
                folded.clear();
            }
            if alone {
                let mut letter = [0; 16];
                c.encode_utf8(&mut letter);
                self.push(self.mixed(self.word[0], halves(&letter)), counts);
            }
        }
        if !folded.is_empty() {
            self.push(self.hash(&folded), counts);
        }
        self.folded = folded;
    }

    #[inline(always)]
    fn push(&mut self, word: u64, counts: bool) {
        let line = &mut self.line;
        let [one, two, three, four, _] = line.grams;
        let longer = |gram: u64| gram.rotate_left(11).wrapping_add(word);
        line.grams = [word, longer(one), longer(two), longer(three), longer(four)];
        line.count += 1;
        if line.count >= GRAM && counts {
            let gram = line.grams[GRAM - 1];
            self.shingles.add(gram);
        }
    }

    /// A line ends here, and perhaps its value.
    fn line_break(&mut self, batch: &ValueBatch, spans: &mut &[ValueSpan], at: usize, counts: bool) {
        let Line { count, before, .. } = self.line;
        let ended = spans.first().filter(|span| span.end == at);
        self.line.count = 0;
        self.line.before = if ended.is_some() { 0 } else { before + usize::from(count > 0) };
        if ended.is_some() {
            *spans = &spans[1..];
        }
        if count == 0 || count >= GRAM || !counts {
            return;
        }
        // Of fewer words, so that no shingle of five is ever the same.
        let shingle = self.line.grams[count - 1].wrapping_add(count as u64);
        match ended {
            Some(span) if span.field.is_some() && before == 0 => {
                if !is_left_out(&batch.buffer()[span.start..span.end]) {
                    // Each is mixed before they are added up: the sum does not say which words were together.
                    self.short.push((span.row, fold(shingle ^ self.word[0], self.word[1])));
                }
            }
            _ => self.shingles.add(shingle),
        }
    }
}

#[inline]
fn halves(text: &[u8; 16]) -> [u64; 2] {
    let text = u128::from_le_bytes(*text);
    [text as u64, (text >> 64) as u64]
}

const HIGH: u64 = 0x8080_8080_8080_8080;
/// Makes letters lower case and leaves digits as they are.
const LOWER: u64 = 0x2020_2020_2020_2020;

/// Where words and breaks are in 64 bytes.
struct Block {
    /// Letters and digits, and all bytes of other characters than ASCII's.
    words: u64,
    /// Line breaks, and the zeros between values.
    breaks: u64,
}

impl Block {
    #[inline]
    fn at(buffer: &[u8], base: usize) -> Self {
        match buffer.get(base..).and_then(|rest| rest.first_chunk::<64>()) {
            Some(block) => Self::of(block),
            None => {
                let rest = buffer.get(base..).unwrap_or_default();
                // Behind the last byte a word ends and no line does.
                let mut block = [b' '; 64];
                block[..rest.len()].copy_from_slice(rest);
                Self::of(&block)
            }
        }
    }

    #[inline]
    fn of(block: &[u8; 64]) -> Self {
        let (mut words, mut breaks) = (0, 0);
        let (sixteens, _) = block.as_chunks::<16>();
        for (lane, bytes) in sixteens.iter().enumerate() {
            let x = u8x16::new(*bytes);
            let letter = (x | u8x16::splat(0x20)) - u8x16::splat(b'a');
            let letters = letter.min(u8x16::splat(25)).simd_eq(letter);
            let digit = x - u8x16::splat(b'0');
            let digits = digit.min(u8x16::splat(9)).simd_eq(digit);
            let high = x.max(u8x16::splat(0x80)).simd_eq(x);
            let is = |byte| x.simd_eq(u8x16::splat(byte));
            words |= bits(letters | digits | high, lane);
            breaks |= bits(is(b'\n') | is(b'\r') | is(0), lane);
        }
        Self { words, breaks }
    }
}

#[inline]
fn bits(mask: u8x16, lane: usize) -> u64 {
    u64::from(mask.to_bitmask() & 0xffff) << (lane * 16)
}

/// Combining accents: a letter with one and the same letter as one character differ in their bytes only.
fn is_mark(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36f}')
}

/// Letters of scripts that are written without spaces: Thai, Lao, Burmese, Khmer, kana and ideographs.
fn stands_alone(c: char) -> bool {
    match c {
        '\0'..='\u{dff}' => false,
        '\u{4e00}'..='\u{9fff}' => true,
        '\u{e00}'..='\u{eff}'
        | '\u{1000}'..='\u{109f}'
        | '\u{1780}'..='\u{17ff}'
        | '\u{3005}'..='\u{30ff}'
        | '\u{3400}'..='\u{4dbf}'
        | '\u{f900}'..='\u{faff}'
        | '\u{20000}'..='\u{3ffff}' => c.is_alphanumeric(),
        _ => false,
    }
}

/// Whether a value is what only readers of untyped formats give: a number below a million, a fraction, a truth value.
fn is_left_out(value: &[u8]) -> bool {
    let value = value.trim_ascii();
    if [&b"true"[..], b"false", b"null"].iter().any(|word| value.eq_ignore_ascii_case(word)) {
        return true;
    }
    let numeric = |b: &u8| b.is_ascii_digit() || b"+-.eE".contains(b);
    if value.len() > NUMBER_BYTES_MAX || !value.iter().all(numeric) {
        return false;
    }
    let Ok(text) = std::str::from_utf8(value) else { return false };
    match text.parse::<i128>() {
        Ok(number) => number.unsigned_abs() < u128::from(INTEGER_MIN),
        Err(_) => text.parse::<f64>().is_ok(),
    }
}
