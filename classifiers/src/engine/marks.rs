//! The SIMD pass over a segment: codes of all bytes, and bit masks of where runs of digits, runs of token characters, `@`
//! and characters outside ASCII begin.
//!
//! One look at each 64-byte block gives its masks; all else is bit arithmetic on them. This module says where something
//! could be, never what it is: rules decide that in their windows.

use super::codes::{BEFORE_A, BLANK, CODES, DIGIT, HIGH, JOINER, SIGN, UNDERSCORE, code, is_letter};
use super::grams::LOOKAHEAD;
use wide::u8x16;

/// Shortest token-shaped run that is marked, in bytes: what stands behind a short literal.
pub(super) const TOKEN_RUN_MIN: usize = super::need::TOKEN_BEHIND as usize;
/// Shortest token-shaped run that is a candidate by itself, in bytes; it must hold a digit as well.
const TOKEN_BARE_MIN: usize = 20;

/// What a run is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunKind {
    /// ASCII digits, one or more.
    Digits,
    /// An `@`.
    At,
    /// Twenty or more of `[A-Za-z0-9_+/=-]`, with at least one digit.
    Token,
}

/// [`TOKEN_RUN_MIN`] or more of `[A-Za-z0-9_+/=-]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TokenRun {
    pub(super) start: usize,
    pub(super) len: usize,
    has_digit: bool,
}

impl TokenRun {
    /// Whether the run is a candidate by itself: [`RunKind::Token`].
    pub(super) fn is_bare(&self) -> bool {
        self.has_digit && self.len >= TOKEN_BARE_MIN
    }
}

/// Masks of a block, one bit a byte.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Masks {
    digits: u64,
    token: u64,
    /// There is an `@`.
    has_at: bool,
    /// There is a byte outside ASCII.
    has_high: bool,
}

/// What the pass found in a segment.
#[derive(Debug, Default)]
pub(super) struct Marks {
    /// Codes of the segment, filled up to whole blocks, and of [`LOOKAHEAD`] bytes behind it.
    pub(super) codes: Vec<u8>,
    /// Per block: bytes that begin a character outside ASCII.
    pub(super) leads: Vec<u64>,
    /// Per block: where a run of digits begins that follows no letter, `_` or digit, and no joiner behind a digit.
    pub(super) plain: Vec<u64>,
    /// Per block: where a run of digits begins behind a letter or `_`.
    pub(super) led: Vec<u64>,
    /// Per block: the digits.
    pub(super) digits: Vec<u64>,
    /// Places of `@`.
    pub(super) ats: Vec<usize>,
    /// Token-shaped runs that end in the segment.
    pub(super) tokens: Vec<TokenRun>,
    token: Open,
    /// The last digit before the block at hand.
    last_digit: Option<usize>,
}

impl Marks {
    /// Forgets runs that were open, for another text.
    pub(super) fn restart(&mut self) {
        self.token = Open::default();
        self.last_digit = None;
    }

    /// Looks at `text[from..to]`. Segments come in order and without gaps, each but the last a multiple of 64 long.
    pub(super) fn segment(&mut self, text: &[u8], from: usize, to: usize) {
        let blocks = (to - from).div_ceil(64);
        self.codes.resize(blocks * 64 + LOOKAHEAD, 0);
        for masks in [&mut self.leads, &mut self.plain, &mut self.led, &mut self.digits] {
            masks.clear();
            masks.resize(blocks, 0);
        }
        self.ats.clear();
        self.tokens.clear();
        let before = |n: usize| from.checked_sub(n).map_or(BLANK, |i| code(text[i]));
        for block in 0..blocks {
            let base = from + block * 64;
            let mut codes = [0; 64];
            let m = match text[..to].get(base..base + 64).and_then(|b| <&[u8; 64]>::try_from(b).ok()) {
                Some(whole) => masks(whole, &mut codes),
                None => {
                    let mut padded = [0; 64];
                    padded[..to - base].copy_from_slice(&text[base..to]);
                    masks(&padded, &mut codes)
                }
            };
            self.codes[block * 64..block * 64 + 64].copy_from_slice(&codes);
            let (mut plain, mut led) = (0, 0);
            if m.digits != 0 {
                let (word, joiner) = word_and_joiner(&codes, m.digits);
                let last = block.checked_sub(1).map(|b| &self.codes[b * 64 + 62..b * 64 + 64]);
                let (two_before, before) = last.map_or((before(2), before(1)), |last| (last[0], last[1]));
                let behind_word = word << 1 | u64::from(before == DIGIT || before == UNDERSCORE || is_letter(before));
                let behind_joiner = joiner << 1 | u64::from(before == JOINER);
                let behind_digit = m.digits << 1 | u64::from(before == DIGIT);
                let two_behind_digit = behind_digit << 1 | u64::from(two_before == DIGIT);
                let starts = m.digits & !behind_digit;
                plain = starts & !behind_word & !(behind_joiner & two_behind_digit);
                led = starts & behind_word;
            }
            self.plain[block] = plain;
            self.led[block] = led;
            self.digits[block] = m.digits;
            self.leads[block] = if m.has_high { mask_of(&text[..to], base, |b| b >= 0xc0) } else { 0 };
            if m.has_at {
                self.note_at(mask_of(&text[..to], base, |b| b == b'@'), base);
            }
            self.note_tokens(text, &m, base);
        }
        if to == text.len() {
            self.close_tokens(to);
        }
        for (i, slot) in self.codes[blocks * 64..].iter_mut().enumerate() {
            *slot = text.get(from + blocks * 64 + i).map_or(BLANK, |b| code(*b));
        }
    }

