//! Plain text in overlapping batches, so that a file of any size and with lines of any length is scanned in bounded
//! memory and no match is lost or doubled at a seam.

use super::{BatchPlace, Lookahead, Problem, Reader, io_message};
use crate::rule::WINDOW_BYTES_MAX;
use crate::values::{FieldTable, ValueBatch};
use std::io::Read;

/// New bytes of a batch.
const CHUNK_BYTES: usize = 4 << 20;
/// Bytes kept behind the accepted zone: the longest match and its context.
const AHEAD_BYTES: usize = WINDOW_BYTES_MAX + 256;
/// Bytes kept in front of the accepted zone: context words, the piece in which the tagger sees a name, the head of a table.
const BEHIND_BYTES: usize = 16 << 10;
const _: () = assert!(BEHIND_BYTES > crate::scan::PIECE_BYTES_MAX + 4_096);

/// Where one batch of a text ends and the next begins: they overlap, and each answers for a zone of its own.
#[derive(Debug, Clone, Default)]
pub(super) struct Seam {
    /// Bytes that the last batch held and the next one needs again, and how many of them are context only.
    carry: Vec<u8>,
    carry_context: usize,
    /// Offset in the text of the first byte of `carry`.
    base: u64,
    /// Line breaks before `base`.
    lines: u64,
}

impl Seam {
    /// What the next batch begins with.
    pub(super) fn carry(&self) -> &[u8] {
        &self.carry
    }

    /// Says what of a batch counts, which begins with [`Seam::carry`], and keeps what the next one needs.
    pub(super) fn settle(&mut self, text: &[u8], ended: bool, place: &mut BatchPlace) {
        place.text_base = self.base;
        place.text_lines = self.lines;
        place.accept_from = self.carry_context;
        place.accept_until = if ended { usize::MAX } else { text.len() - AHEAD_BYTES.min(text.len()) };
        if !ended {
            self.keep(text, place.accept_until);
        }
    }

    /// Goes over bytes behind [`Seam::carry`] that somebody else scans.
    pub(super) fn skip(&mut self, bytes: &[u8]) {
        let mut text = std::mem::take(&mut self.carry);
        text.extend_from_slice(bytes);
        self.keep(&text, text.len() - AHEAD_BYTES.min(text.len()));
    }

    fn keep(&mut self, text: &[u8], accept_until: usize) {
        let keep_from = accept_until.saturating_sub(BEHIND_BYTES);
        self.carry.clear();
        self.carry.extend_from_slice(&text[keep_from..]);
        self.carry_context = accept_until - keep_from;
        self.lines += memchr::memchr_iter(b'\n', &text[..keep_from]).count() as u64;
        self.base += keep_from as u64;
    }
}

pub(super) struct TextReader {
    input: Lookahead,
    seam: Seam,
    ended: bool,
    chunk_bytes: usize,
    /// What reading ahead for a part met.
    failed: Option<Problem>,
}

impl TextReader {
    pub(super) fn new(input: Lookahead) -> Self {
        Self::with_chunks(input, CHUNK_BYTES)
    }

    /// With this many new bytes in a batch.
    pub(super) fn with_chunks(input: Lookahead, chunk_bytes: usize) -> Self {
        Self { chunk_bytes, input, seam: Seam::default(), ended: false, failed: None }
    }
}

impl Reader for TextReader {
    fn next(&mut self, _: &mut FieldTable, batch: &mut ValueBatch, place: &mut BatchPlace) -> Result<bool, Problem> {
        place.lines.clear();
        if self.ended {
            return Ok(false);
        }
        let (carried, chunk_bytes) = (self.seam.carry().len(), self.chunk_bytes);
        let mut failed = None;
        batch.push_with(0, None, |buffer| {
            buffer.extend_from_slice(self.seam.carry());
            match (&mut self.input).take(chunk_bytes as u64).read_to_end(buffer) {
                Ok(0) => self.ended = true,
                Ok(n) => self.ended = n < chunk_bytes,
                Err(e) => {
                    self.ended = true;
                    failed = Some(e);
                }
            }
        });
        // A read of less than a chunk is the end of a file, but of a pipe it may be a pause: `take` reads to the end.
        let text = batch.value(0);
        self.seam.settle(text, self.ended, place);
        match failed {
            Some(e) => {
                let read = place.text_base + text.len() as u64;
                Err(Problem { place: format!("byte {read}"), message: io_message(&e) })
            }
            None => Ok(text.len() > carried || carried > 0),
        }
    }

    fn is_text(&self) -> bool {
        true
    }

    fn rows(&self) -> Option<u64> {
        None
    }

    fn splits(&self) -> bool {
        true
    }

    fn split(&mut self) -> Option<Box<dyn Reader + Send>> {
        let mut part = Part { batch: ValueBatch::new(), place: BatchPlace::default(), more: Ok(false) };
        part.more = self.next(&mut FieldTable::default(), &mut part.batch, &mut part.place);
        self.failed = part.more.as_ref().err().cloned().or(self.failed.take());
        (part.more != Ok(false)).then(|| Box::new(part) as Box<dyn Reader + Send>)
    }

    fn split_failed(&self) -> Option<Problem> {
        self.failed.clone()
    }
}

/// One batch of a text, read ahead for another thread.
struct Part {
    batch: ValueBatch,
    place: BatchPlace,
    more: Result<bool, Problem>,
}

impl Reader for Part {
    fn next(&mut self, _: &mut FieldTable, batch: &mut ValueBatch, place: &mut BatchPlace) -> Result<bool, Problem> {
        let more = std::mem::replace(&mut self.more, Ok(false));
        if more != Ok(false) {
            std::mem::swap(batch, &mut self.batch);
            std::mem::swap(place, &mut self.place);
        }
        more
    }

    fn is_text(&self) -> bool {
        true
    }

    fn rows(&self) -> Option<u64> {
        None
    }
}
