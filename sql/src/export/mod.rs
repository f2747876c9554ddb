//! The lineage upstream of an asset in the formats of others: W3C PROV-JSON, OpenLineage run events, in-toto
//! statements with SLSA provenance. One file a format.

mod in_toto;
mod openlineage;
mod prov;

use crate::functions::seeds;
use crate::{Error, LinewardSession};
use chrono::{DateTime, SecondsFormat};
use lineward_store::graph::{Direction, Hop, Version, View};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// A format of others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// W3C PROV, serialised as PROV-JSON.
    Prov,
    /// OpenLineage run events, one a run.
    OpenLineage,
    /// In-toto statements, version 1, one a version, with an SLSA provenance predicate, version 1.
    InToto,
}

impl LinewardSession {
    /// The lineage upstream of an asset, at the times of the session: one document, for OpenLineage one a
    /// run, for in-toto one a version.
    ///
    /// # Errors
    ///
    /// [`Error::Name`] where the text names no asset or several, [`Error::Store`] where the store cannot be read.
    pub async fn export(&self, form: Form, asset: &str) -> Result<Vec<Value>, Error> {
        let view = self.view().await?;
        let seeds = seeds(&view, &[asset.to_owned()])?;
        let lineage = Lineage::new(&view, &seeds);
        Ok(match form {
            Form::Prov => vec![prov::document(&lineage)],
            Form::OpenLineage => openlineage::events(&lineage),
            Form::InToto => {
                // A statement is about one making: what other versions came from is no provenance of this one.
                seeds.iter().map(|seed| in_toto::statement(&lineage.of(*seed))).collect()
            }
        })
    }
}

/// What is upstream of some versions.
struct Lineage<'a> {
    view: &'a View,
    seeds: Vec<Version>,
    /// Seeds and all that is upstream of them.
    versions: BTreeSet<Version>,
    hops: Vec<Hop>,
    /// What each run read and wrote, of these versions.
    runs: BTreeMap<u32, (BTreeSet<Version>, BTreeSet<Version>)>,
    /// The runs that wrote each of these versions: found in one pass over all that runs write.
    writers: Arc<BTreeMap<Version, Vec<u32>>>,
}

impl<'a> Lineage<'a> {
    fn new(view: &'a View, seeds: &[Version]) -> Self {
        let versions = versions_of(view, seeds);
        let mut writers: BTreeMap<Version, Vec<u32>> = BTreeMap::new();
        for (run, version) in view.written(&versions) {
            writers.entry(version).or_default().push(run);
        }
        Self::with(view, seeds, versions, Arc::new(writers))
    }

    /// What is upstream of one of the seeds.
    fn of(&self, seed: Version) -> Self {
        Self::with(self.view, &[seed], versions_of(self.view, &[seed]), self.writers.clone())
    }

    fn with(
        view: &'a View,
        seeds: &[Version],
        versions: BTreeSet<Version>,
        writers: Arc<BTreeMap<Version, Vec<u32>>>,
    ) -> Self {
        let mut hops: Vec<Hop> = Vec::new();
        // Places in `hops`: a large graph has too many to compare each with all.
        let mut between: BTreeMap<(Version, Version), Vec<usize>> = BTreeMap::new();
        let mut runs: BTreeMap<u32, (BTreeSet<Version>, BTreeSet<Version>)> = BTreeMap::new();
        for version in &versions {
            for hop in view.hops(Direction::Upstream, *version) {
                if let Some(run) = hop.run {
                    let (inputs, outputs) = runs.entry(run).or_default();
                    inputs.insert(hop.src);
                    outputs.insert(hop.dst);
                }
                let same = between.entry((hop.src, hop.dst)).or_default();
                if !same.iter().any(|i| hops[*i] == hop) {
                    same.push(hops.len());
                    hops.push(hop);
                }
            }
        }
        // A run that read nothing, or of which it is not known, has no hop.
        for version in &versions {
            for run in writers.get(version).into_iter().flatten() {
                runs.entry(*run).or_default().1.insert(*version);
            }
        }
        for gap in versions.iter().flat_map(|v| view.gaps_of(*v)) {
            if let Some(run) = gap.run {
                runs.entry(run).or_default().1.insert(gap.version);
            }
        }
        Self { view, seeds: seeds.to_vec(), versions, hops, runs, writers }
    }

    /// What is not known, in words; empty where everything is.
    fn gaps(&self) -> Vec<String> {
        let here = self.versions.iter().flat_map(|v| self.view.gaps_of(*v)).filter(|g| g.kind.hides_inputs());
        here.map(|g| format!("{}: {} (at {})", g.kind.as_str(), g.detail, self.view.graph().text(g.version))).collect()
    }

    fn sha256(&self, version: Version) -> Option<String> {
        let row = self.view.graph().version(version);
        row.content_sha256.or(row.merkle_root).map(|hash| hex(&hash.0))
    }
}

/// Seeds and all that is upstream of them.
fn versions_of(view: &View, seeds: &[Version]) -> BTreeSet<Version> {
    let upstream = view.walk(Direction::Upstream, seeds, None);
    seeds.iter().copied().chain(upstream.iter().map(|reached| reached.version)).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

fn time(micros: i64) -> String {
    let time = DateTime::from_timestamp_micros(micros).unwrap_or_default();
    time.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

#[cfg(test)]
mod tests;
