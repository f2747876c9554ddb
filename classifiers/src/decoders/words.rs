//! Encoded words of mail headers (RFC 2047): `=?utf-8?Q?J=C3=BCrgen?=` and `=?utf-8?B?SsO8cmdlbg==?=`.
//!
//! Words in a row are one text, whatever white space and line breaks are between them. In UTF-8, ASCII and encodings of one
//! byte each character has its place; of others, and of base64 in them, a word is one thing.

use super::map::{OffsetMap, Piece};
use ::base64::Engine as _;
use ::base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use encoding_rs::{Encoding, UTF_8};

/// Longest word that is read, in bytes: more than mail may have (75), as programs write longer ones.
pub(super) const WORD_BYTES_MAX: usize = 512;
/// Longest name of an encoding.
const CHARSET_BYTES_MAX: usize = 40;
/// Most white space between two words.
const GAP_BYTES_MAX: usize = 16;

const BASE64: GeneralPurpose = GeneralPurpose::new(
    &::base64::alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(::base64::engine::DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// An encoded word: where its text lies in it, and how that is written.
struct Word {
    encoding: &'static Encoding,
    is_base64: bool,
    text: std::ops::Range<usize>,
    len: usize,
}

/// Whether an encoded word begins here.
pub(super) fn is_word(text: &[u8]) -> bool {
    word(text).is_some()
}

fn word(text: &[u8]) -> Option<Word> {
    let text = &text[..text.len().min(WORD_BYTES_MAX)];
    let rest = text.strip_prefix(b"=?")?;
    let charset_len = rest.iter().take(CHARSET_BYTES_MAX).position(|b| *b == b'?')?;
    // A language may stand behind it (RFC 2231).
    let charset = rest[..charset_len].split(|b| *b == b'*').next()?;
    let encoding = Encoding::for_label(charset)?;
    let [kind, b'?', content @ ..] = rest.get(charset_len + 1..)? else { return None };
    let is_base64 = match kind {
        b'B' | b'b' => true,
        b'Q' | b'q' => false,
        _ => return None,
    };
    let len = content.iter().position(|b| *b == b'?' || !b.is_ascii_graphic())?;
    let start = 2 + charset_len + 3;
    content[len..].starts_with(b"?=").then_some(Word {
        encoding,
        is_base64,
        text: start..start + len,
        len: start + len + 2,
    })
}

/// Appends text with its encoded words undone; gives the map to the text, which begins at `base` of its value.
pub(super) fn undo(text: &[u8], base: usize, plain: &mut Vec<u8>) -> OffsetMap {
    let mut undone = Undone { origin: plain.len(), plain, base, pieces: Vec::new() };
    let mut at = 0;
    while let Some(found) = memchr::memmem::find(&text[at..], b"=?").map(|n| at + n) {
        undone.plain.extend_from_slice(&text[at..found]);
        at = found;
        // What stands before the text of a word: its beginning, behind others the end of the last and the gap too.
        let mut before = found;
        while let Some(word) = word(&text[at..]) {
            undone.piece(&[], before..at + word.text.start, false);
            undone.word(&word, text, at);
            before = at + word.text.end;
            at += word.len;
            let gap = text[at..].iter().take(GAP_BYTES_MAX).take_while(|b| b.is_ascii_whitespace()).count();
            if gap == 0 || !is_word(&text[at + gap..]) {
                break;
            }
            at += gap;
        }
        match before == found {
            true => {
                undone.plain.extend_from_slice(b"=?");
                at += 2;
            }
            false => undone.piece(&[], before..at, false),
        }
    }
    undone.plain.extend_from_slice(&text[at..]);
    OffsetMap { base, pieces: undone.pieces }
}

/// A text that is being undone.
struct Undone<'p> {
    plain: &'p mut Vec<u8>,
    /// Where it begins in `plain`.
    origin: usize,
    base: usize,
    pieces: Vec<Piece>,
}

impl Undone<'_> {
    fn piece(&mut self, bytes: &[u8], source: std::ops::Range<usize>, by_three: bool) {
        let from = self.plain.len() - self.origin;
        // A NUL would part values.
        self.plain.extend(bytes.iter().map(|b| if *b == 0 { b' ' } else { *b }));
        let plain = (from, self.plain.len() - self.origin);
        self.pieces.push(Piece { plain, source: (self.base + source.start, self.base + source.end), by_three });
    }

    fn word(&mut self, word: &Word, text: &[u8], at: usize) {
        let place = at + word.text.start..at + word.text.end;
        let content = &text[place.clone()];
        let bytes = match word.is_base64 {
            true => BASE64.decode(content).unwrap_or_default(),
            false => without_signs(content),
        };
        let is_plain = word.encoding == UTF_8 || bytes.is_ascii() && word.encoding.is_ascii_compatible();
        match (word.is_base64, is_plain) {
            (true, true) => self.piece(&bytes, place, true),
            (false, _) if is_plain || word.encoding.is_single_byte() => self.signs(word.encoding, content, place.start),
            _ => self.piece(word.encoding.decode_without_bom_handling(&bytes).0.as_bytes(), place, false),
        }
    }

    /// Undoes the signs of a word one by one.
    fn signs(&mut self, encoding: &'static Encoding, content: &[u8], place: usize) {
        let mut at = 0;
        while let Some(&first) = content.get(at) {
            let (byte, len) = sign(&content[at..]);
            match len == 1 && byte == first {
                true => self.plain.push(byte),
                false if encoding == UTF_8 => self.piece(&[byte], place + at..place + at + len, false),
                false => {
                    let one = encoding.decode_without_bom_handling(&[byte]).0.into_owned();
                    self.piece(one.as_bytes(), place + at..place + at + len, false);
                }
            }
            at += len;
        }
    }
}

