//! Where people's values are, on the way from a scan to the store: on the disk while the scan runs, then one event after
//! the other. Nothing here holds more than one event's worth of them.

use super::{PLACES_MAX, ScanRecord};
use crate::Error;
use lineward_classifiers::{Category, Finding, Spool, Spooled};
use lineward_events::IndexedRecord;
use lineward_events::formats::lineward::{ScanAsset, ScanEvent, ScanFile};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};
use std::io;
use std::path::{Path, PathBuf};

/// What the files of an event of places have for an error. A program that knows no such events takes them for scans, and
/// then for scans that did not end.
const NO_SCAN: &str = "places only: another event of this scan says what was scanned";

/// The places that a scan finds, in the order in which it finds them.
#[derive(Debug, Default)]
pub struct Places {
    held: Vec<FilePlaces>,
    held_count: usize,
    spool: Option<Spool<FilePlaces>>,
}

/// Places in one file, or in one member of an archive.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct FilePlaces {
    path: String,
    records: Vec<IndexedRecord>,
}

impl Spooled for FilePlaces {}

impl Places {
    /// Adds the place of a value that names a person. A secret names nobody.
    ///
    /// # Errors
    /// [`Error::Stopped`] where the disk does not take it.
    pub fn add(&mut self, finding: &Finding) -> Result<(), Error> {
        if finding.categories.iter().all(|c| *c == Category::Credential) {
            return Ok(());
        }
        let record = place(finding);
        match self.held.last_mut().filter(|file| file.path == finding.path) {
            Some(file) => file.records.push(record),
            None => self.held.push(FilePlaces { path: finding.path.clone(), records: vec![record] }),
        }
        self.held_count += 1;
        if self.held_count < PLACES_MAX { Ok(()) } else { self.put_away() }
    }

    fn put_away(&mut self) -> Result<(), Error> {
        let spool = match &mut self.spool {
            Some(spool) => Ok(spool),
            None => Spool::new().map(|spool| self.spool.insert(spool)),
        };
        spool.and_then(|spool| spool.write(&self.held)).map_err(|e| no_disk(&e))?;
        self.held.clear();
        self.held_count = 0;
        Ok(())
    }

    /// All of them, in pieces of at most [`PLACES_MAX`].
    fn pieces(&self) -> impl Iterator<Item = Result<Vec<FilePlaces>, Error>> + '_ {
        let spooled = self.spool.iter().flat_map(Spool::pieces).map(|piece| piece.map_err(|e| no_disk(&e)));
        spooled.chain((!self.held.is_empty()).then(|| Ok(self.held.clone())))
    }
}

fn no_disk(e: &io::Error) -> Error {
    let what = "the places of values could not wait on the disk, in the folder for temporary files (TMPDIR)";
    Error::Stopped(format!("{what}: {}", e.kind()))
}

fn place(finding: &Finding) -> IndexedRecord {
    let number = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
    IndexedRecord {
        subject: finding.fingerprint.clone(),
        entity: finding.entity.clone(),
        row_group: None,
        row: number(finding.row.unwrap_or(0)),
        byte_offset: number(finding.start),
        byte_len: i32::try_from(finding.end.saturating_sub(finding.start)).unwrap_or(i32::MAX),
    }
}

/// The events of the places of a scan: none of them says that anything was scanned. `whole` is the scan with a file for
/// each report.
pub(super) fn events<'a>(
    scan: &'a ScanRecord<'_>,
    whole: &'a ScanEvent,
) -> impl Iterator<Item = Result<ScanEvent, Error>> + 'a {
    let reported: HashMap<&Path, usize> =
        scan.reports.iter().enumerate().map(|(at, report)| (report.path.as_path(), at)).collect();
    let pieces = scan.places.into_iter().flat_map(Places::pieces);
    pieces.filter_map(move |piece| match piece {
        Ok(piece) => event(scan, whole, &reported, piece).map(Ok),
        Err(e) => Some(Err(e)),
    })
}

/// The event of a piece; `None` where none of it lies below the path of this scan.
fn event(
    scan: &ScanRecord<'_>,
    whole: &ScanEvent,
    reported: &HashMap<&Path, usize>,
    piece: Vec<FilePlaces>,
) -> Option<ScanEvent> {
    let mut of_file: BTreeMap<usize, Vec<IndexedRecord>> = BTreeMap::new();
    for FilePlaces { path, records } in piece {
        if let Some(at) = file_of(&path, &scan.found_as, reported) {
            of_file.entry(at).or_default().extend(records);
        }
    }
    let mut files = Vec::new();
    for (at, records) in of_file {
        let file = whole.files.get(at)?.clone();
        let error = Some(NO_SCAN.to_owned());
        files.push(ScanFile { findings: Vec::new(), signature: None, error, records, ..file });
    }
    // What it lists is not all that the data set has.
    let asset = ScanAsset { file_count: None, signature: None, ..whole.asset.clone() };
    let head = ScanEvent::new(whole.scan_id.clone(), whole.scanned_at.clone(), asset);
    (!files.is_empty()).then(|| ScanEvent {
        ruleset: whole.ruleset.clone(),
        tool_version: whole.tool_version.clone(),
        index_key: whole.index_key.clone(),
        places_only: true,
        files,
        ..head
    })
}

