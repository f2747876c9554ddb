//! JUnit XML, as build servers show it: a test case a file, which is in error where the file could not be read, and fails where
//! something was found in it that `--fail-on` names. What else was found is told as output of the test case. Without
//! `--fail-on` every finding is a failure, as in the JUnit reports of other scanners, which have no gate in them.

use super::{Out, Report, Scanned, count, escape, place};
use crate::commands::{FailOn, hit_by};
use lineward_classifiers::Finding;
use lineward_classifiers::scan::FileReport;
use std::collections::BTreeMap;
use std::io;

/// Findings told of each file; the rest are counted.
const FINDINGS_MAX: usize = 50;

pub(super) struct Junit {
    out: Out,
    fail_on: Vec<FailOn>,
    /// By the outer part of their paths.
    files: BTreeMap<String, Told>,
}

/// Findings of a file: those it fails for, and others.
#[derive(Default)]
struct Told {
    failures: Lines,
    others: Lines,
}

/// The first lines of some, and how many there are.
#[derive(Default)]
struct Lines {
    first: Vec<String>,
    count: u64,
}

impl Lines {
    fn add(&mut self, line: impl FnOnce() -> String) {
        self.count += 1;
        if self.first.len() < FINDINGS_MAX {
            self.first.push(line());
        }
    }

    fn text(&self) -> String {
        let mut text = escape(&self.first.join("\n"));
        match self.count - self.first.len() as u64 {
            0 => {}
            more => text.push_str(&format!("\nand {} more", count(more, "finding"))),
        }
        text
    }
}

impl Junit {
    pub(super) fn new(out: Out, fail_on: &[FailOn]) -> Self {
        Self { out, fail_on: fail_on.to_vec(), files: BTreeMap::new() }
    }

    fn fails(&self, file: &FileReport) -> bool {
        let told = self.files.get(outer(&file.path.to_string_lossy()));
        file.problems.is_empty() && told.is_some_and(|told| told.failures.count > 0)
    }

    fn case(&mut self, file: &FileReport) -> io::Result<()> {
        let path = file.path.to_string_lossy();
        write!(self.out, "<testcase classname=\"lineward.scan\" name=\"{}\"", escape(&path))?;
        let skipped = file.skipped && file.problems.is_empty();
        let undecoded = super::undecoded(file.undecoded);
        let told = self.files.get(outer(&path));
        if told.is_none() && file.problems.is_empty() && !skipped && undecoded.is_none() {
            return writeln!(self.out, "/>");
        }
        writeln!(self.out, ">")?;
        if let Some(problem) = file.problems.first() {
            let message = format!("{}: {}", problem.place, problem.message);
            writeln!(self.out, "<error message=\"{}\"/>", escape(&message))?;
        }
        if skipped {
            writeln!(self.out, "<skipped message=\"left out: it holds no text\"/>")?;
        }
        let none = Told::default();
        let Told { failures, others } = told.unwrap_or(&none);
        let mut output = Vec::new();
        if failures.count > 0 && file.problems.is_empty() {
            let message = count(failures.count, "finding");
            writeln!(self.out, "<failure message=\"{message}\">{}\n</failure>", failures.text())?;
        } else if failures.count > 0 {
            // A test case has one outcome: with an error, what it would fail for is told as its output.
            output.push(failures.text());
        }
        if others.count > 0 {
            output.push(others.text());
        }
        if !output.is_empty() {
            writeln!(self.out, "<system-out>{}\n</system-out>", output.join("\n"))?;
        }
        if let Some(told) = undecoded {
            writeln!(self.out, "<system-err>{}</system-err>", escape(&told))?;
        }
        writeln!(self.out, "</testcase>")
    }
}

/// A path without what stands in an archive. A file may have the sign in its name as well: then it is told with those that
/// are called so up to there, for a finding too much is seen and one too few is not.
fn outer(path: &str) -> &str {
    path.split('!').next().unwrap_or(path)
}

impl Report for Junit {
    fn finding(&mut self, f: &Finding) -> io::Result<()> {
        let fails = self.fail_on.is_empty() || hit_by(&self.fail_on, f);
        let told = self.files.entry(outer(&f.path).to_owned()).or_default();
        let lines = if fails { &mut told.failures } else { &mut told.others };
        lines.add(|| {
            let place = Some(place(f)).filter(|place| !place.is_empty()).map_or_else(String::new, |place| place + ", ");
            let bytes = format!("bytes {} to {}", f.start, f.end);
            format!("{place}{bytes}: {} ({}, {})", f.detector, f.entity, f.confidence.as_str())
        });
        Ok(())
    }

    fn finish(&mut self, scan: &Scanned<'_>) -> io::Result<()> {
        let failures = scan.files.iter().filter(|f| self.fails(f)).count();
        let errors = scan.files.iter().filter(|f| !f.problems.is_empty()).count();
        let (tests, seconds) = (scan.files.len(), scan.elapsed.as_secs_f64());
        let counts = format!("tests=\"{tests}\" failures=\"{failures}\" errors=\"{errors}\" time=\"{seconds:.3}\"");
        writeln!(self.out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>")?;
        writeln!(
            self.out,
            "<testsuites name=\"lineward scan\" {counts}>\n<testsuite name=\"lineward scan\" {counts}>"
        )?;
        if let Some(sample) = scan.sample {
            let told = escape(&super::sampled(sample));
            writeln!(self.out, "<properties>\n<property name=\"sample\" value=\"{told}\"/>\n</properties>")?;
        }
        for file in scan.files {
            self.case(file)?;
        }
        writeln!(self.out, "</testsuite>\n</testsuites>")?;
        self.out.flush()
    }
}
