//! Decoders: text that stands in other text in encoded form, made plain and given back with a map to where it stood.
//!
//! [`derive`] takes a batch of values and gives derived ones: the surroundings of JSON escapes, percent escapes, HTML
//! entities, quoted-printable, encoded words of mail headers, wide digits and invisible spaces with these undone, and what base64 (also of gzip or
//! UTF-16) holds where that is text. A derived batch is a batch, so it is scanned like one and can be derived from again;
//! [`Layers`] does that down to a depth, within limits on size, and carries matches back to the values that were
//! given. A match with nothing decoded in it or right before it is dropped: it was found in the plain text.
//!
//! Text without encoded parts costs one SIMD look at it (`marks.rs`).

mod base64;
mod escapes;
mod left;
mod mail;
mod map;
mod marks;
mod merge;
#[cfg(test)]
mod tests;
mod words;

pub use left::Undecoded;
pub use map::{OffsetMap, Origin};
pub(crate) use merge::{Decoded, DecodedMatch, DecodedValues, merge};

use crate::finding::Match;

use crate::values::{ValueBatch, ValueSpan};
use escapes::Family;
use left::{Left, Why};
use marks::Marks;

/// How deep encodings may lie in each other.
pub const DEPTH_MAX: usize = 3;
/// Bytes around an encoded place that are given with it: the context of a match.
const CONTEXT_BYTES: usize = 192;
/// Bytes before a match in which its label may have been decoded: a no-break space, an escaped quote.
const LABEL_BYTES: usize = 16;
/// Derived bytes of a batch: this many times its own, and never fewer than the floor.
const GROWTH_MAX: usize = 2;
const DERIVED_BYTES_FLOOR: usize = 1 << 20;

/// Values made plain, each with where it came from.
#[derive(Debug, Default)]
pub struct Derived {
    /// The values. They keep row and field where they are the whole of a value, and row alone where they are a part.
    pub batch: ValueBatch,
    /// For each value, the value of the batch before and the map into it.
    pub origins: Vec<Origin>,
    /// What was left encoded for its size.
    left: Vec<Left>,
}

impl Derived {
    fn push(&mut self, value: u32, span: &ValueSpan, whole: bool, plain: &[u8], map: OffsetMap) {
        // A rule about a field's whole value has no say over a part of it.
        self.batch.push(span.row, span.field.filter(|_| whole), plain);
        self.origins.push(Origin { value, map });
    }

    fn leave(&mut self, value: usize, place: usize, why: Why) {
        self.left.push(Left { why, value: value as u32, place });
    }
}

impl Origin {
    /// The place as one that is not to be looked into any more.
    fn too_deep(&self) -> Left {
        let place = self.map.pieces.first().map_or(self.map.base, |piece| piece.source.0);
        Left { why: Why::TooDeep, value: self.value, place }
    }
}

/// Values derived from a batch; empty where nothing in it is encoded.
///
/// Derived values stand in the order of decoders, then of places. At most [`GROWTH_MAX`] times the batch's bytes are
/// derived (or a floor of 1 MiB); what is beyond stays encoded, and is counted by [`Layers::undecoded`].
pub fn derive(batch: &ValueBatch) -> Derived {
    let mut marks = Marks::of(batch.buffer());
    marks.add_mail(batch);
    let mut derived = Derived::default();
    if marks.is_empty() {
        return derived;
    }
    let bytes_max = (batch.len() * GROWTH_MAX).max(DERIVED_BYTES_FLOOR);
    for family in Family::ALL {
        unescape(batch, family, marks.of_family(family), bytes_max, &mut derived);
    }
    base64::decode_runs(batch, &marks.runs, bytes_max, &mut derived);
    derived
}

/// What a layer of decoded text holds, as matches in the batch that it was decoded from.
pub(crate) fn found_in_layer(
    layers: &Layers,
    layer: usize,
    source: &ValueBatch,
    plain: &ValueBatch,
    found: &[Match],
    all: &mut Vec<DecodedMatch>,
) {
    for m in found {
        if let Some((value, start, end)) = layers.source_of(layer, m.value, m.start, m.end) {
            all.push(DecodedMatch {
                matched: Match { value, start, end, ..*m },
                value: plain.value(m.value).get(m.start..m.end).unwrap_or_default().to_vec(),
                stretch: layers.stretch_of(layer, source, m).unwrap_or((start, end)),
                escape: layers.escape_before(layer, m.value, m.start),
                layers: layers.places_of(layer, m),
            });
        }
    }
}

