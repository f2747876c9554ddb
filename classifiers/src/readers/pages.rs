//! The pages of a Parquet row group, within limits on what they unpack to.
//!
//! The Parquet library makes room for what a page's header says and, of some codecs, for whatever comes out. It reads all
//! through [`ChunkReader`], so this one reads each header first and refuses the page where it, or all that are in memory
//! with it, would be too long. It does not unpack: what it counts of a packed page it throws away.

use super::limits::Limits;
use super::parquet::Chunks;
use super::source::Cursor;
use bytes::Bytes;
use parquet::basic::Compression;
use parquet::errors::ParquetError;
use parquet::file::metadata::{ColumnChunkMetaData, RowGroupMetaData};
use parquet::file::reader::{ChunkReader, Length};
use std::io::{self, BufReader, Read};
use std::sync::{Arc, Mutex, PoisonError};

/// Longest header of a page; it may hold the smallest and largest value of the page.
const HEADER_BYTES_MAX: u64 = 16 << 20;
/// Structures inside each other in a header; real ones have three.
const DEPTH_MAX: usize = 16;
/// Pages that are in memory at once, in bytes: as many times as long as the longest one may be.
const TOGETHER: u64 = 4;
/// No codec of this kind makes more of a byte; where that is little enough nothing is counted.
const GZIP_RATIO_MAX: u64 = 1_032;
const LZ4_RATIO_MAX: u64 = 255;

/// The pages of one row group, as the Parquet library reads them.
#[derive(Clone)]
pub(super) struct Pages {
    chunks: Chunks,
    held: Arc<Mutex<Held>>,
}

/// What is in memory of each column of a row group.
struct Held {
    /// By where they begin in the file.
    columns: Vec<Column>,
    page_bytes_max: u64,
}

struct Column {
    start: u64,
    end: u64,
    codec: Compression,
    /// Unpacked bytes of the dictionary, of the pages of this batch, and of the last one of them.
    dictionary: u64,
    pages: u64,
    last: u64,
    /// Bytes in front of the last page that are not packed.
    levels: u64,
}

impl Column {
    fn of(column: &ColumnChunkMetaData) -> Self {
        let number = |n: i64| u64::try_from(n).unwrap_or_default();
        let start = number(column.dictionary_page_offset().unwrap_or(column.data_page_offset()));
        let end = start.saturating_add(number(column.compressed_size()));
        Self { start, end, codec: column.compression(), dictionary: 0, pages: 0, last: 0, levels: 0 }
    }
}

impl Pages {
    pub(super) fn of(chunks: Chunks, group: &RowGroupMetaData, limits: &Limits) -> Self {
        let mut columns: Vec<Column> = group.columns().iter().map(Column::of).collect();
        columns.sort_by_key(|column| column.start);
        let held = Held { columns, page_bytes_max: limits.document_bytes_max };
        Self { chunks, held: Arc::new(Mutex::new(held)) }
    }

    /// What was read for the batch before is let go, but for the page that each column stands in.
    pub(super) fn next_batch(&self) {
        for column in &mut self.held().columns {
            column.pages = column.last;
        }
    }

    fn held(&self) -> std::sync::MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes note of a page, if there is room for it.
    fn note(&self, offset: u64, header: &Header) -> io::Result<()> {
        let mut held = self.held();
        let limit = held.page_bytes_max;
        let unpacked = u64::try_from(header.unpacked).map_err(|_| io::Error::other("a page of no length"))?;
        if unpacked > limit {
            return Err(too_long(limit));
        }
        let Some(column) = held.column(offset) else { return Ok(()) };
        column.levels = header.levels.iter().map(|n| u64::try_from(*n).unwrap_or_default()).sum();
        match header.kind {
            Header::DICTIONARY => column.dictionary = unpacked,
            _ => {
                column.pages = column.pages.saturating_add(unpacked);
                column.last = unpacked;
            }
        }
        let together = held.columns.iter().map(|c| c.dictionary.saturating_add(c.pages)).fold(0, u64::saturating_add);
        match together > limit.saturating_mul(TOGETHER) {
            true => {
                Err(io::Error::other(format!("the pages of a batch unpack to more than {} bytes", limit * TOGETHER)))
            }
            false => Ok(()),
        }
    }

