//! What a rule's expression needs around its literals, read off the expression itself.
//!
//! A label word is only worth a look where the expression could match: with the right kind of byte before and behind it,
//! and with as many digits near as the expression demands. All of it is a necessary condition and never a sufficient
//! one. Built-in rules are analysed when the program is built (`build.rs` uses this file), users' rules when they are read.

use super::codes::{CODES, CodeSet, DIGIT, UNDERSCORE, code, is_letter};
use super::shares;
use regex_automata::nfa::thompson::{self, NFA, State};
use regex_automata::util::look::Look;
use regex_automata::util::primitives::StateID;
use regex_syntax::hir::{Class, Hir, HirKind};
use serde::{Deserialize, Serialize};

/// Longest match, in bytes, for which digits are demanded: a longer one would have them looked for far away.
const REACH_BYTES_MAX: usize = 256;
/// Context words of up to so many bytes must stand alone.
pub const ALONE_BYTES_MAX: usize = 4;
/// Every code.
const ANY: CodeSet = u32::MAX;
/// Bytes behind a literal's two next ones of which it is known what may stand there.
pub const AHEAD: usize = 8;
/// Shortest run of token characters that is worth looking for.
const RUN_BYTES_MIN: usize = 12;

/// The sets without those at the end that hold every code.
mod ahead {
    use super::{AHEAD, ANY, CodeSet};
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub fn serialize<S: Serializer>(sets: &[CodeSet; AHEAD], to: S) -> Result<S::Ok, S::Error> {
        let len = sets.iter().rposition(|set| *set != ANY).map_or(0, |last| last + 1);
        sets[..len].serialize(to)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<[CodeSet; AHEAD], D::Error> {
        let known = Vec::<CodeSet>::deserialize(from)?;
        let mut sets = [ANY; AHEAD];
        sets.iter_mut().zip(known).for_each(|(set, known)| *set = known);
        Ok(sets)
    }
}

/// What stands around the literals of a rule is mostly the same for all of them: it is written once, and of each literal
/// which of these it is and its pieces.
mod shared {
    use super::Around;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    /// Kinds without pieces, and kind and pieces of each literal.
    type Shared = (Vec<Around>, Vec<(u16, [u8; 2])>);

    pub fn serialize<S: Serializer>(around: &[Around], to: S) -> Result<S::Ok, S::Error> {
        let mut shared = Shared::default();
        for literal in around {
            let kind = Around { pieces: [0; 2], ..*literal };
            let known = shared.0.iter().position(|known| *known == kind).unwrap_or_else(|| {
                shared.0.push(kind);
                shared.0.len() - 1
            });
            shared.1.push((u16::try_from(known).map_err(serde::ser::Error::custom)?, literal.pieces));
        }
        shared.serialize(to)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<Around>, D::Error> {
        let (kinds, literals) = Shared::deserialize(from)?;
        let around = |(kind, pieces): (u16, [u8; 2])| {
            kinds.get(usize::from(kind)).map(|kind| Around { pieces, ..*kind }).ok_or("a literal of no kind")
        };
        literals.into_iter().map(around).collect::<Result<_, _>>().map_err(serde::de::Error::custom)
    }
}

/// What every match of a rule needs.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Need {
    /// ASCII digits that a match has at least.
    pub digits: u32,
    /// A match holds so many bytes of `[A-Za-z0-9_+/=-]` in a row; 0 where that is fewer than [`RUN_BYTES_MIN`].
    #[serde(default)]
    pub run: u8,
    /// Bytes of the longest match; 0 where it is longer than [`REACH_BYTES_MAX`].
    pub reach_bytes: u32,
    /// For each literal of the rule, anchors first: the codes around it.
    #[serde(with = "shared")]
    pub around: Vec<Around>,
    /// For each context word of the rule: the codes around it.
    #[serde(with = "shared")]
    pub near: Vec<Around>,
}

/// Codes that may stand around a literal where the expression matches. The end of a value counts as a blank.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Around {
    /// Before it.
    pub before: CodeSet,
    /// The two bytes behind it. Zeros where the expression cannot match at that literal at all.
    pub behind: [CodeSet; 2],
    /// The bytes behind those.
    #[serde(with = "ahead")]
    pub ahead: [CodeSet; AHEAD],
    /// How many bytes behind it are surely `[A-Za-z0-9_+/=-]`, up to [`TOKEN_BEHIND`].
    pub token_bytes: u8,
    /// The pieces that are looked for (see [`shares`]).
    pub pieces: [u8; 2],
}

