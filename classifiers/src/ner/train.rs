//! Training: an averaged perceptron over the tagger's own features, in whole numbers, so that the same sentences give the
//! same weights on every machine.
//!
//! A sentence is labelled with the weights so far; where a label is wrong, the right one's weights rise and the wrong
//! one's fall. What is stored is the mean of the weights over all steps. The sentences come from `examples/train_ner`;
//! nothing in the program calls this module.

use super::features::{FEATURES, SLOT_BITS, Shape, Token, Tokens};
use super::lexicon::{Lexicon, kind as word};
use super::model::{KINDS, LABELS, Model, OUTSIDE, begin, follows, inside};
use super::{Decoder, Entity, Span, Tagger};

/// Largest size of a weight while it is learnt.
const WEIGHT_MAX: i32 = 32;
/// By how much the right label must lead.
const MARGIN: i64 = 8;

/// A text with the spans that are right, in order: first byte, one past the last, and what it is.
#[derive(Debug, Clone, Default)]
pub struct Sentence {
    /// The text.
    pub text: String,
    /// The spans.
    pub spans: Vec<(usize, usize, Entity)>,
}

/// A small generator of pseudo-random numbers, the same everywhere (splitmix64).
#[derive(Debug, Clone)]
pub struct Random(pub u64);

impl Random {
    /// A number below `bound`, which is at least 1.
    pub fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ z >> 31) % bound.max(1) as u64) as usize
    }

    /// True once in `one_in` times.
    pub fn once_in(&mut self, one_in: usize) -> bool {
        self.below(one_in) == 0
    }
}

/// A perceptron being trained.
pub struct Trainer {
    weights: Vec<[i32; LABELS]>,
    /// Sum over all updates of the update times the step it was made at.
    late: Vec<[i64; LABELS]>,
    steps: i64,
    lexicon: Lexicon,
    random: Random,
}

impl Trainer {
    /// A trainer that knows nothing yet. The seed decides which words it hides from itself.
    pub fn new(seed: u64) -> Self {
        Self {
            weights: vec![[0; LABELS]; 1 << SLOT_BITS],
            late: vec![[0; LABELS]; 1 << SLOT_BITS],
            steps: 0,
            lexicon: Lexicon::built_in(),
            random: Random(seed),
        }
    }

    /// Learns from one sentence.
    pub fn learn(&mut self, sentence: &Sentence) {
        let (mut tokens, labels) = tokens_and_labels(&sentence.text, &sentence.spans, &self.lexicon);
        self.hide(&mut tokens, &labels);
        let mut decoder = Decoder::default();
        for at in 2..tokens.len() - 2 {
            let gold = labels[at];
            if !decoder.looks_at(&tokens[at - 1..=at + 1]) {
                decoder.say(OUTSIDE);
                continue;
            }
            self.steps += 1;
            decoder.featurise(&tokens, at);
            let slots = decoder.slots.0;
            let guess = self.guess(&slots, decoder.label, gold);
            if guess != gold {
                self.update(&slots, gold, 1);
                self.update(&slots, guess, -1);
            }
            // Mostly its own past, so that it learns to go on after a mistake; a label that cannot stand here it is spared.
            decoder.say(if guess != gold && self.random.once_in(2) { gold } else { guess });
        }
    }

    /// Hides from the trainer what the word lists say of some names, and that some other words are common: names and words
    /// that are in no list must be told by their neighbours.
    fn hide(&mut self, tokens: &mut [Token], labels: &[u8]) {
        let all_names = self.random.once_in(4);
        for (token, label) in tokens.iter_mut().zip(labels) {
            let is_word = !matches!(token.shape, Shape::None | Shape::Sign | Shape::Link);
            if !is_word {
                continue;
            }
            if *label != OUTSIDE && token.kinds & word::NAMES != 0 && (all_names || self.random.once_in(6)) {
                token.kinds &= !(word::NAMES | word::PLACE_PART);
                token.word = 3;
            } else if *label == OUTSIDE && self.random.once_in(40) {
                token.kinds &= !word::ENGLISH;
                token.word = 3;
            }
        }
    }

    /// The best label, where every one but the right one is given a lead that the right one must make good.
    fn guess(&self, slots: &[u32; FEATURES], before: u8, gold: u8) -> u8 {
        let mut sums = [0i64; LABELS];
        for &slot in slots {
            for (sum, weight) in sums.iter_mut().zip(&self.weights[slot as usize]) {
                *sum += i64::from(*weight);
            }
        }
        sums[gold as usize] -= MARGIN;
        let mut best = OUTSIDE;
        for label in 1..LABELS as u8 {
            if sums[label as usize] > sums[best as usize] && follows(label, before) {
                best = label;
            }
        }
        best
    }

