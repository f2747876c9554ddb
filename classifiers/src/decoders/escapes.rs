//! Escapes of single characters: which byte sequences are one, and what it stands for.

use super::map::{OffsetMap, Piece};
use super::words;

/// A family of escapes. The families are undone apart from each other; text that mixes them is derived from twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Family {
    /// `\n`, `\"`, `\u0040`: JSON, and the string literals of most languages.
    Backslash,
    /// `%40`.
    Percent,
    /// `&#64;`, `&commat;`.
    Entity,
    /// `=40`, and `=` at the end of a line.
    QuotedPrintable,
    /// Full-width forms, Arabic digits, and spaces and hyphens that look like the usual ones or like nothing.
    Unicode,
    /// `=?utf-8?Q?=40?=` in the header of a mail.
    EncodedWord,
}

impl Family {
    pub(super) const ALL: [Self; 6] =
        [Self::Backslash, Self::Percent, Self::Entity, Self::QuotedPrintable, Self::Unicode, Self::EncodedWord];

    /// Bytes of the longest escape, where that is more than a few.
    pub(super) fn escape_bytes_max(self) -> usize {
        if self == Self::EncodedWord { words::WORD_BYTES_MAX } else { 0 }
    }
}

/// The family of the escape at a place, where undoing it can show something. More is undone around such a place than
/// triggers: an en dash between words hides nothing, but between two digits it splits a number.
pub(super) fn trigger(text: &[u8], place: usize) -> Option<Family> {
    let rest = &text[place..];
    let after = |n: usize| rest.get(n).copied().unwrap_or_default();
    let before = place.checked_sub(1).and_then(|i| text.get(i)).copied().unwrap_or_default();
    match rest.first()? {
        b'\\' => match after(1) {
            // Letters that stick to what follows them. A quote hides nothing, for the plain text shows what is behind it,
            // but where it opens a key it makes a record of a string, and behind `=` it keeps a value from its label.
            b'n' | b't' | b'r' | b'b' | b'f' => begins_value(rest.get(2..)?).then_some(Family::Backslash),
            b'/' => (matches!(before, b':' | b'/') || before.is_ascii_alphanumeric() && begins_value(rest.get(2..)?))
                .then_some(Family::Backslash),
            b'"' => (before == b'=' || is_escaped_key(rest.get(2..)?)).then_some(Family::Backslash),
            b'\\' => match after(2) {
                b'n' | b't' | b'r' => begins_value(rest.get(3..)?).then_some(Family::Backslash),
                b'u' => hex(rest.get(3..7)?).map(|_| Family::Backslash),
                b'/' => (before == b':').then_some(Family::Backslash),
                _ => None,
            },
            b'u' => hex(rest.get(2..6)?).map(|_| Family::Backslash),
            b'x' => hex(rest.get(2..4)?).map(|_| Family::Backslash),
            _ => None,
        },
        b'%' => hex(rest.get(1..3)?).map(|_| Family::Percent),
        b'&' => entity(rest).map(|_| Family::Entity),
        b'=' if after(1) == b'?' => words::is_word(rest).then_some(Family::EncodedWord),
        b'=' => match rest {
            // A soft line break stands wherever a line is full. Behind `=` it is the padding of base64.
            [_, b'\n', c, ..] | [_, b'\r', b'\n', c, ..] if before.is_ascii_graphic() && before != b'=' => {
                c.is_ascii_graphic() || *c == b' ' && before.is_ascii_alphanumeric() || *c >= 0x80
            }
            // `=` before two characters of hex is common: sums (`4*5=20`), settings (`size=40`). Mail sticks to words, and
            // the groups of a number are parted twice.
            [_, b'2', b'D' | b'E', c, more @ ..] if before.is_ascii_digit() => {
                c.is_ascii_digit() && has_twin(&rest[..3], more)
            }
            _ if before.is_ascii_digit() => false,
            // The colon of a label.
            [_, b'3', b'A', b' ' | b'=', ..] => before.is_ascii_alphabetic(),
            [_, b'3', b'D', ..] => true,
            [_, b'4', b'0', c, ..] | [_, b'2', b'0' | b'E' | b'D' | b'B', c, ..] => c.is_ascii_alphabetic(),
            [_, b'C', b'2' | b'3', b'=', ..] | [_, b'E', b'2', b'=', ..] => true,
            _ => false,
        }
        .then_some(Family::QuotedPrintable),
        _ => {
            let (len, plain) = lookalike(rest)?;
            let next = after(len);
            // A rule knows the usual blank between a label and its value, and between the words of a name.
            let is_word = |b: u8| b.is_ascii_graphic() || b >= 0x80;
            let hides = match plain {
                "" => {
                    let is_word = |b: u8| b.is_ascii_alphanumeric();
                    // Between the groups of a number there is a blank beside it.
                    is_word(before) && is_word(next)
                        || before.is_ascii_digit() && next == b' '
                        || before == b' ' && next.is_ascii_digit()
                }
                " " => is_word(before) && is_word(next),
                "-" => before.is_ascii_digit() && next.is_ascii_digit(),
                _ => plain.as_bytes()[0].is_ascii_digit() || plain == "@",
            };
            hides.then_some(Family::Unicode)
        }
    }
}