/// Bytes of a token-shaped run that a short literal is worth looking for at.
pub const TOKEN_BEHIND: u8 = 16;

impl Around {
    /// What is known of a literal.
    pub fn of(before: CodeSet, behind: [CodeSet; 2], literal: &str) -> Self {
        let mut out = Self { before, behind, ahead: [ANY; AHEAD], token_bytes: 0, pieces: [0; 2] };
        out.pieces = shares::pieces_of(literal.as_bytes(), &out);
        out
    }

    fn anything(literal: &str) -> Self {
        Self::of(ANY, [ANY; 2], literal)
    }
}

impl Need {
    /// With the context words of the rule. Short ones must stand alone: `nin` is in `evening`, `pan` in `company`.
    pub fn with_near<'a>(mut self, words: impl Iterator<Item = &'a str>) -> Self {
        let letters = (0..CODES as u8).filter(|c| is_letter(*c)).fold(0, |set, c| set | 1 << c);
        self.near = words
            .map(|word| match word.len() <= ALONE_BYTES_MAX {
                true => Around::of(!letters, [!letters, ANY], word),
                false => Around::anything(word),
            })
            .collect();
        self
    }

    /// Analyses an expression and its literals, each with whether its case does not matter. An expression that does not
    /// parse needs nothing: what is wrong with it is said by whoever compiles it.
    pub fn of<'a>(expression: &str, literals: impl Iterator<Item = (&'a str, bool)>) -> Self {
        let parsed =
            regex_syntax::ParserBuilder::new().unicode(false).utf8(false).multi_line(true).build().parse(expression);
        let Ok(hir) = parsed else {
            return Self { around: literals.map(|(text, _)| Around::anything(text)).collect(), ..Self::default() };
        };
        let nfa = thompson::Compiler::new()
            .configure(
                thompson::Config::new()
                    .utf8(false)
                    .which_captures(thompson::WhichCaptures::None)
                    .nfa_size_limit(Some(64 << 20)),
            )
            .build_from_hir(&hir);
        let reach_bytes = hir.properties().maximum_len().filter(|len| *len <= REACH_BYTES_MAX).unwrap_or(0);
        let run = Runs::of(&hir).longest;
        Self {
            digits: u32::try_from(digits_min(&hir)).unwrap_or(u32::MAX),
            run: if run < RUN_BYTES_MIN { 0 } else { u8::try_from(run).unwrap_or(u8::MAX) },
            reach_bytes: u32::try_from(reach_bytes).unwrap_or(u32::MAX),
            around: literals
                .map(|(text, caseless)| {
                    nfa.as_ref().map_or_else(|_| Around::anything(text), |nfa| around(nfa, text, caseless))
                })
                .collect(),
            near: Vec::new(),
        }
    }
}

/// Codes of letters, digits and `_`.
fn word() -> CodeSet {
    (0..CODES as u8).filter(|c| is_letter(*c) || [DIGIT, UNDERSCORE].contains(c)).fold(0, |set, c| set | 1 << c)
}

fn is_word(byte: Option<&u8>) -> bool {
    byte.is_some_and(|b| b.is_ascii_alphanumeric() || *b == b'_')
}

