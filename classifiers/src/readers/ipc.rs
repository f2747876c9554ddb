//! Arrow IPC, the file form and the stream form.

use super::source::{Cursor, Source};
use super::{BatchPlace, Lookahead, Problem, Reader, foreign};
use crate::columns::{self, FieldFilter};
use crate::values::{FieldTable, ValueBatch};
use arrow_array::RecordBatch;
use arrow_ipc::reader::{FileReader, StreamReader};
use arrow_schema::ArrowError;
use std::io::{self, BufReader, Read};
use std::sync::Arc;

type Batches = Box<dyn Iterator<Item = Result<RecordBatch, ArrowError>> + Send>;

const UNREADABLE: &str = "not a readable Arrow IPC file (truncated, or no Arrow at all)";

/// Rows pushed at a time, so that a record batch of any size needs bounded memory beside its own.
const ROWS: usize = 4_096;

/// Bytes of a message's description.
const METADATA_BYTES_MAX: usize = 64 << 20;
/// Bytes of a message's body in a stream, of which nobody knows the length: the library makes room for what the message
/// says, whatever comes then.
const BODY_BYTES_MAX: u64 = 512 << 20;

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
        foreign(|| check_blocks(&*source))?;
        let input = BufReader::with_capacity(source.block_bytes(), Cursor::new(source));
        let batches = foreign(|| FileReader::try_new(input, None).map_err(|_| UNREADABLE.to_owned()))?;
        Ok(Self::of(Box::new(batches), filter))
    }

    /// The stream form.
    pub(super) fn open_stream(input: Lookahead, filter: FieldFilter) -> Result<Self, String> {
        let input = Messages::new(BufReader::with_capacity(1 << 16, input));
        let batches = foreign(|| StreamReader::try_new(input, None).map_err(|_| UNREADABLE.to_owned()))?;
        Ok(Self::of(Box::new(batches), filter))
    }

    fn of(batches: Batches, filter: FieldFilter) -> Self {
        Self { batches, current: None, filter, row: 0, ended: false }
    }
}

/// Refuses a file whose directory names blocks that are longer than the file: room is made for what it names.
fn check_blocks(source: &dyn Source) -> Result<(), String> {
    let size = source.size_bytes();
    let unreadable = || UNREADABLE.to_owned();
    let read = |offset: u64, length: usize| -> Result<Vec<u8>, String> {
        let mut out = vec![0; length];
        let mut done = 0;
        while done < length {
            match source.read_at(offset + done as u64, &mut out[done..]).map_err(|_| unreadable())? {
                0 => return Err(unreadable()),
                n => done += n,
            }
        }
        Ok(out)
    };
    // The file ends with its directory, that one's length in four bytes, and six letters.
    let tail = read(size.checked_sub(10).ok_or_else(unreadable)?, 10)?;
    let length = tail.first_chunk::<4>().map_or(0, |n| u64::from(u32::from_le_bytes(*n)));
    let start = (size - 10).checked_sub(length).ok_or_else(unreadable)?;
    let footer = read(start, usize::try_from(length).map_err(|_| unreadable())?)?;
    let footer = arrow_ipc::root_as_footer(&footer).map_err(|_| unreadable())?;
    let blocks = footer.recordBatches().into_iter().flatten().chain(footer.dictionaries().into_iter().flatten());
    for block in blocks {
        let parts = [block.offset(), i64::from(block.metaDataLength()), block.bodyLength()];
        let end = parts.iter().try_fold(0_u64, |sum, part| sum.checked_add(u64::try_from(*part).ok()?));
        if end.is_none_or(|end| end > size) {
            return Err(unreadable());
        }
    }
    Ok(())
}

/// Passes a stream of messages on, and ends it where one says that it is longer than any that is read.
struct Messages<R> {
    inner: R,
    /// Of the current message: its frame and description, and how far they were given.
    head: io::Cursor<Vec<u8>>,
    /// Bytes of its body that are to come.
    body: u64,
}

impl<R: Read> Messages<R> {
    fn new(inner: R) -> Self {
        Self { inner, head: io::Cursor::default(), body: 0 }
    }

    /// Reads the frame and description of the next message. What is cut short is passed on as it is.
    fn next_head(&mut self) -> io::Result<()> {
        let mut head = Vec::new();
        (&mut self.inner).take(4).read_to_end(&mut head)?;
        if head == [0xff; 4] {
            (&mut self.inner).take(4).read_to_end(&mut head)?;
        }
        let frame = head.len();
        let length = head.last_chunk::<4>().map_or(0, |n| u32::from_le_bytes(*n) as usize);
        if length > METADATA_BYTES_MAX {
            return Err(io::Error::other("the description of a message is too long"));
        }
        (&mut self.inner).take(length as u64).read_to_end(&mut head)?;
        let body = arrow_ipc::root_as_message(&head[frame..]).map_or(0, |message| message.bodyLength());
        self.body = u64::try_from(body).unwrap_or(0);
        if self.body > BODY_BYTES_MAX {
            return Err(io::Error::other(format!("a message is longer than {} MiB", BODY_BYTES_MAX >> 20)));
        }
        self.head = io::Cursor::new(head);
        Ok(())
    }
}

impl<R: Read> Read for Messages<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        match self.head.read(buffer)? {
            0 => {}
            n => return Ok(n),
        }
        if self.body > 0 {
            let wanted = buffer.len().min(usize::try_from(self.body).unwrap_or(usize::MAX));
            let n = self.inner.read(&mut buffer[..wanted])?;
            self.body = if n == 0 { 0 } else { self.body - n as u64 };
            return Ok(n);
        }
        self.next_head()?;
        self.head.read(buffer)
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
