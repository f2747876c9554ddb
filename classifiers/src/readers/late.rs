//! Text that begins in ASCII and goes on in another encoding. A log of a gigabyte may have its first accent anywhere: what
//! the encoding is, is decided where the first byte comes that is no ASCII, by what stands there.

use super::{HEAD_BYTES, encodings};
use encoding_rs::Encoding;
use std::io::{self, Cursor, Read};

/// Bytes of ASCII before it that belong to the word which the first other byte is in.
const BEFORE_BYTES: usize = 64;

/// A stream that is ASCII so far, as one of UTF-8. Offsets stay those of the bytes up to the first that is decoded.
pub(super) struct Late {
    /// `None` as soon as it is a part of `rest`.
    input: Option<Box<dyn Read + Send>>,
    /// The last bytes that were given.
    before: Vec<u8>,
    /// The first byte that is no ASCII and what was read behind it.
    found: Vec<u8>,
    /// Everything from there on, decided.
    rest: Option<Box<dyn Read + Send>>,
}

impl Late {
    pub(super) fn new(input: Box<dyn Read + Send>) -> Self {
        Self { input: Some(input), before: Vec::new(), found: Vec::new(), rest: None }
    }

    /// The encoding of a stream, read up to where that is known; `None` where it is UTF-8 or nothing that is told.
    pub(super) fn encoding_of(input: Box<dyn Read + Send>) -> io::Result<Option<&'static Encoding>> {
        let mut late = Self::new(input);
        let mut buffer = vec![0; 1 << 18];
        while late.found.is_empty() && late.ascii(&mut buffer)? > 0 {}
        let (encoding, met) = late.decide();
        met.map(|_| encoding)
    }

    /// Bytes before the first that is no ASCII; 0 where there are no more of them.
    fn ascii(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let Some(input) = self.input.as_mut().filter(|_| self.found.is_empty()) else { return Ok(0) };
        let got = input.read(buffer)?;
        let ascii = match buffer[..got].is_ascii() {
            true => got,
            false => buffer[..got].iter().position(|b| !b.is_ascii()).unwrap_or(got),
        };
        self.found.extend_from_slice(&buffer[ascii..got]);
        let last = &buffer[ascii.saturating_sub(BEFORE_BYTES)..ascii];
        self.before.drain(..self.before.len().saturating_sub(BEFORE_BYTES - last.len()));
        self.before.extend_from_slice(last);
        Ok(ascii)
    }

    /// Looks at what stands behind the first byte that is no ASCII. Gives the encoding, and what reading met.
    fn decide(&mut self) -> (Option<&'static Encoding>, io::Result<usize>) {
        let missing = HEAD_BYTES.saturating_sub(self.found.len()) as u64;
        let met = match &mut self.input {
            Some(input) => input.take(missing).read_to_end(&mut self.found),
            None => Ok(0),
        };
        let near = &self.found[..self.found.len().min(HEAD_BYTES)];
        (encodings::of_sample(&[&self.before, near].concat(), near.len() == HEAD_BYTES), met)
    }
}

impl Read for Late {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        if self.rest.is_none() {
            let given = self.ascii(buffer)?;
            if given > 0 || self.found.is_empty() {
                return Ok(given);
            }
            let (encoding, met) = self.decide();
            let Some(input) = self.input.take() else { return Ok(0) };
            // What was read before an error comes before it.
            let found = Cursor::new(std::mem::take(&mut self.found)).chain(Met(met.err()));
            let raw = Box::new(found.chain(input));
            self.rest = Some(match encoding {
                Some(encoding) => encodings::decoded(raw, encoding),
                None => raw,
            });
        }
        self.rest.as_mut().map_or(Ok(0), |rest| rest.read(buffer))
    }
}

/// An error in its place in a stream.
struct Met(Option<io::Error>);

impl Read for Met {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        self.0.take().map_or(Ok(0), Err)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives a few bytes at a time.
    struct Slowly(Cursor<Vec<u8>>, usize);

    impl Read for Slowly {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let count = buffer.len().min(self.1);
            self.0.read(&mut buffer[..count])
        }
    }

    fn read(bytes: &[u8], at_a_time: usize) -> Vec<u8> {
        let mut out = Vec::new();
        Late::new(Box::new(Slowly(Cursor::new(bytes.to_vec()), at_a_time))).read_to_end(&mut out).expect("in memory");
        out
    }

    #[test]
    fn the_encoding_is_decided_where_it_shows() {
        let ascii = "nothing but ASCII here, line after line\n".repeat(300);
        let text = "Ihr Arzt ist Dr. Jürgen Weiß in Köln.\n";
        let whole = format!("{ascii}{text}{ascii}");
        for at_a_time in [1, 7, 4_096, 1 << 20] {
            for encoding in [encoding_rs::WINDOWS_1252, encoding_rs::UTF_8] {
                assert_eq!(read(&encoding.encode(&whole).0, at_a_time), whole.as_bytes(), "{at_a_time}");
            }
            let russian = format!("{ascii}Позвоните по номеру 12, пожалуйста.\n");
            assert_eq!(read(&encoding_rs::WINDOWS_1251.encode(&russian).0, at_a_time), russian.as_bytes());
            assert_eq!(read(ascii.as_bytes(), at_a_time), ascii.as_bytes());
        }
        // Lines that were put together from several files.
        let mixed = format!("{ascii}{text}Zoé lives there.\n");
        let mut bytes = [ascii.as_bytes(), &encoding_rs::WINDOWS_1252.encode(text).0].concat();
        bytes.extend_from_slice("Zoé lives there.\n".as_bytes());
        assert_eq!(read(&bytes, 4_096), mixed.as_bytes());
        let chinese = format!("{ascii}患者姓名：王小明，住在北京市朝阳区。\n{ascii}");
        assert_eq!(read(&encoding_rs::GBK.encode(&chinese).0, 4_096), chinese.as_bytes());
        // One accent alone, at the very end, and a character of UTF-8 that the sample cuts.
        let last = format!("{ascii}her name is Zoé");
        assert_eq!(read(&encoding_rs::WINDOWS_1252.encode(&last).0, 4_096), last.as_bytes());
        let cut = format!("{ascii}é{}é and more", "x".repeat(HEAD_BYTES - 3));
        assert_eq!(read(cut.as_bytes(), 4_096), cut.as_bytes());
        // What was read before an error is given before it.
        let broken = Cursor::new(encoding_rs::WINDOWS_1252.encode(&last).0.into_owned());
        let broken = broken.chain(Met(Some(io::Error::other("gone"))));
        let mut out = Vec::new();
        assert!(Late::new(Box::new(broken)).read_to_end(&mut out).is_err());
        assert_eq!(out, last.as_bytes());
        // What is no text stays what it is.
        let bytes = [ascii.as_bytes(), b"\xff\xfe\0\0\x01\x80\x81\x82", ascii.as_bytes()].concat();
        assert_eq!(read(&bytes, 4_096), bytes);
    }
}
