//! CSV and TSV. The first line names the columns unless its shape is that of data ([`head_of`]); columns are then numbered.
//! The delimiter of a `.csv` is the one that splits its first line most often.

use super::{BATCH_BYTES, BatchPlace, Lookahead, Problem, Problems, Reader};
use crate::columns::FieldFilter;
use crate::values::{FieldId, FieldTable, ValueBatch, is_value_like};
use csv::{ByteRecord, ReaderBuilder};
use std::collections::HashSet;
use std::io::Read;
use std::net::IpAddr;

/// Longest name of a column, in bytes.
const HEADER_BYTES_MAX: usize = 128;
/// Bytes that are read at once.
const BUFFER_BYTES: usize = 1 << 18;
pub(super) struct CsvReader {
    reader: csv::Reader<Capped>,
    delimiter: u8,
    record_bytes_max: usize,
    problems: Problems,
    filter: FieldFilter,
    /// Whether the first line names the columns, and the beginning of the input, by which that is told.
    header: Header,
    head: Vec<u8>,
    /// Field of each column; `None` where it is not wanted.
    columns: Option<Vec<Option<FieldId>>>,
    record: ByteRecord,
    row: u64,
    ended: bool,
}

impl CsvReader {
    pub(super) fn new(
        input: Lookahead,
        delimiter: Option<u8>,
        header: Header,
        filter: FieldFilter,
        record_bytes_max: usize,
    ) -> Self {
        let delimiter = delimiter.unwrap_or_else(|| sniff_delimiter(input.head()));
        let head = input.head().to_vec();
        let reader = reader_of(Capped { inner: input, left: 0, met: false }, delimiter);
        Self {
            reader,
            delimiter,
            record_bytes_max,
            problems: Problems::default(),
            filter,
            header,
            head,
            columns: None,
            record: ByteRecord::new(),
            row: 0,
            ended: false,
        }
    }

    /// Reads the next record, or a piece of one that is too long, which an open quote makes of all that follows it.
    fn read(&mut self, record: &mut ByteRecord) -> Result<bool, Problem> {
        loop {
            let input = self.reader.get_mut();
            input.left = self.record_bytes_max.saturating_add(BUFFER_BYTES);
            let more = self.reader.read_byte_record(record).map_err(|e| problem(&e))?;
            if !self.reader.get_ref().met {
                return Ok(more);
            }
            // The reader took the limit for the end of the file: all bytes up to there were given.
            let nothing = Capped { inner: Lookahead::new(Box::new(std::io::empty())), left: 0, met: false };
            let reader = std::mem::replace(&mut self.reader, reader_of(nothing, self.delimiter));
            self.reader = reader_of(Capped { met: false, ..reader.into_inner() }, self.delimiter);
            let message = format!("a record longer than {} bytes; it was scanned in pieces", self.record_bytes_max);
            self.problems.add(format!("row {}", self.row), message);
            if more {
                return Ok(true);
            }
        }
    }

    fn column(&mut self, index: usize, fields: &mut FieldTable) -> Option<FieldId> {
        let columns = self.columns.get_or_insert_default();
        while columns.len() <= index {
            // A row longer than the header: the column has a number for a name.
            let name = format!("column_{}", columns.len());
            columns.push(self.filter.wants(&name).then(|| fields.intern(&name)));
        }
        columns[index]
    }

    /// Reads the first line: the names of the columns, or data where a cell of it looks like data.
    fn read_header(&mut self, fields: &mut FieldTable, batch: &mut ValueBatch) -> Result<(), Problem> {
        let mut header = ByteRecord::new();
        if !self.read(&mut header)? {
            return Ok(());
        }
        let head = std::mem::take(&mut self.head);
        let Head::Names(names) = head_of(&header, self.header, &head, self.delimiter) else {
            self.columns = Some(Vec::new());
            self.push_row(&header, fields, batch);
            return Ok(());
        };
        let columns = names.into_iter().map(|name| self.filter.wants(&name).then(|| fields.intern(&name)));
        self.columns = Some(columns.collect());
        Ok(())
    }