/// The codes around a literal.
fn around(nfa: &NFA, literal: &str, caseless: bool) -> Around {
    let through = |start: Vec<StateID>| {
        let mut states = start;
        for (i, byte) in literal.bytes().enumerate() {
            let other = if caseless && byte.is_ascii_alphabetic() { byte ^ 0x20 } else { byte };
            let crossing = i + 1 < literal.len();
            states = step(nfa, &states, crossing, |b| b == byte || b == other);
        }
        states
    };
    // A word boundary that every way to the literal crosses lets no letter stand before a letter.
    let free = !through(closure(nfa, [nfa.start_anchored()], false)).is_empty();
    let before = if free || !is_word(literal.as_bytes().first()) { ANY } else { !word() };
    let open = through(closure(nfa, [nfa.start_anchored()], true));
    let crossed = closure(nfa, open.iter().copied(), true);
    let bound = if is_word(literal.as_bytes().last()) { !word() } else { word() };
    // Behind a boundary only the other kind of byte may stand. `open` has not crossed one.
    let first = codes(nfa, &open) | (codes(nfa, &crossed) & bound);
    let mut further = [ANY; AHEAD + 1];
    let mut states = crossed.clone();
    for set in &mut further {
        if is_end(nfa, &states) {
            break;
        }
        states = step(nfa, &states, true, |_| true);
        *set = codes(nfa, &states);
    }
    let [second, ahead @ ..] = further;
    Around { token_bytes: token_bytes(nfa, crossed), ahead, ..Around::of(before, [first, second], literal) }
}

/// What is known of the token characters of an expression's matches.
#[derive(Debug, Clone, Copy, Default)]
struct Runs {
    /// So many in a row, somewhere.
    longest: usize,
    /// So many at the beginning, and at the end.
    edges: [usize; 2],
    /// Nothing but token characters.
    whole: bool,
}

impl Runs {
    fn all(count: usize) -> Self {
        Self { longest: count, edges: [count; 2], whole: true }
    }

    fn of(hir: &Hir) -> Self {
        match hir.kind() {
            HirKind::Empty | HirKind::Look(_) => Self::all(0),
            HirKind::Literal(literal) => literal
                .0
                .iter()
                .map(|b| if of_token(*b) { Self::all(1) } else { Self::default() })
                .fold(Self::all(0), Self::then),
            HirKind::Class(class) if only_token(class) => Self::all(1),
            HirKind::Class(_) => Self::default(),
            HirKind::Repetition(repetition) => {
                let (one, min) = (Self::of(&repetition.sub), repetition.min as usize);
                match (one.whole, min) {
                    (true, _) => Self::all(one.longest.saturating_mul(min)),
                    (false, 0) => Self::default(),
                    (false, 1) => one,
                    (false, _) => one.then(one),
                }
            }
            HirKind::Capture(capture) => Self::of(&capture.sub),
            HirKind::Concat(parts) => parts.iter().map(Self::of).fold(Self::all(0), Self::then),
            HirKind::Alternation(parts) => parts.iter().map(Self::of).reduce(Self::or).unwrap_or_default(),
        }
    }

    fn then(self, next: Self) -> Self {
        let start = if self.whole { self.longest.saturating_add(next.edges[0]) } else { self.edges[0] };
        let end = if next.whole { next.longest.saturating_add(self.edges[1]) } else { next.edges[1] };
        let across = self.edges[1].saturating_add(next.edges[0]);
        let longest = self.longest.max(next.longest).max(across);
        Self { longest, edges: [start, end], whole: self.whole && next.whole }
    }

    fn or(self, other: Self) -> Self {
        Self {
            longest: self.longest.min(other.longest),
            edges: [self.edges[0].min(other.edges[0]), self.edges[1].min(other.edges[1])],
            whole: self.whole && other.whole,
        }
    }
}

/// Whether a byte is one of `[A-Za-z0-9_+/=-]`.
pub const fn of_token(b: u8) -> bool {
    b.is_ascii_alphanumeric() || matches!(b, b'_' | b'+' | b'/' | b'=' | b'-')
}

