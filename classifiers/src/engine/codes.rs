//! Codes: every byte as one of 32 classes, so that four bytes of text are a number of 20 bits.
//!
//! The first pass looks for pieces of four codes, not of four bytes: both cases of a letter are one code, all digits are
//! one, and the signs that stand behind a label (`:`, `=`, a quote) are two. A code only says where to look; the bytes
//! themselves are compared afterwards. This file knows no rules, and `build.rs` uses it as well.

/// Blanks and control characters.
pub const BLANK: u8 = 0;
/// `-`, `.`, `/` and `:`, which join numbers and names.
pub const JOINER: u8 = 1;
/// All other ASCII signs.
pub const SIGN: u8 = 2;
/// `_`.
pub const UNDERSCORE: u8 = 3;
/// Any ASCII digit.
pub const DIGIT: u8 = 4;
/// Any byte outside ASCII.
pub const HIGH: u8 = 5;
/// What is added to a letter's place in the alphabet: `a` is 6 and `z` is 31.
pub const BEFORE_A: u8 = 5;
/// How many codes there are.
pub const CODES: usize = 32;
/// Codes of a class: the four that end a word are one, letters are six.
pub const CLASS_BITS: u32 = 2;

/// The code of a byte.
pub const fn code(byte: u8) -> u8 {
    match byte {
        b'A'..=b'Z' | b'a'..=b'z' => (byte & 0x1f) + BEFORE_A,
        b'0'..=b'9' => DIGIT,
        b'-' | b'.' | b'/' | b':' => JOINER,
        b'_' => UNDERSCORE,
        0..=b' ' => BLANK,
        0x80.. => HIGH,
        _ => SIGN,
    }
}

/// Whether a code is that of a letter.
pub const fn is_letter(code: u8) -> bool {
    code > BEFORE_A
}

/// A set of codes, one bit each.
pub type CodeSet = u32;
