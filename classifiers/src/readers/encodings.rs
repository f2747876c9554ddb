//! Text of other encodings as UTF-8, on the way in. Offsets of findings count bytes of the UTF-8 text, as everywhere.
//!
//! UTF-16 is told here; the encodings of eight bits and of East Asia by `chardetng`, which browsers use, where what it
//! guesses reads like text. All are told by the beginning of an input, or by what comes where its first byte comes that is
//! no ASCII (`late.rs`); whatever else is no UTF-8 is read byte by byte, in which all that is ASCII is found and names with
//! accents may be missed.

use super::mended::{self, Mended};
use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{CoderResult, Decoder, Encoding, UTF_16BE, UTF_16LE};
use std::io::{self, Read};

/// Bytes of text in an encoding of several bytes that tell it where a text goes on in it: East Asian text has them at once.
const FOREIGN_BYTES_MIN: usize = 16;

/// The encoding of text that begins like this, where it is another than UTF-8.
pub(super) fn encoding(head: &[u8]) -> Option<&'static Encoding> {
    match head {
        // UTF-32, which nobody writes to disk.
        [0xff, 0xfe, 0, 0, ..] => None,
        [0xff, 0xfe, ..] => Some(UTF_16LE),
        [0xfe, 0xff, ..] => Some(UTF_16BE),
        _ if head.len() < 16 => None,
        _ if head.contains(&0) && !is_text_with_nuls(head) => without_mark(head),
        _ if head.contains(&0) => None,
        _ => of_bytes(head, head.len() >= super::HEAD_BYTES),
    }
}

/// Whether NULs are all that is odd about a text in UTF-8: they separate its parts, or one was left in it by mistake. What
/// is binary has other control characters, or is nearly all NULs.
pub(super) fn is_text_with_nuls(head: &[u8]) -> bool {
    let nuls = memchr::memchr_iter(0, head).count();
    let is_odd = |b: &u8| matches!(b, 1..=8 | 14..=26 | 28..=31 | 127);
    // The last character may be cut.
    let is_utf8 = std::str::from_utf8(head).map_or_else(|e| e.error_len().is_none(), |_| true);
    nuls * 8 <= head.len() && is_utf8 && !head.iter().any(is_odd)
}

/// The encoding of a part of a text that goes on in ASCII before it; `is_cut` where it goes on behind it too.
pub(super) fn of_sample(sample: &[u8], is_cut: bool) -> Option<&'static Encoding> {
    let encoding = if sample.contains(&0) { None } else { of_bytes(sample, is_cut) }?;
    // Of one byte, it is for lines alone that are no UTF-8; of several, it would be for all that comes.
    let foreign = sample.iter().filter(|b| !b.is_ascii()).count();
    (encoding.is_single_byte() || foreign >= FOREIGN_BYTES_MIN).then_some(encoding)
}

/// A stream of an encoding as one of UTF-8.
pub(super) fn decoded(inner: Box<dyn Read + Send>, encoding: &'static Encoding) -> Box<dyn Read + Send> {
    match encoding.is_single_byte() {
        true => Box::new(Mended::new(inner, encoding)),
        false => Box::new(Decoded::new(inner, encoding)),
    }
}

/// A text of an encoding as one of UTF-8.
pub(super) fn decode(text: &[u8], encoding: &'static Encoding) -> Vec<u8> {
    match encoding.is_single_byte() {
        true => {
            let mut plain = Vec::with_capacity(text.len());
            mended::mend(text, encoding, &mut plain);
            plain
        }
        false => encoding.decode(text).0.into_owned().into_bytes(),
    }
}

/// UTF-16 without a byte-order mark: by its line breaks and digits, of which one byte is NUL, always the same one of the
/// two, and because all of it is text when it is read so. What is nearly all ASCII as it stands is none: any two letters are
/// a character of some script.
fn without_mark(head: &[u8]) -> Option<&'static Encoding> {
    let is_ascii = |b: &&u8| matches!(b, b' '..=b'~' | b'\t'..=b'\r');
    if head.iter().filter(is_ascii).count() * 10 > head.len() * 9 {
        return None;
    }
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
    let count = text.chars().count();
    (text.chars().filter(|c| is_of_text(*c)).count() * 20 >= count * 19).then_some(encoding)
}

/// An encoding of bytes without NUL; `is_cut` where they are a part of a text, and the last character may be as well.
fn of_bytes(head: &[u8], is_cut: bool) -> Option<&'static Encoding> {
    let (mut valid, mut invalid) = (0, 0);
    let is_whole = |e: std::str::Utf8Error| e.error_len().is_some();
    for chunk in head.utf8_chunks() {
        valid += chunk.valid().chars().filter(|c| !c.is_ascii()).count();
        let is_start = is_cut && !std::str::from_utf8(chunk.invalid()).is_err_and(is_whole);
        if !is_start {
            invalid += chunk.invalid().len();
        }
    }
    if invalid == 0 {
        return None;
    }
    // UTF-8 with a few broken characters, as pages put together are, is UTF-8.
    if valid >= invalid {
        return None;
    }
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
    detector.feed(head, false);
    // It always has an answer.
    let guess = detector.guess(None, Utf8Detection::Deny);
    reads_like_text(&guess.decode_without_bom_handling(head).0).then_some(guess)
}

/// Whether a decoded text could have been written: of letters and usual signs, with each word in one script, and with
/// Latin letters beyond ASCII between others. What was no text, or was written in another encoding, mixes them.
fn reads_like_text(text: &str) -> bool {
    // The last character may be cut.
    let text = text.trim_end_matches(char::REPLACEMENT_CHARACTER);
    let (mut foreign, mut odd, mut accents, mut beside, mut mixed) = (0, 0, 0, 0, 0);
    let mut last = None;
    for here in text.chars() {
        if !here.is_ascii() {
            foreign += 1;
            odd += usize::from(!is_of_text(here));
        }
        let script = Script::of(here);
        accents += usize::from(script == Some(Script::Accent));
        match (last, script) {
            (Some(Script::Accent), Some(Script::Accent)) => beside += 1,
            (Some(Script::Other), Some(Script::Ascii | Script::Accent))
            | (Some(Script::Ascii | Script::Accent), Some(Script::Other)) => mixed += 1,
            _ => {}
        }
        last = script;
    }
    foreign > 0 && odd * 20 <= foreign && beside * 3 <= accents && mixed * 8 <= foreign
}

/// The script of a letter, as far as it matters here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Script {
    Ascii,
    /// Latin beyond ASCII.
    Accent,
    Other,
}

impl Script {
    fn of(c: char) -> Option<Self> {
        match c {
            'a'..='z' | 'A'..='Z' => Some(Self::Ascii),
            '\u{c0}'..='\u{24f}' | '\u{1e00}'..='\u{1eff}' => Some(Self::Accent),
            _ => c.is_alphabetic().then_some(Self::Other),
        }
    }
}

/// Letters, digits, and the signs of texts of many languages.
fn is_of_text(c: char) -> bool {
    c.is_alphanumeric()
        || matches!(c, ' '..='~' | '\n' | '\r' | '\t' | '\u{a0}'..='\u{bf}' | '\u{20a0}'..='\u{20bf}' | '\u{2122}')
        || matches!(c, '\u{2000}'..='\u{206f}' | '\u{3000}'..='\u{303f}' | '\u{ff00}'..='\u{ffef}')
}

/// A stream of another encoding as one of UTF-8. What is none of it becomes U+FFFD.
struct Decoded {
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
    fn new(inner: Box<dyn Read + Send>, encoding: &'static Encoding) -> Self {
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
