//! Counts of a whole scan, which every form but JSONL shows in some way.

use lineward_classifiers::decoders::Undecoded;
use lineward_classifiers::scan::{ColumnVerdict, FieldSummary, FileReport};
use lineward_classifiers::{Category, Confidence, Finding};
use serde::Serialize;
use std::collections::BTreeMap;

/// Counts of a scan.
#[derive(Debug, Default, Clone, PartialEq, Serialize)]
pub(crate) struct Totals {
    /// Files, scanned or not.
    pub files: u64,
    /// Files with findings.
    pub files_with_findings: u64,
    /// Files with problems.
    pub files_with_problems: u64,
    /// Files left out as pictures, sound and films, or as binary where asked for.
    pub files_skipped: u64,
    /// Members of archives left out so.
    pub members_skipped: u64,
    /// Encoded parts that were not looked into.
    pub undecoded: Undecoded,
    /// Files that could not be read at all.
    pub files_unread: u64,
    /// Bytes on disk.
    pub size_bytes: u64,
    /// Records of record formats.
    pub rows: u64,
    /// Findings reported.
    pub findings: u64,
    /// Matches below the least confidence.
    pub below_confidence: u64,
    /// Findings by category; one that has two counts in both.
    pub categories: BTreeMap<Category, u64>,
    /// Findings by entity.
    pub entities: BTreeMap<String, EntityTotals>,
}

/// Counts of an entity.
#[derive(Debug, Default, Clone, PartialEq, Serialize)]
pub(crate) struct EntityTotals {
    /// Its categories.
    pub categories: Vec<Category>,
    /// Findings of high confidence.
    pub high: u64,
    /// Findings of medium confidence.
    pub medium: u64,
    /// Findings of low confidence.
    pub low: u64,
}

impl EntityTotals {
    /// All findings.
    pub(crate) fn findings(&self) -> u64 {
        self.high + self.medium + self.low
    }
}

impl Totals {
    /// Counts a finding.
    pub(crate) fn finding(&mut self, finding: &Finding) {
        self.findings += 1;
        for category in &finding.categories {
            *self.categories.entry(*category).or_default() += 1;
        }
        let entity = match self.entities.get_mut(&finding.entity) {
            Some(entity) => entity,
            None => self.entities.entry(finding.entity.clone()).or_default(),
        };
        match finding.confidence {
            Confidence::High => entity.high += 1,
            Confidence::Medium => entity.medium += 1,
            Confidence::Low => entity.low += 1,
        }
        for category in &finding.categories {
            if !entity.categories.contains(category) {
                entity.categories.push(*category);
            }
        }
    }

    /// Counts a file.
    pub(crate) fn file(&mut self, file: &FileReport) {
        self.files += 1;
        self.files_with_findings += u64::from(file.findings > 0);
        self.files_with_problems += u64::from(!file.problems.is_empty());
        self.files_skipped += u64::from(file.skipped);
        self.members_skipped += file.members_skipped;
        self.undecoded += file.undecoded;
        self.files_unread += u64::from(file.format.is_none() && !file.problems.is_empty());
        self.size_bytes += file.size_bytes;
        self.rows += file.rows.unwrap_or_default();
        self.below_confidence += file.below_confidence;
    }

    /// Findings of a category.
    pub(crate) fn of(&self, category: Category) -> u64 {
        self.categories.get(&category).copied().unwrap_or_default()
    }

    /// Entities, most findings first.
    pub(crate) fn entities_by_count(&self) -> Vec<(&str, &EntityTotals)> {
        let mut out: Vec<(&str, &EntityTotals)> = self.entities.iter().map(|(name, e)| (name.as_str(), e)).collect();
        out.sort_by_key(|(_, e)| std::cmp::Reverse(e.findings()));
        out
    }
}

/// Names of categories, joined.
pub(crate) fn category_names(categories: &[Category]) -> String {
    categories.iter().map(|c| c.as_str()).collect::<Vec<_>>().join(", ")
}

