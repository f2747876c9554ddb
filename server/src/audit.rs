//! The audit log: a line for every query that was asked, allowed or denied, and one for how it ended. Each line holds the
//! hash of the one before, so that a line taken out, changed or put in shows. It holds statements without literals.
//!
//! The file is only appended to, and a query runs only after its line is written. [`verify`] reads it all again.

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use async_trait::async_trait;
use datafusion::catalog::{MemTable, SchemaProvider, TableProvider};
use datafusion::error::Result;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{BufRead as _, BufReader, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

/// Hash before the first line.
const GENESIS: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// A line of the log, without its hash.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Entry {
    /// Number of the line, from 1.
    pub seq: u64,
    /// When, in microseconds since 1970, UTC.
    pub at: i64,
    /// `asked`, `denied`, `done`, `failed`, `cancelled` or `ingested`.
    pub outcome: String,
    /// Number of the line in which the query was asked.
    pub query: u64,
    /// Who.
    pub principal: String,
    /// By which protocol.
    pub via: String,
    /// From where.
    pub address: String,
    /// The statement without literals; only where it was asked or denied.
    pub statement: Option<String>,
    /// SQLSTATE of an error.
    pub sql_state: Option<String>,
    /// Rows that were answered or events that were taken.
    pub rows: Option<u64>,
    /// How long it took, in microseconds.
    pub elapsed_us: Option<u64>,
}

/// A line as it is stored.
#[derive(Debug, Serialize, Deserialize)]
struct Line {
    #[serde(flatten)]
    entry: Entry,
    /// Hash of the line before.
    prev: String,
    /// SHA-256 of the line before's hash and this entry's JSON.
    hash: String,
}

/// What [`verify`] found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// Lines that follow from each other.
    pub lines: u64,
    /// Hash of the last of them, to compare with one that was kept elsewhere.
    pub head: String,
    /// The line that does not follow from the one before, from 1, and why.
    pub broken: Option<(u64, String)>,
}

/// The open log.
#[derive(Debug)]
pub(crate) struct AuditLog {
    path: PathBuf,
    end: Mutex<End>,
}

#[derive(Debug)]
struct End {
    file: File,
    seq: u64,
    head: String,
    /// Bytes of whole lines.
    bytes: u64,
}

impl AuditLog {
    /// Opens or makes the log and goes on behind its last whole line. A line that a crash tore is cut off: its query
    /// was not run.
    pub fn open(path: &Path) -> std::io::Result<Self> {
        let mut options = OpenOptions::new();
        options.read(true).append(true).create(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(path)?;
        // Two that go on behind the same line would each break what the other has written.
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => {
                return Err(std::io::Error::other(format!(
                    "`{}` is written by another server; give each its own with `audit:` in its configuration",
                    path.display()
                )));
            }
            // Not every file system has locks.
            Err(TryLockError::Error(e)) => tracing::warn!(error = %e, "the audit log cannot be locked"),
            Ok(()) => {}
        }
        let (last, whole_bytes) = last_line(&mut file)?;
        file.set_len(whole_bytes)?;
        let (seq, head) = match last {
            None => (0, GENESIS.to_owned()),
            Some(line) => {
                let line: Line = serde_json::from_slice(&line).map_err(|e| {
                    std::io::Error::other(format!(
                        "the last line of `{}` is no audit entry (column {}); move the file away to begin a new log",
                        path.display(),
                        e.column()
                    ))
                })?;
                (line.entry.seq, line.hash)
            }
        };
        Ok(Self { path: path.to_owned(), end: Mutex::new(End { file, seq, head, bytes: whole_bytes }) })
    }

    /// Appends an entry and returns its number. `seq` and `at` are set here, and `query` where it is 0.
    pub fn append(&self, mut entry: Entry) -> std::io::Result<u64> {
        let mut end = self.end.lock().unwrap_or_else(|e| e.into_inner());
        entry.seq = end.seq + 1;
        entry.at = chrono::Utc::now().timestamp_micros();
        if entry.query == 0 {
            entry.query = entry.seq;
        }
        let hash = chained(&end.head, &entry)?;
        let line = Line { entry, prev: end.head.clone(), hash };
        let mut text = serde_json::to_vec(&line)?;
        text.push(b'\n');
        if let Err(e) = end.file.write_all(&text) {
            // A part of a line would be in the way of the next one; where it stays, the next opening cuts it off.
            let _ = end.file.set_len(end.bytes);
            return Err(e);
        }
        end.bytes += text.len() as u64;
        end.seq = line.entry.seq;
        end.head = line.hash;
        Ok(end.seq)
    }

    /// Makes sure that what was appended survives a loss of power.
    pub fn sync(&self) -> std::io::Result<()> {
        let file = self.end.lock().unwrap_or_else(|e| e.into_inner()).file.try_clone()?;
        file.sync_data()
    }

