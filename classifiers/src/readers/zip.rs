//! Zip archives: members in the order of the archive's directory, each decompressed as a stream and checked against its
//! CRC. The `zip` crate reads the directory; streams are our own, so that a member of any size needs bounded memory.

use super::archive::{Entries, Entry};
use super::compression::Compression;
use super::limits::{Budget, Counted, LimitMet, Unpacked};
use super::source::{Cursor, Source, Window};
use super::{Input, Problem};
use std::collections::VecDeque;
use std::io::{self, BufReader, Read, Seek as _, SeekFrom};
use std::sync::Arc;
use zip::read::Config;
use zip::unstable::read::ZipIterable;
use zip::{CompressionMethod, HasZipMetadata as _};

/// Whether these are the first bytes of a zip archive (of an empty one, too).
pub(super) fn is_zip(head: &[u8]) -> bool {
    head.starts_with(b"PK\x03\x04") || head.starts_with(b"PK\x05\x06")
}

struct Packed {
    name: String,
    method: u16,
    encrypted: bool,
    start: Option<u64>,
    packed_bytes: u64,
    size_bytes: u64,
    crc: u32,
}

/// The members of a zip archive.
pub(super) struct ZipEntries {
    source: Arc<dyn Source>,
    budget: Arc<Budget>,
    members: VecDeque<Packed>,
}

impl ZipEntries {
    pub(super) fn open(source: Arc<dyn Source>, budget: Arc<Budget>) -> Result<Self, String> {
        let broken = "not a readable zip archive (truncated, or no zip at all)";
        let unreadable = |_| broken.to_owned();
        let mut directory = BufReader::with_capacity(source.block_bytes(), Cursor::new(Arc::clone(&source)));
        // Members that share a name are all there: an index by name would hide all but one.
        let mut archive = ZipIterable::try_new(directory.get_ref().clone(), Config::default()).map_err(unreadable)?;
        if archive.len() as u64 > budget.limits.entries_max {
            return Err(format!("it has more than {} members; it was not scanned", budget.limits.entries_max));
        }
        let mut members = VecDeque::new();
        for member in archive.files().map_err(unreadable)? {
            let member = member.map_err(unreadable)?;
            if member.is_dir() || member.is_symlink() {
                continue;
            }
            members.push_back(Packed {
                name: String::from_utf8_lossy(member.name_raw()).into_owned(),
                method: method(member.compression()),
                encrypted: member.encrypted(),
                start: member.get_metadata().data_start(&mut directory).ok(),
                packed_bytes: member.compressed_size(),
                size_bytes: member.size(),
                crc: member.crc32(),
            });
        }
        match overlap(&members) {
            true => Err("its members overlap, as in a decompression bomb; it was not scanned".into()),
            false => Ok(Self { source, budget, members }),
        }
    }

    fn input(&self, member: &Packed) -> Result<Input, String> {
        if member.encrypted {
            return Err("it is encrypted; unpack the archive with its password and scan the files".into());
        }
        let start = member.start.ok_or("its place in the archive is not known")?;
        if member.method == 0 {
            self.budget.stored(member.packed_bytes).map_err(|e| super::io_message(&e))?;
            let source = Arc::clone(&self.source);
            let window = Window { source, start, size_bytes: member.packed_bytes };
            return Ok(Input::Sized(Arc::new(window)));
        }
        let mut packed = Cursor::new(Arc::clone(&self.source));
        packed.seek(SeekFrom::Start(start)).map_err(|e| super::io_message(&e))?;
        let packed = Counted { inner: packed.take(member.packed_bytes), budget: Arc::clone(&self.budget) };
        let packed = BufReader::with_capacity(self.source.block_bytes(), packed);
        let budget = &self.budget;
        let plain: Box<dyn Read + Send> = match member.method {
            8 => Box::new(Unpacked { inner: flate2::bufread::DeflateDecoder::new(packed), budget: Arc::clone(budget) }),
            12 => Compression::Bzip2.undo(Box::new(packed), budget).map_err(|e| super::io_message(&e))?,
            93 => Compression::Zstd.undo(Box::new(packed), budget).map_err(|e| super::io_message(&e))?,
            95 => Compression::Xz.undo(Box::new(packed), budget).map_err(|e| super::io_message(&e))?,
            other => return Err(format!("compression method {other}, which is not read; unpack it and scan the file")),
        };
        let checked = Checked { inner: plain, crc: flate2::Crc::new(), expected: member.crc, left: member.size_bytes };
        Ok(Input::Stream(Box::new(checked)))
    }
}

/// Whether members share bytes of the archive: a few of them could then stand for any number.
fn overlap(members: &VecDeque<Packed>) -> bool {
    let range = |m: &Packed| Some((m.start?, m.start?.saturating_add(m.packed_bytes)));
    let mut ranges: Vec<(u64, u64)> = members.iter().filter_map(range).filter(|(start, end)| start < end).collect();
    ranges.sort_unstable();
    ranges.windows(2).any(|pair| pair[1].0 < pair[0].1)
}

/// The number of a method; without the crate's decompressors most of them are numbers already.
#[expect(deprecated, reason = "the number has no other way out")]
fn method(method: CompressionMethod) -> u16 {
    match method {
        CompressionMethod::Stored => 0,
        CompressionMethod::Unsupported(number) => number,
        _ => u16::MAX,
    }
}

impl Entries for ZipEntries {
    fn next(&mut self) -> Result<Option<Entry>, Problem> {
        Ok(self.members.pop_front().map(|member| {
            let input = self.input(&member);
            Entry { name: member.name, input }
        }))
    }
}

/// Refuses content that is not what the directory promised.
struct Checked {
    inner: Box<dyn Read + Send>,
    crc: flate2::Crc,
    expected: u32,
    left: u64,
}

impl Read for Checked {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let got = self.inner.read(buffer)?;
        if got as u64 > self.left {
            return Err(LimitMet::error("it is longer than the archive's directory says".into()));
        }
        self.left -= got as u64;
        self.crc.update(&buffer[..got]);
        if got == 0 && !buffer.is_empty() && (self.left > 0 || self.crc.sum() != self.expected) {
            return Err(io::ErrorKind::InvalidData.into());
        }
        Ok(got)
    }
}
