//! Readers: a file in, batches of values out, with bounded memory whatever the file's size.
//!
//! The format is told by content first (magic bytes), by extension second, and by a look at the first line last.
//! Compression (gzip, zstd) is undone on the way. A reader reports what it could not read as [`Problem`]s and goes on;
//! it does not scan. To add a format: a file here, a line in [`Format`] and in `open`.

mod csv;
mod ipc;
mod json;
mod jsonl;
mod parquet;
mod text;

use crate::Error;
use crate::columns::FieldFilter;
use crate::values::{FieldTable, ValueBatch};
use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::Path;

/// Bytes of a batch, about.
pub const BATCH_BYTES: usize = 1 << 20;

/// Longest record of a record format, in bytes. A longer one is reported and scanned as text in pieces.
pub const RECORD_BYTES_MAX: usize = 64 << 20;

/// A data-set format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// One JSON value a line.
    Jsonl,
    /// One JSON document; the elements of a top-level array are its records.
    Json,
    /// Comma-separated (or `;`, `|`, tab: the first line tells), with a header line.
    Csv,
    /// Tab-separated, with a header line.
    Tsv,
    /// Apache Parquet.
    Parquet,
    /// Arrow IPC, file or stream.
    Arrow,
    /// Anything else that is text.
    Text,
}

impl Format {
    /// All formats, for help texts.
    pub const ALL: [Self; 7] = [Self::Jsonl, Self::Json, Self::Csv, Self::Tsv, Self::Parquet, Self::Arrow, Self::Text];

    /// The name used on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Jsonl => "jsonl",
            Self::Json => "json",
            Self::Csv => "csv",
            Self::Tsv => "tsv",
            Self::Parquet => "parquet",
            Self::Arrow => "arrow",
            Self::Text => "text",
        }
    }

    /// The format with this name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|f| f.as_str() == name)
    }

    fn by_extension(path: &Path) -> Option<Self> {
        // `corpus.jsonl.gz` is JSONL: the compression's own extension does not count.
        let mut name = path.file_name()?.to_str()?.to_ascii_lowercase();
        for packed in [".gz", ".zst", ".zstd"] {
            if let Some(bare) = name.strip_suffix(packed) {
                name = bare.to_owned();
            }
        }
        let extension = Path::new(&name).extension()?.to_str()?.to_owned();
        match extension.as_str() {
            "jsonl" | "ndjson" | "jl" => Some(Self::Jsonl),
            "json" => Some(Self::Json),
            "csv" => Some(Self::Csv),
            "tsv" | "tab" => Some(Self::Tsv),
            "parquet" | "pq" => Some(Self::Parquet),
            "arrow" | "ipc" | "feather" | "arrows" => Some(Self::Arrow),
            _ => None,
        }
    }
}

/// What to do with content that is neither text nor a known format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum BinaryPolicy {
    /// Report it as an error: it was not scanned.
    #[default]
    Error,
    /// Count it as skipped.
    Skip,
    /// Scan its bytes as text.
    Scan,
}

/// Something that could not be read; the rest of the input was.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Problem {
    /// Where: `line 17 column 3`, `row group 2`.
    pub place: String,
    /// What happened and what to do, without any data.
    pub message: String,
}

/// Where the values of a batch come from.
#[derive(Debug, Default)]
pub struct BatchPlace {
    /// In plain text: byte of the file at which the batch's value begins.
    pub text_base: u64,
    /// In plain text: matches that start at or after this byte of the batch belong to the next batch.
    pub accept_until: usize,
    /// In plain text: matches that start before this byte of the batch belonged to the batch before.
    pub accept_from: usize,
    /// In plain text: line breaks before the batch's value.
    pub text_lines: u64,
    /// In line formats: the one-based line of each row from `first_row`.
    pub lines: Vec<u64>,
    /// In record formats: record number of the first row of the batch.
    pub first_row: u64,
}

impl BatchPlace {
    /// The one-based line of a row, in line formats.
    pub fn line_of_row(&self, row: u64) -> Option<u64> {
        self.lines.get(usize::try_from(row.checked_sub(self.first_row)?).ok()?).copied()
    }
}

