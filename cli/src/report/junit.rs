//! JUnit XML, as build servers show it: a test case a file, which fails where something was found in it and is in error
//! where it could not be read.

use super::{Out, Report, Scanned, count, escape, place};
use lineward_classifiers::Finding;
use std::collections::BTreeMap;
use std::io;

/// Findings told of each file; the rest are counted.
const FINDINGS_MAX: usize = 50;

pub(super) struct Junit {
    out: Out,
    /// By the input's path without what stands in an archive.
    findings: BTreeMap<String, Vec<String>>,
}

impl Junit {
    pub(super) fn new(out: Out) -> Self {
        Self { out, findings: BTreeMap::new() }
    }
}

impl Report for Junit {
    fn finding(&mut self, f: &Finding) -> io::Result<()> {
        let file = f.path.split('!').next().unwrap_or(&f.path).to_owned();
        let told = self.findings.entry(file).or_default();
        if told.len() < FINDINGS_MAX {
            let place = Some(place(f)).filter(|place| !place.is_empty()).map_or_else(String::new, |place| place + ", ");
            let bytes = format!("bytes {} to {}", f.start, f.end);
            told.push(format!("{place}{bytes}: {} ({}, {})", f.detector, f.entity, f.confidence.as_str()));
        }
        Ok(())
    }

    fn finish(&mut self, scan: &Scanned<'_>) -> io::Result<()> {
        let failures = scan.files.iter().filter(|f| f.findings > 0 && f.problems.is_empty()).count();
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
            let path = file.path.to_string_lossy();
            write!(self.out, "<testcase classname=\"lineward.scan\" name=\"{}\"", escape(&path))?;
            let skipped = file.skipped && file.problems.is_empty();
            if file.findings == 0 && file.problems.is_empty() && !skipped {
                writeln!(self.out, "/>")?;
                continue;
            }
            writeln!(self.out, ">")?;
            if let Some(problem) = file.problems.first() {
                let message = format!("{}: {}", problem.place, problem.message);
                writeln!(self.out, "<error message=\"{}\"/>", escape(&message))?;
            }
            if skipped {
                writeln!(self.out, "<skipped message=\"left out: it holds no text\"/>")?;
            }
            if file.findings > 0 {
                // A test case has one outcome: with an error, findings are told as its output.
                let tag = if file.problems.is_empty() { "failure" } else { "system-out" };
                let message = match tag {
                    "failure" => format!(" message=\"{}\"", count(file.findings, "finding")),
                    _ => String::new(),
                };
                let told = self.findings.remove(&*path).unwrap_or_default();
                writeln!(self.out, "<{tag}{message}>{}", escape(&told.join("\n")))?;
                match file.findings - told.len() as u64 {
                    0 => {}
                    more => writeln!(self.out, "and {} more", count(more, "finding"))?,
                }
                writeln!(self.out, "</{tag}>")?;
            }
            writeln!(self.out, "</testcase>")?;
        }
        writeln!(self.out, "</testsuite>\n</testsuites>")?;
        self.out.flush()
    }
}
