//! UTF-16 text as UTF-8, on the way in. Offsets of findings count bytes of the UTF-8 text, as everywhere.

use encoding_rs::{CoderResult, Decoder, Encoding, UTF_16BE, UTF_16LE};
use std::io::{self, Read};

/// The encoding of text that begins like this, where it is UTF-16: by its byte-order mark, or because every other byte
/// is NUL, as in Western text without a mark.
pub(super) fn encoding(head: &[u8]) -> Option<&'static Encoding> {
    match head {
        // UTF-32, which nobody writes to disk.
        [0xff, 0xfe, 0, 0, ..] => None,
        [0xff, 0xfe, ..] => Some(UTF_16LE),
        [0xfe, 0xff, ..] => Some(UTF_16BE),
        _ if head.len() < 16 => None,
        _ if zero_share(head, 1) => Some(UTF_16LE),
        _ if zero_share(head, 0) => Some(UTF_16BE),
        _ => None,
    }
}

/// Whether nearly all bytes at one side of the pairs are NUL, and none at the other.
fn zero_share(head: &[u8], side: usize) -> bool {
    let pairs = head.chunks_exact(2);
    let count = pairs.len();
    let zeros = pairs.clone().filter(|pair| pair[side] == 0).count();
    zeros * 10 >= count * 9 && pairs.clone().all(|pair| pair[1 - side] != 0)
}

/// A stream of UTF-16 as one of UTF-8. What is no UTF-16 becomes U+FFFD.
pub(super) struct Decoded {
    inner: Box<dyn Read + Send>,
    decoder: Decoder,
    raw: Vec<u8>,
    raw_from: usize,
    plain: Vec<u8>,
    plain_from: usize,
    inner_ended: bool,
    ended: bool,
}

impl Decoded {
    pub(super) fn new(inner: Box<dyn Read + Send>, encoding: &'static Encoding) -> Self {
        Self {
            inner,
            decoder: encoding.new_decoder_with_bom_removal(),
            raw: Vec::new(),
            raw_from: 0,
            plain: Vec::new(),
            plain_from: 0,
            inner_ended: false,
            ended: false,
        }
    }

    fn refill(&mut self) -> io::Result<()> {
        if self.raw_from == self.raw.len() && !self.inner_ended {
            self.raw.resize(1 << 15, 0);
            let got = self.inner.read(&mut self.raw)?;
            self.raw.truncate(got);
            self.raw_from = 0;
            self.inner_ended = got == 0;
        }
        self.plain.resize(1 << 16, 0);
        let raw = &self.raw[self.raw_from..];
        let (result, read, written, _) = self.decoder.decode_to_utf8(raw, &mut self.plain, self.inner_ended);
        self.raw_from += read;
        self.plain.truncate(written);
        self.plain_from = 0;
        self.ended = self.inner_ended && result == CoderResult::InputEmpty;
        Ok(())
    }
}

impl Read for Decoded {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.plain_from == self.plain.len() && !self.ended {
            self.refill()?;
        }
        let count = buffer.len().min(self.plain.len() - self.plain_from);
        buffer[..count].copy_from_slice(&self.plain[self.plain_from..self.plain_from + count]);
        self.plain_from += count;
        Ok(count)
    }
}
