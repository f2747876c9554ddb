//! Text in which lines of an encoding of one byte and lines of UTF-8 may be mixed, as in corpora that were put together from
//! files: a line that is UTF-8 stays, another one is decoded. What a line is, is seen in it far better than in the beginning
//! of a file.

use encoding_rs::Encoding;
use std::io::{self, Read};

/// Bytes that are looked at at a time; a longer line is one of several.
const BLOCK_BYTES: usize = 1 << 16;

/// A stream of such lines as one of UTF-8. It does not depend on how many bytes a read gives.
pub(super) struct Mended {
    inner: Box<dyn Read + Send>,
    encoding: &'static Encoding,
    raw: Vec<u8>,
    plain: Vec<u8>,
    plain_from: usize,
    failed: Option<io::Error>,
    ended: bool,
}

impl Mended {
    pub(super) fn new(inner: Box<dyn Read + Send>, encoding: &'static Encoding) -> Self {
        let (raw, plain) = (Vec::new(), Vec::new());
        Self { inner, encoding, raw, plain, plain_from: 0, failed: None, ended: false }
    }

    fn refill(&mut self) {
        let missing = BLOCK_BYTES - self.raw.len();
        match (&mut self.inner).take(missing as u64).read_to_end(&mut self.raw) {
            Ok(got) => self.ended = got < missing,
            // What was read before an error comes before it.
            Err(e) => (self.failed, self.ended) = (Some(e), true),
        }
        let whole = if self.ended { self.raw.len() } else { lines_end(&self.raw) };
        self.plain.clear();
        self.plain_from = 0;
        mend(&self.raw[..whole], self.encoding, &mut self.plain);
        self.raw.drain(..whole);
    }
}

/// Appends text as UTF-8.
pub(super) fn mend(text: &[u8], encoding: &'static Encoding, plain: &mut Vec<u8>) {
    if std::str::from_utf8(text).is_ok() {
        return plain.extend_from_slice(text);
    }
    for line in text.split_inclusive(|b| *b == b'\n') {
        match std::str::from_utf8(line) {
            Ok(_) => plain.extend_from_slice(line),
            Err(_) => plain.extend_from_slice(encoding.decode_without_bom_handling(line).0.as_bytes()),
        }
    }
}

/// How far a block holds whole lines; of a line that is longer, whole characters.
fn lines_end(block: &[u8]) -> usize {
    if let Some(at) = memchr::memrchr(b'\n', block) {
        return at + 1;
    }
    match std::str::from_utf8(block) {
        Err(e) if e.error_len().is_none() => e.valid_up_to(),
        _ => block.len(),
    }
}

impl Read for Mended {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.plain_from == self.plain.len() && !self.ended {
            self.refill();
        }
        let count = buffer.len().min(self.plain.len() - self.plain_from);
        if count == 0 && !buffer.is_empty() {
            return self.failed.take().map_or(Ok(0), Err);
        }
        buffer[..count].copy_from_slice(&self.plain[self.plain_from..self.plain_from + count]);
        self.plain_from += count;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use encoding_rs::{KOI8_R, WINDOWS_1252};
    use std::io::Cursor;

    fn read(bytes: &[u8], encoding: &'static Encoding) -> Vec<u8> {
        let mut out = Vec::new();
        Mended::new(Box::new(Cursor::new(bytes.to_vec())), encoding).read_to_end(&mut out).expect("in memory");
        out
    }

    #[test]
    fn lines_are_judged_by_themselves() {
        // Beside others a line of UTF-8 stays; letters that would be a character of UTF-8 do not part a line.
        let (plain, names, russian) = ("nothing\n", "Zoé, Jürgen, “Weiß”\n", "Всё её, и Пётр тоже\n");
        for (encoding, text) in [(WINDOWS_1252, names), (KOI8_R, russian)] {
            let other = encoding.encode(text).0.into_owned();
            let mixed = [plain.as_bytes(), &other, names.as_bytes(), russian.as_bytes(), &other].concat();
            assert_eq!(read(&mixed, encoding), format!("{plain}{text}{names}{russian}{text}").as_bytes());
            let many = format!("{plain}{text}").repeat(9_000);
            assert_eq!(read(&encoding.encode(&many).0, encoding), many.as_bytes());
        }
        // A line that is longer than a block, with characters of several bytes at its seams.
        for shift in 0..3 {
            let long = format!("{}{}", "x".repeat(shift), "é“".repeat(50_000));
            assert_eq!(read(long.as_bytes(), WINDOWS_1252), long.as_bytes(), "{shift}");
            assert_eq!(read(&WINDOWS_1252.encode(&long).0, WINDOWS_1252), long.as_bytes(), "{shift}");
        }
    }
}