/// Bytes behind an escape between two digits in which the same stands again: groups of a number are no longer.
const TWIN_BYTES: usize = 8;

/// Whether an escape stands again between the next digits.
fn has_twin(escape: &[u8], behind: &[u8]) -> bool {
    let digits = behind.iter().take(TWIN_BYTES).take_while(|b| b.is_ascii_digit()).count();
    behind[digits..].starts_with(escape)
}

/// Bytes behind an escape that tell whether a value may begin there.
const VALUE_BYTES: usize = 24;
/// Blanks before it that are passed over: lines of code and markup are indented.
const INDENT_BYTES: usize = 8;
/// Digits that a number has at least for its escape to be undone.
const VALUE_DIGITS_MIN: usize = 6;
/// Bytes of the shortest word with a digit in it for which its escape is undone, and of the shortest without.
const VALUE_WORD_MIN: [usize; 2] = [8, 20];

/// Whether what stands right behind an escape could be a value (a number, an address of mail, a token), or a label or
/// cell of a table, not a word of a sentence.
fn begins_value(text: &[u8]) -> bool {
    let indent = text.iter().take(INDENT_BYTES).take_while(|b| **b == b' ').count();
    let text = &text[indent..text.len().min(indent + VALUE_BYTES)];
    is_label(text) || is_value(text)
}

/// `name\":` behind an escaped quote.
fn is_escaped_key(text: &[u8]) -> bool {
    let len = text.iter().take(VALUE_BYTES).take_while(|b| b.is_ascii_alphanumeric() || **b == b'_').count();
    len > 0 && matches!(text.get(len..), Some([b'\\', b'"', b':', ..]))
}

/// A word or two before a mark that parts it from a value.
fn is_label(text: &[u8]) -> bool {
    let len = text.iter().take_while(|b| b.is_ascii_alphanumeric() || b" _-".contains(b)).count();
    len > 0 && text[0] != b' ' && matches!(text.get(len), Some(b':' | b'=' | b',' | b';' | b'|'))
}

fn is_value(text: &[u8]) -> bool {
    match text.first() {
        Some(b) if b.is_ascii_digit() || *b == b'+' => {
            let number = text[1..].iter().take_while(|b| b.is_ascii_digit() || b" -./():".contains(b));
            number.filter(|b| b.is_ascii_digit()).count() + 1 >= VALUE_DIGITS_MIN
        }
        Some(b) if b.is_ascii_alphabetic() => {
            let len = text.iter().take_while(|b| b.is_ascii_alphanumeric() || b"_-+/.@=".contains(b)).count();
            let word = &text[..len];
            let has = |is: fn(&u8) -> bool| word.iter().any(is);
            has(|b| *b == b'@') || len >= VALUE_WORD_MIN[0] && has(u8::is_ascii_digit) || len >= VALUE_WORD_MIN[1]
        }
        _ => false,
    }
}