    fn batch(&self) -> Result<RecordBatch> {
        let lines = BufReader::new(File::open(&self.path)?).lines();
        let mut entries = Vec::new();
        for line in lines {
            // The line that is being written just now is not whole yet.
            let Ok(line) = serde_json::from_str::<Line>(&line?) else { continue };
            entries.push(line);
        }
        Ok(RecordBatch::try_new(schema(), columns(&entries))?)
    }
}

fn chained(before: &str, entry: &Entry) -> std::io::Result<String> {
    let json = serde_json::to_vec(entry)?;
    Ok(hex::encode(Sha256::new().chain_update(before).chain_update(json).finalize()))
}

/// The last whole line, and how many bytes whole lines take.
fn last_line(file: &mut File) -> std::io::Result<(Option<Vec<u8>>, u64)> {
    const STEP: u64 = 64 * 1024;
    let mut start = file.seek(SeekFrom::End(0))?;
    let end = start;
    let mut tail = Vec::new();
    loop {
        let breaks: Vec<usize> = (0..tail.len()).filter(|i| tail[*i] == b'\n').collect();
        let whole = breaks.last().map_or(0, |last| last + 1);
        let begin = breaks.len().checked_sub(2).map(|i| breaks[i] + 1);
        match (begin, start) {
            (Some(begin), _) => return Ok((Some(tail[begin..whole - 1].to_vec()), start + whole as u64)),
            (None, 0) if whole > 0 => return Ok((Some(tail[..whole - 1].to_vec()), whole as u64)),
            (None, 0) => return Ok((None, 0)),
            (None, _) => {
                start = start.saturating_sub(STEP);
                file.seek(SeekFrom::Start(start))?;
                tail.clear();
                file.take(end - start).read_to_end(&mut tail)?;
            }
        }
    }
}

/// Reads a log and checks that each line follows from the one before.
///
/// # Errors
/// Where the file cannot be read.
pub fn verify(path: &Path) -> std::io::Result<Verified> {
    let mut found = Verified { lines: 0, head: GENESIS.to_owned(), broken: None };
    for (number, text) in (1..).zip(BufReader::new(File::open(path)?).lines()) {
        match follows(&found, &text?) {
            Ok(head) => found = Verified { lines: number, head, broken: None },
            Err(why) => return Ok(Verified { broken: Some((number, why)), ..found }),
        }
    }
    Ok(found)
}

fn follows(before: &Verified, text: &str) -> std::result::Result<String, String> {
    let line: Line = serde_json::from_str(text).map_err(|e| format!("no audit entry (column {})", e.column()))?;
    if line.entry.seq != before.lines + 1 {
        return Err(format!("its number is {}, not {}", line.entry.seq, before.lines + 1));
    }
    let hash = chained(&before.head, &line.entry).map_err(|e| e.to_string())?;
    if line.prev != before.head || line.hash != hash {
        return Err("its hash does not follow from the line before".to_owned());
    }
    Ok(hash)
}

/// The schema `audit` of SQL, with the log as the table `queries`.
#[derive(Debug)]
pub(crate) struct AuditSchema(pub Arc<AuditLog>);

#[async_trait]
impl SchemaProvider for AuditSchema {
    fn table_names(&self) -> Vec<String> {
        vec!["queries".to_owned()]
    }

    async fn table(&self, name: &str) -> Result<Option<Arc<dyn TableProvider>>> {
        if name != "queries" {
            return Ok(None);
        }
        let log = self.0.clone();
        let read = tokio::task::spawn_blocking(move || log.batch()).await;
        let batch = read.map_err(|e| datafusion::error::DataFusionError::External(Box::new(e)))??;
        Ok(Some(Arc::new(MemTable::try_new(batch.schema(), vec![vec![batch]])?)))
    }

    fn table_exist(&self, name: &str) -> bool {
        name == "queries"
    }
}

fn schema() -> SchemaRef {
    let time = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
    let field = |name: &str, kind: DataType, nullable| Field::new(name, kind, nullable);
    Arc::new(Schema::new(vec![
        field("seq", DataType::Int64, false),
        field("at", time, false),
        field("outcome", DataType::Utf8, false),
        field("query", DataType::Int64, false),
        field("principal", DataType::Utf8, false),
        field("via", DataType::Utf8, false),
        field("address", DataType::Utf8, false),
        field("statement", DataType::Utf8, true),
        field("sql_state", DataType::Utf8, true),
        field("rows", DataType::Int64, true),
        field("elapsed_us", DataType::Int64, true),
        field("hash", DataType::Utf8, false),
    ]))
}

