//! What a rule's expression needs to match at all, read off the expression itself.
//!
//! Hundreds of rules are a label word followed by a number. Looking for all those words in all text is what costs most,
//! and in text without digits it is for nothing: a rule that needs a few digits is looked for only near some.

use regex_syntax::hir::{Class, Hir, HirKind};

/// Longest match, in bytes, of a rule that is looked for near digits only: its anchor lies at most so far before the end
/// of its digits.
pub(super) const REACH_BYTES: usize = 192;
/// Digits of a number: a rule that needs so many is looked for near numbers, not near just any digit.
pub(super) const NUMBER_DIGITS: usize = 5;

/// Where the anchors of a rule have to be looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Near {
    /// Everywhere.
    Anywhere,
    /// Near any digit.
    Digit,
    /// Near a number: [`NUMBER_DIGITS`] digits in groups that are joined by usual separators.
    Number,
}

/// What every match of an expression needs.
pub(super) fn near(expression: &str) -> Near {
    let parsed =
        regex_syntax::ParserBuilder::new().unicode(false).utf8(false).multi_line(true).build().parse(expression);
    let Ok(hir) = parsed else { return Near::Anywhere };
    match (hir.properties().maximum_len(), digits_min(&hir)) {
        (Some(len), NUMBER_DIGITS..) if len <= REACH_BYTES => Near::Number,
        (Some(len), 1..) if len <= REACH_BYTES => Near::Digit,
        _ => Near::Anywhere,
    }
}

/// Collects the parts of a text in which an anchor of a rule can stand: from [`REACH_BYTES`] before digits to their end.
/// Runs of digits come in order; regions come out disjoint and in order.
#[derive(Debug, Default)]
pub(super) struct Regions {
    /// Near any digit.
    pub(super) digit: Vec<(usize, usize)>,
    /// Near a number.
    pub(super) number: Vec<(usize, usize)>,
}

impl Regions {
    pub(super) fn collect(&mut self, text: &[u8], runs: impl Iterator<Item = (usize, usize)>) {
        self.digit.clear();
        self.number.clear();
        let mut number: Option<(usize, usize, usize)> = None;
        for (start, len) in runs {
            let end = start + len;
            add(&mut self.digit, start, end);
            number = match number {
                Some((first, last, digits)) if is_gap(&text[last..start]) => Some((first, end, digits + len)),
                before => {
                    close(&mut self.number, before);
                    Some((start, end, len))
                }
            };
        }
        close(&mut self.number, number);
    }
}

fn close(regions: &mut Vec<(usize, usize)>, number: Option<(usize, usize, usize)>) {
    if let Some((start, end, NUMBER_DIGITS..)) = number {
        add(regions, start, end);
    }
}

fn add(regions: &mut Vec<(usize, usize)>, start: usize, end: usize) {
    let low = start.saturating_sub(REACH_BYTES);
    match regions.last_mut() {
        Some(last) if low <= last.1 => last.1 = end,
        _ => regions.push((low, end)),
    }
}

/// Whether bytes can stand between two groups of one number. Up to four: letters and blanks stand in some
/// (`12 A 345`, `FR 12`), but an operator or a colon does not.
fn is_gap(bytes: &[u8]) -> bool {
    let separator =
        |b: &u8| matches!(b, b' ' | b'.' | b'-' | b'/' | b'(' | b')' | b'+' | b'\t' | b'\'' | b'_' | 0x80..);
    bytes.len() <= 4 && bytes.iter().all(|b| separator(b) || b.is_ascii_alphabetic())
}

/// The least number of ASCII digits in a match.
fn digits_min(hir: &Hir) -> usize {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => 0,
        HirKind::Literal(literal) => literal.0.iter().filter(|b| b.is_ascii_digit()).count(),
        HirKind::Class(class) => usize::from(only_digits(class)),
        HirKind::Repetition(repetition) => digits_min(&repetition.sub).saturating_mul(repetition.min as usize),
        HirKind::Capture(capture) => digits_min(&capture.sub),
        HirKind::Concat(parts) => parts.iter().map(digits_min).sum(),
        HirKind::Alternation(parts) => parts.iter().map(digits_min).min().unwrap_or(0),
    }
}

fn only_digits(class: &Class) -> bool {
    match class {
        Class::Bytes(bytes) => bytes.ranges().iter().all(|r| r.start() >= b'0' && r.end() <= b'9'),
        Class::Unicode(chars) => chars.ranges().iter().all(|r| r.start() >= '0' && r.end() <= '9'),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_counted_where_they_must_be() {
        for (expression, expected) in [
            (r"(?i)mrn[: ]{0,3}(\d{6,10})\b", Near::Number),
            (r"(?i)mrn[: ]{0,3}([A-Z0-9]{6,10})\b", Near::Anywhere),
            (r"nif[: ](\d{8}[A-Z]|[A-Z]\d{7})", Near::Number),
            (r"nif[: ](\d{8}[A-Z]|[A-Z]{3})", Near::Anywhere),
            (r"aged (\d{1,3})", Near::Digit),
            (r"x[^0-9]{0,300}(\d{8})", Near::Anywhere),
            (r"x(?:\d\d[ -]?){2,4}", Near::Digit),
            (r"x(?:\d\d[ -]?){3,4}", Near::Number),
        ] {
            assert_eq!(near(expression), expected, "{expression}");
        }
    }

    #[test]
    fn regions_lie_around_digits() {
        let mut regions = Regions::default();
        let text = format!("{}48/2=24 and {}12-34 567{}", " ".repeat(300), "x".repeat(300), " ".repeat(50));
        let mut runs = Vec::new();
        super::super::runs::mark_runs(
            text.as_bytes(),
            super::super::runs::Wanted { digits: true, at: false, token: false },
            |_, start, len| runs.push((start, len)),
        );
        regions.collect(text.as_bytes(), runs.into_iter());
        assert_eq!(regions.digit, [(108, 307), (420, 621)]);
        assert_eq!(regions.number, [(420, 621)]);
    }
}