/// The value that holds a place of the buffer. Places come in ascending order.
fn span_at(batch: &ValueBatch, from: &mut usize, place: usize) -> Option<ValueSpan> {
    let spans = batch.spans();
    if spans.get(*from).is_none_or(|s| place >= s.end) {
        *from += spans.get(*from..)?.partition_point(|s| s.end <= place);
    }
    spans.get(*from).copied().filter(|s| s.start <= place)
}

/// Undoes one family of escapes around its places.
fn unescape(batch: &ValueBatch, family: Family, places: &[usize], bytes_max: usize, derived: &mut Derived) {
    let (mut plain, mut index, mut at) = (Vec::new(), 0, 0);
    let mut literals = Literals::default();
    while let Some(&first) = places.get(at) {
        let Some(span) = span_at(batch, &mut index, first) else {
            at += 1;
            continue;
        };
        // Places whose surroundings meet make one region.
        let mut last = first;
        while let Some(&next) = places.get(at + 1).filter(|p| **p < span.end && **p - last <= 2 * CONTEXT_BYTES) {
            last = next;
            at += 1;
        }
        at += 1;
        if derived.batch.len() >= bytes_max {
            derived.leave(index, first - span.start, Why::TooLarge);
            continue;
        }
        let text = &batch.buffer()[span.start..span.end];
        if family == Family::Backslash
            && let Some(inner) = literals.around(text, span.start, first - span.start)
        {
            plain.clear();
            let map = escapes::undo(family, &text[inner.clone()], inner.start, &mut plain);
            derived.push(index as u32, &span, false, &plain, map);
        }
        let low = char_start(text, (first - span.start).saturating_sub(CONTEXT_BYTES));
        let high = char_start(text, (last - span.start + family.escape_bytes_max() + CONTEXT_BYTES).min(text.len()));
        plain.clear();
        let map = escapes::undo(family, &text[low..high], low, &mut plain);
        let whole = low == 0 && high == text.len();
        derived.push(index as u32, &span, whole, &plain, map);
    }
}

/// Finds the string literals of a value, in one walk along it.
#[derive(Default)]
struct Literals {
    /// Where the value begins in the buffer, by which values are told apart.
    value: Option<usize>,
    /// Up to where it was walked.
    walked: usize,
    /// Where the literal began that is open there.
    open: Option<usize>,
    /// Where the literal ended that was given last.
    done: usize,
}

impl Literals {
    /// What stands between the quotes around a place, where it is of several lines or a record and was not given before: it
    /// is a text of its own, and a table in it begins behind the quote. Places come in ascending order.
    fn around(&mut self, text: &[u8], value: usize, place: usize) -> Option<std::ops::Range<usize>> {
        if self.value != Some(value) {
            *self = Self { value: Some(value), ..Self::default() };
        }
        if place < self.done {
            return None;
        }
        // Each byte is looked at once before the place and once behind it, however many places there are.
        while let Some(quote) = next_quote(&text[..place], self.walked) {
            self.open = if self.open.is_none() { Some(quote + 1) } else { None };
            self.walked = quote + 1;
        }
        self.walked = self.walked.max(place);
        let start = self.open?;
        let Some(end) = next_quote(text, place) else {
            self.done = text.len();
            return None;
        };
        (self.done, self.walked, self.open) = (end, end + 1, None);
        let holds = |part: &[u8]| memchr::memmem::find(&text[start..end], part).is_some();
        (holds(b"\\n") || holds(b"\\\":")).then_some(start..end)
    }
}

/// The next quote at or behind a place that no backslash is before.
fn next_quote(text: &[u8], from: usize) -> Option<usize> {
    let is_escaped = |at: usize| text[..at].iter().rev().take_while(|b| **b == b'\\').count() % 2 == 1;
    memchr::memchr_iter(b'"', text.get(from..)?).map(|n| from + n).find(|at| !is_escaped(*at))
}

/// The first character boundary at or after a place.
fn char_start(text: &[u8], mut place: usize) -> usize {
    while text.get(place).is_some_and(|b| b & 0xc0 == 0x80) {
        place += 1;
    }
    place
}

/// All that was derived from a batch, layer on layer.
#[derive(Debug, Default)]
pub struct Layers {
    layers: Vec<Derived>,
    /// What was left encoded, with the layer that would have held it.
    left: Vec<(usize, Left)>,
}

