//! Near copies: signatures of content, and an edge between two versions only where their samples were compared.
//!
//! Candidates are found by the short hashes of a signature: 32 bands of four, and who shares a band is looked at. The
//! work for a new version is bounded whatever their number. The similarity that makes an edge is computed from the
//! samples, which are independent of the bands. It is never concluded from other edges: near copies of one version
//! need not be near copies of each other. Nothing here needs the key of the hashes.

use super::{Context, Map, Projector};
use crate::bytes::Bytes;
use crate::rows::{AssetRow, EdgeRow, SignatureKey, SignatureRow};
use lineward_events::{AssetType, EdgeType, Evidence, Signature, Signed};
use std::collections::{BTreeMap, BTreeSet};

/// Least similarity of an edge.
pub const NEAR_SIMILARITY: f32 = 0.8;
/// Fewer distinct n-grams say too little: a licence, an empty template. Exact copies are found without.
const SAMPLE_MIN: usize = 50;
/// Short hashes of a band. With 32 bands of 4 a pair of similarity 0.8 shares none in one case of twenty million, one of
/// 0.5 in one of eight.
const BAND: usize = 4;
/// Versions of a band that are looked at; of more, the oldest.
const BUCKET_MAX: usize = 1_024;
/// Candidates whose samples are compared: those that share most bands.
pub(super) const COMPARED_MAX: usize = 256;
/// Older versions of equal content that are asked whether they stand for a newer one.
const EQUALS_MAX: usize = 64;
/// Members of a data set that are looked at for one that is all of it.
const MEMBERS_MAX: usize = 16;

/// Versions by the bands of their signatures.
#[derive(Debug, Default)]
pub(super) struct Bands {
    versions: Map<Band, Vec<i64>>,
}

/// Key and form of a signature, number of the band, and what is in it.
type Band = (String, i32, u8, [u16; BAND]);

fn bands(signature: &Signature) -> impl Iterator<Item = Band> {
    let (hashes, _) = signature.minhash().as_chunks::<BAND>();
    (0..).zip(hashes).map(|(n, band)| (signature.key_id().to_owned(), signature.form(), n, *band))
}

impl Bands {
    fn insert(&mut self, version_id: i64, signature: &Signature) {
        for band in bands(signature) {
            let versions = self.versions.entry(band).or_default();
            if let Err(at) = versions.binary_search(&version_id) {
                versions.insert(at, version_id);
            }
        }
    }

    fn remove(&mut self, version_id: i64, signature: &Signature) {
        for band in bands(signature) {
            if let Some(versions) = self.versions.get_mut(&band)
                && let Ok(at) = versions.binary_search(&version_id)
            {
                versions.remove(at);
            }
        }
    }

    /// The versions that share bands with a signature, those that share most first and the oldest first among equals. All
    /// are kept and some looked at, so that what is found does not depend on what was there once.
    fn candidates(&self, signature: &Signature) -> Vec<i64> {
        let mut shared: Map<i64, usize> = Map::default();
        let of_band = |band| self.versions.get(&band).into_iter().flatten().take(BUCKET_MAX);
        for version in bands(signature).flat_map(of_band) {
            *shared.entry(*version).or_default() += 1;
        }
        let mut found: Vec<(usize, i64)> = shared.into_iter().map(|(version, bands)| (bands, version)).collect();
        found.sort_unstable_by_key(|(bands, version)| (std::cmp::Reverse(*bands), *version));
        found.into_iter().map(|(_, version)| version).collect()
    }
}

fn signature_of(row: &SignatureRow) -> Option<Signature> {
    let (minhash, sample) = (&row.minhash.0, &row.sample.0);
    Signature::from_bytes(&*row.key_id, row.form, row.shingle_count, row.complete, minhash, sample).ok()
}

impl Projector {
    pub(super) fn index_signatures(&mut self) {
        for row in self.signatures.iter() {
            self.keys_of.entry(row.version_id).or_default().insert((row.version_id, row.key_id.clone(), row.form));
            if let Some(signature) = signature_of(row).filter(|s| s.sample().len() >= SAMPLE_MIN) {
                self.bands.insert(row.version_id, &signature);
            }
        }
        for edge in self.edges.iter().filter(|e| is_measured(e)) {
            self.near_of.entry(edge.src_version_id).or_default().insert(edge.dst_version_id);
            self.near_of.entry(edge.dst_version_id).or_default().insert(edge.src_version_id);
        }
    }

