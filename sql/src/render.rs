//! Results as text or Arrow, written batch by batch to any `Write`.
//!
//! Times are RFC 3339, binary is hexadecimal. Text from the store may hold anything its producers wrote: control
//! characters are shown escaped in tables, so that a name cannot drive a terminal.

use crate::Error;
use arrow::array::{Array, RecordBatch};
use arrow::datatypes::SchemaRef;
use arrow::ipc::writer::StreamWriter;
use arrow::json::WriterBuilder;
use arrow::json::writer::{JsonArray, LineDelimited, Writer};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use std::fmt;
use std::io::Write;
use std::str::FromStr;

/// How results are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// For people.
    Table,
    /// One JSON array of objects.
    Json,
    /// One JSON object a line.
    Jsonl,
    /// RFC 4180 with a header line; nulls are empty.
    Csv,
    /// Arrow IPC stream.
    Arrow,
}

impl Format {
    /// All formats.
    pub const ALL: [Self; 5] = [Self::Table, Self::Json, Self::Jsonl, Self::Csv, Self::Arrow];

    /// The name in options, as `jsonl`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Table => "table",
            Self::Json => "json",
            Self::Jsonl => "jsonl",
            Self::Csv => "csv",
            Self::Arrow => "arrow",
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Format {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let known = Self::ALL.into_iter().find(|f| f.as_str().eq_ignore_ascii_case(text));
        known.ok_or_else(|| format!("there is no format `{text}`; there are table, json, jsonl, csv and arrow"))
    }
}

/// Writes the batches of one result.
pub struct Renderer<W: Write> {
    rows: u64,
    inner: Inner<W>,
}

enum Inner<W: Write> {
    Table(Box<Table<W>>),
    Json(Writer<W, JsonArray>),
    Jsonl(Writer<W, LineDelimited>),
    Csv(W),
    Arrow(Box<StreamWriter<W>>),
}

impl<W: Write> Renderer<W> {
    /// Begins a result; headers are written at once where a format has them.
    ///
    /// # Errors
    ///
    /// [`Error::Output`] where the output cannot be written.
    pub fn new(format: Format, schema: &SchemaRef, mut out: W) -> Result<Self, Error> {
        let json = || WriterBuilder::new().with_explicit_nulls(true);
        let inner = match format {
            Format::Table => Inner::Table(Box::new(Table::new(schema, out))),
            Format::Json => Inner::Json(json().build(out)),
            Format::Jsonl => Inner::Jsonl(json().build(out)),
            Format::Csv => {
                let names = schema.fields().iter().map(|f| csv_field(f.name()));
                writeln!(out, "{}", names.collect::<Vec<_>>().join(","))?;
                Inner::Csv(out)
            }
            Format::Arrow => Inner::Arrow(Box::new(StreamWriter::try_new(out, schema)?)),
        };
        Ok(Self { rows: 0, inner })
    }

    /// Writes a batch.
    ///
    /// # Errors
    ///
    /// [`Error::Output`] where the output cannot be written.
    pub fn write(&mut self, batch: &RecordBatch) -> Result<(), Error> {
        self.rows += batch.num_rows() as u64;
        match &mut self.inner {
            Inner::Table(table) => table.write(batch),
            Inner::Json(writer) => Ok(writer.write(batch)?),
            Inner::Jsonl(writer) => Ok(writer.write(batch)?),
            Inner::Csv(out) => csv(batch, out),
            Inner::Arrow(writer) => Ok(writer.write(batch)?),
        }
    }

    /// Ends the result; returns the number of rows written.
    ///
    /// # Errors
    ///
    /// [`Error::Output`] where the output cannot be written.
    pub fn finish(self) -> Result<u64, Error> {
        match self.inner {
            Inner::Table(table) => table.finish(self.rows)?,
            Inner::Json(mut writer) => {
                writer.finish()?;
                let mut out = writer.into_inner();
                writeln!(out)?;
                out.flush()?;
            }
            Inner::Jsonl(mut writer) => {
                writer.finish()?;
                writer.into_inner().flush()?;
            }
            Inner::Csv(mut out) => out.flush()?,
            Inner::Arrow(mut writer) => writer.finish()?,
        }
        Ok(self.rows)
    }
}

const OPTIONS: FormatOptions<'static> =
    FormatOptions::new().with_timestamp_tz_format(Some("%Y-%m-%dT%H:%M:%S%.fZ")).with_display_error(true);

/// Cells of a batch, row by row; `None` is null.
fn cells<'a>(batch: &'a RecordBatch) -> Result<impl Iterator<Item = Vec<Option<String>>> + 'a, Error> {
    let columns = batch.columns().iter();
    let formatters = columns.map(|c| ArrayFormatter::try_new(c.as_ref(), &OPTIONS)).collect::<Result<Vec<_>, _>>()?;
    Ok((0..batch.num_rows()).map(move |row| {
        let cell = |(i, formatter): (usize, &ArrayFormatter<'_>)| {
            batch.column(i).is_valid(row).then(|| formatter.value(row).to_string())
        };
        formatters.iter().enumerate().map(cell).collect()
    }))
}