/// The number of the file that is reported for a path: of itself, or of the archive whose member (`archive!member`) it
/// is.
fn file_of(path: &str, names: &HashMap<PathBuf, PathBuf>, reported: &HashMap<&Path, usize>) -> Option<usize> {
    let named = |path: &str| {
        let path = Path::new(path);
        reported.get(names.get(path).map_or(path, PathBuf::as_path)).copied()
    };
    named(path).or_else(|| path.match_indices('!').find_map(|(at, _)| named(&path[..at])))
}

#[cfg(test)]
mod tests {
    use super::super::judged::scanned;
    use super::super::tests::{key, record};
    use super::super::{record_scan, whole_event};
    use super::*;
    use lineward_classifiers::Confidence;
    use lineward_classifiers::scan::FileReport;
    use lineward_store::Store;
    use lineward_store::graph::Scan;

    fn finding(path: &str, n: usize, category: Category) -> Finding {
        Finding {
            path: path.to_owned(),
            row: Some(n as u64),
            field: None,
            start: 3,
            end: 14,
            line: None,
            detector: "us-ssn".into(),
            entity: "US_SSN".into(),
            categories: vec![category],
            confidence: Confidence::High,
            score: 1.0,
            fingerprint: format!("{}:{n:032x}", key().id()),
            preview: "".into(),
            value: None,
        }
    }

    fn reports() -> Vec<FileReport> {
        let named = |name: &str| FileReport {
            path: Path::new("/no/such/folder").join(name),
            ..scanned("part.txt", "nothing in here")
        };
        ["a.zip", "b.txt"].map(named).to_vec()
    }

    /// Places in a member of an archive and in a file, and those of a file that is reported under another name.
    fn places(count: usize) -> Places {
        let mut places = Places::default();
        for n in 0..count {
            let path = ["/no/such/folder/a.zip!in/c.txt", "other/b.txt"][n % 3 % 2];
            places.add(&finding(path, n, Category::Pii)).expect("kept");
            places.add(&finding(path, n, Category::Credential)).expect("left out");
        }
        places
    }

    fn record_of<'a>(reports: &'a [FileReport], places: &'a Places, store: &'a str) -> ScanRecord<'a> {
        let found_as = HashMap::from([("other/b.txt".into(), "/no/such/folder/b.txt".into())]);
        ScanRecord { places: Some(places), found_as, ..record("s3://lake/notes", reports, store) }
    }

    #[test]
    fn an_index_is_cut_into_events_that_say_of_nothing_that_it_was_scanned() {
        let (reports, places) = (reports(), places(PLACES_MAX + 9));
        let scan = record_of(&reports, &places, "-");
        let whole = whole_event(&scan);
        let events = events(&scan, &whole).collect::<Result<Vec<_>, _>>().expect("events");
        let counts: Vec<Vec<usize>> =
            events.iter().map(|e| e.files.iter().map(|f| f.records.len()).collect()).collect();
        assert_eq!(counts.iter().flatten().sum::<usize>(), PLACES_MAX + 9);
        assert_eq!((counts.len(), counts[1].iter().sum::<usize>()), (2, 9));
        let last: Vec<i64> = events[1].files[1].records.iter().map(|r| r.row % 3).collect();
        assert_eq!(last, [1, 1, 1], "they stand with the file in which they are");
        for event in &events {
            assert_eq!(
                event.files.iter().map(|f| f.name.as_deref()).collect::<Vec<_>>(),
                [Some("a.zip"), Some("b.txt")]
            );
            assert!(event.files.iter().all(|f| f.error.is_some()) && event.asset.file_count.is_none());
            let payload = serde_json::to_string(event).expect("JSON");
            assert!(Scan::of_event(&payload, 1, 1).is_empty());
        }
    }

    #[tokio::test]
    async fn the_scan_is_the_last_of_its_commits() {
        let place = tempfile::tempdir().expect("a folder");
        let store = place.path().to_string_lossy();
        let (reports, places) = (reports(), places(2 * PLACES_MAX));
        let done = record_scan(&record_of(&reports, &places, &store)).await.expect("recorded");
        let opened = Store::open(&store).await.expect("a store");
        let snapshot = opened.snapshot().await.expect("a snapshot");
        let mut counts = Vec::new();
        for (table, column) in [("record_index", "row"), ("events", "event_kind")] {
            let batches = snapshot.columns(table, &[column]).await.expect("rows");
            counts.push(batches.iter().map(|batch| batch.num_rows()).sum::<usize>());
        }
        assert_eq!(counts, [2 * PLACES_MAX, 3]);
        assert_eq!((done.epoch, snapshot.epoch()), (3, 3), "readers see them one after the other");
    }
}
