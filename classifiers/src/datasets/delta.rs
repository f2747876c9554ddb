//! The log of a Delta table, read as far as it says which files make up the current version, and what their columns are
//! called: where the table maps columns, files have names that say nothing.
//!
//! Read are the commits (JSON) after the newest whole checkpoint (classic, of one part or several). Rows that a deletion
//! vector hides are still in their file and are scanned. The log's own statistics are not.

use crate::readers::{Limits, ParquetBatches, Source, input_of};
use crate::scan::ScanInput;
use arrow_array::cast::AsArray as _;
use arrow_array::{Array as _, RecordBatch};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

const LOG: &str = "_delta_log";
/// Longest line of a commit, in bytes.
const ACTION_BYTES_MAX: u64 = 64 << 20;

/// The files that a log names.
#[derive(Default)]
struct Files {
    /// Those of the current version.
    live: BTreeSet<String>,
    /// Those of any version.
    named: HashSet<String>,
    /// What columns are called, by their names in files, where those are others.
    called: Option<HashMap<String, String>>,
}

/// What the columns of a file are called in the Delta table that it lies in, by their names in the file.
pub(crate) fn columns_of(file: &Path) -> Option<Arc<HashMap<String, String>>> {
    let file = std::path::absolute(file).ok()?;
    let root = file.ancestors().skip(1).find(|folder| folder.join(LOG).is_dir())?;
    let log: Vec<ScanInput> = std::fs::read_dir(root.join(LOG))
        .ok()?
        .filter_map(|entry| Some(ScanInput::file(entry.ok()?.path(), 0)))
        .collect();
    live_files(root, &log).ok()?.called.map(Arc::new)
}

/// Rows of a checkpoint that are read at once.
const CHECKPOINT_ROWS: usize = 4_096;

/// Drops the files of old versions of each Delta table from a listing. What the log never named is there all the same:
/// whoever puts a log beside files does not hide them.
pub(super) fn select(listed: Vec<ScanInput>) -> Vec<ScanInput> {
    let log_of = |input: &ScanInput| {
        let log = input.path.ancestors().find(|a| a.file_name().is_some_and(|name| name == LOG))?;
        Some(log.parent()?.to_path_buf())
    };
    let mut tables: BTreeMap<PathBuf, Vec<ScanInput>> = BTreeMap::new();
    let mut rest = Vec::new();
    for input in listed {
        match log_of(&input) {
            Some(root) => tables.entry(root).or_default().push(input),
            None => rest.push(input),
        }
    }
    for (root, log) in tables {
        match live_files(&root, &log) {
            Ok(files) => keep_live(&root, &files, &mut rest),
            Err(problem) => {
                let problem = format!("{problem}; all files of the table were scanned, those of old versions too");
                let path = root.join(LOG);
                let at = rest.partition_point(|input| input.path < path);
                rest.insert(at, ScanInput { path, problem: Some(problem), ..ScanInput::default() });
            }
        }
    }
    rest
}

/// Drops the files of a table that are not live; one that is live and not there is told.
fn keep_live(root: &Path, files: &Files, inputs: &mut Vec<ScanInput>) {
    let mut seen = HashSet::new();
    if let Some(called) = files.called.clone().map(Arc::new) {
        let of_table = inputs.iter_mut().filter(|input| input.path.starts_with(root));
        of_table.for_each(|input| input.called = Some(Arc::clone(&called)));
    }
    inputs.retain(|input| match input.path.strip_prefix(root) {
        Err(_) => true,
        Ok(name) => {
            let name = name.to_string_lossy().into_owned();
            let is_old = files.named.contains(&name) && name.to_ascii_lowercase().ends_with(".parquet");
            let keep = files.live.contains(&name) || !(is_old || is_of_table(&input.path));
            seen.insert(name);
            keep
        }
    });
    for name in files.live.iter().filter(|name| !seen.contains(*name)) {
        let problem = "the Delta log lists it, and it is not there".to_owned();
        inputs.push(ScanInput { path: root.join(name), problem: Some(problem), ..ScanInput::default() });
    }
}

