//! Arrow IPC, the file form and the stream form.

use super::{BatchPlace, Problem, Reader};
use crate::columns::{self, FieldFilter};
use crate::values::{FieldTable, ValueBatch};
use arrow_array::RecordBatch;
use arrow_ipc::reader::{FileReader, StreamReader};
use arrow_schema::ArrowError;
use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};

type Batches = Box<dyn Iterator<Item = Result<RecordBatch, ArrowError>> + Send>;

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
    pub(super) fn open(mut file: File, filter: FieldFilter) -> Result<Self, String> {
        let mut magic = [0u8; 6];
        let is_file = file.read_exact(&mut magic).is_ok() && magic == *b"ARROW1";
        file.seek(SeekFrom::Start(0)).map_err(|e| super::io_message(&e))?;
        let input = BufReader::new(file);
        let unreadable = |e: ArrowError| format!("not a readable Arrow IPC file (truncated, or no Arrow at all): {e}");
        let batches: Batches = match is_file {
            true => Box::new(FileReader::try_new(input, None).map_err(unreadable)?),
            false => Box::new(StreamReader::try_new(input, None).map_err(unreadable)?),
        };
        Ok(Self { batches, current: None, filter, row: 0, ended: false })
    }
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
            match self.batches.next() {
                None => {
                    self.ended = true;
                    return Ok(false);
                }
                Some(Ok(records)) => self.current = Some((records, 0)),
                Some(Err(e)) => {
                    self.ended = true;
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
