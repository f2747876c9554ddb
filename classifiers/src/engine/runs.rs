//! The SIMD pass: marks where runs of digits, runs of token characters and `@` begin.
//!
//! One look at each 64-byte block gives three bit masks; everything else is bit arithmetic on them. This module says
//! where something could be, never what it is: rules decide that in their windows.

use wide::u8x16;

/// Shortest token-shaped run that is marked, in bytes.
pub const TOKEN_RUN_MIN: usize = 20;

/// What a run is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunKind {
    /// ASCII digits, one or more.
    Digits,
    /// An `@`.
    At,
    /// [`TOKEN_RUN_MIN`] or more of `[A-Za-z0-9_+/=-]`, with at least one digit.
    Token,
}

struct Masks {
    digits: u64,
    at: u64,
    token: u64,
}

fn in_range(x: u8x16, low: u8, high: u8) -> u8x16 {
    let shifted = x - u8x16::splat(low);
    // Unsigned `<=` by way of min, which SSE2 has for bytes.
    shifted.min(u8x16::splat(high - low)).simd_eq(shifted)
}

fn masks(block: &[u8; 64]) -> Masks {
    let mut out = Masks { digits: 0, at: 0, token: 0 };
    for lane in 0..4 {
        let mut bytes = [0u8; 16];
        bytes.copy_from_slice(&block[lane * 16..lane * 16 + 16]);
        let x = u8x16::new(bytes);
        let digits = in_range(x, b'0', b'9');
        // Setting bit 5 folds upper case on lower case and moves no other byte into the letters.
        let letters = in_range(x | u8x16::splat(0x20), b'a', b'z');
        // `+`, `-`, `/` by value; `=` and `_` apart.
        let signs = x.simd_eq(u8x16::splat(b'+'))
            | x.simd_eq(u8x16::splat(b'-'))
            | x.simd_eq(u8x16::splat(b'/'))
            | x.simd_eq(u8x16::splat(b'='))
            | x.simd_eq(u8x16::splat(b'_'));
        let shift = lane * 16;
        out.digits |= u64::from(digits.to_bitmask() & 0xffff) << shift;
        out.at |= u64::from(x.simd_eq(u8x16::splat(b'@')).to_bitmask() & 0xffff) << shift;
        out.token |= u64::from((digits | letters | signs).to_bitmask() & 0xffff) << shift;
    }
    out
}

/// Calls `mark(kind, start, length)` for every run, in order of the place where it is known to be complete.
/// The length of a digit run is its own; that of an `@` is 1.
pub fn mark_runs(text: &[u8], wanted: Wanted, mut mark: impl FnMut(RunKind, usize, usize)) {
    let mut digits = Open::default();
    let mut token = Open::default();
    let mut last_digit = None;
    let mut tail = [0u8; 64];
    let blocks = text.len().div_ceil(64);
    for block in 0..blocks {
        let base = block * 64;
        let m = match text.get(base..base + 64).and_then(|b| <&[u8; 64]>::try_from(b).ok()) {
            Some(whole) => masks(whole),
            None => {
                let rest = &text[base..];
                tail[..rest.len()].copy_from_slice(rest);
                masks(&tail)
            }
        };
        if wanted.at {
            let mut at = m.at;
            while at != 0 {
                mark(RunKind::At, base + at.trailing_zeros() as usize, 1);
                at &= at - 1;
            }
        }
        if wanted.digits {
            digits.step(m.digits, base, |start, len| mark(RunKind::Digits, start, len));
        }
        if wanted.token {
            // Runs end before the digits of this block are noted, so a run that closes here sees its own digits only
            // if they are noted first; a later digit does no harm because it lies behind the run's end.
            let noted = (m.digits != 0).then(|| base + 63 - m.digits.leading_zeros() as usize);
            token.step_long(m.token, base, |start, len| {
                let has_digit = len >= TOKEN_RUN_MIN
                    && (last_digit.is_some_and(|d| d >= start)
                        || (m.digits != 0 && text[start.max(base)..start + len].iter().any(u8::is_ascii_digit)));
                if has_digit {
                    mark(RunKind::Token, start, len);
                }
            });
            last_digit = noted.or(last_digit);
        }
    }
    let end = text.len();
    if wanted.digits {
        digits.close(end, |start, len| mark(RunKind::Digits, start, len));
    }
    if wanted.token {
        token.close(end, |start, len| {
            if len >= TOKEN_RUN_MIN && last_digit.is_some_and(|d| d >= start) {
                mark(RunKind::Token, start, len);
            }
        });
    }
}

/// Which kinds of run to mark.
#[derive(Debug, Clone, Copy)]
pub struct Wanted {
    /// Digit runs.
    pub digits: bool,
    /// `@`.
    pub at: bool,
    /// Token-shaped runs.
    pub token: bool,
}

/// A run that may go on in the next block.
#[derive(Default)]
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
        if long != 0 || self.start.is_some() {
            return self.step(mask, base, found);
        }
        let open = mask.leading_ones() as usize;
        if open > 0 {
            self.start = Some(base + 64 - open);
        }
    }

    fn close(&mut self, end: usize, mut found: impl FnMut(usize, usize)) {
        if let Some(start) = self.start.take() {
            found(start, end - start);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: Wanted = Wanted { digits: true, at: true, token: true };

    fn fast(text: &[u8]) -> Vec<(u8, usize, usize)> {
        let mut out = Vec::new();
        mark_runs(text, ALL, |kind, start, len| out.push((kind as u8, start, len)));
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
        for (s, l) in runs(&|b| b.is_ascii_digit()) {
            out.push((RunKind::Digits as u8, s, l));
        }
        for (s, b) in text.iter().enumerate() {
            if *b == b'@' {
                out.push((RunKind::At as u8, s, 1));
            }
        }
        for (s, l) in runs(&|b| b.is_ascii_alphanumeric() || b"+-/=_".contains(&b)) {
            if l >= TOKEN_RUN_MIN && text[s..s + l].iter().any(u8::is_ascii_digit) {
                out.push((RunKind::Token as u8, s, l));
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
        let alphabets: [&[u8]; 4] = [b"0123456789 ", b"abcZ019_-+/= ", b"a@0\xff\x80 \n", b"0"];
        for round in 0..2_000 {
            let alphabet = alphabets[round % 4];
            let len = (next() % 300) as usize;
            let text: Vec<u8> = (0..len).map(|_| alphabet[(next() as usize) % alphabet.len()]).collect();
            assert_eq!(fast(&text), slow(&text), "round {round}");
        }
    }
}