    fn push_row(&mut self, record: &ByteRecord, fields: &mut FieldTable, batch: &mut ValueBatch) {
        for (i, value) in record.iter().enumerate() {
            if !value.is_empty()
                && let Some(field) = self.column(i, fields)
            {
                batch.push(self.row, Some(field), value);
            }
        }
        self.row += 1;
    }
}

impl Reader for CsvReader {
    fn next(
        &mut self,
        fields: &mut FieldTable,
        batch: &mut ValueBatch,
        place: &mut BatchPlace,
    ) -> Result<bool, Problem> {
        if self.ended {
            return Ok(false);
        }
        place.lines.clear();
        place.first_row = self.row;
        if self.columns.is_none() {
            self.read_header(fields, batch).inspect_err(|_| self.ended = true)?;
        }
        while batch.len() < BATCH_BYTES {
            let mut record = std::mem::take(&mut self.record);
            match self.read(&mut record) {
                Ok(true) => {}
                Ok(false) => {
                    self.ended = true;
                    break;
                }
                Err(e) => {
                    self.ended = true;
                    return Err(e);
                }
            }
            self.push_row(&record, fields, batch);
            self.record = record;
        }
        Ok(!batch.is_empty() || !self.ended)
    }

    fn rows(&self) -> Option<u64> {
        Some(self.row)
    }

    fn problems(&mut self) -> Vec<Problem> {
        self.problems.take()
    }

    fn problems_untold(&mut self) -> u64 {
        self.problems.take_untold()
    }
}

fn reader_of(input: Capped, delimiter: u8) -> csv::Reader<Capped> {
    ReaderBuilder::new()
        .delimiter(delimiter)
        .flexible(true)
        .has_headers(false)
        .buffer_capacity(BUFFER_BYTES)
        .from_reader(input)
}

/// Ends where a record has taken too much.
struct Capped {
    inner: Lookahead,
    left: usize,
    /// There was more to give.
    met: bool,
}

impl Read for Capped {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        if self.left == 0 {
            self.met = true;
            return Ok(0);
        }
        let wanted = buffer.len().min(self.left);
        let got = self.inner.read(&mut buffer[..wanted])?;
        self.left -= got;
        Ok(got)
    }
}

fn problem(e: &csv::Error) -> Problem {
    let place = e.position().map_or_else(|| "the file".to_owned(), |p| format!("line {}", p.line()));
    let message = match e.kind() {
        csv::ErrorKind::Io(e) => super::io_message(e),
        _ => "not valid CSV from here on; the rest was not scanned".into(),
    };
    Problem { place, message }
}

/// Whether the first line of CSV and TSV names the columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub enum Header {
    /// Its shape tells.
    #[default]
    Auto,
    /// It does.
    Present,
    /// It is a record like all others.
    Absent,
}

/// What the first record of a file is.
pub(crate) enum Head {
    /// The names of the columns, trimmed; a number where a name is missing or is a value.
    Names(Vec<String>),
    /// Data: columns are numbered.
    Data,
}

/// Whether a first record names the columns, and how. `beginning` is that of the file, from its first byte.
pub(crate) fn head_of(record: &ByteRecord, header: Header, beginning: &[u8], delimiter: u8) -> Head {
    let names: Vec<String> = record.iter().map(name_in).collect();
    let is_head = match header {
        Header::Auto => is_head(&names, &records_below(beginning, delimiter)),
        Header::Present => true,
        Header::Absent => false,
    };
    if !is_head {
        return Head::Data;
    }
    // A name that is told although it is a value would be one in a report.
    let is_name = |name: &String| !name.is_empty() && !is_value_like(name) && name.len() <= HEADER_BYTES_MAX;
    let numbered = names.into_iter().enumerate();
    Head::Names(numbered.map(|(i, name)| if is_name(&name) { name } else { format!("column_{i}") }).collect())
}

/// Records behind the first that are looked at.
const RECORDS_BELOW_MAX: usize = 20;

