//! Text of other encodings as UTF-8, on the way in. Offsets of findings count bytes of the UTF-8 text, as everywhere.
//!
//! Told are UTF-16, Windows-1252 (with Latin-1, of which it holds all letters) and Shift-JIS, and only by the beginning of
//! an input; whatever else is no UTF-8 is read byte by byte, in which all that is ASCII is found and names with accents may
//! be missed.

use encoding_rs::{CoderResult, Decoder, Encoding, SHIFT_JIS, UTF_16BE, UTF_16LE, WINDOWS_1252};
use std::io::{self, Read};

/// The encoding of text that begins like this, where it is another than UTF-8.
pub(super) fn encoding(head: &[u8]) -> Option<&'static Encoding> {
    match head {
        // UTF-32, which nobody writes to disk.
        [0xff, 0xfe, 0, 0, ..] => None,
        [0xff, 0xfe, ..] => Some(UTF_16LE),
        [0xfe, 0xff, ..] => Some(UTF_16BE),
        _ if head.len() < 16 => None,
        _ if head.contains(&0) => without_mark(head),
        _ => of_bytes(head),
    }
}

/// UTF-16 without a byte-order mark: by its line breaks and digits, of which one byte is NUL, always the same one of the
/// two, and because all of it is text when it is read so.
fn without_mark(head: &[u8]) -> Option<&'static Encoding> {
    let zeros = |side: usize| head.chunks_exact(2).filter(|pair| pair[side] == 0).count();
    let encoding = match (zeros(0), zeros(1)) {
        (0, _) => UTF_16LE,
        (_, 0) => UTF_16BE,
        _ => return None,
    };
    let whole = head.len() / 2 * 2;
    // The last character may be cut.
    let mut text = encoding.decode_without_bom_handling(&head[..whole]).0;
    if text.ends_with(char::REPLACEMENT_CHARACTER) {
        text.to_mut().pop();
    }
    let is_of_text = |c: &char| {
        c.is_alphanumeric()
            || matches!(c, ' '..='~' | '\n' | '\r' | '\t' | '\u{a0}'..='\u{bf}')
            || matches!(c, '\u{2000}'..='\u{206f}' | '\u{3000}'..='\u{303f}' | '\u{ff00}'..='\u{ffef}')
    };
    let count = text.chars().count();
    (text.chars().filter(is_of_text).count() * 20 >= count * 19).then_some(encoding)
}

/// An encoding of bytes without NUL.
fn of_bytes(head: &[u8]) -> Option<&'static Encoding> {
    let (mut valid, mut invalid) = (0, 0);
    for chunk in head.utf8_chunks() {
        valid += chunk.valid().chars().filter(|c| !c.is_ascii()).count();
        invalid += chunk.invalid().len();
    }
    // A character that is cut at the end.
    if invalid == 0 || (invalid < 4 && head.len() >= super::HEAD_BYTES) {
        return None;
    }
    if is_shift_jis(head) {
        return Some(SHIFT_JIS);
    }
    // UTF-8 with a few broken characters, as pages put together are, is UTF-8.
    (valid * 4 <= invalid && is_windows_1252(head)).then_some(WINDOWS_1252)
}

/// Shift-JIS has kana in nearly all texts, behind bytes that Western texts hardly have.
fn is_shift_jis(head: &[u8]) -> bool {
    let text = SHIFT_JIS.decode_without_bom_handling(head).0;
    let errors = text.trim_end_matches(char::REPLACEMENT_CHARACTER).contains(char::REPLACEMENT_CHARACTER);
    let foreign = text.chars().filter(|c| !c.is_ascii()).count();
    let kana = text.chars().filter(|c| matches!(c, '\u{3041}'..='\u{30ff}')).count();
    !errors && kana >= 2 && kana * 10 >= foreign
}

/// Whether bytes beyond ASCII are letters with accents and signs of Western text, which stand between letters of ASCII:
/// in texts of other encodings they stand beside each other.
fn is_windows_1252(head: &[u8]) -> bool {
    let beyond: Vec<usize> = (0..head.len()).filter(|at| !head[*at].is_ascii()).collect();
    let is_letter = |byte: u8| byte >= 0xc0 && !matches!(byte, 0xd7 | 0xf7);
    let is_sign = |byte: u8| matches!(byte, 0x80 | 0x82 | 0x84 | 0x85 | 0x91..=0x97 | 0x99 | 0xa0..=0xbf);
    let fitting = beyond.iter().filter(|at| is_letter(head[**at]) || is_sign(head[**at])).count();
    let beside = beyond.windows(2).filter(|pair| pair[1] == pair[0] + 1).count();
    fitting == beyond.len() && beside * 3 <= beyond.len()
}

/// A stream of another encoding as one of UTF-8. What is none of it becomes U+FFFD.
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