/// Findings of a file by category, for the tables of files.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct FileRow {
    /// The file.
    pub path: String,
    /// Its findings by category, in the order of [`Category::ALL`].
    pub categories: [u64; 4],
    /// Its findings.
    pub findings: u64,
}

impl FileRow {
    /// Files with findings, from the reports of a scan of this least confidence, most findings first.
    pub(crate) fn of_files(files: &[FileReport], confidence_min: Confidence) -> Vec<Self> {
        let with_findings = files.iter().filter(|f| f.findings > 0);
        let mut rows: Vec<Self> = with_findings.map(|file| Self::of(file, confidence_min)).collect();
        rows.sort_by_key(|row| std::cmp::Reverse(row.findings));
        rows
    }

    fn of(file: &FileReport, confidence_min: Confidence) -> Self {
        let in_category = |category| {
            let told = file.summaries.iter().filter(|s| s.is_told(confidence_min));
            let summaries = told.filter(|s| s.categories.contains(&category));
            summaries.map(|s| s.match_count).sum()
        };
        Self {
            path: file.path.to_string_lossy().into_owned(),
            categories: Category::ALL.map(in_category),
            findings: file.findings,
        }
    }
}

/// Findings of a folder: of the files that lie in it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct FolderRow {
    /// The folder; of an object in a bucket, the prefix.
    pub path: String,
    /// Configuration and split of a data set, where the data set names them.
    pub part: String,
    /// Files with findings.
    pub files: u64,
    /// Its findings by category, in the order of [`Category::ALL`].
    pub categories: [u64; 4],
    /// Its findings.
    pub findings: u64,
}

impl FolderRow {
    /// Folders with findings, most findings first.
    pub(crate) fn of_files(files: &[FileReport], confidence_min: Confidence) -> Vec<Self> {
        let mut folders: BTreeMap<(String, String), Self> = BTreeMap::new();
        for file in files.iter().filter(|f| f.findings > 0) {
            let row = FileRow::of(file, confidence_min);
            let path = match file.path.parent().map(|p| p.to_string_lossy().into_owned()) {
                Some(path) if !path.is_empty() => path,
                _ => ".".to_owned(),
            };
            let part = [&file.config, &file.split].into_iter().flatten().cloned().collect::<Vec<_>>().join(" / ");
            let empty = Self { path: path.clone(), part: part.clone(), files: 0, categories: [0; 4], findings: 0 };
            let folder = folders.entry((path, part)).or_insert(empty);
            folder.files += 1;
            folder.findings += row.findings;
            folder.categories.iter_mut().zip(row.categories).for_each(|(sum, n)| *sum += n);
        }
        let mut rows: Vec<Self> = folders.into_values().collect();
        rows.sort_by_key(|row| std::cmp::Reverse(row.findings));
        rows
    }
}

/// A field of which all or most values are of one kind, or that only looks so.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ColumnRow<'a> {
    /// The file.
    pub file: &'a FileReport,
    /// Counts and verdict.
    pub summary: &'a FieldSummary,
}

impl<'a> ColumnRow<'a> {
    /// Columns that a verdict was given on, the surest first; among equals those with the most values.
    pub(crate) fn of_files(files: &'a [FileReport]) -> Vec<Self> {
        let decided = |s: &&FieldSummary| s.verdict.is_some_and(|v| v != ColumnVerdict::Some);
        let mut rows: Vec<Self> = files
            .iter()
            .flat_map(|file| file.summaries.iter().filter(decided).map(move |summary| Self { file, summary }))
            .collect();
        rows.sort_by(|a, b| {
            let (a, b) = (a.summary, b.summary);
            b.confidence.total_cmp(&a.confidence).then(b.matched_values.cmp(&a.matched_values))
        });
        rows
    }

    /// The verdict in words.
    pub(crate) fn verdict(&self) -> String {
        match self.summary.verdict {
            Some(ColumnVerdict::Column) => format!("a column of {}", self.summary.entity),
            _ => format!("not {}: by chance", self.summary.entity),
        }
    }

    /// The share of matching values, in percent.
    pub(crate) fn share(&self) -> String {
        format!("{:.2}%", self.summary.share.unwrap_or_default() * 100.0)
    }
}