fn name_in(cell: &[u8]) -> String {
    String::from_utf8_lossy(cell.strip_prefix(b"\xef\xbb\xbf").unwrap_or(cell)).trim().to_owned()
}

/// The first whole records behind the first of all.
fn records_below(beginning: &[u8], delimiter: u8) -> Vec<Vec<String>> {
    let whole = memchr::memrchr(b'\n', beginning).map_or(0, |last| last + 1);
    let mut reader =
        ReaderBuilder::new().delimiter(delimiter).flexible(true).has_headers(false).from_reader(&beginning[..whole]);
    let records = reader.byte_records().skip(1).take(RECORDS_BELOW_MAX).map_while(Result::ok);
    records.map(|record| record.iter().map(name_in).collect()).collect()
}

/// Whether cells are the names of the columns of what is below them. A value for a name would be told in reports, and
/// would not be scanned; a name for a value costs the name as a context. So in doubt they are values.
fn is_head(cells: &[String], below: &[Vec<String>]) -> bool {
    if cells.iter().any(|cell| is_data(cell)) {
        return count_up(cells);
    }
    let column =
        |index: usize| below.iter().filter_map(move |record| record.get(index)).filter(|cell| !cell.is_empty());
    // Over a column of nothing but numbers or dates a word is a name.
    let is_name = |index: usize| column(index).next().is_some() && column(index).all(|cell| is_data(cell));
    let filled = || cells.iter().enumerate().filter(|(_, cell)| !cell.is_empty());
    if filled().any(|(index, _)| is_name(index)) {
        return true;
    }
    // The first cell is empty over an index, the last ones where lines end in a delimiter.
    let last = filled().next_back().map_or(0, |(index, _)| index);
    let has_gap = cells.iter().enumerate().any(|(index, cell)| cell.is_empty() && index > 0 && index < last);
    let mut known = HashSet::new();
    let has_double = filled().any(|(_, cell)| !known.insert(cell));
    // A value comes again in its column. A whole line that does is the head of another file, put behind this one.
    let comes_again = |record: &Vec<String>| record != cells && filled().any(|(i, cell)| record.get(i) == Some(cell));
    !(has_gap || has_double || below.iter().any(comes_again))
}

/// Whether a cell is a value whatever stands below it.
fn is_data(cell: &str) -> bool {
    let is_number = cell.bytes().any(|b| b.is_ascii_digit())
        && cell.chars().all(|c| c.is_ascii_digit() || " .,:;/+-()%$\u{20ac}\u{a3}".contains(c));
    let is_word = |word: &&str| cell.eq_ignore_ascii_case(word);
    is_value_like(cell)
        || cell.len() > HEADER_BYTES_MAX
        || is_number
        || cell.contains("://")
        || cell.parse::<IpAddr>().is_ok()
        || ["true", "false", "null", "nan", "\\n"].iter().any(is_word)
}

/// Whether numbers among names count up by one, as years over the columns of a table do, and the numbers that tools give
/// to columns without names.
fn count_up(cells: &[String]) -> bool {
    let data: Vec<&String> = cells.iter().filter(|cell| is_data(cell)).collect();
    let numbers: Vec<u32> = data.iter().filter(|cell| cell.len() <= 4).filter_map(|cell| cell.parse().ok()).collect();
    let is_series = numbers.len() >= 2 && numbers.len() == data.len() && numbers.windows(2).all(|w| w[1] == w[0] + 1);
    let are_years = numbers.iter().all(|number| (1900..=2100).contains(number));
    let are_positions =
        numbers.first() == Some(&0) && cells.iter().filter(|cell| !cell.is_empty()).count() == data.len();
    is_series && (are_years || are_positions)
}

/// The delimiter that splits the first line most often.
pub(crate) fn sniff_delimiter(head: &[u8]) -> u8 {
    let line = head.split(|b| *b == b'\n').next().unwrap_or_default();
    // The comma wins a draw: it is what the name says.
    [b',', b'\t', b';', b'|'].into_iter().rev().max_by_key(|d| line.iter().filter(|b| *b == d).count()).unwrap_or(b',')
}
