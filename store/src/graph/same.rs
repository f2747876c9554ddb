//! The same content under other names.

use super::build::Version;
use super::walk::View;
use crate::bytes::Hash;
use lineward_events::Evidence;
use std::collections::{BTreeMap, HashMap};

/// How two versions are known to be alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Method {
    /// Files of equal SHA-256.
    Sha256,
    /// Data sets of equal Merkle root.
    Merkle,
    /// A declared or verified near copy.
    Minhash,
}

impl Method {
    /// The name used in tables, as `sha256`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sha256 => "sha256",
            Self::Merkle => "merkle",
            Self::Minhash => "minhash",
        }
    }
}

/// A version like another one.
#[derive(Debug, Clone, PartialEq)]
pub struct Same {
    /// The version.
    pub version: Version,
    /// How it is known.
    pub method: Method,
    /// 0 to 1.
    pub similarity: f32,
    /// The bytes were compared, not only declared to be alike.
    pub verified: bool,
}

impl View {
    /// Whether anybody knows the content of a version.
    pub fn content_known(&self, version: Version) -> bool {
        self.graph.versions.hashes(version).next().is_some()
    }

    /// Versions with the content of any of these, and near copies of at least this similarity; the versions themselves
    /// are not part of it. Of equal contents only one has edges to near copies: what holds of it holds of its copies.
    pub fn same_content(&self, seeds: &[Version], min_similarity: f32) -> Vec<Same> {
        let versions = &self.graph.versions;
        let of_seeds: Contents =
            seeds.iter().flat_map(|s| versions.hashes(*s)).map(|hash| (hash, (true, 1.0))).collect();
        let mut found: BTreeMap<Version, Same> =
            self.with_content(&of_seeds).into_iter().map(|same| (same.version, same)).collect();
        let mut near: BTreeMap<Version, (bool, f32)> = BTreeMap::new();
        for copy in seeds.iter().chain(found.keys()) {
            for alike in self.near(*copy).filter(|near| near.similarity >= min_similarity && self.exists(near.other)) {
                // Of several the most alike, and what was measured before what was said.
                let known = near.entry(alike.other).or_insert((false, 0.0));
                let this = (alike.evidence == Evidence::ContentMatch, alike.similarity);
                if this > *known {
                    *known = this;
                }
            }
        }
        let contents: Contents =
            near.iter().flat_map(|(v, known)| versions.hashes(*v).map(|hash| (hash, *known))).collect();
        let copies =
            self.with_content(&contents).into_iter().map(|same| (same.version, (same.verified, same.similarity)));
        for (version, (verified, similarity)) in copies.collect::<Vec<_>>().into_iter().chain(near) {
            found.entry(version).or_insert(Same { version, method: Method::Minhash, similarity, verified });
        }
        found.retain(|version, _| !seeds.contains(version));
        found.into_values().collect()
    }

    /// The versions with one of these contents, each with what is known of the content.
    fn with_content(&self, contents: &Contents) -> Vec<Same> {
        let graph = &*self.graph;
        let all = if contents.is_empty() { 0..0 } else { graph.versions() };
        let same = |version: Version| {
            let row = graph.version(version);
            let of = |hash: Option<Hash>, method| Some((contents.get(&hash?)?, method));
            let found = of(row.content_sha256, Method::Sha256).or_else(|| of(row.merkle_root, Method::Merkle));
            found.map(|(&(verified, similarity), method)| Same { version, method, similarity, verified })
        };
        all.filter(|v| self.exists(*v)).filter_map(same).collect()
    }
}

/// Contents, with whether they were compared with what is asked about and how alike they are.
type Contents = HashMap<Hash, (bool, f32)>;
