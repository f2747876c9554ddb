//! Tokens of a text and the features of a place in it.
//!
//! A token is a word, a number or one sign. An address of the web or of e-mail is one token, so that its parts are no
//! names. Features are hashes: what stands here, before and behind, as word, as shape and as what the lexicon knows.

use super::lexicon::{self, Lexicon, kind};

/// Number of feature slots of a model, a power of two.
pub(super) const SLOT_BITS: u32 = 17;
/// Features of one place.
pub(super) const FEATURES: usize = 34;

/// How a token is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Shape {
    /// Before the beginning and behind the end.
    None,
    Lower,
    /// Lower case in a text without capitals, where a name is written like any word.
    Caseless,
    /// `Anna`
    Capital,
    /// `A`
    Letter,
    /// `NASA`
    Upper,
    /// `McKay`, `TechCorp`
    Camel,
    /// `Jean-Luc`
    Joined,
    Digit1,
    Digit2,
    Digit3,
    Digit4,
    Digit5,
    DigitMany,
    /// `5th`, `12b`, `E5`
    Mixed,
    Sign,
    /// An e-mail address or a URL.
    Link,
    /// Letters of a script without capitals, or of one the tagger does not know.
    Other,
}

/// A token of a text.
#[derive(Debug, Clone, Copy)]
pub(super) struct Token {
    pub(super) start: usize,
    pub(super) end: usize,
    /// Hash of the word in lower case, digits as `0`.
    pub(super) word: u32,
    /// Hashes of its last two and last three bytes and its first three.
    pub(super) suffix2: u32,
    pub(super) suffix3: u32,
    pub(super) prefix3: u32,
    pub(super) kinds: u32,
    pub(super) shape: Shape,
    /// A line break lies before it.
    pub(super) new_line: bool,
    /// Nothing lies between it and the token before.
    pub(super) glued: bool,
}

impl Token {
    pub(super) const NONE: Self = Self {
        start: 0,
        end: 0,
        word: 1,
        suffix2: 1,
        suffix3: 1,
        prefix3: 1,
        kinds: 0,
        shape: Shape::None,
        new_line: true,
        glued: false,
    };

    pub(super) fn is_number(&self) -> bool {
        (Shape::Digit1 as u8..=Shape::Mixed as u8).contains(&(self.shape as u8))
    }

    fn is_capitalised(&self) -> bool {
        (Shape::Capital as u8..=Shape::Joined as u8).contains(&(self.shape as u8))
    }

    /// Whether a name may begin here; at all other tokens nothing is looked up.
    pub(super) fn can_begin(&self) -> bool {
        match self.shape {
            Shape::Lower => self.kinds & kind::NAMES != 0 && self.kinds & kind::ENGLISH == 0,
            Shape::Caseless => self.kinds & kind::ENGLISH == 0 || self.kinds & (kind::NAMES | kind::MONTH) != 0,
            Shape::None | Shape::Sign | Shape::Link | Shape::Other => false,
            _ => true,
        }
    }
}

/// Cuts a text into tokens, a part at a time.
pub(super) struct Tokens<'a> {
    text: &'a str,
    at: usize,
    lexicon: &'a Lexicon,
}

impl<'a> Tokens<'a> {
    pub(super) fn new(text: &'a str, lexicon: &'a Lexicon) -> Self {
        Self { text, at: 0, lexicon }
    }

    /// Appends up to `count` tokens; `false` at the end of the text.
    pub(super) fn fill(&mut self, tokens: &mut Vec<Token>, count: usize) -> bool {
        let from = tokens.len();
        let more = self.cut(tokens, count);
        let from = from.min(tokens.len());
        note_case(&mut tokens[from..]);
        more
    }

    fn cut(&mut self, tokens: &mut Vec<Token>, count: usize) -> bool {
        let bytes = self.text.as_bytes();
        let wanted = tokens.len() + count;
        while tokens.len() < wanted {
            let before = self.at;
            let mut new_line = before == 0;
            while self.at < bytes.len() && is_blank(bytes, self.at) {
                new_line |= bytes[self.at] == b'\n';
                self.at += blank_len(bytes[self.at]);
            }
            if self.at >= bytes.len() {
                return false;
            }
            let glued = self.at == before && before > 0;
            let start = self.at;
            let mut token = if is_word_byte(bytes[start]) { self.word(start) } else { self.sign(start) };
            token.new_line = new_line;
            token.glued = glued;
            self.at = token.end;
            if bytes[start] == b'@' || (bytes[start] == b':' && bytes[start..].starts_with(b"://")) {
                self.link(&mut token, tokens);
            }
            tokens.push(token);
        }
        true
    }

