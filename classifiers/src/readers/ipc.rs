//! Arrow IPC, the file form and the stream form.

use super::source::{Cursor, Source};
use super::{BatchPlace, Lookahead, Problem, Reader, foreign};
use crate::columns::{self, FieldFilter, Slices};
use crate::values::{FieldTable, ValueBatch};
use arrow_array::RecordBatch;
use arrow_ipc::reader::{FileReader, StreamReader};
use arrow_schema::ArrowError;
use std::collections::VecDeque;
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
    current: Option<Slices>,
    filter: FieldFilter,
    row: u64,
    ended: bool,
}

impl IpcReader {
    /// The file form, read at any place.
    pub(super) fn open_file(source: Arc<dyn Source>, filter: FieldFilter, bytes_max: u64) -> Result<Self, String> {
        foreign(|| check_blocks(&*source, bytes_max))?;
        let input = BufReader::with_capacity(source.block_bytes(), Cursor::new(source));
        let batches = foreign(|| FileReader::try_new(input, None).map_err(|_| UNREADABLE.to_owned()))?;
        Ok(Self::of(Box::new(batches), filter))
    }

    /// The stream form.
    pub(super) fn open_stream(input: Lookahead, filter: FieldFilter, bytes_max: u64) -> Result<Self, String> {
        let input = Messages::new(BufReader::with_capacity(1 << 16, input), bytes_max);
        let batches = foreign(|| StreamReader::try_new(input, None).map_err(|_| UNREADABLE.to_owned()))?;
        Ok(Self::of(Box::new(batches), filter))
    }

    fn of(batches: Batches, filter: FieldFilter) -> Self {
        Self { batches, current: None, filter, row: 0, ended: false }
    }
}

/// Refuses a file whose directory names blocks that are longer than the file, each or together, or whose compressed
/// buffers say that they unpack to more than `bytes_max`: what they name is read, and room is made for it.
fn check_blocks(source: &dyn Source, bytes_max: u64) -> Result<(), String> {
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
    // Blocks are apart, so together they are no longer than the file.
    let mut left = size;
    for block in blocks {
        let parts = [block.offset(), i64::from(block.metaDataLength()), block.bodyLength()];
        let end = parts.iter().try_fold(0_u64, |sum, part| sum.checked_add(u64::try_from(*part).ok()?));
        if end.is_none_or(|end| end > size) {
            return Err(unreadable());
        }
        let [offset, head_bytes, body_bytes] = parts.map(|part| u64::try_from(part).unwrap_or_default());
        left = left.checked_sub(head_bytes + body_bytes).ok_or_else(unreadable)?;
        if head_bytes > METADATA_BYTES_MAX as u64 {
            return Err(unreadable());
        }
        let head = read(offset, usize::try_from(head_bytes).map_err(|_| unreadable())?)?;
        // The length stands before the description, in newer files behind four bytes of a mark.
        let frame = if head.starts_with(&[0xff; 4]) { 8 } else { 4 };
        let mut unpacked = Unpacked::of(head.get(frame..).unwrap_or_default(), bytes_max).ok_or_else(unreadable)?;
        while let Some(place) = unpacked.prefixes.front().map(|(place, _)| *place) {
            let prefix = read(offset.saturating_add(head_bytes).saturating_add(place), PREFIX_BYTES)?;
            unpacked.pass(place, &prefix).map_err(|e| e.to_string())?;
        }
    }
    Ok(())
}

/// Bytes in front of a compressed buffer that say how long it is unpacked.
const PREFIX_BYTES: usize = 8;

/// What the compressed buffers of a message say that they unpack to.
#[derive(Default)]
struct Unpacked {
    /// Where in the message's body a length stands, and for how many buffers; in order.
    prefixes: VecDeque<(u64, u64)>,
    /// What was seen of the next one.
    seen: Vec<u8>,
    /// Bytes that the buffers may still have.
    left: u64,
    bytes_max: u64,
}