/// Whether a file is one that tools keep beside the data and that holds none: a deletion vector, a checksum.
fn is_of_table(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    (name.starts_with("deletion_vector_") && name.ends_with(".bin"))
        || (name.starts_with('.') && name.ends_with(".crc"))
}

/// Names of the files, relative to the table.
fn live_files(root: &Path, log: &[ScanInput]) -> Result<Files, String> {
    let mut commits: BTreeMap<u64, &ScanInput> = BTreeMap::new();
    let mut checkpoints: BTreeMap<u64, Vec<(u32, &ScanInput)>> = BTreeMap::new();
    let mut unread_checkpoint = None;
    for input in log.iter().filter(|i| i.path.parent().is_some_and(|p| p == root.join(LOG))) {
        let name = input.path.file_name().unwrap_or_default().to_string_lossy();
        let parts: Vec<&str> = name.split('.').collect();
        let Some(version) = parts.first().filter(|v| v.len() == 20).and_then(|v| v.parse().ok()) else { continue };
        match parts[1..] {
            ["json"] => drop(commits.insert(version, input)),
            ["checkpoint", "parquet"] => checkpoints.entry(version).or_default().push((1, input)),
            ["checkpoint", _, count, "parquet"] if count.len() == 10 => {
                checkpoints.entry(version).or_default().push((count.parse().unwrap_or(u32::MAX), input));
            }
            ["checkpoint", ..] => unread_checkpoint = unread_checkpoint.max(Some(version)),
            _ => {}
        }
    }
    let whole = |parts: &Vec<(u32, &ScanInput)>| {
        parts.iter().any(|(count, _)| parts.iter().filter(|p| p.0 == *count).count() as u32 == *count)
    };
    let newest = checkpoints.iter().rev().find(|(_, parts)| whole(parts));
    let mut files = Files::default();
    let mut next = 0;
    if let Some((version, parts)) = newest {
        for (_, part) in parts {
            read_checkpoint(part, &mut files)?;
        }
        next = version + 1;
        // The checkpoint forgets what was removed long ago. A commit before it that cannot be read changes nothing else.
        let mut before = Files::default();
        commits.range(..next).for_each(|(_, commit)| drop(read_commit(commit, &mut before)));
        files.named.extend(before.named);
    }
    let first = commits.range(next..).next().map(|(version, _)| *version);
    if first.is_some_and(|first| first > next) || (newest.is_none() && first.is_none()) {
        return Err(match unread_checkpoint {
            Some(_) => "its Delta log needs a checkpoint of the second form, which is not read".into(),
            None => format!("its Delta log is not whole: version {next} is missing"),
        });
    }
    for (version, commit) in commits.range(next..) {
        if *version != next {
            return Err(format!("its Delta log is not whole: version {next} is missing"));
        }
        read_commit(commit, &mut files).map_err(|problem| format!("version {version} of its Delta log {problem}"))?;
        next += 1;
    }
    Ok(files)
}

#[derive(serde::Deserialize)]
struct Action {
    add: Option<File>,
    remove: Option<File>,
    #[serde(rename = "metaData")]
    metadata: Option<Metadata>,
}

#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct Metadata {
    schema_string: Option<String>,
}

/// What columns are called by a table's schema, by their names in files: those of all levels, since names in files are
/// made to be different. `None` where they are the same.
fn called(schema: &str) -> Option<HashMap<String, String>> {
    const PHYSICAL: &str = "delta.columnMapping.physicalName";
    let mut called = HashMap::new();
    let mut rest = vec![serde_json::from_str::<Value>(schema).ok()?];
    while let Some(value) = rest.pop() {
        let Value::Object(mut object) = value else { continue };
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let physical = object.get("metadata").and_then(|of| of.get(PHYSICAL)).and_then(text);
        if let (Some(physical), Some(name)) = (physical, object.get("name").and_then(text))
            && physical != name
        {
            called.insert(physical, name);
        }
        let inside = ["type", "elementType", "keyType", "valueType"].into_iter().filter_map(|key| object.remove(key));
        rest.extend(inside.collect::<Vec<_>>());
        if let Some(Value::Array(fields)) = object.remove("fields") {
            rest.extend(fields);
        }
    }
    (!called.is_empty()).then_some(called)
}