/// Appends text with the escapes of a family undone; gives the map to the text, which begins at `base` of its value.
pub(super) fn undo(family: Family, text: &[u8], base: usize, plain: &mut Vec<u8>) -> OffsetMap {
    if family == Family::EncodedWord {
        return words::undo(text, base, plain);
    }
    let mut map = OffsetMap { base, pieces: Vec::new() };
    let origin = plain.len();
    let mut at = 0;
    let mut buffer = [0u8; 8];
    while at < text.len() {
        let Some(skip) = lead(family, &text[at..]) else { break };
        plain.extend_from_slice(&text[at..at + skip]);
        at += skip;
        match one(family, &text[at..], &mut buffer) {
            Some((len, bytes)) => {
                let from = plain.len() - origin;
                plain.extend_from_slice(bytes);
                let piece = Piece {
                    plain: (from, plain.len() - origin),
                    source: (base + at, base + at + len),
                    by_three: false,
                };
                map.pieces.push(piece);
                at += len;
            }
            None => {
                plain.push(text[at]);
                at += 1;
            }
        }
    }
    plain.extend_from_slice(&text[at..]);
    map
}

/// Bytes up to the next one that may begin an escape.
fn lead(family: Family, text: &[u8]) -> Option<usize> {
    match family {
        Family::Backslash => memchr::memchr(b'\\', text),
        Family::Percent => memchr::memchr(b'%', text),
        Family::Entity => memchr::memchr(b'&', text),
        Family::QuotedPrintable => memchr::memchr(b'=', text),
        Family::Unicode => text.iter().position(|b| LOOKALIKE_LEADS.contains(b)),
        // Words are undone as a whole.
        Family::EncodedWord => None,
    }
}

/// The escape at the beginning of a text: its length and what it stands for.
fn one<'b>(family: Family, text: &[u8], buffer: &'b mut [u8; 8]) -> Option<(usize, &'b [u8])> {
    let byte = |buffer: &'b mut [u8; 8], len: usize, b: u8| {
        buffer[0] = b;
        Some((len, &buffer[..1]))
    };
    match family {
        Family::Backslash => match text.get(1)? {
            b'n' => byte(buffer, 2, b'\n'),
            b't' => byte(buffer, 2, b'\t'),
            b'r' => byte(buffer, 2, b'\r'),
            b'b' | b'f' => byte(buffer, 2, b' '),
            b @ (b'"' | b'/' | b'\\' | b'\'') => byte(buffer, 2, *b),
            b'x' => byte(buffer, 4, hex(text.get(2..4)?).filter(|n| *n < 0x80)? as u8),
            b'u' => {
                let high = hex(text.get(2..6)?)?;
                let pair = || hex(text.get(6..12)?.strip_prefix(b"\\u")?);
                match (high, char::from_u32(high)) {
                    (_, Some(c)) => Some((6, c.encode_utf8(buffer).as_bytes())),
                    (0xd800..=0xdbff, _) => {
                        let low = pair().filter(|low| (0xdc00..=0xdfff).contains(low))?;
                        let c = char::from_u32(0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00))?;
                        Some((12, c.encode_utf8(buffer).as_bytes()))
                    }
                    _ => None,
                }
            }
            _ => None,
        },
        Family::Percent => byte(buffer, 3, hex(text.get(1..3)?)? as u8),
        Family::Entity => {
            let (len, c) = entity(text)?;
            Some((len, c.encode_utf8(buffer).as_bytes()))
        }
        Family::QuotedPrintable => match text {
            [_, b'\n', ..] => Some((2, &buffer[..0])),
            [_, b'\r', b'\n', ..] => Some((3, &buffer[..0])),
            _ => byte(buffer, 3, hex(text.get(1..3)?)? as u8),
        },
        Family::Unicode => {
            let (len, plain) = lookalike(text)?;
            buffer[..plain.len()].copy_from_slice(plain.as_bytes());
            Some((len, &buffer[..plain.len()]))
        }
        Family::EncodedWord => None,
    }
}

/// Whether a text begins with an escape of quoted-printable, wherever that may stand.
pub(super) fn is_quoted_printable(text: &[u8]) -> bool {
    one(Family::QuotedPrintable, text, &mut [0; 8]).is_some()
}

