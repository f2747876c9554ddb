//! Tables for a person at a terminal: files and kinds with the most findings first, problems, totals, speed.

use super::totals::{ColumnRow, FileRow, category_names};
use super::{Out, Report, Scanned, bytes, count, thousands};
use crate::output::printable;
use comfy_table::{CellAlignment, Table, presets};
use lineward_classifiers::scan::FileReport;
use lineward_classifiers::{Category, Finding};
use std::io;

/// Files and kinds shown; the rest are counted.
const ROWS_MAX: usize = 40;
/// Problems shown; the rest are counted.
const PROBLEMS_MAX: usize = 40;

pub(super) struct Summary {
    out: Out,
}

impl Summary {
    pub(super) fn new(out: Out) -> Self {
        Self { out }
    }

    fn files(&mut self, scan: &Scanned<'_>) -> io::Result<()> {
        let rows = FileRow::of_files(scan.files, scan.confidence_min);
        let shown: Vec<Category> = Category::ALL.into_iter().filter(|c| scan.totals.of(*c) > 0).collect();
        let mut table = plain(["file"].into_iter().chain(shown.iter().map(|c| c.as_str())).chain(["findings"]));
        for row in rows.iter().take(ROWS_MAX) {
            let of = |c: &Category| Category::ALL.iter().position(|a| a == c).map_or(0, |i| row.categories[i]);
            let counts = shown.iter().map(of).chain([row.findings]).map(thousands);
            table.add_row([printable(&row.path)].into_iter().chain(counts));
        }
        self.table(&table, rows.len(), "file")
    }

    fn kinds(&mut self, scan: &Scanned<'_>) -> io::Result<()> {
        let kinds = scan.totals.entities_by_count();
        let mut table = plain(["kind", "high", "medium", "low", "categories"]);
        left(&mut table, 4);
        for (name, kind) in kinds.iter().take(ROWS_MAX) {
            let counts = [kind.high, kind.medium, kind.low].map(thousands);
            table.add_row([(*name).to_owned()].into_iter().chain(counts).chain([category_names(&kind.categories)]));
        }
        self.table(&table, kinds.len(), "kind")
    }

    fn columns(&mut self, scan: &Scanned<'_>) -> io::Result<()> {
        let columns = ColumnRow::of_files(scan.files);
        if columns.is_empty() {
            return Ok(());
        }
        let mut table = plain(["column", "verdict", "values", "matching", "distinct", "share", "confidence"]);
        left(&mut table, 1);
        for column in columns.iter().take(ROWS_MAX) {
            let s = column.summary;
            let name = format!("{}: {}", column.file.path.display(), s.field.as_deref().unwrap_or_default());
            let distinct = format!("{}{}", thousands(s.distinct_count), if s.distinct_capped { "+" } else { "" });
            table.add_row([
                printable(&name),
                column.verdict(),
                thousands(s.value_count),
                thousands(s.matched_values),
                distinct,
                column.share(),
                format!("{:.2}", s.confidence),
            ]);
        }
        self.table(&table, columns.len(), "column")
    }

    fn table(&mut self, table: &Table, rows: usize, noun: &str) -> io::Result<()> {
        for line in table.lines() {
            writeln!(self.out, "{}", line.trim_end())?;
        }
        if rows > ROWS_MAX {
            let more = count((rows - ROWS_MAX) as u64, noun);
            writeln!(self.out, "and {more} more (`--report json` lists all)")?;
        }
        writeln!(self.out)
    }

    fn problems(&mut self, scan: &Scanned<'_>) -> io::Result<()> {
        let total: u64 = scan.files.iter().map(FileReport::problem_count).sum();
        if total == 0 {
            return Ok(());
        }
        writeln!(self.out, "{}:", count(total, "problem"))?;
        for (file, problem) in scan.problems().take(PROBLEMS_MAX) {
            let path = printable(&file.path.to_string_lossy());
            writeln!(self.out, "  {path}: {}: {}", problem.place, problem.message)?;
        }
        let told = scan.problems().take(PROBLEMS_MAX).count() as u64;
        if total > told {
            writeln!(
                self.out,
                "  and {} more (`--report json` lists the first of each file)",
                thousands(total - told)
            )?;
        }
        writeln!(self.out)
    }

    fn totals(&mut self, scan: &Scanned<'_>) -> io::Result<()> {
        let totals = scan.totals;
        if totals.findings == 0 {
            write!(self.out, "no findings")?;
        } else {
            let by_category: Vec<String> = Category::ALL
                .into_iter()
                .filter(|c| totals.of(*c) > 0)
                .map(|c| format!("{} {}", thousands(totals.of(c)), c.as_str()))
                .collect();
            let (findings, files) = (count(totals.findings, "finding"), count(totals.files_with_findings, "file"));
            write!(self.out, "{findings} in {files}: {}", by_category.join(", "))?;
        }
        match totals.below_confidence {
            0 => writeln!(self.out)?,
            n => writeln!(self.out, "; {} below `--min-confidence` not shown", thousands(n))?,
        }
        let scanned = totals.files - totals.files_skipped - totals.files_unread;
        write!(self.out, "{} scanned", count(scanned, "file"))?;
        if totals.rows > 0 {
            write!(self.out, ", {}", count(totals.rows, "record"))?;
        }
        if totals.files_unread > 0 {
            write!(self.out, ", {} not readable", thousands(totals.files_unread))?;
        }
        if totals.files_skipped > 0 {
            write!(self.out, ", {} skipped as binary", thousands(totals.files_skipped))?;
        }
        if totals.members_skipped > 0 {
            write!(self.out, ", {} of archives skipped as binary", count(totals.members_skipped, "member"))?;
        }
        writeln!(
            self.out,
            ", {} of text in {:.2} s, {}/s",
            bytes(scan.bytes_scanned),
            scan.elapsed.as_secs_f64(),
            bytes(scan.bytes_per_s())
        )?;
        let unchanged = scan.files.iter().filter(|file| file.unchanged).count() as u64;
        if unchanged > 0 {
            writeln!(self.out, "{} not read again: unchanged since the last scan", count(unchanged, "file"))?;
        }
        if let Some(told) = super::undecoded(totals.undecoded) {
            writeln!(self.out, "{told}")?;
        }
        if let Some(sample) = scan.sample {
            writeln!(self.out, "{}", super::sampled(sample))?;
        }
        match scan.stopped {
            true => writeln!(self.out, "stopped before the end: what is above is not all"),
            false => Ok(()),
        }
    }
}

impl Report for Summary {
    fn finding(&mut self, _: &Finding) -> io::Result<()> {
        Ok(())
    }

    fn finish(&mut self, scan: &Scanned<'_>) -> io::Result<()> {
        if scan.totals.findings > 0 {
            self.files(scan)?;
            self.kinds(scan)?;
        }
        // Also where all that was found is there by chance.
        self.columns(scan)?;
        self.problems(scan)?;
        self.totals(scan)?;
        self.out.flush()
    }
}

/// A table without lines: the first column to the left, numbers to the right.
fn plain<'a>(header: impl IntoIterator<Item = &'a str>) -> Table {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING).set_header(header);
    for (index, column) in table.column_iter_mut().enumerate() {
        column.set_padding((0, 2));
        column.set_cell_alignment(if index == 0 { CellAlignment::Left } else { CellAlignment::Right });
    }
    table
}

fn left(table: &mut Table, index: usize) {
    if let Some(column) = table.column_mut(index) {
        column.set_cell_alignment(CellAlignment::Left);
    }
}
