//! Records a scan in the lineage store.

use anyhow::Context as _;
use lineward_classifiers::scan::FileReport;
use lineward_classifiers::{Engine, FingerprintKey};
use lineward_pipelines::{Places, ScanRecord, record_scan};
use std::collections::HashMap;
use std::path::{Component, Path, PathBuf};
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
    places: Option<&Places>,
    part: Option<&str>,
) -> anyhow::Result<()> {
    anyhow::ensure!(
        dataset.is_none() || paths.len() == 1,
        "`--dataset` names one data set; scan one path at a time with it"
    );
    let started_at = started.duration_since(UNIX_EPOCH).map_or(0, |d| d.as_micros() as i64);
    let runtime = super::runtime()?;
    let known: Vec<PathBuf> = reports.iter().map(|report| place_of(&report.path)).collect();
    for path in paths {
        let root = root_of(path);
        let (mut below, mut found_as) = (Vec::new(), HashMap::new());
        for (report, place) in reports.iter().zip(&known) {
            let Some(name) = name_below(&report.path, place, path, &root) else { continue };
            if name != report.path {
                found_as.insert(report.path.clone(), name.clone());
            }
            below.push(FileReport { path: name, ..report.clone() });
        }
        let key = key.clone();
        let scan =
            ScanRecord { store, dataset, path, reports: &below, engine, key, started_at, places, found_as, part };
        runtime
            .block_on(record_scan(&scan))
            .with_context(|| format!("the scan of `{}` was not recorded", path.display()))?;
    }
    Ok(())
}

/// Where a file or folder is, whatever way it was named: its folder without links, and its own name in it. A file that is
/// itself a link stays one, since a Hugging Face cache has the files of all revisions as links to one blob, and each of
/// them is a file of its revision.
pub(crate) fn place_of(path: &Path) -> PathBuf {
    let folder = path.parent().map(|folder| if folder.as_os_str().is_empty() { Path::new(".") } else { folder });
    match (folder.and_then(|folder| folder.canonicalize().ok()), path.file_name()) {
        (Some(folder), Some(name)) => folder.join(name),
        // `.`, `..` and a root have no name of their own; a URL has no folder on this machine.
        _ => path.canonicalize().unwrap_or_else(|_| path.to_path_buf()),
    }
}

/// Where a scanned path is: a folder that is named itself is meant with what it leads to.
fn root_of(path: &Path) -> PathBuf {
    let folder = path.is_dir().then(|| path.canonicalize().ok()).flatten();
    folder.unwrap_or_else(|| place_of(path))
}

/// A reported file as what lies below a scanned path is named; `None` where it does not lie there. The file may have been
/// scanned under another path that leads to it. `place` and `root` are where the two are.
fn name_below(file: &Path, place: &Path, path: &Path, root: &Path) -> Option<PathBuf> {
    // `d/../e/a.txt` begins with `d` and lies in `e`.
    let is_below = |rest: &Path| !rest.components().any(|part| part == Component::ParentDir);
    if file.strip_prefix(path).is_ok_and(is_below) {
        return Some(file.to_path_buf());
    }
    let rest = place.strip_prefix(root).ok()?;
    Some(if rest.as_os_str().is_empty() { path.to_path_buf() } else { path.join(rest) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn below(file: &Path, path: &Path) -> Option<PathBuf> {
        name_below(file, &place_of(file), path, &root_of(path))
    }

    fn folder_with(name: &str) -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::create_dir(folder.path().join("d")).expect("made");
        std::fs::write(folder.path().join("d").join(name), "text").expect("written");
        folder
    }

    #[test]
    fn a_file_scanned_under_another_name_is_of_its_folder_too() {
        let folder = folder_with("a.txt");
        let (d, other) = (folder.path().join("d"), folder.path().join("d/../d/a.txt"));
        assert_eq!(below(&other, &d), Some(d.join("a.txt")));
        assert_eq!(below(&other, &other), Some(other.clone()));
        assert_eq!(below(&other, &d.join("a.txt")), Some(d.join("a.txt")));
        assert_eq!(below(&other, &folder.path().join("e")), None);
        let url = Path::new("s3://bucket/a/b.txt");
        assert_eq!(below(url, Path::new("s3://bucket/a")), Some(url.to_path_buf()));
        assert_eq!(below(url, &d), None);
    }

    #[cfg(unix)]
    #[test]
    fn links_to_one_file_are_files_of_their_own() {
        let folder = folder_with("blob");
        let links = ["a", "b"].map(|name| folder.path().join(name));
        for link in &links {
            std::os::unix::fs::symlink("d/blob", link).expect("linked");
        }
        assert_ne!(place_of(&links[0]), place_of(&links[1]));
        // A folder may be reached through a link, and is the same folder.
        std::os::unix::fs::symlink("d", folder.path().join("e")).expect("linked");
        assert_eq!(place_of(&folder.path().join("e/blob")), place_of(&folder.path().join("d/blob")));
        let (file, path) = (folder.path().join("e/blob"), folder.path().join("d"));
        assert_eq!(below(&file, &path), Some(path.join("blob")));
        let through = folder.path().join("e");
        let file = folder.path().join("d/blob");
        assert_eq!(below(&file, &through), Some(through.join("blob")));
    }
}
