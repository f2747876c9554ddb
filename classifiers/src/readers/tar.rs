//! Tar archives (old, ustar, GNU, pax), WebDataset shards among them: members are read as they come by.
//!
//! Nothing is written to disk and links are not followed, so a member's name can do no harm; it is only shown.

use super::archive::{Entries, Entry};
use super::{Input, Problem, io_message};
use std::io::{self, Read};
use std::sync::{Arc, Mutex, PoisonError};
use tar::{EntryType, Header};

const BLOCK_BYTES: usize = 512;
/// Longest name, or set of extended attributes, in bytes.
const EXTENDED_BYTES_MAX: u64 = 1 << 20;

/// Whether these are the first bytes of a tar archive.
pub(super) fn is_tar(head: &[u8]) -> bool {
    head.get(257..262) == Some(b"ustar") && head.get(..BLOCK_BYTES).is_some_and(checksum_holds)
}

struct Stream {
    inner: Box<dyn Read + Send>,
    /// Bytes of the current member that nobody has read.
    member_left: u64,
    /// Bytes up to the next header, after the member.
    padding: u64,
    position: u64,
}

impl Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let got = self.inner.read(buffer)?;
        self.position += got as u64;
        Ok(got)
    }

    fn read_member(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let wanted = buffer.len().min(usize::try_from(self.member_left).unwrap_or(usize::MAX));
        if wanted == 0 {
            return Ok(0);
        }
        let got = self.read(&mut buffer[..wanted])?;
        if got == 0 {
            self.member_left = 0;
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.member_left -= got as u64;
        Ok(got)
    }

    fn skip_member(&mut self) -> io::Result<()> {
        let mut buffer = vec![0; 1 << 15];
        let mut left = self.member_left + self.padding;
        (self.member_left, self.padding) = (0, 0);
        while left > 0 {
            let wanted = buffer.len().min(usize::try_from(left).unwrap_or(usize::MAX));
            match self.read(&mut buffer[..wanted])? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                got => left -= got as u64,
            }
        }
        Ok(())
    }

    /// The next header; `None` at the end.
    fn header(&mut self) -> io::Result<Option<Header>> {
        let mut block = [0; BLOCK_BYTES];
        let mut got = 0;
        while got < BLOCK_BYTES {
            match self.read(&mut block[got..])? {
                // An archive whose end marker is missing was written by a careless tool, or cut at a header.
                0 if got == 0 => return Ok(None),
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                n => got += n,
            }
        }
        if block.iter().all(|b| *b == 0) {
            return Ok(None);
        }
        if !checksum_holds(&block) {
            return Err(io::ErrorKind::InvalidData.into());
        }
        Ok(Some(Header::from_byte_slice(&block).clone()))
    }

    fn begin(&mut self, size: u64) {
        self.member_left = size;
        self.padding = (BLOCK_BYTES as u64 - size % BLOCK_BYTES as u64) % BLOCK_BYTES as u64;
    }

    /// Reads a member that says something about the next one.
    fn extended(&mut self, size: u64) -> io::Result<Vec<u8>> {
        if size > EXTENDED_BYTES_MAX {
            return Err(io::ErrorKind::InvalidData.into());
        }
        self.begin(size);
        let mut text = vec![0; size as usize];
        let mut got = 0;
        while got < text.len() {
            got += self.read_member(&mut text[got..])?;
        }
        self.skip_member()?;
        Ok(text)
    }
}

fn checksum_holds(block: &[u8]) -> bool {
    let sum = |b: &[u8]| b.iter().map(|b| u32::from(*b)).sum::<u32>();
    let expected = sum(&block[..148]) + 8 * u32::from(b' ') + sum(&block[156..]);
    Header::from_byte_slice(block).cksum().is_ok_and(|said| said == expected)
}

/// Reads the current member of a shared stream.
struct Member(Arc<Mutex<Stream>>);

impl Read for Member {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).read_member(buffer)
    }
}

/// The members of a tar archive.
pub(super) struct TarEntries(Arc<Mutex<Stream>>);

impl TarEntries {
    pub(super) fn new(inner: Box<dyn Read + Send>) -> Self {
        Self(Arc::new(Mutex::new(Stream { inner, member_left: 0, padding: 0, position: 0 })))
    }

    fn find(&self, stream: &mut Stream) -> io::Result<Option<Entry>> {
        stream.skip_member()?;
        let (mut name, mut size) = (None, None);
        while let Some(header) = stream.header()? {
            let own_size = header.entry_size().map_err(|_| io::Error::from(io::ErrorKind::InvalidData))?;
            match header.entry_type() {
                EntryType::GNULongName => {
                    let mut text = stream.extended(own_size)?;
                    text.truncate(text.iter().position(|b| *b == 0).unwrap_or(text.len()));
                    name = Some(text);
                }
                EntryType::XHeader => pax(&stream.extended(own_size)?, &mut name, &mut size),
                // Folders, links and devices hold no bytes to scan; global attributes say nothing about content.
                EntryType::Directory
                | EntryType::Link
                | EntryType::Symlink
                | EntryType::Char
                | EntryType::Block
                | EntryType::Fifo
                | EntryType::XGlobalHeader => {
                    stream.begin(own_size);
                    stream.skip_member()?;
                    (name, size) = (None, None);
                }
                // The target of a link that comes next.
                EntryType::GNULongLink => {
                    stream.begin(own_size);
                    stream.skip_member()?;
                }
                EntryType::GNUSparse => {
                    stream.begin(own_size);
                    let name =
                        String::from_utf8_lossy(&name.unwrap_or_else(|| header.path_bytes().into_owned())).into();
                    let input = Err("a sparse member, which is not read; unpack the archive and scan the file".into());
                    return Ok(Some(Entry { name, input }));
                }
                // A type that nobody knows is a file (POSIX).
                _ => {
                    stream.begin(size.unwrap_or(own_size));
                    let name = name.unwrap_or_else(|| header.path_bytes().into_owned());
                    return Ok(Some(Entry {
                        name: String::from_utf8_lossy(&name).into_owned(),
                        input: Ok(Input::Stream(Box::new(Member(Arc::clone(&self.0))))),
                    }));
                }
            }
        }
        Ok(None)
    }
}

/// Reads the attributes `path` and `size` of a pax header: lines of `length key=value`.
fn pax(text: &[u8], name: &mut Option<Vec<u8>>, size: &mut Option<u64>) {
    let mut rest = text;
    while let Some(space) = memchr::memchr(b' ', rest) {
        let length = std::str::from_utf8(&rest[..space]).ok().and_then(|n| n.parse::<usize>().ok());
        let Some(record) = length.and_then(|n| rest.get(space + 1..n)) else { return };
        rest = &rest[space + 1 + record.len()..];
        let record = record.strip_suffix(b"\n").unwrap_or(record);
        match memchr::memchr(b'=', record).map(|at| (&record[..at], &record[at + 1..])) {
            Some((b"path", value)) => *name = Some(value.to_vec()),
            Some((b"size", value)) => *size = std::str::from_utf8(value).ok().and_then(|n| n.parse().ok()),
            _ => {}
        }
    }
}

impl Entries for TarEntries {
    fn next(&mut self) -> Result<Option<Entry>, Problem> {
        let mut stream = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        self.find(&mut stream).map_err(|e| Problem {
            place: format!("byte {}", stream.position),
            message: match e.kind() {
                io::ErrorKind::InvalidData => "damaged tar header; the members after it were not scanned".into(),
                _ => io_message(&e),
            },
        })
    }
}
