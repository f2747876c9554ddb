//! Where bytes come from: a source of known size that is read at any place, or a stream that is read once.
//!
//! Files on disk and bytes in memory are here; other crates bring their own (objects in a bucket) behind [`Source`].

use super::pipe::Pipe;
use std::fmt;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// Bytes that can be read at any place, from several threads at once.
///
/// A source does not change while it is read; one that does gives what a torn read gives, which readers report as
/// damage and survive.
pub trait Source: fmt::Debug + Send + Sync {
    /// How many bytes there are.
    fn size_bytes(&self) -> u64;

    /// Reads at a place into the buffer; 0 only at the end.
    ///
    /// # Errors
    /// What the medium gives.
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize>;

    /// Bytes that are best read at once.
    fn block_bytes(&self) -> usize {
        1 << 16
    }

    /// What changes when the content does; `None` where nothing tells.
    fn version(&self) -> Option<String> {
        None
    }
}

/// What a reader is opened on.
pub(crate) enum Input {
    /// Read at any place.
    Sized(Arc<dyn Source>),
    /// Read once, from its beginning.
    Stream(Box<dyn Read + Send>),
}

impl Input {
    /// Opens a file; a pipe or device is a stream, whose reading a stop ends.
    pub(crate) fn open(path: &Path, stop: &Arc<AtomicBool>) -> io::Result<Self> {
        let kind = std::fs::metadata(path)?.file_type();
        if !kind.is_file() && !kind.is_dir() {
            return Ok(Self::Stream(Box::new(Pipe::open(path.to_owned(), Arc::clone(stop)))));
        }
        let file = File::open(path)?;
        let metadata = file.metadata()?;
        match metadata.is_dir() {
            true => Err(io::Error::from(io::ErrorKind::IsADirectory)),
            false => Ok(Self::Sized(Arc::new(LocalFile { file, size_bytes: metadata.len() }))),
        }
    }

    /// What can be read at any place.
    pub(crate) fn whole(self) -> Option<Arc<dyn Source>> {
        match self {
            Self::Sized(source) => Some(source),
            Self::Stream(_) => None,
        }
    }
}

/// A file on disk.
#[derive(Debug)]
struct LocalFile {
    file: File,
    size_bytes: u64,
}

impl Source for LocalFile {
    fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    #[cfg(unix)]
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        std::os::unix::fs::FileExt::read_at(&self.file, buffer, offset)
    }

    #[cfg(windows)]
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        std::os::windows::fs::FileExt::seek_read(&self.file, buffer, offset)
    }
}

/// Bytes in memory.
pub(crate) struct Memory(pub(crate) bytes::Bytes);

impl fmt::Debug for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Memory({} bytes)", self.0.len())
    }
}

impl Source for Memory {
    fn size_bytes(&self) -> u64 {
        self.0.len() as u64
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let from = usize::try_from(offset).map_or(self.0.len(), |o| o.min(self.0.len()));
        let count = buffer.len().min(self.0.len() - from);
        buffer[..count].copy_from_slice(&self.0[from..from + count]);
        Ok(count)
    }
}

/// A part of a source: a member that an archive stores as it is.
#[derive(Debug)]
pub(crate) struct Window {
    pub(crate) source: Arc<dyn Source>,
    pub(crate) start: u64,
    pub(crate) size_bytes: u64,
}

impl Source for Window {
    fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.size_bytes.saturating_sub(offset);
        let count = buffer.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        self.source.read_at(self.start.saturating_add(offset), &mut buffer[..count])
    }

    fn block_bytes(&self) -> usize {
        self.source.block_bytes()
    }
}

/// A source read from a place on.
#[derive(Clone)]
pub(crate) struct Cursor {
    source: Arc<dyn Source>,
    position: u64,
}

impl Cursor {
    pub(crate) fn new(source: Arc<dyn Source>) -> Self {
        Self { source, position: 0 }
    }
}

impl Read for Cursor {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let got = self.source.read_at(self.position, buffer)?;
        self.position += got as u64;
        Ok(got)
    }
}

impl Seek for Cursor {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let place = match to {
            SeekFrom::Start(place) => Some(place),
            SeekFrom::End(by) => self.source.size_bytes().checked_add_signed(by),
            SeekFrom::Current(by) => self.position.checked_add_signed(by),
        };
        self.position = place.ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
        Ok(self.position)
    }
}
