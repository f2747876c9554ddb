//! Readers: an input in, batches of values out, with bounded memory whatever the input's size.
//!
//! The format is told by content first (magic bytes), by extension second, and by a look at the first line last.
//! Compression is undone on the way, archives are opened member by member, both within [`Limits`]. A reader reports what
//! it could not read as [`Problem`]s and goes on; it does not scan. To add a format: a file here, a line in [`Format`]
//! and in `Child::open_format`.

mod archive;
mod avro;
mod compression;
mod csv;
mod csv_head;
mod encodings;
mod ipc;
mod json;
mod jsonl;
mod late;
mod limits;
mod mended;
mod notebook;
mod pages;
mod parquet;
pub(crate) mod pipe;
mod source;
mod tar;
#[cfg(test)]
mod tests;
mod text;
mod warc;
mod zip;

pub use limits::Limits;
pub(crate) use parquet::ParquetBatches;
pub use source::Source;

use crate::Error;
use crate::columns::FieldFilter;
use crate::values::{FieldTable, ValueBatch};
use compression::Compression;
pub(crate) use csv::sniff_delimiter;
pub use csv_head::Header;
pub(crate) use csv_head::{Head, head_of};
pub(crate) use jsonl::{is_json, standard, unit_at};
use limits::{Budget, Counted, LimitMet};
pub(crate) use source::Input;
use source::{Cursor, Memory};
use std::cell::Cell;
use std::io::{BufReader, Read};
use std::path::Path;
use std::sync::{Arc, Once};

/// Bytes of a batch, about.
pub const BATCH_BYTES: usize = 1 << 20;

/// Longest record of a record format, in bytes. A longer one is reported and scanned as text in pieces.
pub const RECORD_BYTES_MAX: usize = 64 << 20;

/// Bytes of an input that are looked at to tell what it is.
pub(crate) const HEAD_BYTES: usize = 8 << 10;

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
    /// Apache Avro object container file.
    Avro,
    /// Anything else that is text.
    Text,
    /// Markdown, read as text.
    Markdown,
    /// HTML, read as text: tags and attributes hold data too.
    Html,
    /// Jupyter notebook.
    Notebook,
    /// Web archive (also WET and WAT).
    Warc,
    /// Tar archive; a WebDataset shard is one.
    Tar,
    /// Zip archive.
    Zip,
}

impl Format {
    /// All formats, for help texts.
    pub const ALL: [Self; 14] = [
        Self::Jsonl,
        Self::Json,
        Self::Csv,
        Self::Tsv,
        Self::Parquet,
        Self::Arrow,
        Self::Avro,
        Self::Text,
        Self::Markdown,
        Self::Html,
        Self::Notebook,
        Self::Warc,
        Self::Tar,
        Self::Zip,
    ];