    /// Weights are bounded: what the commonest features may not say the rarer ones learn to, and one byte can hold it.
    fn update(&mut self, slots: &[u32; FEATURES], label: u8, by: i32) {
        for &slot in slots {
            let weight = &mut self.weights[slot as usize][label as usize];
            if (*weight + by).abs() <= WEIGHT_MAX {
                *weight += by;
                self.late[slot as usize][label as usize] += self.steps * i64::from(by);
            }
        }
    }

    /// The mean weights in the stored form.
    pub fn weights(&self) -> Vec<u8> {
        let steps = (self.steps + 1) as f64;
        let mean =
            |slot: usize, label: usize| f64::from(self.weights[slot][label]) - self.late[slot][label] as f64 / steps;
        let mut sizes: Vec<f64> = (0..self.weights.len())
            .flat_map(|s| (0..LABELS).map(move |l| (s, l)))
            .map(|(s, l)| mean(s, l).abs())
            .collect();
        sizes.sort_by(f64::total_cmp);
        // A few weights are far above all others; cut off, they cost less than the rounding of the many would.
        let largest = sizes[sizes.len() - 1 - sizes.len() / 20_000].max(1e-9);
        let small = |w: f64| (w * 127.0 / largest).round().clamp(-127.0, 127.0) as i8;
        let rows: Vec<[i8; LABELS]> =
            (0..self.weights.len()).map(|s| std::array::from_fn(|l| small(mean(s, l)))).collect();
        Model::store(&rows)
    }
}

/// The tokens of a text, two empty ones around them, and the right label of each.
fn tokens_and_labels(text: &str, spans: &[(usize, usize, Entity)], lexicon: &Lexicon) -> (Vec<Token>, Vec<u8>) {
    let mut tokens = vec![Token::NONE; 2];
    Tokens::new(text, lexicon).fill(&mut tokens, usize::MAX / 2);
    tokens.extend([Token::NONE; 2]);
    let mut labels = vec![OUTSIDE; tokens.len()];
    for (start, end, entity) in spans {
        let kind = kind(*entity);
        let mut first = true;
        for (token, label) in tokens.iter().zip(&mut labels) {
            if token.shape != Shape::None && token.start >= *start && token.end <= *end {
                *label = if first { begin(kind) } else { inside(kind) };
                first = false;
            }
        }
    }
    (tokens, labels)
}

fn kind(entity: Entity) -> u8 {
    let kind = match entity {
        Entity::Person => 0,
        Entity::Location => 1,
        Entity::Organization | Entity::Facility => 2,
        Entity::Address => 3,
        Entity::DateTime | Entity::DateOfBirth => 4,
    };
    debug_assert!(kind < KINDS as u8);
    kind
}

/// What a tagger gets right on sentences it has not seen.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Score {
    /// Spans that are there.
    pub wanted: usize,
    /// Spans the tagger found.
    pub found: usize,
    /// Found spans that overlap one of the same kind.
    pub right: usize,
    /// Found spans with the same kind and the same bounds.
    pub exact: usize,
}

impl Score {
    /// Share of the wanted spans that were found.
    pub fn recall(&self) -> f64 {
        self.right as f64 / self.wanted.max(1) as f64
    }

    /// Share of the found spans that are right.
    pub fn precision(&self) -> f64 {
        self.right as f64 / self.found.max(1) as f64
    }
}

/// Scores a tagger, by kind: person, place, organisation, address, date.
pub fn score(tagger: &Tagger, sentences: &[Sentence]) -> [Score; 5] {
    let mut scores = [Score::default(); KINDS];
    let mut found: Vec<Span> = Vec::new();
    for sentence in sentences {
        found.clear();
        tagger.tag(&sentence.text, &mut found);
        for (_, _, entity) in &sentence.spans {
            scores[kind(*entity) as usize].wanted += 1;
        }
        for span in &found {
            let score = &mut scores[kind(span.entity) as usize];
            let same = |(s, e, entity): &&(usize, usize, Entity)| {
                *s < span.end && span.start < *e && kind(*entity) == kind(span.entity)
            };
            let hit = sentence.spans.iter().find(same);
            score.found += 1;
            score.right += usize::from(hit.is_some());
            score.exact += usize::from(hit.is_some_and(|(s, e, _)| (*s, *e) == (span.start, span.end)));
        }
    }
    scores
}
