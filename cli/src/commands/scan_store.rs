//! Records a scan in the lineage store.

use anyhow::Context as _;
use lineward_classifiers::scan::FileReport;
use lineward_classifiers::{Engine, FingerprintKey};
use lineward_events::IndexedRecord;
use lineward_pipelines::{ScanRecord, record_scan};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

/// Records what was found under each path as a scan of its own, with the places of people's values where it has them.
/// `part` says what a scan of less than everything looked at.
#[expect(clippy::too_many_arguments, reason = "what a scan leaves, each part of it once")]
pub(crate) fn record(
    store: &str,
    dataset: Option<&str>,
    paths: &[PathBuf],
    reports: &[FileReport],
    engine: &Engine,
    key: &FingerprintKey,
    started: SystemTime,
    places: Option<&[(PathBuf, IndexedRecord)]>,
    part: Option<&str>,
) -> anyhow::Result<()> {
    anyhow::ensure!(
        dataset.is_none() || paths.len() == 1,
        "`--dataset` names one data set; scan one path at a time with it"
    );
    let started_at = started.duration_since(UNIX_EPOCH).map_or(0, |d| d.as_micros() as i64);
    let runtime = super::runtime()?;
    for path in paths {
        let below: Vec<FileReport> = reports.iter().filter(|r| is_below(&r.path, path)).cloned().collect();
        let scan =
            ScanRecord { store, dataset, path, reports: &below, engine, key: key.clone(), started_at, places, part };
        runtime
            .block_on(record_scan(&scan))
            .with_context(|| format!("the scan of `{}` was not recorded", path.display()))?;
    }
    Ok(())
}

fn is_below(file: &Path, path: &Path) -> bool {
    file == path || file.starts_with(path)
}