    /// Keeps the signature of a version. Near copies are looked for when the whole event is known: what contains what
    /// is said behind the signatures.
    pub(super) fn apply_signed(&mut self, context: &Context, signed: &Signed) {
        let version_id = self.observe(context, &signed.asset).version_id;
        let signature = &signed.signature;
        let row = SignatureRow {
            version_id,
            key_id: signature.key_id().to_owned(),
            form: signature.form(),
            shingle_count: signature.shingle_count(),
            complete: signature.complete(),
            minhash: Bytes(signature.minhash_bytes()),
            sample: Bytes(signature.sample_bytes()),
            scanned_at: context.at,
            recorded: context.recorded(),
        };
        let key = (version_id, row.key_id.clone(), row.form);
        let before = self.signatures.get(&key);
        if before.is_some_and(|b| is_kept(b, &row)) {
            return;
        }
        if let Some(before) = before.and_then(signature_of) {
            self.bands.remove(version_id, &before);
        }
        if signature.sample().len() >= SAMPLE_MIN {
            self.bands.insert(version_id, signature);
        }
        self.keys_of.entry(version_id).or_default().insert(key);
        self.signatures.put(context, row);
        self.signed.insert(version_id);
    }

    /// Looks for near copies of what the event at hand has signed.
    pub(super) fn settle_signed(&mut self, context: &Context) {
        for version_id in std::mem::take(&mut self.signed) {
            if self.skips_near {
                continue;
            }
            let mut near: BTreeMap<i64, f32> = BTreeMap::new();
            for key in self.keys_of.get(&version_id).cloned().unwrap_or_default() {
                for (other, similarity) in self.measured(context, version_id, &key) {
                    // Signatures of two keys give two estimates of one number.
                    let known = near.entry(other).or_insert(similarity);
                    *known = known.max(similarity);
                }
            }
            let before = self.near_of.get(&version_id).cloned().unwrap_or_default();
            before.iter().filter(|v| !near.contains_key(v)).for_each(|v| self.unlink_near(context, version_id, *v));
            for (other, similarity) in near {
                self.link_near(context, version_id.min(other), version_id.max(other), similarity);
            }
        }
    }

    /// The near copies of a version by one of its signatures, with their similarity.
    fn measured(&mut self, context: &Context, version_id: i64, key: &SignatureKey) -> Vec<(i64, f32)> {
        let signature = self.signatures.get(key).and_then(signature_of);
        let Some(signature) = signature.filter(|s| s.sample().len() >= SAMPLE_MIN) else { return Vec::new() };
        let candidates = self.bands.candidates(&signature);
        let content = self.content(version_id);
        let (mut equals, others): (Vec<i64>, Vec<i64>) =
            candidates.into_iter().partition(|v| *v == version_id || content.is_some() && self.content(*v) == content);
        equals.sort_unstable();
        let newer = equals.split_off(equals.partition_point(|v| *v <= version_id));
        newer.iter().for_each(|v| self.hand_over(context, *v, version_id));
        // Of equal contents the oldest stands for all, the others are its copies: the oldest that is not a state or a part
        // of the other itself.
        let older: Vec<i64> = equals.into_iter().filter(|v| *v < version_id).take(EQUALS_MAX).collect();
        let mut contents = BTreeSet::new();
        let unrelated = others.into_iter().filter(|other| !self.is_related(version_id, *other));
        let first = unrelated.filter(|v| self.content(*v).is_none_or(|content| contents.insert(content)));
        let mut others: Vec<i64> = first.take(COMPARED_MAX).collect();
        others.sort_unstable();
        others.retain(|other| older.iter().all(|v| self.is_related(*v, *other)));
        let similarity = |other: &i64| {
            let theirs = self.signatures.get(&(*other, key.1.clone(), key.2)).and_then(signature_of)?;
            signature.similarity(&theirs).filter(|s| *s >= NEAR_SIMILARITY)
        };
        others.into_iter().filter_map(|v| Some((v, similarity(&v)?))).collect()
    }

    /// The hash of a version's content, or the root of a data set's.
    fn content(&self, version_id: i64) -> Option<[u8; 32]> {
        self.versions.get(&version_id).and_then(|v| v.content_sha256.or(v.merkle_root)).map(|hash| hash.0)
    }

    /// Whether two versions are alike because one is a state or a part of the other.
    fn is_related(&self, a: i64, b: i64) -> bool {
        let asset = |v: i64| self.versions.get(&v).and_then(|v| self.assets.get(&v.asset_id));
        let (Some(asset_a), Some(asset_b)) = (asset(a), asset(b)) else { return true };
        let contains = |whole: i64, part: i64| self.members_of.get(&whole).is_some_and(|m| m.contains(&part));
        asset_a.asset_id == asset_b.asset_id
            || is_folder_of(asset_a, asset_b)
            || is_folder_of(asset_b, asset_a)
            || contains(a, b)
            || contains(b, a)
            || is_file(asset_a) != is_file(asset_b) && (self.is_one_member(a) || self.is_one_member(b))
    }