    /// Whether a packed page gives no more than a page may have, where its codec does not keep to the header.
    fn check(&self, offset: u64, page: &[u8]) -> io::Result<()> {
        let mut held = self.held();
        let limit = held.page_bytes_max;
        let Some((codec, levels)) = held.column(offset).map(|column| (column.codec, column.levels)) else {
            return Ok(());
        };
        drop(held);
        let packed = usize::try_from(levels).ok().and_then(|levels| page.get(levels..)).unwrap_or_default();
        let at_most = |ratio: u64| (packed.len() as u64).saturating_mul(ratio);
        let is_longer = match codec {
            Compression::GZIP(_) if at_most(GZIP_RATIO_MAX) > limit => {
                gives_more(flate2::read::MultiGzDecoder::new(packed), limit)
            }
            Compression::LZ4 if at_most(LZ4_RATIO_MAX) > limit => {
                gives_more(lz4_flex::frame::FrameDecoder::new(packed), limit)
            }
            Compression::BROTLI(_) => gives_more(brotli::Decompressor::new(packed, 1 << 16), limit),
            // The others fill the room that is made for what the header says.
            _ => false,
        };
        match is_longer {
            true => Err(too_long(limit)),
            false => Ok(()),
        }
    }
}

impl Held {
    /// The column that has a page at this place of the file.
    fn column(&mut self, offset: u64) -> Option<&mut Column> {
        let before = self.columns.partition_point(|column| column.start <= offset);
        self.columns[..before].last_mut().filter(|column| offset < column.end)
    }
}

/// Whether more than so many bytes come out before an end or an error.
fn gives_more(mut unpacking: impl Read, limit: u64) -> bool {
    let mut buffer = vec![0; 1 << 16];
    let mut left = limit;
    while let Ok(got @ 1..) = unpacking.read(&mut buffer) {
        match left.checked_sub(got as u64) {
            Some(rest) => left = rest,
            None => return true,
        }
    }
    false
}

impl Length for Pages {
    fn len(&self) -> u64 {
        self.chunks.len()
    }
}

impl ChunkReader for Pages {
    type T = PageReader;

    fn get_read(&self, start: u64) -> Result<PageReader, ParquetError> {
        Ok(PageReader { pages: self.clone(), offset: start, inner: self.chunks.get_read(start)?, header: None })
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes, ParquetError> {
        let page = self.chunks.get_bytes(start, length)?;
        self.check(start, &page)?;
        Ok(page)
    }
}

/// Gives the header of a page, which it has read before. The library asks for a reader even where it does not read.
pub(super) struct PageReader {
    pages: Pages,
    offset: u64,
    inner: BufReader<Cursor>,
    header: Option<io::Cursor<Vec<u8>>>,
}

impl Read for PageReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let header = match &mut self.header {
            Some(header) => header,
            None => {
                let mut recorder = Recorder { inner: (&mut self.inner).take(HEADER_BYTES_MAX), taken: Vec::new() };
                let header = Header::read(&mut recorder)?;
                self.pages.note(self.offset, &header)?;
                self.header.insert(io::Cursor::new(recorder.taken))
            }
        };
        match header.read(buffer)? {
            0 => self.inner.read(buffer),
            got => Ok(got),
        }
    }
}

/// Keeps what is taken from a reader.
struct Recorder<R> {
    inner: R,
    taken: Vec<u8>,
}

impl<R: Read> Read for Recorder<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let got = self.inner.read(buffer)?;
        self.taken.extend_from_slice(&buffer[..got]);
        Ok(got)
    }
}

/// What matters of a page's header (`PageHeader` of parquet.thrift).
#[derive(Debug, Default, PartialEq, Eq)]
struct Header {
    kind: i64,
    unpacked: i64,
    /// Of a data page of version 2: bytes of repetition and definition levels.
    levels: [i64; 2],
}

impl Header {
    const DICTIONARY: i64 = 2;

    /// Reads a header in the compact protocol of Thrift.
    fn read(input: &mut impl Read) -> io::Result<Self> {
        let mut header = Self::default();
        Thrift { input }.structure(0, DEPTH_MAX, &mut |outer, field, number| match (outer, field) {
            (0, 1) => header.kind = number,
            // The library takes the last one where there are several.
            (0, 2) => header.unpacked = number,
            (8, 5) => header.levels[0] = number,
            (8, 6) => header.levels[1] = number,
            _ => {}
        })?;
        Ok(header)
    }
}