    /// The name used on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Jsonl => "jsonl",
            Self::Json => "json",
            Self::Csv => "csv",
            Self::Tsv => "tsv",
            Self::Parquet => "parquet",
            Self::Arrow => "arrow",
            Self::Avro => "avro",
            Self::Text => "text",
            Self::Markdown => "markdown",
            Self::Html => "html",
            Self::Notebook => "notebook",
            Self::Warc => "warc",
            Self::Tar => "tar",
            Self::Zip => "zip",
        }
    }

    /// The format with this name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|f| f.as_str() == name)
    }

    fn by_extension(name: &str) -> Option<Self> {
        // `corpus.jsonl.gz` is JSONL: the compression's own extension does not count.
        let name = Compression::bare_name(name).to_ascii_lowercase();
        match Path::new(&name).extension()?.to_str()? {
            "jsonl" | "ndjson" | "jl" => Some(Self::Jsonl),
            "json" => Some(Self::Json),
            "csv" => Some(Self::Csv),
            "tsv" | "tab" => Some(Self::Tsv),
            "parquet" | "pq" => Some(Self::Parquet),
            "arrow" | "ipc" | "feather" | "arrows" => Some(Self::Arrow),
            "avro" => Some(Self::Avro),
            "md" | "markdown" => Some(Self::Markdown),
            "html" | "htm" | "xhtml" => Some(Self::Html),
            "ipynb" => Some(Self::Notebook),
            "warc" | "wet" | "wat" => Some(Self::Warc),
            "tar" => Some(Self::Tar),
            "zip" => Some(Self::Zip),
            _ => None,
        }
    }

    /// By the first bytes, where they leave no doubt.
    fn by_magic(head: &[u8]) -> Option<Self> {
        match head {
            [b'P', b'A', b'R', b'1', ..] => Some(Self::Parquet),
            [b'A', b'R', b'R', b'O', b'W', b'1', ..] => Some(Self::Arrow),
            [b'O', b'b', b'j', 1, ..] => Some(Self::Avro),
            [b'W', b'A', b'R', b'C', b'/', b'0'..=b'9', ..] => Some(Self::Warc),
            _ if is_arrow_stream(head) => Some(Self::Arrow),
            _ if zip::is_zip(head) => Some(Self::Zip),
            _ if tar::is_tar(head) => Some(Self::Tar),
            _ => None,
        }
    }

    /// Text formats have NUL bytes by mistake only.
    fn is_text(self) -> bool {
        use Format::{Csv, Html, Json, Jsonl, Markdown, Notebook, Text, Tsv};
        matches!(self, Jsonl | Json | Csv | Tsv | Text | Markdown | Html | Notebook)
    }
}

/// What to do with content that is neither text nor a known format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub enum BinaryPolicy {
    /// Report it as an error: it was not scanned. Pictures, sound, films and arrays of
    /// numbers, which hold no text, are counted as skipped.
    #[default]
    Error,
    /// Count it as skipped.
    Skip,
    /// Scan its bytes as text.
    Scan,
}

/// Something that could not be read; the rest of the input was.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Problem {
    /// Where: `line 17 column 3`, `row group 2`.
    pub place: String,
    /// What happened and what to do, without any data.
    pub message: String,
}

/// Problems of one input that did not end it: the first are kept with their place, the rest are counted.
#[derive(Debug, Default)]
struct Problems {
    kept: Vec<Problem>,
    /// Those that were kept, also when they were taken out since.
    told: usize,
    untold: u64,
}

impl Problems {
    /// Problems of an input that are told with their place.
    const TOLD_MAX: usize = 100;

    fn add(&mut self, place: String, message: impl Into<String>) {
        if self.told < Self::TOLD_MAX {
            self.told += 1;
            self.kept.push(Problem { place, message: message.into() });
        } else {
            self.untold += 1;
        }
    }

    fn take(&mut self) -> Vec<Problem> {
        std::mem::take(&mut self.kept)
    }

    fn take_untold(&mut self) -> u64 {
        std::mem::take(&mut self.untold)
    }
}

/// Where the values of a batch come from.
#[derive(Debug, Default)]
pub struct BatchPlace {
    /// In record formats: the batch is a piece of one value that is too long for a batch, and has a zone as one of plain
    /// text has.
    pub is_piece: bool,
    /// In plain text: byte of the file at which the batch's value begins. In a piece: byte of the value.
    pub text_base: u64,
    /// In plain text and pieces: matches that start at or after this byte of the batch belong to the next batch.
    pub accept_until: usize,
    /// In plain text and pieces: matches that start before this byte of the batch belonged to the batch before.
    pub accept_from: usize,
    /// In plain text: line breaks before the batch's value.
    pub text_lines: u64,
    /// In line formats: the one-based line of each row from `first_row`.
    pub lines: Vec<u64>,
    /// In record formats: record number of the first row of the batch.
    pub first_row: u64,
    /// In archives: the member, `inner/name`, with `!` between the names of nested ones.
    pub member: Option<String>,
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

    /// Problems beyond those that were told, counted and taken out.
    fn problems_untold(&mut self) -> u64 {
        0
    }

    /// Whether the last batch is plain text: one value, with places in the file instead of rows.
    fn is_text(&self) -> bool {
        false
    }

