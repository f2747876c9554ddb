//! CSV and TSV. The first line names the columns unless its shape is that of data ([`head_of`]); columns are then numbered.
//! The delimiter of a `.csv` is the one that splits its first line most often.

use super::csv_head::{Head, Header, head_of};
use super::{BATCH_BYTES, BatchPlace, Lookahead, Problem, Problems, Reader};
use crate::columns::FieldFilter;
use crate::values::{FieldId, FieldTable, ValueBatch};
use csv::{ByteRecord, ReaderBuilder};
use std::io::Read;

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
            let message = format!(
                "a record longer than {} bytes, as an open quote makes one; it was scanned in pieces, each counted as a row",
                self.record_bytes_max
            );
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

/// The delimiter that splits the first line most often.
pub(crate) fn sniff_delimiter(head: &[u8]) -> u8 {
    let line = head.split(|b| *b == b'\n').next().unwrap_or_default();
    // The comma wins a draw: it is what the name says.
    [b',', b'\t', b';', b'|'].into_iter().rev().max_by_key(|d| line.iter().filter(|b| *b == d).count()).unwrap_or(b',')
}
