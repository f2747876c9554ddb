//! Compression around an input: told by its first bytes, undone as a stream.

use super::limits::{Budget, LimitMet, Unpacked};
use std::io::{self, BufReader, Read};
use std::sync::Arc;

/// Memory that one xz block may ask for, in KiB: the largest dictionary that `xz -9` makes is 64 MiB.
const XZ_MEMORY_MAX_KIB: u32 = 160 << 10;
/// Largest zstd window, as a power of two: 128 MiB, the most that the `zstd` command takes unasked.
pub(super) const ZSTD_WINDOW_LOG_MAX: u32 = 27;

/// A way of compression.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Compression {
    Gzip,
    Zstd,
    Bzip2,
    Xz,
}

impl Compression {
    /// By the first bytes.
    pub(super) fn of(head: &[u8]) -> Option<Self> {
        match head {
            [0x1f, 0x8b, 8, ..] => Some(Self::Gzip),
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Some(Self::Zstd),
            // A block follows, or the end of an empty stream.
            [b'B', b'Z', b'h', b'1'..=b'9', 0x31, 0x41, 0x59, 0x26, 0x53, 0x59, ..]
            | [b'B', b'Z', b'h', b'1'..=b'9', 0x17, 0x72, 0x45, 0x38, 0x50, 0x90, ..] => Some(Self::Bzip2),
            [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Some(Self::Xz),
            _ => None,
        }
    }

    /// The name without the extension of a compression: `corpus.jsonl` of `corpus.jsonl.gz`.
    pub(super) fn bare_name(name: &str) -> String {
        let lower = name.to_ascii_lowercase();
        for packed in ["tgz", "tbz2", "txz", "tzst"] {
            if lower.ends_with(&format!(".{packed}")) {
                return format!("{}.tar", &name[..name.len() - packed.len() - 1]);
            }
        }
        let packed = [".gz", ".zst", ".zstd", ".bz2", ".xz"].into_iter().find(|p| lower.ends_with(p));
        name[..name.len() - packed.map_or(0, str::len)].to_owned()
    }

    /// Undoes it; what comes out counts against the budget.
    pub(super) fn undo(self, packed: Box<dyn Read + Send>, budget: &Arc<Budget>) -> io::Result<Box<dyn Read + Send>> {
        let inner: Box<dyn Read + Send> = match self {
            Self::Gzip => Box::new(flate2::bufread::MultiGzDecoder::new(BufReader::with_capacity(1 << 16, packed))),
            Self::Zstd => {
                let mut decoder = zstd::stream::read::Decoder::new(packed)?;
                decoder.window_log_max(ZSTD_WINDOW_LOG_MAX)?;
                Box::new(decoder)
            }
            Self::Bzip2 => Box::new(bzip2::read::MultiBzDecoder::new(packed)),
            Self::Xz => Box::new(lzma_rust2::XzReader::new_mem_limit(
                BufReader::with_capacity(1 << 16, packed),
                true,
                XZ_MEMORY_MAX_KIB,
            )),
        };
        Ok(Box::new(Unpacked { inner, budget: Arc::clone(budget) }))
    }
}

/// Reads all of a stream that has to be in memory whole.
pub(super) fn read_whole(mut input: impl Read, budget: &Budget) -> io::Result<Vec<u8>> {
    let limit = budget.limits.document_bytes_max;
    let mut bytes = Vec::new();
    let got = (&mut input).take(limit + 1).read_to_end(&mut bytes)?;
    if got as u64 > limit {
        let what = format!("it has to be held in memory whole and is longer than {limit} bytes");
        return Err(LimitMet::error(what));
    }
    Ok(bytes)
}
