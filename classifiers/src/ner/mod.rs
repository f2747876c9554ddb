//! A compact statistical tagger: names of people, places and organisations, addresses and dates in running text.
//!
//! Rules need a cue; free text has none. The tagger looks at each word that could begin a name, with its neighbours, and
//! labels it from left to right with the weights of an averaged perceptron. Its word lists and its training sentences are
//! this project's own (`words/`, `examples/train_ner`); it knows English and, less well, other text in Latin script, and
//! leaves other scripts alone. It reads no file, keeps no state between texts and gives the same spans on every machine.
//! It does not decide whether it is on, and it makes no findings: that is the caller's affair. Spans below a score of 0.65
//! are mostly wrong in clinical questions, and worth having in letters and chats.
//!
//! ```
//! use lineward_classifiers::ner::{Entity, Tagger};
//!
//! let text = "Yesterday Ulrike Brandt drove to Rostock.";
//! let mut spans = Vec::new();
//! Tagger::built_in().tag(text, &mut spans);
//! assert_eq!(&text[spans[0].start..spans[0].end], "Ulrike Brandt");
//! assert_eq!(spans[1].entity, Entity::Location);
//! ```

mod address;
mod check;
mod features;
mod lexicon;
mod model;
pub mod train;

use features::{FEATURES, Token, Tokens, slots};
use lexicon::{Lexicon, kind};
use model::{Model, OUTSIDE, begin, follows, kind_of};
use std::sync::OnceLock;

/// The weights that `examples/train_ner` made.
const WEIGHTS: &[u8] = include_bytes!("weights.bin");
/// Tokens that are cut and labelled at a time.
const BLOCK_TOKENS: usize = 4_096;
/// Tokens that must be known behind a token that is labelled; more than a link takes back.
const AHEAD_TOKENS: usize = 8;
/// What "no name" must be ahead by to be said: a name that is missed costs more than one that is none.
const OUTSIDE_COST: i16 = 40;
/// Least mean lead of a span's labels over "no name", in the model's units. Below it a span is a guess.
const LEAD_MIN: f32 = 20.0;
/// Lead at which the score reaches the middle of its range.
const LEAD_MIDDLE: f32 = 120.0;
/// Bytes before a date in which a word for birth makes it a date of birth.
const BIRTH_BYTES: usize = 40;
/// Bytes between an address and a number that may be its postal code or house.
const ADDRESS_GAP_BYTES: usize = 16;
/// Longest span in tokens; what is longer is a list or a table and no name.
const SPAN_TOKENS_MAX: u32 = 48;

/// What a span of text is the name of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Entity {
    /// A person.
    Person,
    /// A town, region, country or other place.
    Location,
    /// A company, authority, school or other organisation.
    Organization,
    /// A hospital, clinic or other health facility.
    Facility,
    /// A postal address or a part of one.
    Address,
    /// A date, with or without its time.
    DateTime,
    /// A date behind a word for birth.
    DateOfBirth,
}

impl Entity {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Person,
        Self::Location,
        Self::Organization,
        Self::Facility,
        Self::Address,
        Self::DateTime,
        Self::DateOfBirth,
    ];

    /// Whether it says something of one person. Dates, towns and companies do so only beside one.
    pub(crate) fn is_personal(self) -> bool {
        !matches!(self, Self::DateTime | Self::Location | Self::Organization)
    }

    /// The name used in findings.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Person => "PERSON",
            Self::Location => "LOCATION",
            Self::Organization => "ORGANIZATION",
            Self::Facility => "FACILITY",
            Self::Address => "ADDRESS",
            Self::DateTime => "DATE_TIME",
            Self::DateOfBirth => "DATE_OF_BIRTH",
        }
    }
}

/// A name in a text.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Span {
    /// First byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
    /// What it names.
    pub entity: Entity,
    /// How sure the tagger is, 0.5 to 0.85.
    pub score: f32,
}

/// The tagger. It is immutable, and one serves all threads.
pub struct Tagger {
    model: Model,
    lexicon: Lexicon,
}

impl std::fmt::Debug for Tagger {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tagger").finish_non_exhaustive()
    }
}