fn columns(lines: &[Line]) -> Vec<ArrayRef> {
    let text =
        |of: &dyn Fn(&Line) -> Option<&str>| -> ArrayRef { Arc::new(lines.iter().map(of).collect::<StringArray>()) };
    let number = |of: &dyn Fn(&Entry) -> Option<u64>| -> ArrayRef {
        Arc::new(lines.iter().map(|l| of(&l.entry).map(u64::cast_signed)).collect::<Int64Array>())
    };
    let times = lines.iter().map(|l| l.entry.at).collect::<Vec<_>>();
    vec![
        number(&|e| Some(e.seq)),
        Arc::new(TimestampMicrosecondArray::from(times).with_timezone("UTC")),
        text(&|l| Some(&l.entry.outcome)),
        number(&|e| Some(e.query)),
        text(&|l| Some(&l.entry.principal)),
        text(&|l| Some(&l.entry.via)),
        text(&|l| Some(&l.entry.address)),
        text(&|l| l.entry.statement.as_deref()),
        text(&|l| l.entry.sql_state.as_deref()),
        number(&|e| e.rows),
        number(&|e| e.elapsed_us),
        text(&|l| Some(&l.hash)),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log_of(count: u64) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("audit.jsonl");
        let log = AuditLog::open(&path).expect("opened");
        for i in 1..=count {
            let entry = Entry { outcome: "asked".into(), statement: Some("SELECT ?".into()), ..Entry::default() };
            assert_eq!(log.append(entry).expect("written"), i);
        }
        log.sync().expect("synced");
        (folder, path)
    }

    #[test]
    fn a_log_that_nobody_touched_verifies_and_goes_on() {
        let (_folder, path) = log_of(3);
        let first = verify(&path).expect("read");
        assert_eq!((first.lines, &first.broken), (3, &None));
        let log = AuditLog::open(&path).expect("opened again");
        assert_eq!(log.append(Entry::default()).expect("written"), 4);
        assert_eq!(verify(&path).expect("read").lines, 4);
        assert_eq!(log.batch().expect("a batch").num_rows(), 4);
    }

    #[test]
    fn any_change_shows() {
        let (_folder, path) = log_of(4);
        let whole = std::fs::read_to_string(&path).expect("read");
        let lines: Vec<&str> = whole.lines().collect();
        let changed = whole.replacen("SELECT ?", "SELECT 1", 1);
        let without_second = [lines[0], lines[2], lines[3]].join("\n");
        let swapped = [lines[1], lines[0], lines[2], lines[3]].join("\n");
        for (text, at) in [(changed, 1), (without_second, 2), (swapped, 1)] {
            std::fs::write(&path, text).expect("written");
            assert_eq!(verify(&path).expect("read").broken.map(|(line, _)| line), Some(at));
        }
        // Cutting off the end cannot show in the file alone; the head that was kept elsewhere tells.
        std::fs::write(&path, lines[..2].join("\n")).expect("written");
        assert_eq!(verify(&path).expect("read").lines, 2);
    }

    #[test]
    fn a_torn_line_is_cut_off() {
        let (_folder, path) = log_of(2);
        let mut file = OpenOptions::new().append(true).open(&path).expect("opened");
        file.write_all(b"{\"seq\":3,\"at\"").expect("written");
        let log = AuditLog::open(&path).expect("opened");
        assert_eq!(log.append(Entry::default()).expect("written"), 3);
        assert_eq!(verify(&path).expect("read"), Verified { broken: None, ..verify(&path).expect("read") });
    }

    #[test]
    fn a_log_has_one_writer() {
        let (_folder, path) = log_of(1);
        let log = AuditLog::open(&path).expect("opened");
        let error = AuditLog::open(&path).expect_err("another writes it").to_string();
        assert!(error.contains("audit.jsonl") && error.contains("`audit:`"), "{error}");
        drop(log);
        assert!(AuditLog::open(&path).is_ok());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_line_that_could_not_be_written_leaves_nothing() {
        let (_folder, path) = log_of(2);
        let log = AuditLog::open(&path).expect("opened");
        let whole = log.end.lock().expect("free").file.try_clone().expect("a handle");
        let full = OpenOptions::new().write(true).open("/dev/full").expect("the full device");
        log.end.lock().expect("free").file = full;
        assert!(log.append(Entry::default()).is_err());
        log.end.lock().expect("free").file = whole;
        assert_eq!(log.append(Entry::default()).expect("written"), 3);
        drop(log);
        assert_eq!(verify(&path).expect("read").lines, 3);
    }

    #[test]
    fn a_long_last_line_is_found() {
        let (_folder, path) = log_of(1);
        let log = AuditLog::open(&path).expect("opened");
        log.append(Entry { statement: Some("x".repeat(200_000)), ..Entry::default() }).expect("written");
        drop(log);
        assert_eq!(AuditLog::open(&path).expect("opened").append(Entry::default()).expect("written"), 3);
    }
}
