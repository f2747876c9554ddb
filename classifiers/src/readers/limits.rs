//! What a packed input may cost. All layers of one input share a [`Budget`]; where it is used up, the input ends with a
//! problem that says which limit it met, and what was unpacked until then stands.

use std::fmt;
use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Limits on one input.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Limits {
    /// Layers of packing (compression or archive) inside each other.
    pub depth_max: usize,
    /// Members of all archives of the input.
    pub entries_max: u64,
    /// Bytes unpacked for a byte read, over all layers.
    pub ratio_max: u64,
    /// Unpacked bytes up to which the ratio does not matter.
    pub ratio_free_bytes: u64,
    /// Bytes unpacked, over all layers.
    pub unpacked_bytes_max: u64,
    /// Longest record, in bytes; a longer one is scanned as text in pieces.
    pub record_bytes_max: usize,
    /// Longest input that has to be held in memory whole: a JSON document, a notebook, a Parquet file in an archive. Also
    /// the most that a block of Avro, a batch of Arrow or a page of Parquet unpacks to.
    pub document_bytes_max: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            depth_max: 8,
            entries_max: 1_000_000,
            ratio_max: 500,
            ratio_free_bytes: 256 << 20,
            unpacked_bytes_max: 1 << 40,
            record_bytes_max: super::RECORD_BYTES_MAX,
            document_bytes_max: 1 << 30,
        }
    }
}

/// What an input has used of its limits.
#[derive(Debug)]
pub(crate) struct Budget {
    pub(crate) limits: Limits,
    read_bytes: AtomicU64,
    unpacked_bytes: AtomicU64,
    entries: AtomicU64,
}

impl Budget {
    pub(crate) fn new(limits: Limits) -> Arc<Self> {
        let zero = AtomicU64::default;
        Arc::new(Self { limits, read_bytes: zero(), unpacked_bytes: zero(), entries: zero() })
    }

    /// Counts a member of an archive.
    pub(crate) fn entry(&self) -> io::Result<()> {
        match self.entries.fetch_add(1, Ordering::Relaxed) < self.limits.entries_max {
            true => Ok(()),
            false => Err(LimitMet::error(format!("it has more than {} members", self.limits.entries_max))),
        }
    }

    /// Counts a member that an archive stores as it is: as many bytes out as in.
    pub(crate) fn stored(&self, bytes: u64) -> io::Result<()> {
        // What wraps around has met the limit on what is unpacked already.
        self.read_bytes.fetch_add(bytes, Ordering::Relaxed);
        self.unpacked(bytes)
    }

    fn unpacked(&self, bytes: u64) -> io::Result<()> {
        // Sums that hostile lengths make wrap around nowhere.
        let add = |total: u64| Some(total.saturating_add(bytes));
        let before = self.unpacked_bytes.fetch_update(Ordering::Relaxed, Ordering::Relaxed, add);
        let total = before.unwrap_or_else(|total| total).saturating_add(bytes);
        if total > self.limits.unpacked_bytes_max {
            return Err(LimitMet::error(format!("it unpacks to more than {} bytes", self.limits.unpacked_bytes_max)));
        }
        let read = self.read_bytes.load(Ordering::Relaxed).max(1);
        if total > self.limits.ratio_free_bytes && total / read > self.limits.ratio_max {
            return Err(LimitMet::error(format!(
                "it unpacks to more than {} times its size, as a decompression bomb does",
                self.limits.ratio_max
            )));
        }
        Ok(())
    }
}

/// A limit that was met, inside an I/O error.
#[derive(Debug)]
pub(crate) struct LimitMet(String);

impl LimitMet {
    pub(crate) fn error(what: String) -> io::Error {
        io::Error::other(Self(what))
    }

    /// The message of a limit in an I/O error.
    pub(crate) fn message(e: &io::Error) -> Option<String> {
        let met = e.get_ref()?.downcast_ref::<Self>()?;
        Some(format!("{}; what comes after was not scanned", met.0))
    }
}

impl fmt::Display for LimitMet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for LimitMet {}

/// Counts the bytes that are read from outside.
pub(crate) struct Counted<R> {
    pub(crate) inner: R,
    pub(crate) budget: Arc<Budget>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let got = self.inner.read(buffer)?;
        self.budget.read_bytes.fetch_add(got as u64, Ordering::Relaxed);
        Ok(got)
    }
}

/// Charges what a decompressor gives.
pub(crate) struct Unpacked<R> {
    pub(crate) inner: R,
    pub(crate) budget: Arc<Budget>,
}

impl<R: Read> Read for Unpacked<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let got = self.inner.read(buffer)?;
        self.budget.unpacked(got as u64)?;
        Ok(got)
    }
}