/// The byte that a word in the Q encoding begins with, and how long it is written.
fn sign(content: &[u8]) -> (u8, usize) {
    let digit = |b: u8| char::from(b).to_digit(16);
    match *content {
        [b'=', high, low, ..] => match (digit(high), digit(low)) {
            (Some(high), Some(low)) => ((high * 16 + low) as u8, 3),
            _ => (b'=', 1),
        },
        [b'_', ..] => (b' ', 1),
        [other, ..] => (other, 1),
        [] => (0, 1),
    }
}

fn without_signs(content: &[u8]) -> Vec<u8> {
    let (mut bytes, mut at) = (Vec::with_capacity(content.len()), 0);
    while at < content.len() {
        let (byte, len) = sign(&content[at..]);
        bytes.push(byte);
        at += len;
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn undone(text: &str) -> String {
        let mut plain = Vec::new();
        undo(text.as_bytes(), 0, &mut plain);
        String::from_utf8(plain).expect("UTF-8")
    }

    #[test]
    fn words_are_undone() {
        for (text, expected) in [
            ("=?utf-8?Q?J=C3=BCrgen_Wei=C3=9F?=", "Jürgen Weiß"),
            ("To: =?UTF-8?B?SsO8cmdlbg==?= <a@x.org>", "To: Jürgen <a@x.org>"),
            ("=?iso-8859-1?q?J=FCrgen?= x", "Jürgen x"),
            ("=?iso-8859-1*de?Q?J=FCrgen?=", "Jürgen"),
            ("=?iso-8859-1?B?SvxyZ2Vu?=", "Jürgen"),
            ("=?iso-2022-jp?B?GyRCOzNFRBsoQg==?=", "山田"),
            ("=?windows-1251?B?yOLg7Q==?=", "Иван"),
            // In a row, over folded lines, with a character cut in two.
            ("=?utf-8?Q?a=C3?=\r\n =?utf-8?Q?=BCb?= c", "aüb c"),
            ("=?utf-8?Q?a?= =?utf-8?B?Yg==?=", "ab"),
            // No words.
            ("=?nothing?Q?a=20b?=", "=?nothing?Q?a=20b?="),
            ("=?utf-8?X?a?= =?utf-8?Q?a b?= a=?b", "=?utf-8?X?a?= =?utf-8?Q?a b?= a=?b"),
            ("=?utf-8?Q?a=4", "=?utf-8?Q?a=4"),
        ] {
            assert_eq!(undone(text), expected, "{text}");
        }
        let long = format!("=?utf-8?Q?{}?=", "a=20".repeat(WORD_BYTES_MAX));
        assert_eq!(undone(&long), long, "longer than any word");
    }

    #[test]
    fn places_are_those_of_the_signs() {
        let text = "x =?utf-8?Q?J=C3=BCrgen=40b.org_now?= y";
        let mut plain = Vec::new();
        let map = undo(text.as_bytes(), 100, &mut plain);
        assert_eq!(plain, "x Jürgen@b.org now y".as_bytes());
        let cut = |start, end| {
            let (from, to) = map.source_of(start, end);
            &text[from - 100..to - 100]
        };
        assert_eq!(cut(2, 15), "J=C3=BCrgen=40b.org");
        assert_eq!(cut(9, 15), "=40b.org");
        assert_eq!(cut(20, 21), "y");
    }
}
