//! Where encoded text may be: one SIMD look at a buffer, exact checks at the few places it leaves.

use super::escapes::{self, Family};
use super::mail;
use crate::values::ValueBatch;
use wide::u8x16;

/// Shortest run of base64 characters that is looked at.
pub(super) const RUN_MIN: usize = 24;

/// Places of a buffer that are worth decoding.
#[derive(Debug, Default)]
pub(super) struct Marks {
    places: [Vec<usize>; Family::ALL.len()],
    /// Runs of base64 characters, start and end, without padding.
    pub(super) runs: Vec<(usize, usize)>,
    /// Places of `=` behind `charset`, as in the header of a part of a mail.
    charsets: Vec<usize>,
}

/// What goes from block to block.
#[derive(Default)]
struct State {
    /// Where the last run that was looked at ended.
    run_done: usize,
    /// Whether the last eight bytes of the block before hold no blank.
    carried: bool,
}

struct Masks {
    /// Bytes that begin an escape.
    lead: u64,
    /// White space and control characters, which no run crosses.
    blank: u64,
}

fn lane(block: &[u8; 64], number: usize) -> u8x16 {
    let mut bytes = [0u8; 16];
    bytes.copy_from_slice(&block[number * 16..number * 16 + 16]);
    u8x16::new(bytes)
}

fn eq(x: u8x16, byte: u8) -> u8x16 {
    x.simd_eq(u8x16::splat(byte))
}

fn masks(block: &[u8; 64]) -> Masks {
    let mut blank = 0;
    // Bytes that begin an escape, and all that are not ASCII by their upper bit.
    let mut any = u8x16::splat(0);
    for number in 0..4 {
        let x = lane(block, number);
        any = any | x | eq(x, b'%') | eq(x, b'&') | eq(x, b'=') | eq(x, b'\\');
        let low = x.min(u8x16::splat(b' ')).simd_eq(x);
        blank |= u64::from(low.to_bitmask() & 0xffff) << (number * 16);
    }
    let lead = if any.to_bitmask() & 0xffff == 0 { 0 } else { leads(block) };
    Masks { lead, blank }
}

fn leads(block: &[u8; 64]) -> u64 {
    (0..4).fold(0, |all, number| {
        let x = lane(block, number);
        let ascii = eq(x, b'%') | eq(x, b'&') | eq(x, b'=') | eq(x, b'\\');
        // Lead bytes of U+00A0 and U+00AD, of Arabic digits, of U+200B and its kin, of full-width forms.
        let [nbsp, arabic, persian, blank, wide] = escapes::LOOKALIKE_LEADS;
        let other = eq(x, nbsp) | eq(x, arabic) | eq(x, persian) | eq(x, blank) | eq(x, wide);
        all | u64::from((ascii | other).to_bitmask() & 0xffff) << (number * 16)
    })
}

/// One bit at the bottom of each byte of the mask that is all ones.
fn full_bytes(mask: u64) -> u64 {
    let mut full = mask & (mask >> 1);
    full &= full >> 2;
    full &= full >> 4;
    full & 0x0101_0101_0101_0101
}

impl Marks {
    pub(super) fn of(text: &[u8]) -> Self {
        let mut marks = Self::default();
        let mut state = State::default();
        let (blocks, rest) = text.as_chunks::<64>();
        for (number, block) in blocks.iter().enumerate() {
            marks.block(text, number * 64, block, &mut state);
        }
        if !rest.is_empty() {
            // NUL is blank and begins nothing.
            let mut tail = [0u8; 64];
            tail[..rest.len()].copy_from_slice(rest);
            marks.block(text, blocks.len() * 64, &tail, &mut state);
        }
        marks
    }

    #[inline]
    fn block(&mut self, text: &[u8], base: usize, block: &[u8; 64], state: &mut State) {
        let m = masks(block);
        let mut lead = m.lead;
        while lead != 0 {
            self.check(text, base + lead.trailing_zeros() as usize);
            lead &= lead - 1;
        }
        // A run of 24 holds two whole eights in a row, wherever it begins.
        let full = full_bytes(!m.blank);
        let mut pairs = full & ((full << 8) | u64::from(state.carried));
        state.carried = full >> 56 != 0;
        while pairs != 0 {
            let place = base + pairs.trailing_zeros() as usize;
            if place >= state.run_done {
                state.run_done = self.run(text, place, state.run_done);
            }
            pairs &= pairs - 1;
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.runs.is_empty() && self.places.iter().all(Vec::is_empty)
    }

    pub(super) fn of_family(&self, family: Family) -> &[usize] {
        &self.places[family as usize]
    }

    fn check(&mut self, text: &[u8], place: usize) {
        if let Some(family) = escapes::trigger(text, place) {
            self.places[family as usize].push(place);
        }
        if text[place] == b'='
            && place.checked_sub(7).is_some_and(|from| text[from..place].eq_ignore_ascii_case(b"charset"))
        {
            self.charsets.push(place);
        }
    }

    /// Adds what a part of a mail escapes by its own word.
    pub(super) fn add_mail(&mut self, batch: &ValueBatch) {
        mail::add_escapes(batch, &self.charsets, &mut self.places[Family::QuotedPrintable as usize]);
    }

    /// Notes the run that holds a place, if there is one long enough; gives where to look on.
    fn run(&mut self, text: &[u8], place: usize, done: usize) -> usize {
        let is_run = |b: &u8| IS_BASE64[*b as usize];
        let eight = &text[place..text.len().min(place + 8)];
        if !eight.iter().all(is_run) {
            return done;
        }
        let start = text[done..place].iter().rposition(|b| !is_run(b)).map_or(done, |at| done + at + 1);
        let end = text[place..].iter().position(|b| !is_run(b)).map_or(text.len(), |at| place + at);
        if end - start >= RUN_MIN {
            self.runs.push((start, end));
        }
        end
    }
}

/// Characters of base64 and of its form for URLs.
pub(super) const IS_BASE64: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        let b = byte as u8;
        table[byte] = b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'-' | b'_');
        byte += 1;
    }
    table
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_are_found_wherever_they_begin() {
        for len in [RUN_MIN - 1, RUN_MIN, 40, 200] {
            for shift in 0..130 {
                let text = format!(
                    "{}{}\" more",
                    ". ".repeat(shift)[..shift].to_owned() + " ",
                    "Ab3/".repeat(60).split_at(len).0
                );
                let expected = if len < RUN_MIN { vec![] } else { vec![(shift + 1, shift + 1 + len)] };
                assert_eq!(Marks::of(text.as_bytes()).runs, expected, "{len} at {shift}");
            }
        }
    }

    #[test]
    fn plain_text_has_no_marks() {
        let text =
            "A sentence with numbers 4111 1111, signs like 5% & more, a = b, C:\\Users, it\u{2019}s fine.\n".repeat(9);
        assert!(Marks::of(text.as_bytes()).is_empty());
    }
}
