//! What a span must look like to be believed, whatever the weights say: a date has a day, an address has a name and a
//! number, and no number is torn out of a longer one.

use super::lexicon::kind as word;

/// Whether bytes `start..end` can be a name of this kind of label; `words` is what its words can be, and
/// `follows` says that an address lies right before it.
pub(super) fn is_plausible(text: &[u8], start: usize, end: usize, kind: u8, words: u32, follows: bool) -> bool {
    let span = &text[start..end];
    let first = span.first().copied().unwrap_or_default();
    let letters = span.iter().filter(|b| b.is_ascii_alphabetic() || **b >= 0x80).count();
    let digits = span.iter().filter(|b| b.is_ascii_digit()).count();
    if first.is_ascii_digit() && !is_free(text, start, end) {
        return false;
    }
    if kind < 3 && (is_lettered_term(span) || is_of_serial_number(text, end) || !is_sayable(span)) {
        return false;
    }
    // Lines of common words are a list.
    if matches!(kind, 1 | 2) && span.contains(&b'\n') && !span.iter().any(u8::is_ascii_uppercase) {
        return false;
    }
    match kind {
        // A person's name may end in `III`, never in a number.
        0 => letters > 0 && digits == 0 && !ends_in_letters(span),
        1 => letters > 1 && !first.is_ascii_digit(),
        // Abbreviations alone are mostly terms of a trade, and those that are organisations name no person.
        2 => letters > 1 && !first.is_ascii_digit() && !is_abbreviation(span),
        // Addresses of hosts are none of the postal ones.
        3 if holds_host_address(span) => false,
        3 if follows => digits > 0,
        3 => letters > 1 && (digits > 0 || words & word::STREET != 0),
        // `00/00/0000` stands where a date will.
        _ if letters == 0 && !span.iter().any(|b| (b'1'..=b'9').contains(b)) => false,
        _ => words & word::MONTH != 0 || groups(span) >= 3 || (groups(span) == 2 && span.contains(&b'/')),
    }
}

/// A first word of a letter, a hyphen and common letters (`B-cell`, `X-ray`): terms are made so, and names are not.
fn is_lettered_term(span: &[u8]) -> bool {
    let word = span.split(|b| *b == b' ').next().unwrap_or_default();
    matches!(word, [letter, b'-', rest @ ..] if letter.is_ascii_alphabetic() && rest.iter().all(u8::is_ascii_lowercase))
}

/// Whether a name goes on into a number by a hyphen or an underscore, as the parts of serial numbers do.
fn is_of_serial_number(text: &[u8], end: usize) -> bool {
    matches!(text.get(end..end + 2), Some([b'-' | b'_', next]) if next.is_ascii_digit())
}

/// Whether there is a vowel in two letters or more (`Ng` has none and is a name): what has none is shorthand, or a sign
/// of another script.
fn is_sayable(span: &[u8]) -> bool {
    let vowel = |b: &u8| b"aeiouy".contains(&b.to_ascii_lowercase()) || *b >= 0x80;
    let shorthand = span.len() >= 3 && span.is_ascii() && span.iter().any(u8::is_ascii_lowercase);
    let characters = span.iter().filter(|b| **b & 0xc0 != 0x80).count();
    characters >= 2 && (!shorthand || span.iter().any(vowel))
}

/// Words of which the last is `I`, or the last two are single letters without stops: a question, or spaced-out letters.
fn ends_in_letters(span: &[u8]) -> bool {
    let mut words = span.rsplit(|b| *b == b' ');
    let (last, before) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    !before.is_empty() && (last == b"I" || (last.len() == 1 && before.len() == 1))
}

/// One word, at least half of it capitals.
fn is_abbreviation(span: &[u8]) -> bool {
    !span.contains(&b' ') && span.iter().filter(|b| b.is_ascii_uppercase()).count() * 2 >= span.len()
}

/// Whether a number at either end of a span is whole.
fn is_free(text: &[u8], start: usize, end: usize) -> bool {
    let joins =
        |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b'/' | b'+' | b'#' | b'$' | b'\\');
    let before = start.checked_sub(1).map(|n| text[n]);
    let behind = text.get(end).zip(text.get(end + 1));
    !before.is_some_and(joins)
        && !behind.is_some_and(|(b, next)| *b == b'_' || *b == b'%' || (joins(*b) && next.is_ascii_alphanumeric()))
}

/// Whether four numbers with dots between them stand in it.
fn holds_host_address(span: &[u8]) -> bool {
    let numbers = |word: &[u8]| {
        let mut parts = word.split(|b| *b == b'.');
        let is_number = |part: &&[u8]| (1..=3).contains(&part.len()) && part.iter().all(u8::is_ascii_digit);
        parts.by_ref().take(4).filter(is_number).count() == 4
    };
    span.split(|b| !b.is_ascii_digit() && *b != b'.').any(numbers)
}

/// Runs of digits.
fn groups(span: &[u8]) -> usize {
    let starts = |n: usize| span[n].is_ascii_digit() && (n == 0 || !span[n - 1].is_ascii_digit());
    (0..span.len()).filter(|n| starts(*n)).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_believed_by_their_looks() {
        for (text, span, kind, words, expected) in [
            ("on 3/14 x", "3/14", 4, 0, true),
            ("on 2021, x", "2021", 4, 0, false),
            ("on 14 March.", "14 March", 4, word::MONTH, true),
            ("sku=AB-7816-60-12 x", "7816-60-12", 4, 0, false),
            ("at 2020-01-02, x", "2020-01-02", 4, 0, true),
            ("is 12/10/20_a", "12/10/20", 4, 0, false),
            ("ping 10.0.0.12 and 8.8.4.4", "10.0.0.12 and 8.8.4.4", 3, 0, false),
            ("at 7 Elm Road 3.2 x", "7 Elm Road 3.2", 3, word::STREET, true),
            ("Anna 7 x", "Anna 7", 0, word::GIVEN, false),
            ("Anna x", "Anna", 0, word::GIVEN, true),
            ("in 55yo x", "55yo", 2, 0, false),
            ("the NSAIDs x", "NSAIDs", 2, 0, false),
            ("no D-dimer x", "D-dimer", 2, 0, false),
            ("Wht is x", "Wht", 2, 0, false),
            ("by \u{5d2} x", "\u{5d2}", 0, 0, false),
            ("Mr Ng x", "Ng", 0, 0, true),
            ("padding\npadding\nx", "padding\npadding", 2, 0, false),
            ("Kiln\nCompany\nx", "Kiln\nCompany", 2, 0, true),
            ("large B-cell lymphoma x", "B-cell lymphoma", 0, 0, false),
            ("code FIRM-AB-0042 x", "FIRM-AB", 0, 0, false),
            ("Anna-Lena x", "Anna-Lena", 0, 0, true),
            ("Can I x", "Can I", 0, 0, false),
            ("the D N A x", "the D N A", 0, 0, false),
            ("Anna B x", "Anna B", 0, 0, true),
            ("on 00/00/0000 x", "00/00/0000", 4, 0, false),
            ("no D-Link x", "D-Link", 2, 0, true),
            ("the ABC Group x", "ABC Group", 2, 0, true),
            ("15 x", "15", 3, 0, false),
            ("Elm 15 x", "Elm 15", 3, 0, true),
            ("Elm Road x", "Elm Road", 3, word::STREET, true),
            ("Elm x", "Elm", 3, 0, false),
        ] {
            let start = text.find(span).expect("the span is in the text");
            assert_eq!(
                is_plausible(text.as_bytes(), start, start + span.len(), kind, words, false),
                expected,
                "{text}"
            );
        }
    }
}