    /// Where the token-shaped run begins that is open at the end of the segment.
    pub(super) fn open_token(&self) -> Option<usize> {
        self.token.start
    }

    /// Length of the run of digits that begins at a place of the segment that began at `from`.
    pub(super) fn digit_run(&self, text: &[u8], from: usize, start: usize) -> usize {
        let (block, shift) = ((start - from) / 64, (start - from) % 64);
        let len = (self.digits[block] >> shift).trailing_ones() as usize;
        if shift + len < 64 {
            return len;
        }
        len + text[start + len..].iter().take_while(|b| b.is_ascii_digit()).count()
    }

    fn note_at(&mut self, mut mask: u64, base: usize) {
        while mask != 0 {
            self.ats.push(base + mask.trailing_zeros() as usize);
            mask &= mask - 1;
        }
    }

    fn note_tokens(&mut self, text: &[u8], m: &Masks, base: usize) {
        let (last_digit, tokens) = (self.last_digit, &mut self.tokens);
        self.token.step_long(m.token, base, |start, len| {
            if len >= TOKEN_RUN_MIN {
                // A digit before this block, or one in this block before the run's end.
                let has_digit = last_digit.is_some_and(|d| d >= start)
                    || (m.digits != 0 && text[start.max(base)..start + len].iter().any(u8::is_ascii_digit));
                tokens.push(TokenRun { start, len, has_digit });
            }
        });
        if m.digits != 0 {
            self.last_digit = Some(base + 63 - m.digits.leading_zeros() as usize);
        }
    }

    fn close_tokens(&mut self, end: usize) {
        if let Some(start) = self.token.start.take()
            && end - start >= TOKEN_RUN_MIN
        {
            let has_digit = self.last_digit.is_some_and(|d| d >= start);
            self.tokens.push(TokenRun { start, len: end - start, has_digit });
        }
    }
}

/// Codes of the block at `base` and of [`LOOKAHEAD`] bytes behind it, and the bytes that begin a character outside ASCII.
pub(super) fn block_codes(text: &[u8], base: usize, codes: &mut [u8]) -> u64 {
    let end = text.len().min(base + 64);
    let mut padded = [0; 64];
    padded[..end - base].copy_from_slice(&text[base..end]);
    let mut here = [0; 64];
    let has_high = masks(&padded, &mut here).has_high;
    codes[..64].copy_from_slice(&here);
    let leads = if has_high { mask_of(text, base, |b| b >= 0xc0) } else { 0 };
    for (i, slot) in codes[64..].iter_mut().enumerate() {
        *slot = text.get(base + 64 + i).map_or(BLANK, |b| code(*b));
    }
    leads
}

fn in_range(x: u8x16, low: u8, high: u8) -> u8x16 {
    let shifted = x - u8x16::splat(low);
    // Unsigned `<=` by way of min, which SSE2 has for bytes.
    shifted.min(u8x16::splat(high - low)).simd_eq(shifted)
}