impl Unpacked {
    /// The lengths that a message's body holds, by its description; `None` where that is not to be believed.
    fn of(description: &[u8], bytes_max: u64) -> Option<Self> {
        let mut out = Self { left: bytes_max, bytes_max, ..Self::default() };
        let Ok(message) = arrow_ipc::root_as_message(description) else { return Some(out) };
        let dictionary = || message.header_as_dictionary_batch().and_then(|batch| batch.data());
        let Some(records) = message.header_as_record_batch().or_else(dictionary) else { return Some(out) };
        if records.compression().is_none() {
            return Some(out);
        }
        let mut places = Vec::new();
        for buffer in records.buffers().into_iter().flatten().filter(|buffer| buffer.length() != 0) {
            let length = u64::try_from(buffer.length()).ok()?;
            if length < PREFIX_BYTES as u64 {
                return None;
            }
            places.push(u64::try_from(buffer.offset()).ok()?);
        }
        places.sort_unstable();
        for place in places {
            match out.prefixes.back_mut() {
                Some((last, count)) if *last == place => *count += 1,
                // Buffers of a whole message are eight bytes apart or more.
                Some((last, _)) if place - *last < PREFIX_BYTES as u64 => return None,
                _ => out.prefixes.push_back((place, 1)),
            }
        }
        Some(out)
    }

    /// Takes note of bytes of the body that begin at a place. Bytes come in order.
    fn pass(&mut self, from: u64, bytes: &[u8]) -> io::Result<()> {
        while let Some((place, count)) = self.prefixes.front().copied() {
            let next = place + self.seen.len() as u64;
            let rest = usize::try_from(next - from).ok().and_then(|at| bytes.get(at..)).unwrap_or_default();
            self.seen.extend(rest.iter().take(PREFIX_BYTES - self.seen.len()));
            let Some(length) = self.seen.first_chunk::<PREFIX_BYTES>() else { return Ok(()) };
            // -1 says that the buffer was left as it is.
            let length = u64::try_from(i64::from_le_bytes(*length)).unwrap_or_default();
            let too_long = || {
                io::Error::other(format!("a batch unpacks to more than {} bytes; it was not scanned", self.bytes_max))
            };
            self.left = length.checked_mul(count).and_then(|n| self.left.checked_sub(n)).ok_or_else(too_long)?;
            self.seen.clear();
            self.prefixes.pop_front();
        }
        Ok(())
    }
}

/// Passes a stream of messages on, and ends it where one says that it is longer than any that is read.
struct Messages<R> {
    inner: R,
    /// Of the current message: its frame and description, and how far they were given.
    head: io::Cursor<Vec<u8>>,
    /// Bytes of its body that are to come, and that came.
    body: u64,
    passed: u64,
    unpacked: Unpacked,
    bytes_max: u64,
}

impl<R: Read> Messages<R> {
    /// `bytes_max` is what the buffers of a message may unpack to.
    fn new(inner: R, bytes_max: u64) -> Self {
        let (head, unpacked) = (io::Cursor::default(), Unpacked::default());
        Self { inner, head, body: 0, passed: 0, unpacked, bytes_max }
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
        let unpacked = Unpacked::of(&head[frame..], self.bytes_max);
        self.unpacked = unpacked.ok_or_else(|| io::Error::other("its buffers are not apart"))?;
        self.passed = 0;
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
            self.unpacked.pass(self.passed, &buffer[..n])?;
            self.passed += n as u64;
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
        loop {
            if let Some(records) = self.current.as_mut().and_then(Iterator::next) {
                columns::push_batch(&records, self.row, &self.filter, fields, batch);
                self.row += records.num_rows() as u64;
                return Ok(true);
            }
            let batches = &mut self.batches;
            match foreign(|| batches.next().transpose().map_err(|e| e.to_string())).transpose() {
                None => {
                    self.ended = true;
                    return Ok(false);
                }
                Some(Ok(records)) => self.current = Some(Slices::of(records, ROWS)),
                Some(Err(e)) => {
                    self.ended = true;
                    // The library's messages name structure (offsets, lengths), not data.
                    let message = format!("damaged Arrow data; the rest was not scanned: {e}");
                    return Err(Problem { place: format!("row {}", self.row), message });
                }
            }
        }
    }

    fn rows(&self) -> Option<u64> {
        Some(self.row)
    }
}
