//! From places in decoded text back to places in the text it was decoded from.

/// A decoded stretch and the encoded one it stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Piece {
    pub(super) plain: (usize, usize),
    pub(super) source: (usize, usize),
    /// Three plain bytes stand for four encoded ones, as in base64; else the stretch is one thing.
    pub(super) by_three: bool,
}

/// Maps places of a derived value to its source. Between the decoded stretches both go in step.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OffsetMap {
    /// Place in the source of the derived value's first byte.
    pub(super) base: usize,
    /// In ascending order.
    pub(super) pieces: Vec<Piece>,
}

/// Where a derived value comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// Index of the value in the batch it was derived from.
    pub value: u32,
    /// Map from the derived value into that one.
    pub map: OffsetMap,
}

impl OffsetMap {
    /// Whether a range holds a decoded byte or begins right behind one.
    pub fn touches(&self, start: usize, end: usize) -> bool {
        let first = self.pieces.partition_point(|p| p.plain.1 <= start && p.plain.0 < start);
        // A piece may stand for no plain byte at all (a soft line break): it counts where it lies strictly inside.
        self.pieces[first..].iter().take_while(|p| p.plain.0 < end).any(|p| p.plain.1 > start || p.plain.0 > start)
            || self.escape_before(start).is_some()
    }

    /// The source range of the stretch that ends right where a derived place is: its last letter stuck to what begins
    /// there (`\nAKIA...`), so that the plain text may not have shown it, or with that letter.
    pub fn escape_before(&self, start: usize) -> Option<(usize, usize)> {
        let piece = self.pieces.get(self.pieces.partition_point(|p| p.plain.1 <= start).checked_sub(1)?)?;
        (piece.plain.1 == start && piece.plain.0 < start && !piece.by_three).then_some(piece.source)
    }

    /// The source range of a derived range. Where an edge lies in a decoded stretch, all of what it stands for belongs
    /// to it.
    pub fn source_of(&self, start: usize, end: usize) -> (usize, usize) {
        let from = self.edge(start, false);
        (from, self.edge(end, true).max(from))
    }

    /// The source range that holds nothing any more when a part of it is replaced: of base64 the whole run, of others the
    /// range of the place.
    pub(super) fn stretch_of(&self, start: usize, end: usize) -> (usize, usize) {
        match (self.pieces.first(), self.pieces.last()) {
            (Some(first), Some(last)) if first.by_three => (first.source.0, last.source.1),
            _ => self.source_of(start, end),
        }
    }

    fn edge(&self, place: usize, is_end: bool) -> usize {
        // The last piece that begins before the edge; an end edge at the beginning of a piece is before it.
        let before = |p: &Piece| if is_end { p.plain.0 < place } else { p.plain.0 <= place };
        let count = self.pieces.partition_point(before);
        let Some(piece) = count.checked_sub(1).map(|i| self.pieces[i]) else { return self.base + place };
        let inside = if is_end { place <= piece.plain.1 } else { place < piece.plain.1 };
        if !inside {
            return piece.source.1 + (place - piece.plain.1);
        }
        let by = place - piece.plain.0;
        match (piece.by_three, is_end) {
            (true, false) => piece.source.0 + by / 3 * 4,
            (true, true) => (piece.source.0 + by.div_ceil(3) * 4).min(piece.source.1),
            (false, false) => piece.source.0,
            (false, true) => piece.source.1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn piece(plain: (usize, usize), source: (usize, usize)) -> Piece {
        Piece { plain, source, by_three: false }
    }

    #[test]
    fn ranges_map_back() {
        // `ab%40cd%2ee` decoded: `ab@cd.e`, taken from place 10 on.
        let map = OffsetMap { base: 10, pieces: vec![piece((2, 3), (12, 15)), piece((5, 6), (17, 20))] };
        for (plain, source, touches) in [
            ((0, 7), (10, 21), true),
            ((0, 2), (10, 12), false),
            ((2, 3), (12, 15), true),
            ((3, 5), (15, 17), true),
            ((4, 5), (16, 17), false),
            ((3, 6), (15, 20), true),
            ((6, 7), (20, 21), true),
        ] {
            assert_eq!(map.source_of(plain.0, plain.1), source, "{plain:?}");
            assert_eq!(map.touches(plain.0, plain.1), touches, "{plain:?}");
        }
        let base64 = OffsetMap { base: 0, pieces: vec![Piece { plain: (0, 8), source: (5, 17), by_three: true }] };
        assert_eq!(base64.source_of(0, 8), (5, 17));
        assert_eq!(base64.source_of(3, 5), (9, 13));
        assert_eq!(base64.source_of(4, 7), (9, 17));
    }

    #[test]
    fn what_was_removed_counts_inside_only() {
        let map = OffsetMap { base: 0, pieces: vec![piece((3, 3), (3, 5))] };
        assert!(map.touches(1, 5));
        assert!(!map.touches(3, 6) && !map.touches(0, 3));
        assert_eq!(map.source_of(1, 5), (1, 7));
        assert_eq!(map.source_of(3, 6), (5, 8));
    }
}