    /// Records read so far; `None` in plain text.
    fn rows(&self) -> Option<u64>;

    /// Whether [`Reader::split`] gives parts that different threads can read.
    fn splits(&self) -> bool {
        false
    }

    /// Takes the next part of the input off, in the input's order; `None` behind the last. A part is a reader like any
    /// other: its places are those of the whole input, its counts are its own.
    fn split(&mut self) -> Option<Box<dyn Reader + Send>> {
        None
    }

    /// What ended the input before its end while parts were taken off. The part in which it happened tells it too; this
    /// is for who did not read that part.
    fn split_failed(&self) -> Option<Problem> {
        None
    }

    /// Members of an archive that were left out: pictures, sound and films, and other binary ones where asked for.
    fn members_skipped(&self) -> u64 {
        0
    }
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
    /// The format, where it is not to be detected. It is that of an input, not of an archive's members.
    pub format: Option<Format>,
    /// Which fields are wanted.
    pub filter: FieldFilter,
    /// What to do with binary content.
    pub binary: BinaryPolicy,
    /// What a packed input may cost.
    pub limits: Limits,
    /// Whether the first line of CSV and TSV names the columns.
    pub header: Header,
    /// Set by whoever wants reading of a pipe that is silent to end.
    pub stop: Arc<std::sync::atomic::AtomicBool>,
}

/// The outcome of opening an input.
pub enum Open {
    /// It can be read.
    Ready(Opened),
    /// It is binary and the policy is to skip it, or it is of a kind that holds no text.
    Skipped,
    /// It is binary and the policy is to say so.
    Binary,
}

/// What [`BinaryPolicy::Error`] says.
pub(crate) fn binary_error(path: &Path) -> Error {
    Error::read(
        path,
        "its content is binary and of no known format; it was not scanned \
         (`--binary skip` leaves such files out, `--binary scan` scans their bytes as text)",
    )
}

/// Whether bytes begin as a stream of Arrow does: with a mark, and the length of a message of which eight bytes are a unit
/// (<https://arrow.apache.org/docs/format/Columnar.html#encapsulated-message-format>).
fn is_arrow_stream(head: &[u8]) -> bool {
    let Some((b"\xff\xff\xff\xff", rest)) = head.split_first_chunk() else { return false };
    rest.first_chunk()
        .is_some_and(|length| matches!(u32::from_le_bytes(*length), 8..=0x00ff_ffff) && length[0] % 8 == 0)
}

/// Whether bytes begin an array of NumPy that holds nothing but numbers
/// (<https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html>).
fn is_array_of_numbers(head: &[u8]) -> bool {
    let Some(head) = head.strip_prefix(b"\x93NUMPY") else { return false };
    let Some(at) = memchr::memmem::find(&head[..head.len().min(256)], b"'descr': '") else { return false };
    // Order of bytes, kind, size. Text, bytes and objects are other kinds.
    head.get(at + 11).is_some_and(|kind| b"biufcmM".contains(kind))
}

/// Whether binary content is of a kind that holds no text: pictures, sound, films, arrays of numbers.
fn holds_no_text(head: &[u8]) -> bool {
    is_media(head) || is_array_of_numbers(head)
}

/// Whether binary content begins as pictures, sound and films do. Their names say nothing: anything can be called so.
fn is_media(head: &[u8]) -> bool {
    const BEGINNINGS: [&[u8]; 14] = [
        b"\x89PNG\r\n\x1a\n",
        b"\xff\xd8\xff",
        b"GIF87a",
        b"GIF89a",
        b"II*\0",
        b"MM\0*",
        b"fLaC",
        b"OggS",
        b"ID3",
        b"\xff\xfb",
        b"\xff\xf3",
        b"\xff\xf1",
        b"\x1aE\xdf\xa3",
        b"\0\0\x01\xba",
    ];
    // Containers that name their content behind a length: RIFF (WebP, WAVE, AVI) and ISO base media (MP4, HEIC, AVIF).
    let kind = head.get(8..12).unwrap_or_default();
    let is_riff = head.starts_with(b"RIFF") && [b"WEBP", b"WAVE", b"AVI "].iter().any(|k| kind == *k);
    let is_iso = head.get(4..8) == Some(b"ftyp");
    is_riff || is_iso || BEGINNINGS.iter().any(|beginning| head.starts_with(beginning))
}

