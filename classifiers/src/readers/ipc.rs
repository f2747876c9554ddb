//! Arrow IPC, the file form and the stream form.

use super::source::{Cursor, Source};
use super::{BatchPlace, Lookahead, Problem, Reader, foreign};
use crate::columns::{self, FieldFilter};
use crate::values::{FieldTable, ValueBatch};
use arrow_array::RecordBatch;
use arrow_ipc::reader::{FileReader, StreamReader};
use arrow_schema::ArrowError;
use std::io::BufReader;
use std::sync::Arc;

type Batches = Box<dyn Iterator<Item = Result<RecordBatch, ArrowError>> + Send>;

const UNREADABLE: &str = "not a readable Arrow IPC file (truncated, or no Arrow at all)";

/// Rows pushed at a time, so that a record batch of any size needs bounded memory beside its own.
const ROWS: usize = 4_096;

pub(super) struct IpcReader {
    batches: Batches,
    current: Option<(RecordBatch, usize)>,
    filter: FieldFilter,
    row: u64,
    ended: bool,
}

impl IpcReader {
    /// The file form, read at any place.
    pub(super) fn open_file(source: Arc<dyn Source>, filter: FieldFilter) -> Result<Self, String> {
        let input = BufReader::with_capacity(source.block_bytes(), Cursor::new(source));
        let batches = foreign(|| FileReader::try_new(input, None).map_err(|_| UNREADABLE.to_owned()))?;
        Ok(Self::of(Box::new(batches), filter))
    }

    /// The stream form.
    pub(super) fn open_stream(input: Lookahead, filter: FieldFilter) -> Result<Self, String> {
        let input = BufReader::with_capacity(1 << 16, input);
        let batches = foreign(|| StreamReader::try_new(input, None).map_err(|_| UNREADABLE.to_owned()))?;
        Ok(Self::of(Box::new(batches), filter))
    }

    fn of(batches: Batches, filter: FieldFilter) -> Self {
        Self { batches, current: None, filter, row: 0, ended: false }
    }
}

/// Whether the content is of the file form.
pub(super) fn needs_seek(head: &[u8]) -> bool {
    head.starts_with(b"ARROW1")
}

impl Reader for IpcReader {
    fn next(
        &mut self,
        fields: &mut FieldTable,
        batch: &mut ValueBatch,
        place: &mut BatchPlace,
    ) -> Result<bool, Problem> {
        place.lines.clear();
        place.first_row = self.row;
        if self.ended {
            return Ok(false);
        }
        if self.current.is_none() {
            let batches = &mut self.batches;
            match foreign(|| batches.next().transpose().map_err(|e| e.to_string())).transpose() {
                None => {
                    self.ended = true;
                    return Ok(false);
                }
                Some(Ok(records)) => self.current = Some((records, 0)),
                Some(Err(e)) => {
                    self.ended = true;
                    // The library's messages name structure (offsets, lengths), not data.
                    let message = format!("damaged Arrow data; the rest was not scanned: {e}");
                    return Err(Problem { place: format!("row {}", self.row), message });
                }
            }
        }
        if let Some((records, done)) = self.current.take() {
            let rows = ROWS.min(records.num_rows() - done);
            columns::push_batch(&records.slice(done, rows), self.row, &self.filter, fields, batch);
            self.row += rows as u64;
            if done + rows < records.num_rows() {
                self.current = Some((records, done + rows));
            }
        }
        Ok(true)
    }

    fn rows(&self) -> Option<u64> {
        Some(self.row)
    }
}