/// The bytes of a block that a predicate picks. For what is rare.
fn mask_of(text: &[u8], base: usize, is: impl Fn(u8) -> bool) -> u64 {
    text[base..].iter().take(64).enumerate().fold(0, |mask, (i, b)| mask | u64::from(is(*b)) << i)
}

fn lane_of(bytes: &[u8], lane: usize) -> u8x16 {
    let mut out = [0u8; 16];
    out.copy_from_slice(&bytes[lane * 16..lane * 16 + 16]);
    u8x16::new(out)
}

fn bits(mask: u8x16, lane: usize) -> u64 {
    u64::from(mask.to_bitmask() & 0xffff) << (lane * 16)
}

/// Where letters, digits and `_` stand in a block of codes, and where joiners do.
fn word_and_joiner(codes: &[u8; 64], digits: u64) -> (u64, u64) {
    let (mut word, mut joiner) = (digits, 0);
    for lane in 0..4 {
        let x = lane_of(codes, lane);
        let letters = x.max(u8x16::splat(BEFORE_A + 1)).simd_eq(x);
        word |= bits(letters | x.simd_eq(u8x16::splat(UNDERSCORE)), lane);
        joiner |= bits(x.simd_eq(u8x16::splat(JOINER)), lane);
    }
    (word, joiner)
}

/// The masks of a block, and its codes written out. [`code`] is the definition.
#[inline]
fn masks(block: &[u8; 64], codes: &mut [u8; 64]) -> Masks {
    let mut out = Masks::default();
    let (mut ats, mut highs) = (u8x16::splat(0), u8x16::splat(0));
    for lane in 0..4 {
        let x = lane_of(block, lane);
        let is = |byte: u8| x.simd_eq(u8x16::splat(byte));
        let digits = in_range(x, b'0', b'9');
        // Setting bit 5 folds upper case on lower case and moves no other byte into the letters.
        let folded = x | u8x16::splat(0x20);
        let letter = folded - u8x16::splat(b'a');
        let letters = letter.min(u8x16::splat(25)).simd_eq(letter);
        // `-`, `.`, `/`, the digits and `:` follow one another in ASCII.
        let joiner_or_digit = in_range(x, b'-', b':');
        let underscore = is(b'_');
        let blank = x.min(u8x16::splat(b' ')).simd_eq(x);
        // Of two answers the greater one is right: a sign is what is nothing else, and a digit is greater than a joiner.
        let low = (!(blank | joiner_or_digit) & u8x16::splat(SIGN))
            .max(joiner_or_digit & u8x16::splat(JOINER))
            .max(underscore & u8x16::splat(UNDERSCORE))
            .max(digits & u8x16::splat(DIGIT));
        let high = x.max(u8x16::splat(0x80)).simd_eq(x);
        let coded = low.max(high & u8x16::splat(HIGH)).max(letters & (letter + u8x16::splat(BEFORE_A + 1)));
        codes[lane * 16..lane * 16 + 16].copy_from_slice(&coded.to_array());
        let token = letters | digits | underscore | is(b'+') | is(b'-') | is(b'/') | is(b'=');
        ats |= is(b'@');
        highs |= high;
        out.digits |= bits(digits, lane);
        out.token |= bits(token, lane);
    }
    out.has_at = ats.to_bitmask() != 0;
    out.has_high = highs.to_bitmask() != 0;
    out
}

const _: () = assert!(CODES == 32);

/// A run that may go on in the next block.
#[derive(Debug, Default)]
struct Open {
    start: Option<usize>,
}

impl Open {
    fn step(&mut self, mut mask: u64, base: usize, mut found: impl FnMut(usize, usize)) {
        if let Some(start) = self.start {
            if mask == u64::MAX {
                return;
            }
            let ones = mask.trailing_ones() as usize;
            found(start, base + ones - start);
            self.start = None;
            mask &= u64::MAX.checked_shl(ones as u32).unwrap_or(0);
        }
        while mask != 0 {
            let from = mask.trailing_zeros() as usize;
            let ones = (mask >> from).trailing_ones() as usize;
            if from + ones == 64 {
                self.start = Some(base + from);
                return;
            }
            found(base + from, ones);
            mask &= u64::MAX << (from + ones);
        }
    }