/// Opens a file, or a source in its place.
///
/// # Errors
/// [`Error::Read`] where the input cannot be opened, is binary (see [`BinaryPolicy`]), or is broken from its first byte.
pub fn open(path: &Path, source: Option<&Arc<dyn Source>>, options: &OpenOptions) -> Result<Open, Error> {
    let input = match source {
        Some(source) => Input::Sized(Arc::clone(source)),
        None => Input::open(path, &options.stop).map_err(|e| Error::read(path, io_message(&e)))?,
    };
    let child = Child { options: options.clone(), budget: Budget::new(options.limits), depth: 0 };
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    match child.open_layer(&name, input) {
        Ok(Open::Binary) => Err(binary_error(path)),
        Err(Error::Read { message, .. }) => Err(Error::read(path, message)),
        other => other,
    }
}

/// Opens bytes in memory, as a file of this name would be.
///
/// # Errors
/// [`Error::Read`] where they are of no format, or broken from the first byte.
pub fn open_bytes(name: &str, bytes: Vec<u8>, options: &OpenOptions) -> Result<Open, Error> {
    let source: Arc<dyn Source> = Arc::new(Memory(bytes.into()));
    open(Path::new(name), Some(&source), options)
}

/// Opens a stream, as a file of this name would be.
///
/// # Errors
/// As [`open_bytes`].
pub fn open_stream(name: &str, stream: Box<dyn Read + Send>, options: &OpenOptions) -> Result<Open, Error> {
    let child = Child { options: options.clone(), budget: Budget::new(options.limits), depth: 0 };
    child.open_layer(name, Input::Stream(stream))
}

/// A text in chunks of this size.
pub(crate) fn text_in_chunks(text: Box<dyn Read + Send>, chunk_bytes: usize) -> Box<dyn Reader + Send> {
    Box::new(text::TextReader::with_chunks(Lookahead::new(text), chunk_bytes))
}

/// Opens what is inside: the content of a compressed file, a member of an archive.
#[derive(Clone)]
struct Child {
    options: OpenOptions,
    budget: Arc<Budget>,
    depth: usize,
}

impl Child {
    /// Opens a member of an archive.
    fn open(&self, name: &str, input: Input) -> Result<Open, Error> {
        self.open_layer(name, input)
    }

    /// One layer further in.
    fn below(&self, name: &str) -> Result<Self, Error> {
        if self.depth >= self.budget.limits.depth_max {
            let depth = self.budget.limits.depth_max;
            return Err(Error::read(
                name,
                format!("it is packed more than {depth} times; what is inside was not scanned"),
            ));
        }
        Ok(Self { depth: self.depth + 1, ..self.clone() })
    }

    fn open_layer(&self, name: &str, input: Input) -> Result<Open, Error> {
        let failed = |e: std::io::Error| Error::read(name, io_message(&e));
        let (source, bytes) = match input {
            Input::Sized(source) => (Some(Arc::clone(&source)), stream_of(source)),
            Input::Stream(bytes) => (None, bytes),
        };
        let bytes: Box<dyn Read + Send> = match self.depth {
            0 => Box::new(Counted { inner: bytes, budget: Arc::clone(&self.budget) }),
            _ => bytes,
        };
        let mut input = Lookahead::new(bytes);
        let head = input.peek(HEAD_BYTES).map_err(failed)?;
        if let Some(compression) = Compression::of(head) {
            let inside = self.below(name)?;
            let plain = compression.undo(Box::new(input), &self.budget).map_err(failed)?;
            return inside.open_layer(&Compression::bare_name(name), Input::Stream(plain));
        }
        let named = self.options.format.or_else(|| Format::by_magic(head)).or_else(|| Format::by_extension(name));
        if head.is_empty() {
            return match named.filter(|f| !f.is_text() && *f != Format::Warc) {
                Some(f) => Err(Error::read(name, format!("it is empty, which no {} file is", f.as_str()))),
                None => Ok(Open::Ready(Opened { format: None, reader: Box::new(Empty) })),
            };
        }
        match named {
            Some(format) if !format.is_text() => self.open_format(name, format, source, input),
            _ => self.open_text(name, named, input),
        }
    }