#[derive(serde::Deserialize)]
struct File {
    path: String,
}

fn read_commit(commit: &ScanInput, files: &mut Files) -> Result<(), String> {
    let mut lines = BufReader::new(stream(commit)?);
    let mut line = Vec::new();
    let (mut added, mut removed) = (Vec::new(), HashSet::new());
    loop {
        line.clear();
        let got = (&mut lines).take(ACTION_BYTES_MAX).read_until(b'\n', &mut line);
        if got.map_err(|_| "cannot be read")? == 0 {
            break;
        }
        if line.trim_ascii().is_empty() {
            continue;
        }
        let action: Action = serde_json::from_slice(&line).map_err(|_| "is not valid JSON")?;
        added.extend(action.add.map(|f| name_of(&f.path)).transpose()?);
        removed.extend(action.remove.map(|f| name_of(&f.path)).transpose()?);
        if let Some(schema) = action.metadata.and_then(|metadata| metadata.schema_string) {
            files.called = called(&schema);
        }
    }
    // A commit that removes a file and adds it again (with a deletion vector) keeps it, in whichever order it says so.
    files.live.retain(|name| !removed.contains(name));
    files.named.extend(added.iter().chain(&removed).cloned());
    files.live.extend(added);
    Ok(())
}

fn read_checkpoint(part: &ScanInput, files: &mut Files) -> Result<(), String> {
    let broken = || "a checkpoint of its Delta log cannot be read".to_owned();
    let source = source(part)?;
    let is_read = |path: &[String]| {
        [["add", "path"], ["remove", "path"], ["metaData", "schemaString"]].iter().any(|read| path == read)
    };
    let batches = ParquetBatches::open(source, &Limits::default(), CHECKPOINT_ROWS, is_read).map_err(|_| broken())?;
    let (mut added, mut removed, mut schemas) = (Vec::new(), Vec::new(), Vec::new());
    for records in batches {
        let records = records.map_err(|_| broken())?;
        texts_of(&records, "add", "path", &mut added).ok_or_else(broken)?;
        if records.column_by_name("remove").is_some() {
            texts_of(&records, "remove", "path", &mut removed).ok_or_else(broken)?;
        }
        // One without a schema says nothing of names.
        _ = texts_of(&records, "metaData", "schemaString", &mut schemas);
    }
    if let Some(schema) = schemas.last() {
        files.called = called(schema);
    }
    for path in added {
        let name = name_of(&path)?;
        files.named.insert(name.clone());
        files.live.insert(name);
    }
    // One that stands outside the table is not in the listing.
    files.named.extend(removed.iter().filter_map(|path| name_of(path).ok()));
    Ok(())
}

fn texts_of(records: &RecordBatch, action: &str, name: &str, texts: &mut Vec<String>) -> Option<()> {
    let of = records.column_by_name(action)?.as_struct_opt()?;
    let text = arrow_cast::cast(of.column_by_name(name)?, &arrow_schema::DataType::Utf8).ok()?;
    let text = text.as_string_opt::<i32>()?;
    let there = (0..records.num_rows()).filter(|i| of.is_valid(*i) && text.is_valid(*i));
    texts.extend(there.map(|i| text.value(i).to_owned()));
    Some(())
}

/// The name of a file in the log, which is written as a part of a URL is.
fn name_of(path: &str) -> Result<String, String> {
    if path.contains("://") || path.starts_with('/') {
        return Err("its Delta log names files outside the table, as a shallow clone does".into());
    }
    let mut bytes = Vec::with_capacity(path.len());
    let mut rest = path.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let escaped = after.get(..2).filter(|_| *first == b'%').and_then(|digits| hex::decode(digits).ok());
        match escaped {
            Some(byte) => {
                bytes.extend(byte);
                rest = &after[2..];
            }
            None => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8(bytes).map_err(|_| "its Delta log holds a name that is not UTF-8".into())
}

fn stream(input: &ScanInput) -> Result<Box<dyn std::io::Read + Send>, String> {
    Ok(crate::readers::stream_of(source(input)?))
}

fn source(input: &ScanInput) -> Result<std::sync::Arc<dyn Source>, String> {
    input_of(input).map_err(|_| "cannot be opened".into())
}
