//! What has to be done when a person asks for erasure: from the places of their records to the models trained on them.
//!
//! Only what is known is followed: containment, derivation, training, deployment and equal content. Near copies are
//! followed where asked, one step from what was found without them, and no way has two such steps: alike is not
//! transitive.

use super::build::{Kind, LineageGraph, Version};
use super::walk::{Direction, View};
use lineward_events::EdgeType;
use std::collections::HashMap;
use std::collections::hash_map::Entry;

/// What is to be done with a version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ErasureAction {
    /// It holds the records: delete them in it.
    Delete,
    /// It was made from what holds them: write it anew without them.
    Rewrite,
    /// A model that learned from them.
    Retrain,
    /// A deployment of such a model.
    Suppress,
}

impl ErasureAction {
    /// The name used in tables, as `DELETE`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Delete => "DELETE",
            Self::Rewrite => "REWRITE",
            Self::Retrain => "RETRAIN",
            Self::Suppress => "SUPPRESS",
        }
    }
}

/// A version that is affected.
#[derive(Debug, Clone, PartialEq)]
pub struct Affected {
    /// The version.
    pub version: Version,
    /// Places in it where the person was found; `None` where it was not itself searched or nothing was found in it.
    pub records: Option<i64>,
    /// What is to be done.
    pub action: ErasureAction,
    /// The way from a place of the records to the version, both included.
    pub path: Vec<Version>,
    /// An active deployment, or a model that one serves.
    pub deployed: bool,
}

/// What an erasure touches.
#[derive(Debug, Clone, PartialEq)]
pub struct Impact {
    /// What is affected, nearest first.
    pub affected: Vec<Affected>,
    /// Data whose records are not indexed under the key: the person may be in it. In the order of versions.
    pub not_indexed: Vec<Version>,
}

impl View {
    /// What erasing a person touches, given where the record index has them: `version_id` and number of places.
    pub fn erasure_impact(&self, places: &[(i64, i64)], key_id: &str, include_near: bool) -> Impact {
        let graph = self.graph();
        let known = |(id, count): &(i64, i64)| Some((graph.by_version_id(*id)?, *count));
        let mut records: HashMap<Version, i64> =
            places.iter().filter_map(known).filter(|(v, _)| self.exists(*v)).collect();
        let mut found: Vec<Version> = records.keys().copied().collect();
        found.sort_unstable();
        let mut parent: HashMap<Version, Option<Version>> = found.iter().map(|v| (*v, None)).collect();
        let mut next = 0;
        self.follow(&mut next, &mut found, &mut parent, &mut records);
        // What is near is looked for once, from all that was found without: alike is not transitive.
        for at in 0..if include_near { found.len() } else { 0 } {
            let version = found[at];
            for alike in self.near(version).map(|near| near.other).filter(|v| self.exists(*v)) {
                if let Entry::Vacant(place) = parent.entry(alike) {
                    place.insert(Some(version));
                    found.push(alike);
                }
            }
        }
        self.follow(&mut next, &mut found, &mut parent, &mut records);
        let deployed = self.deployed();
        let affected = found.into_iter().map(|version| Affected {
            version,
            records: records.get(&version).copied(),
            action: action(graph, version, records.contains_key(&version)),
            path: path(&parent, version),
            deployed: deployed[version as usize],
        });
        Impact { affected: affected.collect(), not_indexed: self.not_indexed(key_id) }
    }

    /// Adds what is made from the versions that were found, from number `next` on.
    fn follow(
        &self,
        next: &mut usize,
        found: &mut Vec<Version>,
        parent: &mut HashMap<Version, Option<Version>>,
        records: &mut HashMap<Version, i64>,
    ) {
        while let Some(&version) = found.get(*next) {
            *next += 1;
            for hop in self.hops(Direction::Downstream, version) {
                if !hop.carries || parent.contains_key(&hop.dst) {
                    continue;
                }
                // What is in a file is in its copy.
                if let (EdgeType::CopyOf, Some(count)) = (hop.edge_type, records.get(&version).copied()) {
                    records.insert(hop.dst, count);
                }
                parent.insert(hop.dst, Some(version));
                found.push(hop.dst);
            }
        }
    }

    fn not_indexed(&self, key_id: &str) -> Vec<Version> {
        let indexed = self.indexed(key_id);
        let data = |v: &Version| self.graph.kind(*v) == Kind::Data && self.exists(*v);
        self.graph.versions().filter(data).filter(|v| !indexed[*v as usize]).collect()
    }
}

fn action(graph: &LineageGraph, version: Version, holds: bool) -> ErasureAction {
    match (graph.kind(version), holds) {
        (Kind::Model, _) => ErasureAction::Retrain,
        (Kind::Deployment, _) => ErasureAction::Suppress,
        (_, true) => ErasureAction::Delete,
        (_, false) => ErasureAction::Rewrite,
    }
}

fn path(parent: &HashMap<Version, Option<Version>>, version: Version) -> Vec<Version> {
    let mut path = vec![version];
    let mut at = version;
    while let Some(Some(before)) = parent.get(&at) {
        path.push(*before);
        at = *before;
    }
    path.reverse();
    path
}