    /// Text, in UTF-8 or an encoding that can be told from it, or bytes of no known format.
    fn open_text(&self, name: &str, named: Option<Format>, mut input: Lookahead) -> Result<Open, Error> {
        if let Some(encoding) = encodings::encoding(input.head()) {
            input = Lookahead::new(encodings::decoded(Box::new(input), encoding));
            input.peek(HEAD_BYTES).map_err(|e| Error::read(name, io_message(&e)))?;
        } else if is_ascii_so_far(input.head()) {
            input = Lookahead::new(Box::new(late::Late::new(Box::new(input))));
            input.peek(HEAD_BYTES).map_err(|e| Error::read(name, io_message(&e)))?;
        }
        let head = input.head();
        let mut format = named.unwrap_or_else(|| sniff(name, head));
        if head.contains(&0) && !encodings::is_text_with_nuls(head) && self.options.format.is_none() {
            match self.options.binary {
                BinaryPolicy::Skip => return Ok(Open::Skipped),
                BinaryPolicy::Error if holds_no_text(head) => return Ok(Open::Skipped),
                BinaryPolicy::Error => return Ok(Open::Binary),
                BinaryPolicy::Scan => format = Format::Text,
            }
        }
        self.open_format(name, format, None, input)
    }

    fn open_format(
        &self,
        name: &str,
        format: Format,
        source: Option<Arc<dyn Source>>,
        input: Lookahead,
    ) -> Result<Open, Error> {
        let filter = self.options.filter.clone();
        let limits = &self.budget.limits;
        let broken = |message: String| Error::read(name, message);
        let reader: Box<dyn Reader + Send> = match format {
            Format::Jsonl => Box::new(jsonl::JsonlReader::new(input, filter, limits.record_bytes_max)),
            Format::Json => json::open(input, filter, &self.budget).map_err(broken)?,
            Format::Csv | Format::Tsv => {
                let delimiter = (format == Format::Tsv).then_some(b'\t');
                let header = self.options.header;
                Box::new(csv::CsvReader::new(input, delimiter, header, filter, limits.record_bytes_max))
            }
            Format::Text | Format::Markdown | Format::Html => Box::new(text::TextReader::new(input)),
            Format::Notebook => notebook::open(input, filter, &self.budget).map_err(broken)?,
            Format::Warc => Box::new(warc::WarcReader::new(input, filter, Arc::clone(&self.budget))),
            Format::Avro => Box::new(avro::AvroReader::open(input, filter, limits).map_err(broken)?),
            Format::Parquet => {
                let source = self.whole(source, input).map_err(broken)?;
                Box::new(parquet::ParquetReader::open(source, filter, limits).map_err(broken)?)
            }
            Format::Arrow => {
                let opened = match ipc::needs_seek(input.head()) {
                    true => self
                        .whole(source, input)
                        .and_then(|source| ipc::IpcReader::open_file(source, filter, limits.document_bytes_max)),
                    false => ipc::IpcReader::open_stream(input, filter, limits.document_bytes_max),
                };
                Box::new(opened.map_err(broken)?)
            }
            Format::Tar => {
                let entries = Box::new(tar::TarEntries::new(Box::new(input)));
                Box::new(archive::ArchiveReader::new(entries, self.inside(name)?))
            }
            Format::Zip => {
                let source = self.whole(source, input).map_err(broken)?;
                let entries = zip::ZipEntries::open(source, Arc::clone(&self.budget)).map_err(broken)?;
                Box::new(archive::ArchiveReader::new(Box::new(entries), self.inside(name)?))
            }
        };
        Ok(Open::Ready(Opened { format: Some(format), reader }))
    }