/// Walks a value in the compact protocol of Thrift; what is not asked for is skipped.
struct Thrift<'a, R> {
    input: &'a mut R,
}

impl<R: Read> Thrift<'_, R> {
    /// Tells the numbers of a structure, with the field that it stands in and their own.
    fn structure(&mut self, outer: i64, depth: usize, tell: &mut dyn FnMut(i64, i64, i64)) -> io::Result<()> {
        let mut field = 0_i64;
        loop {
            let head = self.byte()?;
            if head == 0 {
                return Ok(());
            }
            field = match head >> 4 {
                0 => self.number()?,
                step => field.wrapping_add(i64::from(step)),
            };
            match head & 0x0f {
                // True and false have no byte beside their type.
                1 | 2 => {}
                4..=6 => {
                    let number = self.number()?;
                    tell(outer, field, number);
                }
                12 if outer == 0 => self.structure(field, Self::below(depth)?, tell)?,
                kind => self.skip(kind, depth)?,
            }
        }
    }

    fn skip(&mut self, kind: u8, depth: usize) -> io::Result<()> {
        let depth = Self::below(depth)?;
        match kind {
            1..=3 => self.pass(1),
            4..=6 => self.number().map(drop),
            7 => self.pass(8),
            8 => {
                let length = self.varint()?;
                self.pass(length)
            }
            9 | 10 => {
                let head = self.byte()?;
                let count = match head >> 4 {
                    15 => self.varint()?,
                    count => u64::from(count),
                };
                (0..count).try_for_each(|_| self.skip(head & 0x0f, depth))
            }
            11 => {
                let count = self.varint()?;
                let kinds = if count > 0 { self.byte()? } else { 0 };
                (0..count).try_for_each(|_| self.skip(kinds >> 4, depth).and_then(|()| self.skip(kinds & 0x0f, depth)))
            }
            // Structures that are no field of the header itself tell nothing.
            12 => self.structure(-1, depth, &mut |_, _, _| {}),
            13 => self.pass(16),
            _ => Err(damaged()),
        }
    }

    fn below(depth: usize) -> io::Result<usize> {
        depth.checked_sub(1).ok_or_else(damaged)
    }

    fn pass(&mut self, count: u64) -> io::Result<()> {
        match io::copy(&mut self.input.by_ref().take(count), &mut io::sink())? == count {
            true => Ok(()),
            false => Err(damaged()),
        }
    }

    fn byte(&mut self) -> io::Result<u8> {
        let mut byte = [0];
        self.input.read_exact(&mut byte)?;
        Ok(byte[0])
    }

    fn varint(&mut self) -> io::Result<u64> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(number);
            }
        }
        Err(damaged())
    }

    /// A number with its sign in the last bit.
    fn number(&mut self) -> io::Result<i64> {
        let number = self.varint()?;
        Ok((number >> 1) as i64 ^ -((number & 1) as i64))
    }
}

fn too_long(limit: u64) -> io::Error {
    io::Error::other(format!("a page unpacks to more than {limit} bytes"))
}

fn damaged() -> io::Error {
    io::Error::other("a page header that is none")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_read_in_any_order() {
        // Type 3, statistics in a list and a text, levels of 5 and 7 bytes; then the length once more, as the library has it.
        let header = [
            0x15, 6, 0x15, 0x80, 0x01, 0x15, 40, 0x5c, 0x55, 10, 0x15, 14, 0x11, 0x1c, 0x18, 2, b'a', b'b', 0x19, 0x25,
            2, 4, 0, 0, 0x05, 4, 0x90, 0x03, 0,
        ];
        let mut input = header.as_slice();
        let expected = Header { kind: 3, unpacked: 200, levels: [5, 7] };
        assert_eq!((Header::read(&mut input).expect("a header"), input.len()), (expected, 0));
        for cut in 0..header.len() {
            assert!(Header::read(&mut &header[..cut]).is_err(), "cut at {cut}");
        }
        assert!(Header::read(&mut [0x1c; 64].as_slice()).is_err(), "too deep");
    }
}
