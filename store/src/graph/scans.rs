//! What a scan event says was looked at, so that "nothing found" differs from "nobody looked".

use crate::bytes::Hash;
use crate::rows::Micros;
use lineward_events::formats::lineward::ScanEvent;
use std::sync::Arc;

/// An asset whose bytes Lineward has scanned.
#[derive(Debug, Clone, PartialEq)]
pub struct Scan {
    /// As in the `assets` table.
    pub asset_type: String,
    /// As in the `assets` table.
    pub namespace: String,
    /// As in the `assets` table.
    pub name: String,
    /// What was scanned, by content.
    pub content: Option<Hash>,
    /// All of it could be read.
    pub complete: bool,
    /// Id of the key under which its records were indexed, where they were.
    pub index_key: Option<String>,
    /// When it was scanned.
    pub scanned_at: Micros,
    /// When Lineward learned of the scan.
    pub recorded_at: Micros,
}

/// What was scanned, in the order in which Lineward learned of it, which is that of no file: as the graph was built, and
/// later.
#[derive(Debug)]
pub(super) struct Scans {
    base: Arc<Vec<Scan>>,
    later: Vec<Scan>,
}

impl Scans {
    pub fn new(scans: Vec<Scan>) -> Self {
        Self { base: Arc::new(sorted(scans)), later: Vec::new() }
    }

    pub fn grown(&self, later: Vec<Scan>) -> Self {
        Self { base: self.base.clone(), later: sorted(later) }
    }

    /// The newest last. What was committed later may have been learned earlier.
    pub fn iter(&self) -> impl Iterator<Item = &Scan> {
        let (mut base, mut later) = (self.base.iter().peekable(), self.later.iter().peekable());
        std::iter::from_fn(move || match (base.peek(), later.peek()) {
            (Some(held), Some(added)) if added.order() < held.order() => later.next(),
            (Some(_), _) => base.next(),
            _ => later.next(),
        })
    }
}

fn sorted(mut scans: Vec<Scan>) -> Vec<Scan> {
    scans.sort_by(|a, b| a.order().cmp(&b.order()));
    scans
}

impl Scan {
    /// By time, and of one time by what they say.
    fn order(&self) -> impl Ord + '_ {
        let asset = (&self.asset_type, &self.namespace, &self.name);
        (self.recorded_at, self.scanned_at, asset, self.content.map(|hash| hash.0), self.complete, &self.index_key)
    }

    /// The assets that a stored scan event says were scanned: the data set and its files. Empty for any other payload,
    /// and for an event that only lists places of values.
    pub fn of_event(payload: &str, scanned_at: Micros, recorded_at: Micros) -> Vec<Scan> {
        let Ok(event) = serde_json::from_str::<ScanEvent>(payload) else { return Vec::new() };
        if event.places_only {
            return Vec::new();
        }
        let scan = |asset_type: &str, name: String, sha256: &Option<String>, complete| Scan {
            asset_type: asset_type.to_ascii_uppercase(),
            namespace: event.asset.namespace.clone(),
            name,
            content: sha256.as_deref().and_then(content),
            complete,
            index_key: event.index_key.clone(),
            scanned_at,
            recorded_at,
        };
        let root = event.asset.name.trim_end_matches('/');
        let whole = event.files.iter().all(|f| f.error.is_none());
        let mut scans = vec![scan(&event.asset.asset_type, event.asset.name.clone(), &event.asset.sha256, whole)];
        for file in &event.files {
            let Some(name) = &file.name else { continue };
            let path = if root.is_empty() { name.clone() } else { format!("{root}/{name}") };
            scans.push(scan("FILE", path, &file.sha256, file.error.is_none()));
        }
        scans
    }
}

fn content(digits: &str) -> Option<Hash> {
    let mut hash = Hash::default();
    hex::decode_to_slice(digits, &mut hash.0).ok()?;
    Some(hash)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_received_last_is_last_whenever_it_was_committed() {
        let scan = |recorded_at, name: &str| Scan {
            asset_type: "DATASET".to_owned(),
            namespace: "s3".to_owned(),
            name: name.to_owned(),
            content: None,
            complete: true,
            index_key: None,
            scanned_at: 0,
            recorded_at,
        };
        let names = |scans: &Scans| scans.iter().map(|scan| scan.name.clone()).collect::<Vec<_>>();
        let built = Scans::new(vec![scan(5, "e"), scan(1, "a"), scan(3, "c")]);
        assert_eq!(names(&built), ["a", "c", "e"]);
        let later = vec![scan(6, "f"), scan(2, "b"), scan(3, "d")];
        assert_eq!(names(&built.grown(later)), ["a", "b", "c", "d", "e", "f"]);
    }
}