fn csv(batch: &RecordBatch, out: &mut impl Write) -> Result<(), Error> {
    for row in cells(batch)? {
        let fields = row.iter().map(|cell| cell.as_deref().map(csv_field).unwrap_or_default());
        writeln!(out, "{}", fields.collect::<Vec<_>>().join(","))?;
    }
    Ok(())
}

fn csv_field(text: &str) -> String {
    // An empty text is quoted so that it differs from null.
    if text.is_empty() || text.contains(['"', ',', '\n', '\r']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}

/// Rows looked at before the widths of the columns are settled.
const SAMPLE_ROWS: usize = 1000;

/// A table as psql draws it: a `+` behind a cell says that it goes on in the next line. The first rows settle the widths;
/// wider cells later on stick out.
struct Table<W: Write> {
    out: W,
    names: Vec<String>,
    numeric: Vec<bool>,
    widths: Vec<usize>,
    held: Vec<Vec<Option<String>>>,
    started: bool,
}

impl<W: Write> Table<W> {
    fn new(schema: &SchemaRef, out: W) -> Self {
        let names: Vec<String> = schema.fields().iter().map(|f| visible(f.name())).collect();
        let numeric = schema.fields().iter().map(|f| f.data_type().is_numeric()).collect();
        let widths = names.iter().map(|n| n.chars().count()).collect();
        Self { out, names, numeric, widths, held: Vec::new(), started: false }
    }

    fn write(&mut self, batch: &RecordBatch) -> Result<(), Error> {
        for row in cells(batch)? {
            let row: Vec<_> = row.into_iter().map(|cell| cell.map(|text| lines_visible(&text))).collect();
            if self.started {
                self.row(&row)?;
                continue;
            }
            self.held.push(row);
            if self.held.len() >= SAMPLE_ROWS {
                self.start()?;
            }
        }
        Ok(())
    }

    fn start(&mut self) -> Result<(), Error> {
        self.started = true;
        let held = std::mem::take(&mut self.held);
        for row in &held {
            for (width, cell) in self.widths.iter_mut().zip(row) {
                *width = (*width).max(
                    cell.as_deref().unwrap_or(NULL).split('\n').map(|line| line.chars().count()).max().unwrap_or(0),
                );
            }
        }
        let names =
            self.names.iter().zip(&self.widths).map(|(name, width)| format!(" {} ", padded(name, *width, false)));
        let line = names.collect::<Vec<_>>().join("|");
        writeln!(self.out, "{}", line.trim_end())?;
        let rules = self.widths.iter().map(|width| "-".repeat(width + 2));
        writeln!(self.out, "{}", rules.collect::<Vec<_>>().join("+"))?;
        held.iter().try_for_each(|row| self.row(row))
    }

    fn row(&mut self, row: &[Option<String>]) -> Result<(), Error> {
        let height = row.iter().flatten().map(|cell| cell.split('\n').count()).max().unwrap_or(1);
        for line in 0..height {
            let cells = row.iter().zip(&self.widths).zip(&self.numeric).map(|((cell, width), numeric)| {
                let mut lines = cell.as_deref().unwrap_or(NULL).split('\n').skip(line);
                let text = lines.next().unwrap_or_default();
                let more = if lines.next().is_some() { '+' } else { ' ' };
                format!(" {}{more}", padded(text, *width, *numeric))
            });
            writeln!(self.out, "{}", cells.collect::<Vec<_>>().join("|").trim_end())?;
        }
        Ok(())
    }

    fn finish(mut self, rows: u64) -> Result<(), Error> {
        if !self.started {
            self.start()?;
        }
        let s = if rows == 1 { "" } else { "s" };
        writeln!(self.out, "({rows} row{s})")?;
        Ok(self.out.flush()?)
    }
}

const NULL: &str = "NULL";

/// A text with blanks behind it, or before it where it is a number. By hand, because the width of a format is 16 bits.
fn padded(text: &str, width: usize, numeric: bool) -> String {
    let blanks = " ".repeat(width.saturating_sub(text.chars().count()));
    if numeric { blanks + text } else { text.to_owned() + &blanks }
}

/// Lines with their control characters escaped; the break at the end of the last is left out.
fn lines_visible(text: &str) -> String {
    text.trim_end_matches('\n').split('\n').map(visible).collect::<Vec<_>>().join("\n")
}

/// Text with its control characters escaped.
fn visible(text: &str) -> String {
    if !text.chars().any(char::is_control) {
        return text.to_owned();
    }
    text.chars().map(|c| if c.is_control() { c.escape_default().to_string() } else { c.to_string() }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{ArrayRef, BinaryArray, Int64Array, StringArray, TimestampMicrosecondArray};
    use std::sync::Arc;

    fn batch() -> RecordBatch {
        let time = TimestampMicrosecondArray::from(vec![Some(1_772_323_200_000_000), None]).with_timezone("UTC");
        let columns: [(&str, ArrayRef); 4] = [
            ("n", Arc::new(Int64Array::from(vec![Some(1), None]))),
            ("text", Arc::new(StringArray::from(vec![Some("a,\"b\"\u{1b}[31m"), Some("")]))),
            ("at", Arc::new(time)),
            ("key", Arc::new(BinaryArray::from_opt_vec(vec![Some(&[0xca, 0xfe]), None]))),
        ];
        RecordBatch::try_from_iter(columns).expect("a batch")
    }

    fn rendered(format: Format, batch: &RecordBatch) -> String {
        let mut out = Vec::new();
        let mut renderer = Renderer::new(format, &batch.schema(), &mut out).expect("a renderer");
        renderer.write(batch).expect("written");
        assert_eq!(renderer.finish().expect("finished"), batch.num_rows() as u64);
        String::from_utf8(out).expect("text")
    }

    #[test]
    fn a_cell_may_be_longer_than_formats_are_wide() {
        let long = "x".repeat(70_000);
        let text: ArrayRef = Arc::new(StringArray::from(vec![long.as_str(), "y"]));
        let batch =
            RecordBatch::try_from_iter([("text", text), ("n", Arc::new(Int64Array::from(vec![1, 22])) as ArrayRef)]);
        let table = rendered(Format::Table, &batch.expect("a batch"));
        let lines: Vec<&str> = table.lines().collect();
        assert!(lines[2].len() > 70_000 && lines[2].ends_with("|  1"), "{}", lines[2].len());
        assert_eq!(lines[3], format!(" y{} | 22", " ".repeat(69_999)));
    }

    #[test]
    fn every_text_format() {
        let table = " n    | text            | at                   | key
------+-----------------+----------------------+------
    1 | a,\"b\"\\u{1b}[31m | 2026-03-01T00:00:00Z | cafe
 NULL |                 | NULL                 | NULL
(2 rows)
";
        let csv = "n,text,at,key\n1,\"a,\"\"b\"\"\u{1b}[31m\",2026-03-01T00:00:00Z,cafe\n,\"\",,\n";
        let row = r#"{"n":1,"text":"a,\"b\"\u001b[31m","at":"2026-03-01T00:00:00Z","key":"cafe"}"#;
        let null = r#"{"n":null,"text":"","at":null,"key":null}"#;
        for (format, expected) in [
            (Format::Table, table.to_owned()),
            (Format::Csv, csv.to_owned()),
            (Format::Jsonl, format!("{row}\n{null}\n")),
            (Format::Json, format!("[{row},{null}]\n")),
        ] {
            assert_eq!(rendered(format, &batch()), expected, "{format}");
        }
        let empty = batch().slice(0, 0);
        assert_eq!(rendered(Format::Json, &empty), "[]\n");
        assert_eq!(rendered(Format::Jsonl, &empty), "");
        assert_eq!(rendered(Format::Csv, &empty), "n,text,at,key\n");
    }

    #[test]
    fn a_cell_of_several_lines() {
        let columns: [(&str, ArrayRef); 2] = [
            ("plan", Arc::new(StringArray::from(vec!["Sort\n  Scan\u{1b}\n", "one"]))),
            ("n", Arc::new(Int64Array::from(vec![7, 8]))),
        ];
        let table =
            " plan         | n\n--------------+---\n Sort        +| 7\n   Scan\\u{1b} |\n one          | 8\n(2 rows)\n";
        assert_eq!(rendered(Format::Table, &RecordBatch::try_from_iter(columns).expect("a batch")), table);
    }

    #[test]
    fn arrow_can_be_read_back() {
        let mut out = Vec::new();
        let mut renderer = Renderer::new(Format::Arrow, &batch().schema(), &mut out).expect("a renderer");
        renderer.write(&batch()).expect("written");
        renderer.finish().expect("finished");
        let read: Vec<_> = arrow::ipc::reader::StreamReader::try_new(out.as_slice(), None)
            .expect("a stream")
            .collect::<Result<_, _>>()
            .expect("batches");
        assert_eq!(read, [batch()]);
    }

    #[test]
    fn formats_by_name() {
        for format in Format::ALL {
            assert_eq!(format.as_str().parse(), Ok(format));
        }
        let error = "xml".parse::<Format>().expect_err("no format");
        assert_eq!(error, "there is no format `xml`; there are table, json, jsonl, csv and arrow");
    }
}
