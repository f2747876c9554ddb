//! Apache Parquet, a batch of rows at a time, wanted columns only.

use super::{BatchPlace, Problem, Reader};
use crate::columns::{self, FieldFilter};
use crate::values::{FieldTable, ValueBatch};
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};
use std::fs::File;

/// Rows of a batch: of the usual text column about a megabyte or a few.
const ROWS: usize = 1_024;

pub(super) struct ParquetReader {
    reader: ParquetRecordBatchReader,
    filter: FieldFilter,
    row: u64,
    ended: bool,
}

impl ParquetReader {
    pub(super) fn open(file: File, filter: FieldFilter) -> Result<Self, String> {
        // The library's messages name structure (offsets, lengths), not data.
        let builder = ParquetRecordBatchReaderBuilder::try_new(file)
            .map_err(|e| format!("not a readable Parquet file (truncated, or no Parquet at all): {e}"))?;
        let reader = builder.with_batch_size(ROWS).build().map_err(|e| e.to_string())?;
        Ok(Self { reader, filter, row: 0, ended: false })
    }
}

impl Reader for ParquetReader {
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
        match self.reader.next() {
            None => {
                self.ended = true;
                Ok(false)
            }
            Some(Ok(records)) => {
                columns::push_batch(&records, self.row, &self.filter, fields, batch);
                self.row += records.num_rows() as u64;
                Ok(true)
            }
            Some(Err(e)) => {
                self.ended = true;
                let message = format!("damaged Parquet data; the rest was not scanned: {e}");
                Err(Problem { place: format!("row {}", self.row), message })
            }
        }
    }

    fn rows(&self) -> Option<u64> {
        Some(self.row)
    }
}