fn only_token(class: &Class) -> bool {
    match class {
        Class::Bytes(bytes) => bytes.ranges().iter().all(|r| (r.start()..=r.end()).all(of_token)),
        Class::Unicode(chars) => {
            chars.is_ascii() && chars.ranges().iter().all(|r| (r.start()..=r.end()).all(|c| of_token(c as u8)))
        }
    }
}

/// How many bytes from these states on are surely of a token.
fn token_bytes(nfa: &NFA, mut states: Vec<StateID>) -> u8 {
    for count in 0..TOKEN_BEHIND {
        let mut next = states.iter().flat_map(|id| ranges(nfa.state(*id))).peekable();
        if is_end(nfa, &states) || next.peek().is_none() || !next.all(|(low, high, _)| (low..=high).all(of_token)) {
            return count;
        }
        states = step(nfa, &states, true, |_| true);
    }
    TOKEN_BEHIND
}

fn is_end(nfa: &NFA, states: &[StateID]) -> bool {
    states.iter().any(|id| matches!(nfa.state(*id), State::Match { .. }))
}

/// States that are reached without a byte. Assertions count as met; word boundaries only where they may be crossed.
fn closure(nfa: &NFA, from: impl IntoIterator<Item = StateID>, crossing: bool) -> Vec<StateID> {
    let mut stack: Vec<StateID> = from.into_iter().collect();
    let mut seen = Vec::new();
    while let Some(id) = stack.pop() {
        if seen.contains(&id) {
            continue;
        }
        seen.push(id);
        match nfa.state(id) {
            State::Look { look: Look::WordAscii | Look::WordStartAscii | Look::WordEndAscii, .. } if !crossing => {}
            State::Look { next, .. } | State::Capture { next, .. } => stack.push(*next),
            State::Union { alternates } => stack.extend(alternates.iter().copied()),
            State::BinaryUnion { alt1, alt2 } => stack.extend([*alt1, *alt2]),
            _ => {}
        }
    }
    seen
}

/// The byte ranges on which a state goes on, each with the state behind it.
fn ranges(state: &State) -> Vec<(u8, u8, StateID)> {
    match state {
        State::ByteRange { trans } => vec![(trans.start, trans.end, trans.next)],
        State::Sparse(sparse) => sparse.transitions.iter().map(|t| (t.start, t.end, t.next)).collect(),
        State::Dense(dense) => (0..=u8::MAX).filter_map(|b| Some((b, b, dense.matches_byte(b)?))).collect(),
        _ => Vec::new(),
    }
}

fn step(nfa: &NFA, states: &[StateID], crossing: bool, wanted: impl Fn(u8) -> bool) -> Vec<StateID> {
    let to = states
        .iter()
        .flat_map(|id| ranges(nfa.state(*id)))
        .filter(|(low, high, _)| (*low..=*high).any(&wanted))
        .map(|(_, _, next)| next);
    closure(nfa, to, crossing)
}

