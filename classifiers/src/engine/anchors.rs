//! Literal anchors in Vectorscan: one pass that says where a rule's prefix or label word stands.
//!
//! Only literals go in, never patterns: a database of literals compiles at once and runs at memory speed where one of
//! full expressions is ten times slower (measured; see `benches/records`). What stands at an anchor is the rules' affair.

use crate::Error;
use std::collections::BTreeMap;
use vectorscan_rs::{BlockDatabase, BlockScanner, Flag, Pattern, Scan};

/// A literal and the rules that are tried where it stands.
#[derive(Debug)]
pub struct Anchor {
    /// Bytes of the literal.
    pub len: usize,
    /// Indices of rules.
    pub rules: Vec<u16>,
}

/// A literal to look for.
#[derive(Debug, Clone, Copy)]
pub struct Literal<'a> {
    /// Its text.
    pub text: &'a str,
    /// ASCII case does not matter.
    pub caseless: bool,
    /// The rule.
    pub rule: u16,
}

/// The literals of a set of rules, compiled.
#[derive(Debug)]
pub struct Anchors {
    database: Option<BlockDatabase>,
    anchors: Vec<Anchor>,
}

impl Anchors {
    /// Compiles literals. Equal ones share an anchor.
    ///
    /// # Errors
    /// [`Error::Engine`] where Vectorscan refuses the set, which only a machine without SSSE3 makes it do.
    pub fn new<'a>(literals: impl Iterator<Item = Literal<'a>>) -> Result<Self, Error> {
        let mut by_literal: BTreeMap<(String, bool), Vec<u16>> = BTreeMap::new();
        for Literal { text, caseless, rule } in literals {
            let text = if caseless { text.to_ascii_lowercase() } else { text.to_owned() };
            let rules = by_literal.entry((text, caseless)).or_default();
            if !rules.contains(&rule) {
                rules.push(rule);
            }
        }
        let mut patterns = Vec::new();
        let mut anchors = Vec::new();
        for (id, ((literal, caseless), rules)) in (0u32..).zip(by_literal) {
            let flag = if caseless { Flag::CASELESS } else { Flag::default() };
            patterns.push(Pattern::new(escape(&literal), flag, Some(id)));
            anchors.push(Anchor { len: literal.len(), rules });
        }
        let database = match patterns.is_empty() {
            true => None,
            false => Some(BlockDatabase::new(patterns).map_err(|e| Error::Engine(e.to_string()))?),
        };
        Ok(Self { database, anchors })
    }

    /// A scanner for one thread.
    ///
    /// # Errors
    /// [`Error::Engine`] where memory for its scratch space cannot be had.
    pub fn scanner(&self) -> Result<AnchorScanner<'_>, Error> {
        let scanner = match &self.database {
            Some(database) => Some(BlockScanner::new(database).map_err(|e| Error::Engine(e.to_string()))?),
            None => None,
        };
        Ok(AnchorScanner { scanner, anchors: &self.anchors })
    }

    /// The anchor with an id that a scan reported.
    pub fn get(&self, id: u32) -> &Anchor {
        &self.anchors[id as usize]
    }

    /// How many distinct literals there are.
    pub fn len(&self) -> usize {
        self.anchors.len()
    }
}

/// Each byte as `\xHH`, so that nothing in a literal is syntax.
fn escape(literal: &str) -> Vec<u8> {
    literal.bytes().flat_map(|b| format!("\\x{b:02x}").into_bytes()).collect()
}

/// Scans with [`Anchors`]; holds scratch space of its own.
pub struct AnchorScanner<'a> {
    scanner: Option<BlockScanner<'a>>,
    anchors: &'a [Anchor],
}

impl AnchorScanner<'_> {
    /// Calls `found(anchor id, start)` for each occurrence, ordered by end.
    ///
    /// # Errors
    /// [`Error::Engine`] where Vectorscan fails; `text` must be shorter than 4 GiB.
    pub fn scan(&mut self, text: &[u8], mut found: impl FnMut(u32, usize)) -> Result<(), Error> {
        let Some(scanner) = &mut self.scanner else { return Ok(()) };
        let anchors = self.anchors;
        scanner
            .scan(text, |id, _, to, _| {
                found(id, to as usize - anchors[id as usize].len);
                Scan::Continue
            })
            .map(|_| ())
            .map_err(|e| Error::Engine(e.to_string()))
    }
}