/// A file being read.
pub trait Reader {
    /// Fills an empty batch. `false` when there is nothing left.
    ///
    /// # Errors
    /// A [`Problem`] that ends the file: what was read before it stands.
    fn next(
        &mut self,
        fields: &mut FieldTable,
        batch: &mut ValueBatch,
        place: &mut BatchPlace,
    ) -> Result<bool, Problem>;

    /// Problems met so far that did not end the file, taken out.
    fn problems(&mut self) -> Vec<Problem> {
        Vec::new()
    }

    /// Records read so far; `None` in plain text.
    fn rows(&self) -> Option<u64>;
}

/// An opened input.
pub struct Opened {
    /// Its format; `None` where it is empty.
    pub format: Option<Format>,
    /// Its reader.
    pub reader: Box<dyn Reader + Send>,
}

/// How to open inputs.
#[derive(Debug, Clone, Default)]
pub struct OpenOptions {
    /// The format, where it is not to be detected.
    pub format: Option<Format>,
    /// Which fields are wanted.
    pub filter: FieldFilter,
    /// What to do with binary content.
    pub binary: BinaryPolicy,
}

/// The outcome of opening an input.
pub enum Open {
    /// It can be read.
    Ready(Opened),
    /// It is binary and the policy is to skip it.
    Skipped,
}

/// Opens a file.
///
/// # Errors
/// [`Error::Read`] where the file cannot be opened, is binary (see [`BinaryPolicy`]), or is broken from its first byte.
pub fn open(path: &Path, options: &OpenOptions) -> Result<Open, Error> {
    let mut file = File::open(path).map_err(|e| Error::read(path, io_message(&e)))?;
    if file.metadata().is_ok_and(|m| m.is_dir()) {
        return Err(Error::read(path, "it is a directory"));
    }
    let mut magic = [0u8; 8];
    let got = read_up_to(&mut file, &mut magic).map_err(|e| Error::read(path, io_message(&e)))?;
    let magic = &magic[..got];
    let seekable = file.seek(SeekFrom::Start(0));
    let named = options.format.or_else(|| Format::by_extension(path));
    let columnar = match options.format {
        Some(f) => matches!(f, Format::Parquet | Format::Arrow).then_some(f),
        None if magic.starts_with(b"PAR1") => Some(Format::Parquet),
        None if magic.starts_with(b"ARROW1") => Some(Format::Arrow),
        None => named.filter(|f| matches!(f, Format::Parquet | Format::Arrow)),
    };
    if got == 0 && seekable.is_ok() {
        return match columnar {
            Some(f) => Err(Error::read(path, format!("it is empty, which no {} file is", f.as_str()))),
            None => Ok(Open::Ready(Opened { format: None, reader: Box::new(Empty) })),
        };
    }
    match columnar {
        Some(Format::Parquet) => {
            let reader =
                parquet::ParquetReader::open(file, options.filter.clone()).map_err(|m| Error::read(path, m))?;
            return Ok(Open::Ready(Opened { format: Some(Format::Parquet), reader: Box::new(reader) }));
        }
        Some(_) => {
            let reader = ipc::IpcReader::open(file, options.filter.clone()).map_err(|m| Error::read(path, m))?;
            return Ok(Open::Ready(Opened { format: Some(Format::Arrow), reader: Box::new(reader) }));
        }
        None => {}
    }
    // A pipe cannot be rewound: the bytes that were looked at are put in front again.
    let whole: Box<dyn Read + Send> = match seekable {
        Ok(_) => Box::new(file),
        Err(_) => Box::new(std::io::Cursor::new(magic.to_vec()).chain(file)),
    };
    let bytes: Box<dyn Read + Send> = match magic {
        [0x1f, 0x8b, ..] => Box::new(flate2::read::MultiGzDecoder::new(BufReader::with_capacity(1 << 16, whole))),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => {
            Box::new(zstd::stream::read::Decoder::new(whole).map_err(|e| Error::read(path, io_message(&e)))?)
        }
        _ => whole,
    };
    open_stream(path, bytes, named, options)
}