/// Codes of the bytes that may stand next: any, where a match may be over.
fn codes(nfa: &NFA, states: &[StateID]) -> CodeSet {
    if is_end(nfa, states) {
        return ANY;
    }
    let bytes = states.iter().flat_map(|id| ranges(nfa.state(*id))).flat_map(|(low, high, _)| low..=high);
    bytes.fold(0, |set, b| set | 1 << code(b))
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

/// The codes of a set.
pub fn members(mut set: CodeSet) -> impl Iterator<Item = u8> {
    std::iter::from_fn(move || {
        let member = set.trailing_zeros();
        set &= set.checked_sub(1)?;
        Some(member as u8)
    })
}

#[cfg(test)]
mod tests {
    use super::super::codes::{BLANK, HIGH, JOINER, SIGN};
    use super::*;

    fn set(codes: impl IntoIterator<Item = u8>) -> CodeSet {
        codes.into_iter().fold(0, |set, c| set | 1 << c)
    }

    #[test]
    fn digits_are_counted_where_they_must_be() {
        for (expression, digits) in [
            (r"(?i)mrn[: ]{0,3}(\d{6,10})\b", 6),
            (r"(?i)mrn[: ]{0,3}([A-Z0-9]{6,10})\b", 0),
            (r"nif[: ](\d{8}[A-Z]|[A-Z]\d{7})", 7),
            (r"nif[: ](\d{8}[A-Z]|[A-Z]{3})", 0),
            (r"dob: ?(\d\d?/\d\d?/\d{4})", 6),
            (r"id: ?(\d{6}.*)", 6),
        ] {
            assert_eq!(Need::of(expression, std::iter::empty()).digits, digits, "{expression}");
        }
    }

    #[test]
    fn runs_are_what_every_match_holds() {
        for (expression, run) in [
            (r"key.{0,9}?([a-z0-9]{32})\b", 32),
            (r"key[=: ]([a-f0-9]{32}|[A-Z]{20})", 20),
            (r"key[=: ]([a-f0-9]{32}|x)", 0),
            (r"sk_(?:live|test)_[a-z]{10,}", 18),
            (r"(?:[a-z]{4}-){3}[a-z]{4}", 19),
            (r"(?:[a-z]{8}\.){3}[a-z]{8}", 0),
            (r"(?:[a-z]{8}\.[a-z]{6}){2}", 14),
            (r"[a-z]{16}?[^a-z]", 16),
        ] {
            assert_eq!(Need::of(expression, std::iter::empty()).run, run, "{expression}");
        }
    }

    #[test]
    fn what_stands_further_behind() {
        let need = Need::of(r"(?i)dec[. ] ?\d\d?, \d{4}", std::iter::once(("dec", true)));
        let around = need.around[0];
        assert_eq!(around.ahead[0], set([SIGN, DIGIT]));
        assert_eq!(around.ahead[6], ANY);
        let written = serde_json::to_string(&need).expect("JSON");
        assert_eq!(serde_json::from_str::<Need>(&written).expect("JSON"), need);
    }

    #[test]
    fn what_stands_around_a_literal() {
        let around =
            |expression, literal, caseless| Need::of(expression, std::iter::once((literal, caseless))).around[0];
        let no_word = set([BLANK, JOINER, SIGN, HIGH]);
        let token = around(r"\bhf_[a-z]{34}\b", "hf_", false);
        assert_eq!((token.before, token.behind), (no_word, [set(6..=31), set(6..=31)]));
        assert_eq!(token.token_bytes, TOKEN_BEHIND);
        assert_eq!(around(r"sk-[a-z]{3,20}\b", "sk-", false).token_bytes, 3);
        assert_eq!(around(r"sk-[a-z.]{30}", "sk-", false).token_bytes, 0);
        assert_eq!(around(r"\bhf_[a-z]{34}\b", "hg_", false).behind, [0, 0], "the expression cannot match there");
        let label = around(r#"(?i)dob["']?[:=] ?(\d)"#, "DOB", true);
        assert_eq!(label.before, ANY);
        assert_eq!(label.behind, [set([SIGN, JOINER]), set([SIGN, JOINER, BLANK, DIGIT])]);
        let label = around(r"(?i)(?:\bmrn|chart)\b ?(\d+)", "mrn", true);
        assert_eq!((label.before, label.behind[0]), (no_word, set([BLANK])));
        assert_eq!(around(r"(?i)(?:\bmrn|chart)\b ?(\d+)", "chart", true).before, ANY);
        assert_eq!(around("key", "key", true).behind, [ANY, ANY]);
        assert_eq!(around(r"key\b", "key", true).behind, [no_word, ANY]);
        assert_eq!(around("_x(", "_x(", true), Around::anything("_x("), "no expression");
    }
}