/// The number of a few hexadecimal digits.
fn hex(digits: &[u8]) -> Option<u32> {
    digits.iter().try_fold(0, |n, b| Some(n * 16 + char::from(*b).to_digit(16)?))
}

/// Named characters of HTML that occur inside values, and those that most text is escaped with.
const ENTITIES: [(&str, char); 33] = [
    ("amp", '&'),
    ("apos", '\''),
    ("ast", '*'),
    ("bsol", '\\'),
    ("colon", ':'),
    ("comma", ','),
    ("commat", '@'),
    ("dash", '-'),
    ("dollar", '$'),
    ("equals", '='),
    ("excl", '!'),
    ("gt", '>'),
    ("hyphen", '-'),
    ("lbrace", '{'),
    ("lbrack", '['),
    ("lowbar", '_'),
    ("lpar", '('),
    ("lt", '<'),
    ("nbsp", ' '),
    ("num", '#'),
    ("percnt", '%'),
    ("period", '.'),
    ("plus", '+'),
    ("quest", '?'),
    ("quot", '"'),
    ("rbrace", '}'),
    ("rbrack", ']'),
    ("rpar", ')'),
    ("semi", ';'),
    ("shy", '\u{ad}'),
    ("sol", '/'),
    ("Tab", '\t'),
    ("NewLine", '\n'),
];

/// The HTML entity at the beginning of a text: its length and character.
fn entity(text: &[u8]) -> Option<(usize, char)> {
    let inner = text.get(1..text.len().min(12))?;
    let end = memchr::memchr(b';', inner)?;
    let name = &inner[..end];
    let character = match name {
        [b'#', b'x' | b'X', digits @ ..] if (1..=6).contains(&digits.len()) => char::from_u32(hex(digits)?)?,
        [b'#', digits @ ..] if !digits.is_empty() => {
            let number = std::str::from_utf8(digits).ok()?;
            char::from_u32(number.bytes().all(|b| b.is_ascii_digit()).then(|| number.parse().ok())??)?
        }
        _ => ENTITIES.iter().find(|(known, _)| known.as_bytes() == name)?.1,
    };
    // A NUL would part values.
    (character != '\0').then_some((end + 2, character))
}

/// The bytes that begin a character that looks like one of ASCII, or like none.
pub(super) const LOOKALIKE_LEADS: [u8; 5] = [0xc2, 0xd9, 0xdb, 0xe2, 0xef];

/// A character that looks like one of ASCII, or like none, or is the same digit in Arabic: its length and the usual form.
fn lookalike(text: &[u8]) -> Option<(usize, &'static str)> {
    const WIDE: &str =
        "!\"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdefghijklmnopqrstuvwxyz{|}~";
    let wide = |n: u8| WIDE.get(n as usize..n as usize + 1).map(|s| (3, s));
    let digit = |n: u8| WIDE.get(usize::from(n) + 15..usize::from(n) + 16).map(|s| (2, s));
    match *text {
        // Arabic-Indic digits, and those of Persian and Urdu.
        [0xd9, b @ 0xa0..=0xa9, ..] => digit(b - 0xa0),
        [0xdb, b @ 0xb0..=0xb9, ..] => digit(b - 0xb0),
        [0xc2, 0xa0, ..] => Some((2, " ")),
        [0xc2, 0xad, ..] => Some((2, "")),
        // Figure space, punctuation space, thin and hair space; zero-width; hyphens and en dash; narrow no-break space.
        [0xe2, 0x80, 0x87..=0x8a, ..] | [0xe2, 0x80, 0xaf, ..] => Some((3, " ")),
        [0xe2, 0x80, 0x8b..=0x8d, ..] | [0xe2, 0x81, 0xa0, ..] | [0xef, 0xbb, 0xbf, ..] => Some((3, "")),
        [0xe2, 0x80, 0x90..=0x93, ..] | [0xe2, 0x88, 0x92, ..] => Some((3, "-")),
        [0xef, 0xbc, b @ 0x81..=0xbf, ..] => wide(b - 0x81),
        [0xef, 0xbd, b @ 0x80..=0x9e, ..] => wide(b - 0x80 + 63),
        _ => None,
    }
}