    /// Takes back what is glued to an `@` or a scheme, and goes on to the next blank.
    fn link(&mut self, token: &mut Token, tokens: &mut Vec<Token>) {
        let bytes = self.text.as_bytes();
        if !token.glued || !bytes.get(token.start + 1).is_some_and(|b| b.is_ascii_alphanumeric() || *b == b'/') {
            return;
        }
        while let Some(last) = tokens.last().copied()
            && last.end == token.start
            && (last.shape != Shape::Sign || matches!(bytes[last.start], b'.' | b'_' | b'-' | b'+'))
            && token.glued
        {
            tokens.pop();
            (token.start, token.glued, token.new_line) = (last.start, last.glued, last.new_line);
        }
        while self.at < bytes.len()
            && !is_blank(bytes, self.at)
            && !matches!(bytes[self.at], b'"' | b'\'' | b'<' | b'>' | b')' | b',' | b';')
        {
            self.at += 1;
        }
        while matches!(bytes[self.at - 1], b'.' | b'?' | b'!' | b':') {
            self.at -= 1;
        }
        *token = Token { end: self.at, shape: Shape::Link, word: 7, kinds: 0, ..*token };
    }

    fn sign(&self, start: usize) -> Token {
        let len = self.text[start..].chars().next().map_or(1, char::len_utf8);
        let word = self.text.as_bytes()[start..start + len].iter().fold(lexicon::EMPTY, |h, b| lexicon::step(h, *b));
        Token { start, end: start + len, word, shape: Shape::Sign, ..Token::NONE }
    }

    fn word(&self, start: usize) -> Token {
        let bytes = self.text.as_bytes();
        let mut end = start;
        while end < bytes.len() && goes_on(bytes, start, end) {
            end += 1;
        }
        if end == start {
            return self.sign(start);
        }
        let word = &self.text[start..end];
        if word.is_ascii() {
            self.describe(start, end, word.bytes().map(|b| b.to_ascii_lowercase()), shape_ascii(word))
        } else {
            let lower = word.to_lowercase();
            self.describe(start, end, lower.bytes(), shape_unicode(word))
        }
    }

    fn describe(&self, start: usize, end: usize, lower: impl Iterator<Item = u8>, shape: Shape) -> Token {
        // The hashes before the last, the last but one and the last but two bytes, for endings.
        let mut steps = [lexicon::EMPTY; 4];
        let mut tail = [0u8; 3];
        let mut prefix3 = lexicon::EMPTY;
        for (n, byte) in lower.enumerate() {
            let byte = if byte.is_ascii_digit() { b'0' } else { byte };
            steps = [lexicon::step(steps[0], byte), steps[0], steps[1], steps[2]];
            tail = [tail[1], tail[2], byte];
            if n == 2 {
                prefix3 = steps[0];
            }
        }
        let mut kinds = self.lexicon.get(steps[0]);
        if kinds & kind::ENGLISH == 0 && end - start > 4 && is_inflected(self.lexicon, steps, tail) {
            kinds |= kind::ENGLISH;
        }
        Token {
            start,
            end,
            word: steps[0],
            suffix2: u32::from(tail[1]) << 8 | u32::from(tail[2]),
            suffix3: u32::from(tail[0]) << 16 | u32::from(tail[1]) << 8 | u32::from(tail[2]),
            prefix3,
            kinds,
            shape,
            new_line: false,
            glued: false,
        }
    }
}

/// Marks the words of a stretch of text without capitals, a name or two in a long one apart.
fn note_case(tokens: &mut [Token]) {
    let words = tokens.iter().filter(|t| t.shape == Shape::Lower).count();
    let capitals = tokens.iter().filter(|t| t.is_capitalised()).count();
    if capitals * 100 <= words {
        tokens.iter_mut().filter(|t| t.shape == Shape::Lower).for_each(|t| t.shape = Shape::Caseless);
    }
}

