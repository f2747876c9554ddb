//! Near copies of versions, apart from all other edges.
//!
//! Likeness is no lineage: nothing says that data flowed from one of two near copies into the other, and two near copies
//! of a version need not be alike. So no walk, path, tag or gap passes here. Who asks for near copies gets them one
//! step from where it asks: `same_content`, and `erasure_impact` where it is told to.

use super::build::Version;
use super::walk::View;
use crate::rows::Micros;
use lineward_events::Evidence;

/// A near copy of a version.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Near {
    pub version: Version,
    pub other: Version,
    /// 0 to 1.
    pub similarity: f32,
    pub evidence: Evidence,
    pub valid_from: Micros,
    pub valid_to: Micros,
}

/// All of them, each at both its ends.
#[derive(Debug, Default)]
pub(super) struct NearCopies {
    by_version: Vec<Near>,
}

impl NearCopies {
    pub fn new(edges: Vec<Near>) -> Self {
        Self::default().grown(edges)
    }

    /// With more of them.
    pub fn grown(&self, edges: Vec<Near>) -> Self {
        let back = |near: &Near| Near { version: near.other, other: near.version, ..*near };
        let mut by_version = self.by_version.clone();
        by_version.extend(edges.iter().flat_map(|near| [*near, back(near)]));
        by_version.sort_by_key(|near| (near.version, near.other));
        Self { by_version }
    }

    fn of(&self, version: Version) -> &[Near] {
        let from = self.by_version.partition_point(|near| near.version < version);
        let count = self.by_version[from..].partition_point(|near| near.version == version);
        &self.by_version[from..from + count]
    }
}

impl View {
    /// The near copies of a version, oldest first.
    pub(super) fn near(&self, version: Version) -> impl Iterator<Item = &Near> {
        let holds = |near: &&Near| near.valid_from <= self.at && self.at < near.valid_to;
        self.graph.near.of(version).iter().filter(holds)
    }
}
