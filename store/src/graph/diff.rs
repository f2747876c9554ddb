//! What changed in the lineage of an asset between two times.

use super::build::Version;
use super::walk::{Direction, Hop, View};
use crate::rows::Micros;
use lineward_events::EdgeType;
use std::collections::BTreeMap;

/// What kind of change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Change {
    /// A hop that was not there at the first time.
    Added,
    /// A hop that is not there at the second time.
    Removed,
    /// A version that has other tags.
    Retagged,
}

impl Change {
    /// The name used in tables, as `ADDED`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Added => "ADDED",
            Self::Removed => "REMOVED",
            Self::Retagged => "RETAGGED",
        }
    }
}

/// One change.
#[derive(Debug, Clone, PartialEq)]
pub struct Changed {
    /// What kind.
    pub change: Change,
    /// Where the data comes from; the version itself where it is retagged.
    pub src: Version,
    /// Where it goes.
    pub dst: Version,
    /// The run of the hop.
    pub run: Option<u32>,
    /// When; `None` where it is not known.
    pub at: Option<Micros>,
    /// Tags the version got, a bit each.
    pub tags_added: u64,
    /// Tags it lost.
    pub tags_removed: u64,
}

type Key = (Version, Version, Option<u32>, EdgeType);

impl View {
    /// What changed upstream of the versions of an asset from `from` to `to`; `before` and `after` are the versions it
    /// had then. Added and removed hops first, then tags, each in the order of versions.
    pub fn lineage_diff(
        &self,
        (before, from): (&[Version], Micros),
        (after, to): (&[Version], Micros),
    ) -> Vec<Changed> {
        let (old, new) = (self.as_seen_at(from), self.as_seen_at(to));
        let (old_hops, new_hops) = (old.hops_upstream(before), new.hops_upstream(after));
        let changed = |change, hop: &Hop, at| Changed {
            change,
            src: hop.src,
            dst: hop.dst,
            run: hop.run,
            at,
            tags_added: 0,
            tags_removed: 0,
        };
        let added = new_hops.iter().filter(|(key, _)| !old_hops.contains_key(*key));
        let mut rows: Vec<Changed> =
            added.map(|(_, hop)| changed(Change::Added, hop, Some(hop.valid_from).filter(|at| *at > 0))).collect();
        let removed = old_hops.iter().filter(|(key, _)| !new_hops.contains_key(*key));
        rows.extend(
            removed.map(|(_, hop)| changed(Change::Removed, hop, Some(hop.valid_to).filter(|at| *at != Micros::MAX))),
        );
        let ends = |hops: &BTreeMap<Key, Hop>, seeds: &[Version]| {
            let mut all: Vec<Version> = hops.keys().flat_map(|(src, dst, ..)| [*src, *dst]).collect();
            all.extend(seeds);
            all.sort_unstable();
            all.dedup();
            all
        };
        let known_before = ends(&old_hops, before);
        for version in ends(&new_hops, after) {
            if known_before.binary_search(&version).is_err() {
                continue;
            }
            let tags = |view: &View| view.tags_of(version).own | view.tags_of(version).inherited;
            let (was, is) = (tags(&old), tags(&new));
            if was != is {
                rows.push(Changed {
                    change: Change::Retagged,
                    src: version,
                    dst: version,
                    run: None,
                    at: self.last_finding(version, from, to),
                    tags_added: is & !was,
                    tags_removed: was & !is,
                });
            }
        }
        rows
    }

    fn hops_upstream(&self, seeds: &[Version]) -> BTreeMap<Key, Hop> {
        let mut hops = BTreeMap::new();
        let mut ends: Vec<Version> = seeds.to_vec();
        ends.extend(self.walk(Direction::Upstream, seeds, None).iter().map(|r| r.version));
        for version in ends {
            for hop in self.hops(Direction::Upstream, version) {
                hops.entry((hop.src, hop.dst, hop.run, hop.edge_type)).or_insert(hop);
            }
        }
        hops
    }

    /// When something was last found in a version in a span of time.
    fn last_finding(&self, version: Version, from: Micros, to: Micros) -> Option<Micros> {
        let id = self.graph.version_id(version);
        let here = self.graph.findings.iter().filter(|f| f.version_id == id);
        here.map(|f| f.scanned_at).filter(|at| *at > from && *at <= to).max()
    }
}