    /// What opens an archive's members: one layer further in, each of a format of its own.
    fn inside(&self, name: &str) -> Result<Self, Error> {
        let mut inside = self.below(name)?;
        inside.options.format = None;
        Ok(inside)
    }

    /// A source for formats that are read at any place; a stream is held in memory for them.
    fn whole(&self, source: Option<Arc<dyn Source>>, input: Lookahead) -> Result<Arc<dyn Source>, String> {
        match source {
            Some(source) => Ok(source),
            None => {
                let bytes = compression::read_whole(input, &self.budget).map_err(|e| io_message(&e))?;
                Ok(Arc::new(Memory(bytes.into())))
            }
        }
    }
}

/// The bytes of a scan's input, to be read at any place.
pub(crate) fn input_of(input: &crate::scan::ScanInput) -> std::io::Result<Arc<dyn Source>> {
    match &input.source {
        Some(source) => Ok(Arc::clone(source)),
        // What is no file is read once.
        None if !std::fs::metadata(&input.path)?.is_file() => Err(std::io::ErrorKind::Unsupported.into()),
        None => match Input::open(&input.path, &Default::default())? {
            Input::Sized(source) => Ok(source),
            Input::Stream(_) => Err(std::io::ErrorKind::Unsupported.into()),
        },
    }
}

/// A text file of another encoding in UTF-8; `None` where it is read as it is.
pub(crate) fn in_utf8(path: &Path) -> std::io::Result<Option<impl Read>> {
    let mut input = Lookahead::new(Box::new(std::fs::File::open(path)?));
    let head = input.peek(HEAD_BYTES)?;
    let encoding = match encodings::encoding(head) {
        // All before is ASCII, which is the same in the encodings that are told late.
        None if is_ascii_so_far(head) => late::Late::encoding_of(Box::new(std::fs::File::open(path)?))?,
        told => told,
    };
    Ok(encoding.map(|encoding| encodings::decoded(Box::new(input), encoding)))
}

/// Whether a text begins in ASCII and goes on.
fn is_ascii_so_far(head: &[u8]) -> bool {
    head.len() >= HEAD_BYTES && head.is_ascii() && !head.contains(&0)
}

/// A source read from its beginning.
pub(crate) fn stream_of(source: Arc<dyn Source>) -> Box<dyn Read + Send> {
    let block = source.block_bytes();
    let cursor = Cursor::new(source);
    // A local file is read by readers in buffers of their own.
    match block > 1 << 16 {
        true => Box::new(BufReader::with_capacity(block, cursor)),
        false => Box::new(cursor),
    }
}

/// What a name does not tell: HTML and JSON Lines by their beginning, whatever the name; where there is no extension, as of
/// standard input, also JSON whose first record is long, a short document, a notebook, and a table whose first line names its
/// columns. All else is text.
fn sniff(name: &str, head: &[u8]) -> Format {
    let start: Vec<u8> = head.trim_ascii_start().iter().take(14).map(u8::to_ascii_lowercase).collect();
    if start.starts_with(b"<!doctype html") || start.starts_with(b"<html") {
        return Format::Html;
    }
    let Some(line) = head.split(|b| *b == b'\n').next() else { return Format::Text };
    let whole_line = line.len() < head.len();
    if whole_line && line.first() == Some(&b'{') && jsonl::is_json(line) {
        return Format::Jsonl;
    }
    let is_notebook = || {
        let open = head.trim_ascii_start().strip_prefix(b"{").map(<[u8]>::trim_ascii_start);
        open.is_some_and(|inside| [b"\"cells\"".as_slice(), b"\"nbformat\""].iter().any(|key| inside.starts_with(key)))
    };
    let json = json_in(head);
    match Path::new(name).extension() {
        Some(_) => Format::Text,
        None if json.is_some() && is_notebook() => Format::Notebook,
        // A record that goes on behind what is seen, as a line of its own. What has several lines and goes on may be one
        // document or many, which would have to be held to be told apart: that is text.
        None if json == Some(Extent::Cut) && !whole_line && head.starts_with(b"{") => Format::Jsonl,
        None if json == Some(Extent::Whole) => Format::Json,
        None if csv_head::is_table(head) => Format::Csv,
        None => Format::Text,
    }
}

