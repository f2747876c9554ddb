//! Avro object container files, a batch of rows at a time.

use super::{BatchPlace, Lookahead, Problem, Reader, foreign};
use crate::columns::{self, FieldFilter};
use crate::values::{FieldTable, ValueBatch};
use arrow_array::RecordBatch;
use arrow_avro::reader::{Reader as Decoder, ReaderBuilder, read_header_info};
use std::io::{BufRead, BufReader, Cursor, Read};

/// Rows of a batch.
const ROWS: usize = 256;
/// Rows of a block that are decoded; writers end blocks by bytes, long before.
const BLOCK_ROWS_MAX: u64 = 1 << 20;
const SYNC_BYTES: usize = 16;

/// Reads block by block and hands each to the library by itself, with a header: its own loop over blocks does not end
/// where a block holds more bytes than its count of rows takes.
pub(super) struct AvroReader {
    input: BufReader<Lookahead>,
    /// The bytes of the file's header, with the schema and the codec.
    header: Vec<u8>,
    sync: [u8; SYNC_BYTES],
    /// Rows of a block that were not given yet.
    waiting: Option<RecordBatch>,
    filter: FieldFilter,
    /// A longer block is not read: it would be in memory whole, and no record of it may be longer.
    block_bytes_max: u64,
    row: u64,
    ended: bool,
}

impl AvroReader {
    pub(super) fn open(input: Lookahead, filter: FieldFilter, block_bytes_max: usize) -> Result<Self, String> {
        let mut input = BufReader::with_capacity(1 << 18, input);
        // The library's message may quote the schema's text, so it is not passed on.
        let broken = "not a readable Avro file (truncated, of an unknown codec, or no Avro at all)";
        let mut header = Vec::new();
        let sync = foreign(|| {
            let info = read_header_info(Recorder { input: &mut input, taken: &mut header }).map_err(|_| broken)?;
            ReaderBuilder::new().build(Cursor::new(&header)).map_err(|_| broken)?;
            Ok(info.sync())
        })?;
        Ok(Self {
            block_bytes_max: block_bytes_max as u64,
            input,
            header,
            sync,
            waiting: None,
            filter,
            row: 0,
            ended: false,
        })
    }

    /// The rows of the next block that has any; `None` at the end.
    fn block(&mut self) -> Result<Option<RecordBatch>, Damaged> {
        loop {
            if self.input.fill_buf().map_err(|_| Damaged)?.is_empty() {
                return Ok(None);
            }
            let rows = u64::try_from(self.long()?).map_err(|_| Damaged)?;
            let size = u64::try_from(self.long()?).map_err(|_| Damaged)?;
            if size > self.block_bytes_max || rows > BLOCK_ROWS_MAX {
                return Err(Damaged);
            }
            let mut file = self.header.clone();
            // With more rows than it has the block never runs out of them: bytes behind its last row become rows, or
            // an error.
            put_long(&mut file, i64::MAX);
            put_long(&mut file, i64::try_from(size).map_err(|_| Damaged)?);
            let before = file.len() as u64;
            let got = (&mut self.input).take(size + SYNC_BYTES as u64).read_to_end(&mut file).map_err(|_| Damaged)?;
            if got as u64 != size + SYNC_BYTES as u64 || !file.ends_with(&self.sync) {
                return Err(Damaged);
            }
            match (rows, file.len() as u64 - before - SYNC_BYTES as u64) {
                (0, 0) => {}
                // Rows without a byte hold nothing.
                (_, 0) => self.row += rows,
                (0, _) => return Err(Damaged),
                _ => return decode(file, rows as usize).map(Some),
            }
        }
    }

    /// A number of the container: zigzag, seven bits a byte.
    fn long(&mut self) -> Result<i64, Damaged> {
        let mut number = 0u64;
        for shift in (0..64).step_by(7) {
            let mut byte = [0];
            self.input.read_exact(&mut byte).map_err(|_| Damaged)?;
            number |= u64::from(byte[0] & 0x7f) << shift;
            if byte[0] & 0x80 == 0 {
                return Ok((number >> 1) as i64 ^ -((number & 1) as i64));
            }
        }
        Err(Damaged)
    }
}

/// The file is not what Avro says; what exactly is wrong could quote it.
struct Damaged;

/// The rows of a file of one block, which must be so many.
fn decode(file: Vec<u8>, rows: usize) -> Result<RecordBatch, Damaged> {
    let decoded = foreign(|| {
        let mut decoder: Decoder<Cursor<Vec<u8>>> =
            ReaderBuilder::new().with_batch_size(rows).build(Cursor::new(file)).map_err(|_| String::new())?;
        let records = decoder.next().transpose().map_err(|_| String::new())?;
        // Only a block whose bytes are used up has no more.
        let is_whole = decoder.next().is_none();
        Ok(records.filter(|records| is_whole && records.num_rows() == rows))
    });
    decoded.ok().flatten().ok_or(Damaged)
}

fn put_long(out: &mut Vec<u8>, number: i64) {
    let mut zigzag = ((number << 1) ^ (number >> 63)) as u64;
    while zigzag > 0x7f {
        out.push(zigzag as u8 | 0x80);
        zigzag >>= 7;
    }
    out.push(zigzag as u8);
}

fn damaged(row: u64) -> Problem {
    let message =
        "damaged or truncated Avro data, or a block longer than any that is read; the rest was not scanned".into();
    Problem { place: format!("row {row}"), message }
}

/// Keeps what is taken from a reader.
struct Recorder<'a> {
    input: &'a mut BufReader<Lookahead>,
    taken: &'a mut Vec<u8>,
}

impl Read for Recorder<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let got = self.input.read(buffer)?;
        self.taken.extend_from_slice(&buffer[..got]);
        Ok(got)
    }
}

impl BufRead for Recorder<'_> {
    fn fill_buf(&mut self) -> std::io::Result<&[u8]> {
        self.input.fill_buf()
    }

    fn consume(&mut self, count: usize) {
        self.taken.extend_from_slice(self.input.buffer().get(..count).unwrap_or_default());
        self.input.consume(count);
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
        if self.ended {
            place.first_row = self.row;
            return Ok(false);
        }
        let block = match self.waiting.take() {
            Some(block) => Ok(Some(block)),
            None => self.block(),
        };
        place.first_row = self.row;
        match block {
            Ok(None) => {
                self.ended = true;
                Ok(false)
            }
            Ok(Some(block)) => {
                let (count, all) = (ROWS.min(block.num_rows()), block.num_rows());
                columns::push_batch(&block.slice(0, count), self.row, &self.filter, fields, batch);
                self.row += count as u64;
                self.waiting = (count < all).then(|| block.slice(count, all - count));
                Ok(true)
            }
            Err(Damaged) => {
                self.ended = true;
                Err(damaged(self.row))
            }
        }
    }

    fn rows(&self) -> Option<u64> {
        Some(self.row)
    }
}