    /// As [`Open::step`], for runs of [`TOKEN_RUN_MIN`] bytes and more: in prose every word is a run, and nearly none is
    /// long enough to be looked at.
    fn step_long(&mut self, mask: u64, base: usize, found: impl FnMut(usize, usize)) {
        // Bits at which 16 set bits begin.
        let mut long = mask & (mask >> 1);
        long &= long >> 2;
        long &= long >> 4;
        long &= long >> 8;
        if long != 0
            || self
                .start
                .is_some_and(|start| mask == u64::MAX || base + mask.trailing_ones() as usize - start >= TOKEN_RUN_MIN)
        {
            return self.step(mask, base, found);
        }
        let open = mask.leading_ones() as usize;
        self.start = (open > 0).then(|| base + 64 - open);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `(kind, start, length)` of all marks; 3 is a plain run of digits, 4 one behind a word byte.
    fn fast(text: &[u8], segment: usize) -> Vec<(u8, usize, usize)> {
        let mut out = Vec::new();
        let mut marks = Marks::default();
        let mut from = 0;
        while from < text.len() {
            let to = text.len().min(from + segment);
            marks.segment(text, from, to);
            for (i, b) in text[from..text.len().min(to + LOOKAHEAD)].iter().enumerate().take(marks.codes.len()) {
                assert_eq!(marks.codes[i], code(*b), "code of {b}");
            }
            for (kind, masks) in [(3, &marks.plain), (4, &marks.led), (5, &marks.leads)] {
                for at in (0..to - from).filter(|i| masks[i / 64] >> (i % 64) & 1 != 0) {
                    let len = if kind == 5 { 1 } else { marks.digit_run(text, from, from + at) };
                    out.push((kind, from + at, len));
                }
            }
            out.extend(marks.ats.iter().map(|at| (1, *at, 1)));
            out.extend(marks.tokens.iter().map(|run| (if run.is_bare() { 2 } else { 6 }, run.start, run.len)));
            from = to;
        }
        out.sort_unstable();
        out
    }

    /// The same by the definition, a byte at a time.
    fn slow(text: &[u8]) -> Vec<(u8, usize, usize)> {
        let mut out = Vec::new();
        let runs = |is: &dyn Fn(u8) -> bool| {
            let mut runs = Vec::new();
            let mut at = 0;
            while at < text.len() {
                let len = text[at..].iter().take_while(|b| is(**b)).count();
                if len > 0 {
                    runs.push((at, len));
                }
                at += len.max(1);
            }
            runs
        };
        let before = |at: usize, n: usize| at.checked_sub(n).map_or(b' ', |i| text[i]);
        for (s, l) in runs(&|b| b.is_ascii_digit()) {
            let behind = before(s, 1);
            if behind.is_ascii_alphabetic() || behind == b'_' {
                out.push((4, s, l));
            } else if !(b"-./:".contains(&behind) && before(s, 2).is_ascii_digit()) {
                out.push((3, s, l));
            }
        }
        for (s, b) in text.iter().enumerate() {
            if *b == b'@' {
                out.push((1, s, 1));
            }
            if *b >= 0xc0 {
                out.push((5, s, 1));
            }
        }
        for (s, l) in runs(&|b| b.is_ascii_alphanumeric() || b"+-/=_".contains(&b)) {
            if l >= TOKEN_RUN_MIN {
                let bare = l >= 20 && text[s..s + l].iter().any(u8::is_ascii_digit);
                out.push((if bare { 2 } else { 6 }, s, l));
            }
        }
        out.sort_unstable();
        out
    }

    #[test]
    fn agrees_with_the_definition() {
        let mut seed = 0x9e37_79b9_7f4a_7c15u64;
        let mut next = || {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            seed
        };
        let alphabets: [&[u8]; 6] =
            [b"0123456789 ", b"abcZ019_-+/= ", b"a@0\xff\x80 \n", b"0", b"aaaaaaaaaaaaaaaaaaaaaaaaaaaaa 0", b"1:./a-"];
        for round in 0..6_000 {
            let alphabet = alphabets[round % 6];
            let len = (next() % 400) as usize;
            let text: Vec<u8> = (0..len).map(|_| alphabet[(next() as usize) % alphabet.len()]).collect();
            let segment = [64, 128, 512][round % 3];
            assert_eq!(fast(&text, segment), slow(&text), "round {round}");
        }
        let all: Vec<u8> = (0..=u8::MAX).collect();
        assert_eq!(fast(&all, 64), slow(&all));
    }
}