impl Layers {
    /// Derives from a batch, then from what was derived, as deep as [`DEPTH_MAX`].
    pub fn of(batch: &ValueBatch) -> Self {
        let mut all = Self::default();
        // One more than is kept shows what lies too deep.
        for layer in 0..=DEPTH_MAX {
            let mut next = derive(all.layers.last().map_or(batch, |layer| &layer.batch));
            all.left.extend(std::mem::take(&mut next.left).into_iter().map(|left| (layer, left)));
            if layer == DEPTH_MAX {
                all.left.extend(next.origins.iter().map(|origin| (layer, origin.too_deep())));
            }
            if layer == DEPTH_MAX || next.origins.is_empty() {
                break;
            }
            all.layers.push(next);
        }
        all
    }

    /// Whether nothing was encoded.
    pub fn is_empty(&self) -> bool {
        self.layers.is_empty()
    }

    /// The batch of each layer, to be scanned.
    pub fn batches(&self) -> impl Iterator<Item = &ValueBatch> {
        self.layers.iter().map(|layer| &layer.batch)
    }

    /// The stretch of the batch that was given which was decoded to what stands right before a place of a layer.
    pub(crate) fn escape_before(&self, layer: usize, value: u32, start: usize) -> Option<(usize, usize)> {
        let origin = self.origin(layer, value)?;
        let (start, end) = origin.map.escape_before(start)?;
        let (_, start, end) = self.down(layer, (origin.value, start, end))?;
        Some((start, end))
    }

    /// Where a range of a value of a layer stands in the batch that was given: value, start, end. `None` where neither the
    /// range nor what stands right before it, where its label is, holds anything that this layer decoded.
    pub fn source_of(&self, layer: usize, value: u32, start: usize, end: usize) -> Option<(u32, usize, usize)> {
        let origin = self.origin(layer, value)?;
        if !origin.map.touches(start.saturating_sub(LABEL_BYTES), end) {
            return None;
        }
        self.place_of(layer, value, start, end)
    }

    /// Where a range of a value of a layer stands in the batch that was given, whether or not the layer decoded any of it:
    /// for what only the text around it shows, as a cell of a table whose line breaks were escaped.
    pub(crate) fn place_of(&self, layer: usize, value: u32, start: usize, end: usize) -> Option<(u32, usize, usize)> {
        let origin = self.origin(layer, value)?;
        let (start, end) = origin.map.source_of(start, end);
        self.down(layer, (origin.value, start, end))
    }

    /// What has to go from the batch that was given when a match in a layer is replaced: its range, or all of the base64
    /// that it is in, with what ends that.
    pub(crate) fn stretch_of(&self, layer: usize, source: &ValueBatch, m: &Match) -> Option<(usize, usize)> {
        let mut place = (m.value, m.start, m.end);
        let mut is_wider = false;
        for layer in (0..=layer).rev() {
            let origin = self.origin(layer, place.0)?;
            let (start, end) = origin.map.stretch_of(place.1, place.2);
            is_wider |= (start, end) != origin.map.source_of(place.1, place.2);
            place = (origin.value, start, end);
        }
        let (value, start, mut end) = place;
        if is_wider {
            let rest = source.value(value).get(end..).unwrap_or_default();
            end += rest.iter().take_while(|b| marks::IS_BASE64[**b as usize] || **b == b'=').count();
        }
        Some((start, end))
    }

    /// Where a match in a layer stands in that layer and in those before it, the first layer first: value, start, end.
    pub(crate) fn places_of(&self, layer: usize, m: &Match) -> Vec<(u32, usize, usize)> {
        let mut places = vec![(m.value, m.start, m.end)];
        for layer in (1..=layer).rev() {
            let (value, start, end) = places[places.len() - 1];
            let Some(origin) = self.origin(layer, value) else { break };
            let (start, end) = origin.map.source_of(start, end);
            places.push((origin.value, start, end));
        }
        places.reverse();
        places
    }

    fn origin(&self, layer: usize, value: u32) -> Option<&Origin> {
        self.layers.get(layer)?.origins.get(value as usize)
    }

    /// Maps a place in what a layer was derived from down to the batch that was given.
    fn down(&self, layer: usize, mut place: (u32, usize, usize)) -> Option<(u32, usize, usize)> {
        for layer in (0..layer).rev() {
            let origin = self.origin(layer, place.0)?;
            let (start, end) = origin.map.source_of(place.1, place.2);
            place = (origin.value, start, end);
        }
        Some(place)
    }
}
