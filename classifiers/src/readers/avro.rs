//! Avro object container files, a batch of rows at a time.

use super::{BatchPlace, Lookahead, Problem, Reader, foreign};
use crate::columns::{self, FieldFilter};
use crate::values::{FieldTable, ValueBatch};
use arrow_avro::reader::{Reader as Decoder, ReaderBuilder};
use std::io::{BufReader, Read};
use std::sync::{Arc, Mutex, PoisonError};

/// Rows of a batch.
const ROWS: usize = 256;
const SYNC_BYTES: usize = 16;

pub(super) struct AvroReader {
    decoder: Decoder<BufReader<Tail>>,
    /// The last bytes that were read.
    tail: Arc<Mutex<Vec<u8>>>,
    filter: FieldFilter,
    row: u64,
    ended: bool,
}

impl AvroReader {
    pub(super) fn open(input: Lookahead, filter: FieldFilter) -> Result<Self, String> {
        let tail = Arc::default();
        let input = BufReader::with_capacity(1 << 18, Tail { inner: input, tail: Arc::clone(&tail) });
        // The library's message may quote the schema's text, so it is not passed on.
        let broken = "not a readable Avro file (truncated, of an unknown codec, or no Avro at all)";
        let decoder = foreign(|| ReaderBuilder::new().with_batch_size(ROWS).build(input).map_err(|_| broken.into()))?;
        Ok(Self { decoder, tail, filter, row: 0, ended: false })
    }
}

fn damaged(row: u64) -> Problem {
    let message = "damaged or truncated Avro data; the rest was not scanned".into();
    Problem { place: format!("row {row}"), message }
}

/// Remembers the last bytes that went through.
struct Tail {
    inner: Lookahead,
    tail: Arc<Mutex<Vec<u8>>>,
}

impl Read for Tail {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let got = self.inner.read(buffer)?;
        let mut tail = self.tail.lock().unwrap_or_else(PoisonError::into_inner);
        tail.extend_from_slice(&buffer[got.saturating_sub(SYNC_BYTES)..got]);
        let surplus = tail.len().saturating_sub(SYNC_BYTES);
        tail.drain(..surplus);
        Ok(got)
    }
}

impl Reader for AvroReader {
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
        let decoder = &mut self.decoder;
        match foreign(|| decoder.next().transpose().map_err(|_| String::new())) {
            Ok(None) => {
                self.ended = true;
                // The decoder takes any end for the end. Every block, and the header, ends with the sync marker.
                let tail = self.tail.lock().unwrap_or_else(PoisonError::into_inner);
                match tail.ends_with(&self.decoder.avro_header().sync()) {
                    true => Ok(false),
                    false => Err(damaged(self.row)),
                }
            }
            Ok(Some(records)) => {
                columns::push_batch(&records, self.row, &self.filter, fields, batch);
                self.row += records.num_rows() as u64;
                Ok(true)
            }
            Err(_) => {
                self.ended = true;
                Err(damaged(self.row))
            }
        }
    }

    fn rows(&self) -> Option<u64> {
        Some(self.row)
    }
}
