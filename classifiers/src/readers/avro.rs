//! Avro object container files, a batch of rows at a time.

use super::compression::ZSTD_WINDOW_LOG_MAX;
use super::limits::Limits;
use super::{BatchPlace, Lookahead, Problem, Reader, foreign};
use crate::columns::{self, FieldFilter, Slices};
use crate::values::{FieldTable, ValueBatch};
use arrow_array::RecordBatch;
use arrow_avro::compression::CompressionCodec;
use arrow_avro::reader::{Reader as Decoder, ReaderBuilder, read_header_info};
use std::io::{BufRead as _, BufReader, Cursor, Read};

/// Rows of a batch.
const ROWS: usize = 256;
/// Rows of a block that are decoded; writers end blocks by bytes, long before.
const BLOCK_ROWS_MAX: u64 = 1 << 20;
const SYNC_BYTES: usize = 16;

/// Reads block by block and hands each to the library by itself, unpacked and with a header: its own loop over blocks
/// does not end where a block holds more bytes than its count of rows takes, and it unpacks a block however long that is.
pub(super) struct AvroReader {
    input: BufReader<Lookahead>,
    /// The bytes of a header with the file's schema, of blocks that are not packed.
    header: Vec<u8>,
    codec: Option<CompressionCodec>,
    sync: [u8; SYNC_BYTES],
    /// Rows of a block that were not given yet.
    waiting: Option<Slices>,
    filter: FieldFilter,
    /// A longer block is not read: it would be in memory whole, and no record of it may be longer.
    block_bytes_max: u64,
    /// Nor is one that unpacks to more.
    unpacked_bytes_max: u64,
    row: u64,
    ended: bool,
}

impl AvroReader {
    pub(super) fn open(input: Lookahead, filter: FieldFilter, limits: &Limits) -> Result<Self, String> {
        let mut input = BufReader::with_capacity(1 << 18, input);
        // The library's message may quote the schema's text, so it is not passed on.
        let broken = "not a readable Avro file (truncated, of an unknown codec, or no Avro at all)";
        let (header, codec, sync) = foreign(|| {
            let info = read_header_info(&mut input).map_err(|_| broken)?;
            let header = plain_header(&info.writer_schema().map_err(|_| broken)?.json_string, info.sync());
            ReaderBuilder::new().build(Cursor::new(&header)).map_err(|_| broken)?;
            Ok((header, info.compression().map_err(|_| broken)?, info.sync()))
        })?;
        Ok(Self {
            block_bytes_max: limits.record_bytes_max as u64,
            unpacked_bytes_max: limits.document_bytes_max,
            input,
            header,
            codec,
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
            let mut packed = Vec::new();
            let got = (&mut self.input).take(size + SYNC_BYTES as u64).read_to_end(&mut packed).map_err(|_| Damaged)?;
            if got as u64 != size + SYNC_BYTES as u64 || !packed.ends_with(&self.sync) {
                return Err(Damaged);
            }
            packed.truncate(packed.len() - SYNC_BYTES);
            let block = match packed.is_empty() {
                true => packed,
                false => self.unpacked(packed)?,
            };
            match (rows, block.len()) {
                (0, 0) => {}
                // Rows without a byte hold nothing.
                (_, 0) => self.row += rows,
                (0, _) => return Err(Damaged),
                _ => return decode(self.file_of(&block)?, rows as usize).map(Some),
            }
        }
    }

    /// The bytes of a block, if they are not too many.
    fn unpacked(&self, packed: Vec<u8>) -> Result<Vec<u8>, Damaged> {
        let limit = self.unpacked_bytes_max;
        let whole = |unpacking: &mut dyn Read| {
            let mut out = Vec::new();
            let got = unpacking.take(limit.saturating_add(1)).read_to_end(&mut out).map_err(|_| Damaged)?;
            (got as u64 <= limit).then_some(out).ok_or(Damaged)
        };
        match self.codec {
            None => Ok(packed),
            Some(CompressionCodec::Deflate) => whole(&mut flate2::read::DeflateDecoder::new(packed.as_slice())),
            Some(CompressionCodec::Bzip2) => whole(&mut bzip2::read::BzDecoder::new(packed.as_slice())),
            Some(CompressionCodec::ZStandard) => {
                let mut decoder = zstd::stream::read::Decoder::new(packed.as_slice()).map_err(|_| Damaged)?;
                decoder.window_log_max(ZSTD_WINDOW_LOG_MAX).map_err(|_| Damaged)?;
                whole(&mut decoder)
            }
            Some(CompressionCodec::Snappy) => {
                // The checksum of the unpacked bytes stands behind the packed ones.
                let (packed, checksum) = packed.split_last_chunk::<4>().ok_or(Damaged)?;
                let length = snap::raw::decompress_len(packed).map_err(|_| Damaged)?;
                if length as u64 > limit {
                    return Err(Damaged);
                }
                let out = snap::raw::Decoder::new().decompress_vec(packed).map_err(|_| Damaged)?;
                let mut crc = flate2::Crc::new();
                crc.update(&out);
                (crc.sum() == u32::from_be_bytes(*checksum)).then_some(out).ok_or(Damaged)
            }
            Some(CompressionCodec::Xz) => Err(Damaged),
        }
    }

    /// A file of this one block.
    fn file_of(&self, block: &[u8]) -> Result<Vec<u8>, Damaged> {
        let mut file = self.header.clone();
        // With more rows than it has the block never runs out of them: bytes behind its last row become rows, or
        // an error.
        put_long(&mut file, i64::MAX);
        put_long(&mut file, i64::try_from(block.len()).map_err(|_| Damaged)?);
        file.extend_from_slice(block);
        file.extend_from_slice(&self.sync);
        Ok(file)
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

/// A header of a file with this schema whose blocks are not packed.
fn plain_header(schema: &str, sync: [u8; SYNC_BYTES]) -> Vec<u8> {
    let mut out = b"Obj\x01".to_vec();
    // A map in one block of one entry.
    put_long(&mut out, 1);
    for text in ["avro.schema", schema] {
        put_long(&mut out, text.len() as i64);
        out.extend_from_slice(text.as_bytes());
    }
    put_long(&mut out, 0);
    out.extend_from_slice(&sync);
    out
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
        loop {
            place.first_row = self.row;
            if let Some(records) = self.waiting.as_mut().and_then(Iterator::next) {
                columns::push_batch(&records, self.row, &self.filter, fields, batch);
                self.row += records.num_rows() as u64;
                return Ok(true);
            }
            match self.block() {
                Ok(None) => {
                    self.ended = true;
                    return Ok(false);
                }
                Ok(Some(block)) => self.waiting = Some(Slices::of(block, ROWS)),
                Err(Damaged) => {
                    self.ended = true;
                    return Err(damaged(self.row));
                }
            }
        }
    }

    fn rows(&self) -> Option<u64> {
        Some(self.row)
    }
}