impl Tagger {
    /// The tagger that is part of the program; read when it is first asked for, in a few milliseconds.
    pub fn built_in() -> &'static Self {
        static TAGGER: OnceLock<Tagger> = OnceLock::new();
        TAGGER.get_or_init(|| {
            // A test reads the weights, so they cannot be broken here; without rows nothing is ever labelled.
            let model = Model::parse(WEIGHTS).unwrap_or_else(Model::empty);
            Self { model, lexicon: Lexicon::built_in() }
        })
    }

    /// A tagger with other weights, as `train` stores them. `None` where they are no weights of this version.
    pub fn with_weights(weights: &[u8]) -> Option<Self> {
        Some(Self { model: Model::parse(weights)?, lexicon: Lexicon::built_in() })
    }

    /// Appends the names in a text, in order and without overlaps. Time is linear in the length of the text, and memory
    /// does not grow with it.
    pub fn tag(&self, text: &str, out: &mut Vec<Span>) {
        let mut tokens = vec![Token::NONE; 2];
        let mut source = Tokens::new(text, &self.lexicon);
        let mut decoder = Decoder::default();
        let mut spans = Spans { text, open: None, out };
        loop {
            let more = source.fill(&mut tokens, BLOCK_TOKENS);
            if !more {
                tokens.extend([Token::NONE; AHEAD_TOKENS]);
            }
            let end = tokens.len() - AHEAD_TOKENS.min(tokens.len() - 2);
            for at in 2..end {
                let (label, lead) = decoder.step(&tokens, at, |slots| self.model.scores(slots));
                spans.add(&tokens[at], label, lead);
            }
            if !more {
                return spans.close();
            }
            tokens.drain(..end - 2);
        }
    }
}

/// What was said of the tokens before the next one.
#[derive(Default)]
struct Decoder {
    label: u8,
    label_before: u8,
    /// Tokens since the name began.
    length: u8,
    slots: Slots,
}

struct Slots([u32; FEATURES]);

impl Default for Slots {
    fn default() -> Self {
        Self([0; FEATURES])
    }
}

impl Decoder {
    /// Labels the token at a place; two tokens before it and two behind it must be there. The lead is by how much the
    /// label's score is above that of no name.
    fn step(&mut self, tokens: &[Token], at: usize, scores: impl Fn(&[u32; FEATURES]) -> [i16; 16]) -> (u8, i16) {
        let (label, lead) = if self.looks_at(&tokens[at - 1..=at + 1]) {
            self.featurise(tokens, at);
            self.best(&scores(&self.slots.0))
        } else {
            (OUTSIDE, 0)
        };
        self.say(label);
        (label, lead)
    }

    /// Whether there is anything to decide at the middle one of three tokens.
    fn looks_at(&self, around: &[Token]) -> bool {
        let token = &around[1];
        match self.label {
            OUTSIDE => token.can_begin() && !features::is_plain(around),
            _ => token.can_begin() || features::can_continue(token),
        }
    }

    fn featurise(&mut self, tokens: &[Token], at: usize) {
        let window = [tokens[at - 2], tokens[at - 1], tokens[at], tokens[at + 1], tokens[at + 2]];
        slots(&window, self.label, self.label_before, self.length, &mut self.slots.0);
    }

    fn best(&self, scores: &[i16; 16]) -> (u8, i16) {
        let outside = scores[0] - OUTSIDE_COST;
        let mut best = OUTSIDE;
        let mut highest = outside;
        for label in 1..model::LABELS as u8 {
            // A label no feature speaks for or against is none: a model without weights says nothing.
            let score = scores[label as usize];
            if score > highest && score != scores[0] && follows(label, self.label) {
                (best, highest) = (label, scores[label as usize]);
            }
        }
        (best, highest - outside)
    }

    fn say(&mut self, label: u8) {
        self.length = match label {
            OUTSIDE => 0,
            l if l % 2 == 1 => 1,
            _ => self.length.saturating_add(1).min(6),
        };
        (self.label, self.label_before) = (label, self.label);
    }
}