/// Whether a word is a form of a common English word.
fn is_inflected(lexicon: &Lexicon, steps: [u32; 4], tail: [u8; 3]) -> bool {
    let known = |hash: u32| lexicon.get(hash) & kind::ENGLISH != 0;
    match tail {
        [b'i', b'n', b'g'] => known(steps[3]) || known(lexicon::step(steps[3], b'e')),
        [_, b'e', b'd' | b'r'] => known(steps[2]) || known(steps[1]),
        [b'i', b'e', b's'] => known(lexicon::step(steps[3], b'y')),
        [_, b'e', b's'] => known(steps[2]) || known(steps[1]),
        [_, b'l', b'y'] => known(steps[2]),
        [_, _, b's' | b'd'] => known(steps[1]),
        _ => false,
    }
}

fn is_word_byte(b: u8) -> bool {
    b.is_ascii_alphanumeric() || b >= 0x80
}

/// Whether the byte at `at` belongs to the word that began at `start`: a letter or digit, or a hyphen or an apostrophe
/// between two letters.
fn goes_on(bytes: &[u8], start: usize, at: usize) -> bool {
    let b = bytes[at];
    let letter = |b: u8| b > b'9' && is_word_byte(b);
    if is_word_byte(b) {
        return !is_sign_char(bytes, at);
    }
    matches!(b, b'\'' | b'-')
        && at > start
        && letter(bytes[at - 1])
        && bytes.get(at + 1).is_some_and(|n| letter(*n))
        && !(b == b'\'' && is_genitive(bytes, at))
}

/// Signs and blanks outside ASCII that end a word: no-break space, dashes, quotes, bullets, CJK punctuation.
fn is_sign_char(bytes: &[u8], at: usize) -> bool {
    match bytes[at] {
        0xc2 => true,
        0xe2 => matches!(bytes.get(at + 1), Some(0x80..=0xaf)),
        0xe3 => matches!(bytes.get(at + 1), Some(0x80)),
        _ => false,
    }
}

fn is_blank(bytes: &[u8], at: usize) -> bool {
    bytes[at] <= b' ' || (bytes[at] == 0xc2 && bytes.get(at + 1) == Some(&0xa0))
}

fn blank_len(b: u8) -> usize {
    if b == 0xc2 { 2 } else { 1 }
}

/// `'s` at the end of a word.
fn is_genitive(bytes: &[u8], at: usize) -> bool {
    matches!(bytes.get(at + 1), Some(b's' | b'S')) && !bytes.get(at + 2).is_some_and(|b| is_word_byte(*b))
}

fn shape_ascii(word: &str) -> Shape {
    let bytes = word.as_bytes();
    let digits = bytes.iter().filter(|b| b.is_ascii_digit()).count();
    match (digits, bytes.len()) {
        (0, _) => {}
        (d, len) if d < len => return Shape::Mixed,
        (d, _) => {
            return match d {
                1 => Shape::Digit1,
                2 => Shape::Digit2,
                3 => Shape::Digit3,
                4 => Shape::Digit4,
                5 => Shape::Digit5,
                _ => Shape::DigitMany,
            };
        }
    }
    let upper = bytes.iter().filter(|b| b.is_ascii_uppercase()).count();
    of_letters(bytes[0].is_ascii_uppercase(), upper, bytes.len(), bytes.contains(&b'-'))
}

fn shape_unicode(word: &str) -> Shape {
    let first = word.chars().next().unwrap_or(' ');
    if word.bytes().any(|b| b.is_ascii_digit()) {
        return Shape::Mixed;
    }
    // Latin letters end at U+024F; the tagger knows no other script.
    if word.chars().any(|c| c > '\u{24f}' && c.is_alphabetic()) {
        return Shape::Other;
    }
    let upper = word.chars().filter(|c| c.is_uppercase()).count();
    of_letters(first.is_uppercase(), upper, word.chars().count(), word.contains('-'))
}

fn of_letters(first_upper: bool, upper: usize, len: usize, joined: bool) -> Shape {
    match (first_upper, upper) {
        (_, 0) => Shape::Lower,
        (true, 1) if len == 1 => Shape::Letter,
        (_, u) if u == len => Shape::Upper,
        (true, _) if joined => Shape::Joined,
        (true, 1) => Shape::Capital,
        _ => Shape::Camel,
    }
}

