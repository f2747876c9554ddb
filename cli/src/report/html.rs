//! One self-contained page: totals, files and findings to look at first, problems. It loads nothing from anywhere and
//! runs no script.

use super::totals::{ColumnRow, FileRow, category_names};
use super::{Out, Report, Scanned, bytes, count, rfc3339, thousands};
use lineward_classifiers::{Category, Finding};
use std::collections::BTreeMap;
use std::io;

/// Files shown; the rest are counted.
const FILES_MAX: usize = 100;
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
@media (prefers-color-scheme: dark) { body { color: #ddd; background: #181818; } th, td { border-color: #444; } .high { color: #f88; } .note { color: #aaa; } }
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
            "<p>{} in {}; {} below the least confidence; {} not read whole.</p>",
            count(totals.findings, "finding"),
            count(totals.files_with_findings, "file"),
            thousands(totals.below_confidence),
            count(totals.files_with_problems, "file")
        )?;
        let rows = Category::ALL.map(|c| vec![Cell::text(c.as_str()), Cell::number(totals.of(c))]);
        self.table("By category", &["category", "#findings"], rows)?;
        let entities = totals.entities_by_count();
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

    fn files(&mut self, scan: &Scanned<'_>) -> io::Result<()> {
        let rows = FileRow::of_files(scan.files);
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
        self.files(scan)?;
        self.columns(scan)?;
        self.findings()?;
        self.problems(scan)?;
        writeln!(self.out, "</body>\n</html>")?;
        self.out.flush()
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

fn place(f: &Finding) -> String {
    let line = f.line.map(|l| format!("line {l}"));
    let row = f.row.map(|r| format!("record {r}"));
    let field = f.field.as_ref().map(|name| format!("field {name}"));
    [line.or(row), field].into_iter().flatten().collect::<Vec<_>>().join(", ")
}

fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c if c.is_control() => out.extend(c.escape_default()),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::escape;

    #[test]
    fn markup_is_text() {
        assert_eq!(escape("<img src='x' onerror=\"a&b\">"), "&lt;img src=&#39;x&#39; onerror=&quot;a&amp;b&quot;&gt;");
    }
}
