//! One self-contained page: what there is at a glance and what to do about it, then folders, files and findings to look
//! at first, and problems. It loads nothing from anywhere and runs no script; bars are drawn in the page (SVG).

use super::totals::{ColumnRow, EntityTotals, FileRow, FolderRow, category_names};
use super::{Out, Report, Scanned, bytes, count, escape, place, rfc3339, thousands};
use lineward_classifiers::{Category, Confidence, Finding};
use std::collections::BTreeMap;
use std::io;

/// Files shown; the rest are counted.
const FILES_MAX: usize = 100;
/// Folders shown; the rest are counted.
const FOLDERS_MAX: usize = 15;
/// Findings shown of each entity: those with the best score, the first ones among equals.
const FINDINGS_MAX: usize = 10;
/// Problems shown; the rest are counted.
const PROBLEMS_MAX: usize = 500;

const STYLE: &str = "
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 75rem; padding: 0 1rem; color: #1c1c1c; background: #fff; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.15rem; margin-top: 2rem; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; padding: .25rem .75rem .25rem 0; border-bottom: 1px solid #ddd; vertical-align: top; overflow-wrap: anywhere; }
th { font-weight: 600; } td.n, th.n { text-align: right; font-variant-numeric: tabular-nums; overflow-wrap: normal; }
code { font: 13px/1.4 ui-monospace, monospace; } .high { color: #a11; } .note { color: #555; }
svg { max-width: 46rem; width: 100%; height: auto; display: block; } svg text { font-size: 14px; fill: currentColor; } svg .count { text-anchor: end; }
.b-pii { fill: #2f6fb2; } .b-phi { fill: #8a4fa3; } .b-credential { fill: #b3472f; } .b-financial { fill: #2f8a5b; }
.b-high { fill: #a11; } .b-medium { fill: #c77f1a; } .b-low { fill: #8a8a8a; }
.warn { border-left: 4px solid #c77f1a; padding-left: .75rem; }
@media (prefers-color-scheme: dark) { body { color: #ddd; background: #181818; } th, td { border-color: #444; } .high { color: #f88; } .note { color: #aaa; }
.b-pii { fill: #6ea8e6; } .b-phi { fill: #c08ad8; } .b-credential { fill: #f0866c; } .b-financial { fill: #66c796; } .b-high { fill: #f88; } .b-medium { fill: #e6b055; } }
";

pub(super) struct Html {
    out: Out,
    best: BTreeMap<String, Vec<Finding>>,
}

impl Html {
    pub(super) fn new(out: Out) -> Self {
        Self { out, best: BTreeMap::new() }
    }

    fn totals(&mut self, scan: &Scanned<'_>) -> io::Result<()> {
        let totals = scan.totals;
        writeln!(self.out, "<h1>Scan of {}</h1>", count(totals.files, "file"))?;
        let (started, seconds) = (rfc3339(scan.started), scan.elapsed.as_secs_f64());
        let read = bytes(scan.bytes_scanned);
        let (detectors, version) = (scan.engine.rules().len(), env!("CARGO_PKG_VERSION"));
        writeln!(
            self.out,
            "<p class=\"note\">{started}, {seconds:.1} s, {read} of text, {detectors} detectors, lineward {version}, \
             fingerprint key {}.{}</p>",
            escape(scan.key_id),
            if scan.stopped { " <strong class=\"high\">Stopped before its end.</strong>" } else { "" }
        )?;
        writeln!(
            self.out,
            "<p>{} in {}; {} below the least confidence; {} not read whole; {} and {} of archives left out as pictures, \
             sound, films or other binary content.</p>",
            count(totals.findings, "finding"),
            count(totals.files_with_findings, "file"),
            thousands(totals.below_confidence),
            count(totals.files_with_problems, "file"),
            count(totals.files_skipped, "file"),
            count(totals.members_skipped, "member")
        )?;
        if let Some(told) = super::undecoded(totals.undecoded) {
            writeln!(self.out, "<p class=\"warn\">{}.</p>", escape(&told))?;
        }
        if let Some(sample) = scan.sample {
            writeln!(self.out, "<p class=\"warn\">This is {}.</p>", escape(&super::sampled(sample)))?;
        }
        self.bars("By category", &Category::ALL.map(|c| (c.as_str(), totals.of(c))))?;
        let entities = totals.entities_by_count();
        let levels = [Confidence::High, Confidence::Medium, Confidence::Low].map(|level| {
            let of = |(_, e): &(&str, &EntityTotals)| match level {
                Confidence::High => e.high,
                Confidence::Medium => e.medium,
                Confidence::Low => e.low,
            };
            (level.as_str(), entities.iter().map(of).sum())
        });
        self.bars("By confidence", &levels)?;
        self.advice(scan)?;
        let rows = entities.iter().map(|(name, e)| {
            let categories = category_names(&e.categories);
            vec![
                Cell::text(name),
                Cell::text(&categories),
                Cell::number(e.high),
                Cell::number(e.medium),
                Cell::number(e.low),
            ]
        });
        self.table("By kind", &["kind", "categories", "#high", "#medium", "#low"], rows)
    }

    /// Bars of the same scale, each with its name and count: a drawing for the eye, the numbers for those who read.
    fn bars(&mut self, title: &str, counts: &[(&str, u64)]) -> io::Result<()> {
        const ROW: usize = 26;
        let most = counts.iter().map(|(_, n)| *n).max().unwrap_or_default().max(1);
        let told: Vec<String> = counts.iter().map(|(name, n)| format!("{name} {}", thousands(*n))).collect();
        writeln!(self.out, "<h2>{}</h2>", escape(title))?;
        let height = counts.len() * ROW;
        let label = escape(&format!("{title}: {}", told.join(", ")));
        writeln!(self.out, "<svg viewBox=\"0 0 640 {height}\" role=\"img\" aria-label=\"{label}\">")?;
        for (at, (name, n)) in counts.iter().enumerate() {
            let (y, width) = (at * ROW, 400.0 * *n as f64 / most as f64);
            // A count above none is seen, however small its share is.
            let width = if *n > 0 { width.max(2.0) } else { 0.0 };
            let (text_y, count) = (y + 16, thousands(*n));
            writeln!(
                self.out,
                "<text x=\"0\" y=\"{text_y}\">{name}</text>\
                 <rect class=\"b-{name}\" x=\"110\" y=\"{}\" width=\"{width:.1}\" height=\"16\"/>\
                 <text class=\"count\" x=\"640\" y=\"{text_y}\">{count}</text>",
                y + 4
            )?;
        }
        writeln!(self.out, "</svg>")
    }

    /// What to do, a line for each category that was found.
    fn advice(&mut self, scan: &Scanned<'_>) -> io::Result<()> {
        writeln!(self.out, "<h2>What to do</h2>\n<ul>")?;
        let found = Category::ALL.into_iter().filter(|c| scan.totals.of(*c) > 0);
        for category in found.clone() {
            let (name, count) = (category.as_str(), count(scan.totals.of(category), "finding"));
            writeln!(self.out, "<li><strong>{name}</strong> ({count}): {}</li>", advice(category))?;
        }
        if found.count() == 0 {
            writeln!(self.out, "<li>Nothing was found that asks for anything.</li>")?;
        }
        if scan.totals.files_with_problems > 0 {
            let files = count(scan.totals.files_with_problems, "file");
            writeln!(
                self.out,
                "<li>Problems ({files}): what was not read may hold more; see the end of this page.</li>"
            )?;
        }
        writeln!(self.out, "</ul>")
    }

    fn folders(&mut self, scan: &Scanned<'_>) -> io::Result<()> {
        let rows = FolderRow::of_files(scan.files, scan.confidence_min);
        let cells = rows.iter().take(FOLDERS_MAX).map(|row| {
            let counts = row.categories.iter().chain([&row.files, &row.findings]).map(|n| Cell::number(*n));
            [Cell::code(&row.path), Cell::text(&row.part)].into_iter().chain(counts).collect()
        });
        let header = ["folder", "part", "#pii", "#phi", "#credential", "#financial", "#files", "#findings"];
        self.table("Folders and data sets with the most findings", &header, cells)?;
        self.more(rows.len(), FOLDERS_MAX, "folder")
    }

    fn files(&mut self, scan: &Scanned<'_>) -> io::Result<()> {
        let rows = FileRow::of_files(scan.files, scan.confidence_min);
        let cells = rows.iter().take(FILES_MAX).map(|row| {
            let counts = row.categories.iter().chain([&row.findings]).map(|n| Cell::number(*n));
            [Cell::code(&row.path)].into_iter().chain(counts).collect()
        });
        let header = ["file", "#pii", "#phi", "#credential", "#financial", "#findings"];
        self.table("Files with the most findings", &header, cells)?;
        self.more(rows.len(), FILES_MAX, "file")
    }

    fn columns(&mut self, scan: &Scanned<'_>) -> io::Result<()> {
        let columns = ColumnRow::of_files(scan.files);
        let rows = columns.iter().take(FILES_MAX).map(|column| {
            let s = column.summary;
            vec![
                Cell::code(&column.file.path.to_string_lossy()),
                Cell::code(s.field.as_deref().unwrap_or_default()),
                Cell::text(&column.verdict()),
                Cell::number(s.value_count),
                Cell::number(s.matched_values),
                Cell::number(s.distinct_count),
                Cell { class: "n", html: column.share() },
                Cell { class: "n", html: format!("{:.2}", s.confidence) },
            ]
        });
        let header = ["file", "field", "verdict", "#values", "#matching", "#distinct", "#share", "#confidence"];
        self.table("Columns as a whole", &header, rows)?;
        self.more(columns.len(), FILES_MAX, "column")
    }

    fn findings(&mut self) -> io::Result<()> {
        let best = std::mem::take(&mut self.best);
        let mut shown: Vec<&Finding> = best.values().flatten().collect();
        shown.sort_by(|a, b| b.score.total_cmp(&a.score));
        let rows = shown.iter().map(|f| {
            vec![
                Cell::text(&f.entity),
                Cell { class: f.confidence.as_str(), html: format!("{} ({:.2})", f.confidence.as_str(), f.score) },
                Cell::code(&f.preview),
                Cell::code(&f.path),
                Cell::text(&place(f)),
                Cell::text(&f.detector),
            ]
        });
        let header = ["kind", "confidence", "preview", "file", "place", "detector"];
        self.table("Findings to look at first", &header, rows)?;
        writeln!(self.out, "<p class=\"note\">At most {FINDINGS_MAX} of each kind. Values are redacted.</p>")
    }

    fn problems(&mut self, scan: &Scanned<'_>) -> io::Result<()> {
        let rows = scan.problems().take(PROBLEMS_MAX).map(|(file, problem)| {
            let path = file.path.to_string_lossy();
            vec![Cell::code(&path), Cell::text(&problem.place), Cell::text(&problem.message)]
        });
        self.table("Problems: what was not read", &["file", "place", "what happened"], rows)?;
        self.more(scan.problems().count(), PROBLEMS_MAX, "problem")
    }

    /// A table; a `#` in front of a heading makes a column of numbers.
    fn table(&mut self, title: &str, header: &[&str], rows: impl IntoIterator<Item = Vec<Cell>>) -> io::Result<()> {
        let mut rows = rows.into_iter().peekable();
        writeln!(self.out, "<h2>{}</h2>", escape(title))?;
        if rows.peek().is_none() {
            return writeln!(self.out, "<p>None.</p>");
        }
        write!(self.out, "<table>\n<tr>")?;
        for name in header {
            match name.strip_prefix('#') {
                Some(name) => write!(self.out, "<th class=\"n\">{name}</th>")?,
                None => write!(self.out, "<th>{name}</th>")?,
            }
        }
        writeln!(self.out, "</tr>")?;
        for row in rows {
            write!(self.out, "<tr>")?;
            for cell in row {
                write!(self.out, "<td class=\"{}\">{}</td>", cell.class, cell.html)?;
            }
            writeln!(self.out, "</tr>")?;
        }
        writeln!(self.out, "</table>")
    }

    fn more(&mut self, total: usize, shown: usize, noun: &str) -> io::Result<()> {
        match total.checked_sub(shown).filter(|n| *n > 0) {
            Some(more) => writeln!(self.out, "<p class=\"note\">And {} more.</p>", count(more as u64, noun)),
            None => Ok(()),
        }
    }
}

impl Report for Html {
    fn finding(&mut self, finding: &Finding) -> io::Result<()> {
        let best = self.best.entry(finding.entity.clone()).or_default();
        let at = best.partition_point(|f| f.score >= finding.score);
        if at < FINDINGS_MAX {
            best.insert(at, finding.clone());
            best.truncate(FINDINGS_MAX);
        }
        Ok(())
    }

    fn finish(&mut self, scan: &Scanned<'_>) -> io::Result<()> {
        writeln!(self.out, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">")?;
        writeln!(self.out, "<meta name=\"viewport\" content=\"width=device-width\">\n<title>Lineward scan</title>")?;
        writeln!(self.out, "<style>{STYLE}</style>\n</head>\n<body>")?;
        self.totals(scan)?;
        self.folders(scan)?;
        self.files(scan)?;
        self.columns(scan)?;
        self.findings()?;
        self.problems(scan)?;
        writeln!(self.out, "</body>\n</html>")?;
        self.out.flush()
    }
}

/// What is usually done about a category.
fn advice(category: Category) -> &'static str {
    match category {
        Category::Pii => {
            "decide whether the data set needs these values; mask them with <code>lineward redact</code>, or leave the \
             columns out before anyone trains on it."
        }
        Category::Phi => {
            "treat the data set as health data until someone has looked: narrow who may read it, and mask or drop what \
             tells who a patient is."
        }
        Category::Credential => {
            "revoke and replace the secrets first: removing them from the files does not make copies of them useless. \
             Then remove them."
        }
        Category::Financial => {
            "card and account numbers bring the files into the scope of payment rules; mask them, or move them to where \
             such data may be."
        }
    }
}

struct Cell {
    class: &'static str,
    html: String,
}

impl Cell {
    fn text(text: &str) -> Self {
        Self { class: "", html: escape(text) }
    }

    fn code(text: &str) -> Self {
        Self { class: "", html: format!("<code>{}</code>", escape(text)) }
    }

    fn number(n: u64) -> Self {
        Self { class: "n", html: thousands(n) }
    }
}
