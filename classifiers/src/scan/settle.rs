//! The verdict on a column settles what is found in it: findings of a column of that kind get the column's confidence,
//! those that chance explains lose theirs.
//!
//! A verdict is known when a file ends, so findings in records wait until then; those in plain text go by, unless
//! findings of records are before them. A bounded number waits in memory, the rest in a temporary file without a name,
//! compressed: it holds what a report does, redacted previews and keyed fingerprints, and nothing that has the value itself
//! goes there. So what a finding is told with depends on its file alone, never on threads, parts or memory. This module
//! judges nothing: verdicts come with the report of a file ([`super::profile`]).

use super::profile::{ColumnVerdict, settled_score};
use super::{FileReport, Sink, whole_file, without_positions};
use crate::finding::{Confidence, Finding};
use crate::readers::io_message;
use crate::spool::Spool;
use std::collections::HashMap;

/// Findings that wait in memory; as many more go to the disk together.
const HELD_MAX: usize = 20_000;

/// Hands findings on to a sink once the verdicts on their columns are known.
///
/// It stands before the sink of whatever scans: threads of this process, or a cluster.
pub struct Settling<'a> {
    sink: &'a mut dyn Sink,
    confidence_min: Confidence,
    held_max: usize,
    held: Vec<Finding>,
    spool: Option<Spool<Finding>>,
    /// What happened to findings of this file that could not wait to its end.
    failed: Option<String>,
}

impl<'a> Settling<'a> {
    /// Before this sink, of a scan that reports findings from this confidence on.
    pub fn new(confidence_min: Confidence, sink: &'a mut dyn Sink) -> Self {
        Self { sink, confidence_min, held_max: HELD_MAX, held: Vec::new(), spool: None, failed: None }
    }

    #[cfg(test)]
    pub(super) fn holding(self, held_max: usize) -> Self {
        Self { held_max, ..self }
    }

    /// Hands on what waits for a report that does not come, as it was found.
    pub fn end(mut self) {
        self.hand_on(&HashMap::new());
    }

    fn waits(&self) -> bool {
        !self.held.is_empty() || self.spool.is_some()
    }

    /// Puts what is held on the disk. Where that fails, this file's findings are told as they were found.
    fn put_away(&mut self) {
        let spool = match &mut self.spool {
            Some(spool) => Ok(spool),
            None => Spool::new().map(|spool| self.spool.insert(spool)),
        };
        match spool.and_then(|spool| spool.write(&self.held)) {
            Ok(()) => self.held.clear(),
            Err(e) => {
                let what = "findings could not wait for the verdicts on their columns, and are told as they were found";
                self.failed = Some(format!("{what}: {}", io_message(&e)));
                self.hand_on(&HashMap::new());
            }
        }
    }

    /// Hands on all that waits. Gives how many fell below the least confidence.
    fn hand_on(&mut self, verdicts: &Verdicts) -> u64 {
        let mut below = 0;
        let mut tell = |mut finding: Finding| {
            settle(&mut finding, verdicts);
            match finding.confidence >= self.confidence_min {
                true => self.sink.finding(finding),
                false => below += 1,
            }
        };
        if let Some(spool) = self.spool.take() {
            for findings in spool.pieces() {
                match findings {
                    Ok(findings) => findings.into_iter().for_each(&mut tell),
                    Err(e) => {
                        let what = "findings that waited for the verdicts on their columns cannot be read again, and are \
                                    missing; scan the file again";
                        self.failed = Some(format!("{what}: {}", io_message(&e)));
                        break;
                    }
                }
            }
        }
        self.held.drain(..).for_each(&mut tell);
        below
    }
}

impl Sink for Settling<'_> {
    fn finding(&mut self, finding: Finding) {
        if self.failed.is_some() || (finding.row.is_none() && !self.waits()) {
            self.sink.finding(finding);
            return;
        }
        let has_value = finding.value.is_some();
        self.held.push(finding);
        // With values they are for a person at a terminal, and stay in memory.
        if self.held.len() >= self.held_max && !has_value {
            self.put_away();
        }
    }

    fn file(&mut self, mut report: FileReport) {
        let below = self.hand_on(&verdicts(&report));
        report.findings = report.findings.saturating_sub(below);
        report.below_confidence += below;
        if let Some(message) = self.failed.take() {
            report.problems.push(whole_file(message));
        }
        self.sink.file(report);
    }
}

/// Verdicts that change something, by detector and field.
type Verdicts = HashMap<String, HashMap<String, ColumnVerdict>>;

fn verdicts(report: &FileReport) -> Verdicts {
    let mut out = Verdicts::new();
    for summary in &report.summaries {
        if let (Some(field), Some(verdict)) = (&summary.field, summary.verdict)
            && verdict != ColumnVerdict::Some
        {
            out.entry(summary.detector.clone()).or_default().insert(field.clone(), verdict);
        }
    }
    out
}

/// Gives a finding the score that the verdict on its column leaves it.
fn settle(finding: &mut Finding, verdicts: &Verdicts) {
    let Some(by_field) = verdicts.get(&finding.detector) else { return };
    let Some(field) = &finding.field else { return };
    if let Some(verdict) = by_field.get(&without_positions(field)) {
        finding.score = settled_score(*verdict, finding.score);
        finding.confidence = Confidence::of(finding.score);
    }
}

/// The findings of a program that has them all, once the report of their file is known.
pub(super) fn settle_all(findings: Vec<Finding>, report: &mut FileReport, min: Confidence) -> Vec<Finding> {
    #[derive(Default)]
    struct All(Vec<Finding>, Option<FileReport>);
    impl Sink for All {
        fn finding(&mut self, finding: Finding) {
            self.0.push(finding);
        }
        fn file(&mut self, report: FileReport) {
            self.1 = Some(report);
        }
    }
    let mut all = All::default();
    let mut settling = Settling { held_max: usize::MAX, ..Settling::new(min, &mut all) };
    settling.held = findings;
    settling.file(report.clone());
    if let Some(settled) = all.1 {
        *report = settled;
    }
    all.0
}
