//! What has to be done when a person asks for erasure: from the places of their records to the models trained on them.
//!
//! Only what is known is followed: containment, derivation, training, deployment and equal content. Near copies are
//! followed where asked, one step from what was found without them, and no way has two such steps: alike is not
//! transitive.

use super::build::{Kind, LineageGraph, Link, NONE, Version};
use super::csr::Bits;
use super::reach::Sharing;
use super::walk::View;
use crate::bytes::Hash;
use lineward_events::EdgeType;
use std::collections::HashMap;

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

/// What an erasure reaches, nearest first: each version and how it was reached, as it is noted on the way.
#[derive(Debug)]
pub struct Reach {
    /// The versions that are affected.
    pub found: Vec<Version>,
    /// The edge by which each version of the graph was reached; none where the records are.
    by: Vec<u32>,
    /// What those are like that were reached as near copies.
    alike: HashMap<Version, Version>,
    records: HashMap<Version, i64>,
}

impl Reach {
    /// The way from a place of the records to a version that is affected, both included.
    pub fn path(&self, graph: &LineageGraph, version: Version) -> Vec<Version> {
        let before = |at: Version| match self.by[at as usize] {
            NONE => self.alike.get(&at).copied(),
            edge => Some(graph.edges.from(edge)),
        };
        let mut path: Vec<Version> = std::iter::successors(Some(version), |at| before(*at)).collect();
        path.reverse();
        path
    }

    /// Places in a version where the person was found.
    pub fn records(&self, version: Version) -> Option<i64> {
        self.records.get(&version).copied()
    }

    /// What is to be done with a version that is affected.
    pub fn action(&self, graph: &LineageGraph, version: Version) -> ErasureAction {
        action(graph, version, self.records.contains_key(&version))
    }
}

impl View {
    /// What erasing a person touches, given where the record index has them: `version_id` and number of places.
    pub fn erasure_impact(&self, places: &[(i64, i64)], key_id: &str, include_near: bool) -> Impact {
        let reach = self.erasure_reach(places, include_near);
        let deployed = self.served_models();
        let affected = reach.found.iter().map(|&version| Affected {
            version,
            records: reach.records(version),
            action: reach.action(&self.graph, version),
            path: reach.path(&self.graph, version),
            deployed: deployed[version as usize],
        });
        Impact { affected: affected.collect(), not_indexed: self.not_indexed(key_id) }
    }

    /// Which versions are served, or serve.
    pub fn served_models(&self) -> &[bool] {
        self.deployed()
    }

    /// The versions that an erasure reaches, without what is to be said of each.
    pub fn erasure_reach(&self, places: &[(i64, i64)], include_near: bool) -> Reach {
        let graph = self.graph();
        let known = |(id, count): &(i64, i64)| Some((graph.by_version_id(*id)?, *count));
        let records: HashMap<Version, i64> = places.iter().filter_map(known).filter(|(v, _)| self.exists(*v)).collect();
        let mut found: Vec<Version> = records.keys().copied().collect();
        found.sort_unstable();
        let mut seen = Bits::new(graph.nodes());
        found.iter().for_each(|place| _ = seen.insert(*place));
        let by = vec![NONE; graph.version_count()];
        let mut reach = Reach { found: Vec::new(), by, alike: HashMap::new(), records };
        self.follow(found, &mut seen, &mut reach);
        if include_near {
            // Looked for once, from all that was found without: alike is not transitive.
            let near = self.near_copies(&reach.found).into_iter().filter(|(_, other)| seen.insert(*other));
            let near: Vec<(Version, Version)> = near.collect();
            reach.alike = near.iter().map(|(version, other)| (*other, *version)).collect();
            self.follow(near.into_iter().map(|(_, other)| other).collect(), &mut seen, &mut reach);
        }
        reach
    }

    /// The near copies of some versions, each with the one that it is like. Of equal contents only one has edges to near
    /// copies, and it need not be among those versions: states of one asset are no copies of each other.
    fn near_copies(&self, found: &[Version]) -> Vec<(Version, Version)> {
        let graph = self.graph();
        let near = |of: Version| self.near(of).map(|near| near.other).filter(|v| self.exists(*v));
        let own = found.iter().flat_map(|version| near(*version).map(|other| (*version, other)));
        let mut of_content: HashMap<Hash, Version> = HashMap::new();
        for version in found {
            graph.versions.hashes(*version).for_each(|hash| _ = of_content.entry(hash).or_insert(*version));
        }
        let all = if of_content.is_empty() { 0..0 } else { graph.versions() };
        let equal = all.filter(|v| self.exists(*v)).filter_map(|v| {
            let like = graph.versions.hashes(v).find_map(|hash| of_content.get(&hash))?;
            Some((*like, v))
        });
        own.chain(equal.flat_map(|(like, version)| near(version).map(move |other| (like, other)))).collect()
    }

    /// Adds versions, and what is made from them.
    fn follow(&self, versions: Vec<Version>, seen: &mut Bits, reach: &mut Reach) {
        let graph = self.graph();
        let carries: Vec<bool> = graph.classes.iter().map(|c| c.carries).collect();
        let steps = self.flows_out(&versions, &carries, seen, Sharing::usual());
        reach.found.extend(versions);
        reach.found.reserve(steps.len());
        for step in steps {
            reach.found.push(step.version);
            reach.by[step.version as usize] = step.edge;
            // What is in a file is in its copy.
            let class = &graph.classes[graph.edges.attributes(step.edge).class as usize];
            if class.link == Link::Direct(EdgeType::CopyOf)
                && let Some(count) = reach.records(graph.edges.from(step.edge))
            {
                reach.records.insert(step.version, count);
            }
        }
    }

    /// Data that is not indexed under a key, in the order of versions.
    pub fn not_indexed(&self, key_id: &str) -> Vec<Version> {
        let indexed = self.indexed(key_id);
        let data = |v: &Version| self.graph.kind(*v).is_data() && self.exists(*v);
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