/// How much of a document the beginning of an input holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Extent {
    Whole,
    Cut,
}

/// Whether bytes are a document of JSON with something in it, as far as they go.
fn json_in(head: &[u8]) -> Option<Extent> {
    let is_open = matches!(head.trim_ascii_start(), [b'{', ..] | [b'[', ..]);
    match serde_json::from_slice::<serde::de::IgnoredAny>(head) {
        _ if !is_open => None,
        Ok(_) => Some(Extent::Whole),
        Err(e) => e.is_eof().then_some(Extent::Cut),
    }
}

/// What an I/O error means to a person, without the path, which the message around it has.
pub(crate) fn io_message(e: &std::io::Error) -> String {
    use std::io::ErrorKind as K;
    if let Some(message) = LimitMet::message(e) {
        return message;
    }
    match e.kind() {
        K::IsADirectory => "it is a directory".into(),
        K::NotFound => "it does not exist".into(),
        K::PermissionDenied => "permission denied; run as a user who may read it".into(),
        K::UnexpectedEof => "it ends too early: the file is truncated".into(),
        K::InvalidInput | K::InvalidData => "its compressed content is damaged or truncated".into(),
        _ => e.to_string(),
    }
}

thread_local! {
    /// This thread is in a decoder of another library.
    static IN_FOREIGN: Cell<bool> = const { Cell::new(false) };
}

/// Runs a decoder of another library on input that may be hostile: where it panics instead of refusing, that is one
/// more way to be damaged. What it says then may quote the input, so it is not printed.
pub(crate) fn foreign<T>(decode: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
    static QUIET: Once = Once::new();
    QUIET.call_once(|| {
        let usual = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            if !IN_FOREIGN.get() {
                usual(panic);
            }
        }));
    });
    let outer = IN_FOREIGN.replace(true);
    let decoded = std::panic::catch_unwind(std::panic::AssertUnwindSafe(decode));
    IN_FOREIGN.set(outer);
    decoded.unwrap_or_else(|_| Err("its decoder failed on it".into()))
}

/// Fills a buffer as far as it can be, and gives what prevented more but the end.
fn read_up_to(file: &mut dyn Read, buffer: &mut [u8]) -> (usize, Option<std::io::Error>) {
    let mut got = 0;
    while got < buffer.len() {
        match file.read(&mut buffer[got..]) {
            Ok(0) => break,
            Ok(n) => got += n,
            Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
            Err(e) => return (got, Some(e)),
        }
    }
    (got, None)
}

/// A byte stream whose beginning can be looked at before it is read.
pub(crate) struct Lookahead {
    head: std::io::Cursor<Vec<u8>>,
    rest: Box<dyn Read + Send>,
    /// What reading met behind the beginning.
    failed: Option<std::io::Error>,
}

impl Lookahead {
    fn new(rest: Box<dyn Read + Send>) -> Self {
        Self { head: std::io::Cursor::new(Vec::new()), rest, failed: None }
    }

    /// Looks at the beginning. Where there is one, what reading met behind it is told when that is read.
    fn peek(&mut self, count: usize) -> std::io::Result<&[u8]> {
        let mut head = vec![0; count];
        let (got, failed) = read_up_to(&mut *self.rest, &mut head);
        match failed {
            Some(e) if got == 0 => return Err(e),
            failed => self.failed = failed,
        }
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
        match (self.head.read(buffer)?, self.failed.take_if(|_| !buffer.is_empty())) {
            (0, None) => self.rest.read(buffer),
            (0, Some(e)) => Err(e),
            (n, failed) => {
                self.failed = failed;
                Ok(n)
            }
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
