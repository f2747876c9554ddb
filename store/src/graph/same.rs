//! The same content under other names.

use super::build::Version;
use super::walk::View;
use crate::bytes::Hash;
use lineward_events::Evidence;
use std::collections::{BTreeMap, HashSet};

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
    /// are not part of it.
    pub fn same_content(&self, seeds: &[Version], min_similarity: f32) -> Vec<Same> {
        let graph = &*self.graph;
        let wanted: HashSet<Hash> = seeds.iter().flat_map(|s| graph.versions.hashes(*s)).collect();
        let mut found: BTreeMap<Version, Same> = BTreeMap::new();
        let all = if wanted.is_empty() { 0..0 } else { graph.versions() };
        for version in all.filter(|v| self.exists(*v) && !seeds.contains(v)) {
            let row = graph.version(version);
            let method = match (row.content_sha256, row.merkle_root) {
                (Some(hash), _) if wanted.contains(&hash) => Method::Sha256,
                (_, Some(hash)) if wanted.contains(&hash) => Method::Merkle,
                _ => continue,
            };
            found.insert(version, Same { version, method, similarity: 1.0, verified: true });
        }
        for &seed in seeds {
            for near in self.near(seed).filter(|near| near.similarity >= min_similarity) {
                let (version, similarity) = (near.other, near.similarity);
                if seeds.contains(&version) || !self.exists(version) {
                    continue;
                }
                let verified = near.evidence == Evidence::ContentMatch;
                let same = Same { version, method: Method::Minhash, similarity, verified };
                let known = found.entry(version).or_insert_with(|| same.clone());
                // Of several seeds the one that is most like it, and what was measured before what was said.
                if known.method == Method::Minhash && (verified, similarity) > (known.verified, known.similarity) {
                    *known = same;
                }
            }
        }
        found.into_values().collect()
    }
}