    /// Whether all the text of a data set is in one of its members, which is what a file is compared with.
    fn is_one_member(&self, whole: i64) -> bool {
        let rows = |v: &i64| self.keys_of.get(v).into_iter().flatten().filter_map(|key| self.signatures.get(key));
        let equal = |a: &SignatureRow, b: &SignatureRow| {
            a.key_id == b.key_id && a.shingle_count == b.shingle_count && a.minhash == b.minhash
        };
        let members = self.members_of.get(&whole).into_iter().flatten().take(MEMBERS_MAX);
        members.flat_map(rows).any(|member| rows(&whole).any(|own| equal(own, member)))
    }

    /// Adds an edge that was measured, or takes a declared one over. It leads from the version that was seen first.
    fn link_near(&mut self, context: &Context, src: i64, dst: i64, similarity: f32) {
        let since = self.both_began((src, dst));
        let Some(id) = self.link(context, (src, dst), None, EdgeType::NearDuplicate, Evidence::Declared, since) else {
            return;
        };
        self.edges.update(context, &id, |edge| {
            edge.evidence = Evidence::ContentMatch.as_str().into();
            edge.confidence = similarity;
        });
        self.near_of.entry(src).or_default().insert(dst);
        self.near_of.entry(dst).or_default().insert(src);
    }

    /// Whether two versions were measured to be near copies.
    pub(super) fn is_near(&self, a: i64, b: i64) -> bool {
        self.near_of.get(&a).is_some_and(|near| near.contains(&b))
    }

    /// Takes back what was measured of a version where an older one of equal content stands for it.
    fn hand_over(&mut self, context: &Context, version_id: i64, older: i64) {
        for other in self.near_of.get(&version_id).cloned().unwrap_or_default() {
            if !self.is_related(older, other) {
                self.unlink_near(context, version_id, other);
            }
        }
    }

    /// Takes back what was measured of two versions: one turns out to be a part of the other.
    pub(super) fn unlink_near(&mut self, context: &Context, a: i64, b: i64) {
        if !self.near_of.get_mut(&a).is_some_and(|near| near.remove(&b)) {
            return;
        }
        if let Some(near) = self.near_of.get_mut(&b) {
            near.remove(&a);
        }
        self.unlink(context, a.min(b), a.max(b), None, EdgeType::NearDuplicate);
    }
}

/// Whether a signature that is known stays: the other says the same, or was made earlier. Of two that were made at one
/// time the order in which they are told does not matter.
fn is_kept(known: &SignatureRow, other: &SignatureRow) -> bool {
    let said = |row: &SignatureRow| (row.shingle_count, row.complete, row.minhash.clone(), row.sample.clone());
    let order = |row: &SignatureRow| (row.scanned_at, said(row));
    said(known) == said(other) || order(known) > order(other)
}

fn is_measured(edge: &EdgeRow) -> bool {
    edge.edge_type == EdgeType::NearDuplicate.as_str() && edge.evidence == Evidence::ContentMatch.as_str()
}

fn is_file(asset: &AssetRow) -> bool {
    [AssetType::File, AssetType::Shard].iter().any(|t| t.as_str() == asset.asset_type)
}

fn is_folder_of(folder: &AssetRow, asset: &AssetRow) -> bool {
    let below = || asset.name.strip_prefix(&*folder.name).is_some_and(|rest| rest.starts_with('/'));
    folder.namespace == asset.namespace && (folder.name == "/" || below())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_band_that_was_full_has_what_a_new_one_has() {
        let minhash = vec![7; lineward_events::MINHASHES];
        let signature = Signature::new("00000001", 1, 60, true, minhash, (0..60).collect()).expect("a signature");
        let all = BUCKET_MAX as i64 + 40;
        let (mut went_on, mut loaded) = (Bands::default(), Bands::default());
        (0..all).for_each(|version| went_on.insert(version, &signature));
        (0..20).for_each(|version| went_on.remove(version, &signature));
        (20..all).for_each(|version| loaded.insert(version, &signature));
        let expected: Vec<i64> = (20..).take(BUCKET_MAX).collect();
        assert_eq!(loaded.candidates(&signature), expected);
        assert_eq!(went_on.candidates(&signature), expected);
    }
}