/// Makes spans of labels.
struct Spans<'a> {
    text: &'a str,
    open: Option<Open>,
    out: &'a mut Vec<Span>,
}

struct Open {
    start: usize,
    end: usize,
    kind: u8,
    /// Kinds of the last word.
    last: u32,
    /// Kinds of all words.
    kinds: u32,
    lead: i32,
    tokens: u32,
}

impl Spans<'_> {
    fn add(&mut self, token: &Token, label: u8, lead: i16) {
        if label == OUTSIDE || label == begin(kind_of(label)) {
            self.close();
        }
        // An address may have grown over this token when it was closed.
        if label == OUTSIDE || self.out.last().is_some_and(|s| s.end > token.start) {
            return;
        }
        let open = self.open.get_or_insert(Open {
            start: token.start,
            end: token.start,
            kind: kind_of(label),
            last: 0,
            kinds: 0,
            lead: 0,
            tokens: 0,
        });
        open.lead += i32::from(lead);
        open.tokens += 1;
        // A sign at the end belongs to the sentence and not to the name, nor does a number to any but addresses and dates.
        let is_part = token.shape != features::Shape::Sign && (open.kind > 2 || !token.is_number());
        if open.kinds == 0 && open.end == open.start {
            open.start = token.start;
            open.end = token.start;
        }
        if is_part {
            open.end = token.end;
            open.last = token.kinds;
            open.kinds |= token.kinds;
        }
    }

    fn close(&mut self) {
        let Some(mut open) = self.open.take() else { return };
        self.cut_last_line(&mut open);
        let lead = open.lead as f32 / open.tokens as f32;
        if lead < LEAD_MIN || open.tokens > SPAN_TOKENS_MAX || open.start == open.end || !self.is_plausible(&open) {
            return;
        }
        let entity = match open.kind {
            0 => Entity::Person,
            1 => Entity::Location,
            2 if open.last & kind::FACILITY != 0 => Entity::Facility,
            2 => Entity::Organization,
            3 => Entity::Address,
            _ if is_birth(&self.text.as_bytes()[open.start.saturating_sub(BIRTH_BYTES)..open.start]) => {
                Entity::DateOfBirth
            }
            _ => Entity::DateTime,
        };
        let score = 0.5 + 0.35 * lead / (lead + LEAD_MIDDLE);
        let floor = self.out.last().map_or(0, |s| s.end);
        self.out.push(address::grown(
            self.text.as_bytes(),
            Span { start: open.start, end: open.end, entity, score },
            floor,
        ));
    }
}

impl Spans<'_> {
    /// An address ends before a line that begins with part of a longer number: that is a phone number.
    fn cut_last_line(&self, open: &mut Open) {
        let text = self.text.as_bytes();
        let span = &text[open.start..open.end];
        let torn =
            matches!(text.get(open.end..open.end + 2), Some([b'-' | b'.' | b'/', next]) if next.is_ascii_digit());
        if open.kind == 3
            && torn
            && let Some(line) = memchr::memrchr(b'\n', span)
            && span[line..].iter().all(|b| b.is_ascii_digit() || b.is_ascii_whitespace())
        {
            open.end = open.start + span[..line].trim_ascii_end().len();
        }
    }

    /// A bare number belongs to the address right before it or to none.
    fn is_plausible(&self, open: &Open) -> bool {
        let is_place = |s: &&Span| matches!(s.entity, Entity::Address | Entity::Location);
        let follows = self.out.last().filter(is_place).is_some_and(|s| open.start - s.end <= ADDRESS_GAP_BYTES);
        check::is_plausible(self.text.as_bytes(), open.start, open.end, open.kind, open.kinds, follows)
    }
}

/// Whether a word for birth stands on the line before a date.
fn is_birth(before: &[u8]) -> bool {
    let line = before.iter().rposition(|b| *b == b'\n').map_or(before, |n| &before[n + 1..]);
    [&b"born"[..], b"birth", b"dob", b"d.o.b"].iter().any(|w| line.windows(w.len()).any(|x| x.eq_ignore_ascii_case(w)))
}

#[cfg(test)]
mod tests;