fn open_stream(
    path: &Path,
    bytes: Box<dyn Read + Send>,
    named: Option<Format>,
    options: &OpenOptions,
) -> Result<Open, Error> {
    let mut input = Lookahead::new(bytes);
    let head = input.peek(8 << 10).map_err(|e| Error::read(path, io_message(&e)))?;
    let format = named.unwrap_or_else(|| sniff(head));
    if options.format.is_none() && matches!(head, [0xff, 0xfe, ..] | [0xfe, 0xff, ..]) && head.contains(&0) {
        return Err(Error::read(path, "it is UTF-16 text, which is not read yet; convert it to UTF-8 (`iconv`)"));
    }
    let binary = head.contains(&0);
    if binary && options.format.is_none() {
        match options.binary {
            BinaryPolicy::Skip => return Ok(Open::Skipped),
            BinaryPolicy::Error => {
                return Err(Error::read(
                    path,
                    "its content is binary and of no known format; it was not scanned \
                     (`--binary skip` leaves such files out, `--binary scan` scans their bytes as text)",
                ));
            }
            BinaryPolicy::Scan => {
                let reader = Box::new(text::TextReader::new(input));
                return Ok(Open::Ready(Opened { format: Some(Format::Text), reader }));
            }
        }
    }
    let filter = options.filter.clone();
    let reader: Box<dyn Reader + Send> = match format {
        Format::Jsonl => Box::new(jsonl::JsonlReader::new(input, filter)),
        Format::Json => json::open(input, filter).map_err(|m| Error::read(path, m))?,
        Format::Csv => Box::new(csv::CsvReader::new(input, None, filter)),
        Format::Tsv => Box::new(csv::CsvReader::new(input, Some(b'\t'), filter)),
        Format::Text | Format::Parquet | Format::Arrow => Box::new(text::TextReader::new(input)),
    };
    Ok(Open::Ready(Opened { format: Some(format), reader }))
}

/// A file without extension whose first line is one JSON object is JSONL; all else is text.
fn sniff(head: &[u8]) -> Format {
    let Some(line) = head.split(|b| *b == b'\n').next() else { return Format::Text };
    let whole_line = line.len() < head.len();
    if whole_line && line.first() == Some(&b'{') && serde_json::from_slice::<serde::de::IgnoredAny>(line).is_ok() {
        return Format::Jsonl;
    }
    Format::Text
}

/// What an I/O error means to a person, without the path, which the message around it has.
pub(crate) fn io_message(e: &std::io::Error) -> String {
    use std::io::ErrorKind as K;
    match e.kind() {
        K::NotFound => "it does not exist".into(),
        K::PermissionDenied => "permission denied; run as a user who may read it".into(),
        K::UnexpectedEof => "it ends too early: the file is truncated".into(),
        K::InvalidInput | K::InvalidData => "its compressed content is damaged or truncated".into(),
        _ => e.to_string(),
    }
}

fn read_up_to(file: &mut impl Read, buffer: &mut [u8]) -> std::io::Result<usize> {
    let mut got = 0;
    while got < buffer.len() {
        match file.read(&mut buffer[got..]) {
            Ok(0) => break,
            Ok(n) => got += n,
            Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    Ok(got)
}

/// A byte stream whose beginning can be looked at before it is read.
pub(crate) struct Lookahead {
    head: std::io::Cursor<Vec<u8>>,
    rest: Box<dyn Read + Send>,
}

impl Lookahead {
    fn new(rest: Box<dyn Read + Send>) -> Self {
        Self { head: std::io::Cursor::new(Vec::new()), rest }
    }

    fn peek(&mut self, count: usize) -> std::io::Result<&[u8]> {
        let mut head = vec![0; count];
        let got = read_up_to(&mut self.rest, &mut head)?;
        head.truncate(got);
        self.head = std::io::Cursor::new(head);
        Ok(self.head.get_ref())
    }

    /// What was looked at.
    pub(crate) fn head(&self) -> &[u8] {
        self.head.get_ref()
    }
}

impl Read for Lookahead {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        match self.head.read(buffer)? {
            0 => self.rest.read(buffer),
            n => Ok(n),
        }
    }
}

struct Empty;

impl Reader for Empty {
    fn next(&mut self, _: &mut FieldTable, _: &mut ValueBatch, _: &mut BatchPlace) -> Result<bool, Problem> {
        Ok(false)
    }

    fn rows(&self) -> Option<u64> {
        Some(0)
    }
}