/// The slots of a place's features. `window` is two tokens before, the token and two behind; `label` and `label_before`
/// are what was said of the two tokens before.
pub(super) fn slots(window: &[Token; 5], label: u8, label_before: u8, length: u8, out: &mut [u32; FEATURES]) {
    let [b2, b1, t, n1, n2] = window;
    let (label, label_before) = (u32::from(label), u32::from(label_before));
    let shape = |t: &Token| t.shape as u32;
    let kinds = |t: &Token| t.kinds;
    let begins = u32::from(t.new_line) | u32::from(is_sentence_end(b1)) << 1;
    let both = |a: u32, b: u32| a.wrapping_mul(0x9e37_79b1).rotate_left(15) ^ b;
    // A word's capital says little at the beginning of a sentence or a line.
    let here = both(shape(t) << 2 | begins, kinds(t));
    let run = both(shape(b1) << 16 | shape(t) << 8 | shape(n1), u32::from(t.glued) | u32::from(n1.glued) << 1);
    let after = both(kinds(n1), shape(n1));
    let before = both(kinds(b1), shape(b1));
    let values = [
        0,
        t.word,
        both(t.word, shape(t) << 2 | begins),
        here,
        t.suffix3,
        both(t.suffix2, shape(t)),
        both(t.prefix3, shape(t)),
        b1.word,
        both(b1.word, shape(t)),
        both(b1.word, here),
        n1.word,
        both(n1.word, shape(t)),
        both(n1.word, here),
        both(b2.word, b1.word),
        both(n1.word, n2.word),
        both(before, here),
        both(here, after),
        both(both(before, here), after),
        run,
        both(label, label_before),
        both(label, here),
        both(label, t.word),
        both(both(label, b1.word), shape(t)),
        both(label, run),
        both(label, both(here, after)),
        both(both(label, before), here),
        both(b2.word, here),
        both(n2.word, here),
        both(both(b2.word, b1.word), here),
        both(label, u32::from(length)),
        both(both(label, u32::from(t.new_line)), kinds(t)),
        both(both(label, label_before), both(t.word, n1.word)),
        both(both(kinds(b2), shape(b2)), both(before, shape(t))),
        both(both(kinds(n2), shape(n2)), both(after, here)),
    ];
    for (n, (slot, value)) in out.iter_mut().zip(values).enumerate() {
        let mixed = (value ^ (n as u32).wrapping_mul(0x85eb_ca6b)).wrapping_mul(0xc2b2_ae35);
        *slot = (mixed ^ mixed >> 15).wrapping_mul(0x27d4_eb2f) >> (32 - SLOT_BITS);
    }
}

fn is_sentence_end(t: &Token) -> bool {
    t.shape == Shape::None || (t.shape == Shape::Sign && SENTENCE_ENDS.contains(&t.word))
}

/// Hashes of signs behind which a capital is usual.
const SENTENCE_ENDS: [u32; 7] = [sign(b'.'), sign(b'!'), sign(b'?'), sign(b':'), sign(b'"'), sign(b'>'), sign(b'*')];

const fn sign(b: u8) -> u32 {
    (lexicon::EMPTY ^ b as u32).wrapping_mul(0x0100_0193)
}

/// Whether a token that could begin a name is as plain as most are: the first word of a sentence or a count of things,
/// before a common word. Half of all capitals and numbers are, and to weigh them would take as long as all the rest.
pub(super) fn is_plain(around: &[Token]) -> bool {
    let [before, token, behind] = around else { return false };
    let before_word = behind.shape == Shape::Lower
        && behind.kinds & kind::ENGLISH != 0
        && behind.kinds & (kind::NAMES | kind::STREET | kind::MONTH | kind::PARTICLE | kind::UNIT) == 0
        && !behind.new_line;
    if !before_word {
        return false;
    }
    match token.shape {
        Shape::Capital | Shape::Letter => {
            (token.new_line || is_sentence_end(before))
                && token.kinds & !(kind::ENGLISH | kind::MEDICAL) == 0
                && token.kinds != 0
        }
        Shape::Digit1 | Shape::Digit2 | Shape::Digit3 => !is_street_start(behind),
        _ => false,
    }
}

/// Words before the name of a street that are common words too.
fn is_street_start(t: &Token) -> bool {
    t.kinds & (kind::STREET | kind::PLACE_PART) != 0
}

/// Whether a token can stand inside or at the end of a name that has begun.
pub(super) fn can_continue(t: &Token) -> bool {
    t.is_capitalised()
        || t.is_number()
        || matches!(t.shape, Shape::Lower | Shape::Caseless | Shape::Sign | Shape::Other)
}
