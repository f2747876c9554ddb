//! Apache Parquet: wanted columns only, a batch of rows at a time, a row group a part. What is damaged ends its row group
//! and no other.

use super::limits::Limits;
use super::pages::Pages;
use super::source::{Cursor, Source};
use super::{BatchPlace, Problem, Problems, Reader, foreign};
use crate::columns::{self, FieldFilter, Slices};
use crate::values::{FieldTable, ValueBatch};
use arrow_array::RecordBatch;
use arrow_schema::{DataType, Field, Fields, Schema, SchemaRef};
use bytes::Bytes;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder as Builder;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader};
use parquet::basic::{LogicalType, Type as Physical};
use parquet::errors::ParquetError;
use parquet::file::metadata::RowGroupMetaData;
use parquet::file::reader::{ChunkReader, Length};
use parquet::schema::types::ColumnDescriptor;
use std::io::{BufReader, Seek as _, SeekFrom};
use std::ops::Range;
use std::sync::Arc;

/// Decoded bytes of a batch, about, and its rows at the most.
const BATCH_BYTES: i64 = 2 << 20;
const ROWS_MAX: usize = 8_192;
/// Bytes at the end of a file that say how long its description is.
const FOOTER_BYTES: u64 = 8;
/// What a description of so many bytes becomes in memory is about as many times as long.
const METADATA_SHARE: u64 = 8;

pub(super) struct ParquetReader {
    file: Arc<ParquetFile>,
    /// Row groups that are still to be read, and the record number of the first row of the next one.
    groups: Range<usize>,
    next_row: u64,
    current: Option<Group>,
    row: u64,
    first_row: u64,
    problems: Problems,
}

/// A row group that is being read.
struct Group {
    index: usize,
    pages: Pages,
    batches: ParquetRecordBatchReader,
    slices: Option<Slices>,
}

struct ParquetFile {
    chunks: Chunks,
    metadata: ArrowReaderMetadata,
    mask: ProjectionMask,
    filter: FieldFilter,
    limits: Limits,
}

impl ParquetReader {
    pub(super) fn open(source: Arc<dyn Source>, filter: FieldFilter, limits: &Limits) -> Result<Self, String> {
        let chunks = Chunks(source);
        let metadata = with_views(metadata_of(&chunks, limits)?);
        let mask = projection(&metadata, &filter);
        let groups = 0..metadata.metadata().num_row_groups();
        let file = Arc::new(ParquetFile { chunks, metadata, mask, filter, limits: *limits });
        Ok(Self { file, groups, next_row: 0, current: None, row: 0, first_row: 0, problems: Problems::default() })
    }

    fn group(&self, index: usize) -> &RowGroupMetaData {
        self.file.metadata.metadata().row_group(index)
    }

    /// Takes the next row group off; `None` behind the last.
    fn take_group(&mut self) -> Option<(usize, u64)> {
        let index = self.groups.next()?;
        let first_row = self.next_row;
        let rows = u64::try_from(self.group(index).num_rows()).unwrap_or_default();
        self.next_row = self.next_row.saturating_add(rows);
        Some((index, first_row))
    }

    fn open_group(&self, index: usize) -> Result<Group, String> {
        let (pages, batches) = self.file.batches(index, batch_rows(self.group(index)))?;
        Ok(Group { index, pages, batches, slices: None })
    }

    /// Tells what is damaged, and leaves the rest of its row group: its rows count, wherever they are.
    fn damaged(&mut self, group: usize, e: &str) {
        let message = format!("damaged Parquet data; the rest of this row group was not scanned: {e}");
        self.problems.add(format!("row group {group}, row {}", self.row), message);
        self.current = None;
        self.row = self.next_row;
    }
}

impl ParquetFile {
    /// The batches of a row group, and the pages they are read from.
    fn batches(&self, index: usize, rows: usize) -> Result<(Pages, ParquetRecordBatchReader), String> {
        let pages = Pages::of(self.chunks.clone(), self.metadata.metadata().row_group(index), &self.limits);
        let batches = foreign(|| {
            Builder::new_with_metadata(pages.clone(), self.metadata.clone())
                .with_row_groups(vec![index])
                .with_projection(self.mask.clone())
                .with_batch_size(rows)
                .build()
                .map_err(|e| e.to_string())
        })?;
        Ok((pages, batches))
    }
}

/// What a file says of itself at its end, if that is not too long.
fn metadata_of(chunks: &Chunks, limits: &Limits) -> Result<ArrowReaderMetadata, String> {
    let size = chunks.len();
    let footer = foreign(|| {
        chunks.get_bytes(size.saturating_sub(FOOTER_BYTES), size.min(FOOTER_BYTES) as usize).map_err(|e| e.to_string())
    })?;
    let bytes = footer.first_chunk().map_or(0, |length| u64::from(u32::from_le_bytes(*length)));
    if bytes > limits.document_bytes_max / METADATA_SHARE && bytes <= size {
        return Err(format!("its footer is {bytes} bytes long, more than a scan within its limits holds in memory"));
    }
    // The library's messages name structure (offsets, lengths), not data. The embedded Arrow schema is taken: it
    // tells which columns are text where the Parquet schema leaves it open.
    foreign(|| {
        ArrowReaderMetadata::load(chunks, ArrowReaderOptions::new()).map_err(|e| {
            format!(
                "not a readable Parquet file: {e}; it is truncated, or no Parquet at all (`--format` says what it is)"
            )
        })
    })
}

/// A file read as it is, for those who copy it or read a table's own files: all batches of some of its columns, or the
/// damage that ends it, within the limits of a scan.
pub(crate) struct ParquetBatches {
    file: ParquetFile,
    groups: Range<usize>,
    rows_max: usize,
    current: Option<(Pages, ParquetRecordBatchReader)>,
    slices: Option<Slices>,
}

impl ParquetBatches {
    /// The columns whose paths are wanted, in batches of no more than so many rows.
    pub(crate) fn open(
        source: Arc<dyn Source>,
        limits: &Limits,
        rows_max: usize,
        wanted: impl Fn(&[String]) -> bool,
    ) -> Result<Self, String> {
        let chunks = Chunks(source);
        let metadata = metadata_of(&chunks, limits)?;
        let schema = metadata.parquet_schema();
        let is_wanted = |index: &usize| wanted(schema.column(*index).path().parts());
        let mask = ProjectionMask::leaves(schema, (0..schema.num_columns()).filter(is_wanted));
        let groups = 0..metadata.metadata().num_row_groups();
        let file = ParquetFile { chunks, metadata, mask, filter: FieldFilter::default(), limits: *limits };
        Ok(Self { file, groups, rows_max, current: None, slices: None })
    }

    /// The schema of the file.
    pub(crate) fn schema(&self) -> SchemaRef {
        Arc::clone(self.file.metadata.schema())
    }

    fn read(&mut self) -> Result<Option<RecordBatch>, String> {
        loop {
            if let Some(records) = self.slices.as_mut().and_then(Iterator::next) {
                return Ok(Some(records));
            }
            let Some((pages, batches)) = &mut self.current else {
                let Some(index) = self.groups.next() else { return Ok(None) };
                let rows = batch_rows(self.file.metadata.metadata().row_group(index)).min(self.rows_max);
                self.current = Some(self.file.batches(index, rows)?);
                continue;
            };
            pages.next_batch();
            match foreign(|| batches.next().transpose().map_err(|e| e.to_string()))? {
                Some(records) => self.slices = Some(Slices::of(records, self.rows_max)),
                None => self.current = None,
            }
        }
    }
}

impl Iterator for ParquetBatches {
    type Item = Result<RecordBatch, String>;

    fn next(&mut self) -> Option<Self::Item> {
        let read = self.read().inspect_err(|_| {
            self.groups = 0..0;
            self.current = None;
        });
        read.transpose()
    }
}

/// Rows that make a batch of about the wanted size, if the rows of the group are alike.
fn batch_rows(group: &RowGroupMetaData) -> usize {
    let row_bytes = group.total_byte_size().max(1) / group.num_rows().max(1);
    usize::try_from(BATCH_BYTES / row_bytes.max(1)).unwrap_or(ROWS_MAX).clamp(1, ROWS_MAX)
}

/// The same file with texts and bytes read as views: a page or dictionary is in memory once, however many rows have a
/// value of it.
fn with_views(metadata: ArrowReaderMetadata) -> ArrowReaderMetadata {
    let schema = metadata.schema();
    let schema = Schema::new_with_metadata(views_of(schema.fields()), schema.metadata().clone());
    let options = ArrowReaderOptions::new().with_schema(Arc::new(schema));
    let read =
        foreign(|| ArrowReaderMetadata::try_new(Arc::clone(metadata.metadata()), options).map_err(|e| e.to_string()));
    // A schema that the library does not take is rare and means nothing bad: the file is read as it would be.
    read.unwrap_or(metadata)
}

fn views_of(fields: &Fields) -> Fields {
    fields.iter().map(|field| Arc::new(view_of(field))).collect()
}

fn view_of(field: &Field) -> Field {
    let child = |field: &Arc<Field>| Arc::new(view_of(field));
    let data_type = match field.data_type() {
        DataType::Utf8 | DataType::LargeUtf8 => DataType::Utf8View,
        DataType::Binary | DataType::LargeBinary => DataType::BinaryView,
        DataType::Struct(children) => DataType::Struct(views_of(children)),
        DataType::List(item) => DataType::List(child(item)),
        DataType::LargeList(item) => DataType::LargeList(child(item)),
        DataType::FixedSizeList(item, size) => DataType::FixedSizeList(child(item), *size),
        DataType::Map(entries, sorted) => DataType::Map(child(entries), *sorted),
        other => other.clone(),
    };
    field.clone().with_data_type(data_type)
}

/// The columns that can hold something to find: of the wanted fields, those of text, bytes and numbers. Nested
/// columns are taken whole.
fn projection(metadata: &ArrowReaderMetadata, filter: &FieldFilter) -> ProjectionMask {
    let schema = metadata.parquet_schema();
    let wanted = |index: &usize| {
        let column = schema.column(*index);
        let root = filter.called(column.path().parts().first().map_or("", String::as_str));
        let flat = column.path().parts().len() == 1;
        filter.may_want_below(root) && !(flat && holds_nothing(&column, root, filter))
    };
    ProjectionMask::leaves(schema, (0..schema.num_columns()).filter(wanted))
}

fn holds_nothing(column: &ColumnDescriptor, name: &str, filter: &FieldFilter) -> bool {
    let is_date = || matches!(column.logical_type_ref(), Some(LogicalType::Timestamp { .. } | LogicalType::Date));
    match column.physical_type() {
        Physical::BOOLEAN => true,
        // A float of 32 bits holds no whole number of eight digits as it is.
        Physical::FLOAT => !filter.takes_fractions(name),
        Physical::INT96 => !filter.takes_dates(name),
        Physical::INT32 | Physical::INT64 if is_date() => !filter.takes_dates(name),
        Physical::INT32 | Physical::INT64 => matches!(column.logical_type_ref(), Some(LogicalType::Time { .. })),
        Physical::BYTE_ARRAY | Physical::FIXED_LEN_BYTE_ARRAY | Physical::DOUBLE => false,
    }
}

impl Reader for ParquetReader {
    fn next(
        &mut self,
        fields: &mut FieldTable,
        batch: &mut ValueBatch,
        place: &mut BatchPlace,
    ) -> Result<bool, Problem> {
        place.lines.clear();
        loop {
            if self.current.is_none() {
                let Some((index, first_row)) = self.take_group() else { return Ok(false) };
                self.row = first_row;
                match self.open_group(index) {
                    Ok(group) => self.current = Some(group),
                    Err(e) => self.damaged(index, &e),
                }
                continue;
            }
            let Some(group) = &mut self.current else { return Ok(false) };
            if let Some(records) = group.slices.as_mut().and_then(Iterator::next) {
                place.first_row = self.row;
                columns::push_batch(&records, self.row, &self.file.filter, fields, batch);
                self.row += records.num_rows() as u64;
                return Ok(true);
            }
            group.slices = None;
            group.pages.next_batch();
            match foreign(|| group.batches.next().transpose().map_err(|e| e.to_string())) {
                Ok(None) => self.current = None,
                Ok(Some(records)) => group.slices = Some(Slices::of(records, ROWS_MAX)),
                Err(e) => {
                    let index = group.index;
                    self.damaged(index, &e);
                }
            }
        }
    }

    fn rows(&self) -> Option<u64> {
        Some(self.row - self.first_row)
    }

    fn problems(&mut self) -> Vec<Problem> {
        self.problems.take()
    }

    fn problems_untold(&mut self) -> u64 {
        self.problems.take_untold()
    }

    fn splits(&self) -> bool {
        self.groups.len() > 1
    }

    fn split(&mut self) -> Option<Box<dyn Reader + Send>> {
        let (index, first_row) = self.take_group()?;
        Some(Box::new(Self {
            file: Arc::clone(&self.file),
            groups: index..index + 1,
            next_row: first_row,
            current: None,
            row: first_row,
            first_row,
            problems: Problems::default(),
        }))
    }
}

/// A source as the Parquet library reads it.
#[derive(Clone)]
pub(crate) struct Chunks(pub(crate) Arc<dyn Source>);

impl Length for Chunks {
    fn len(&self) -> u64 {
        self.0.size_bytes()
    }
}

impl ChunkReader for Chunks {
    type T = BufReader<Cursor>;

    fn get_read(&self, start: u64) -> Result<Self::T, ParquetError> {
        let mut cursor = Cursor::new(Arc::clone(&self.0));
        cursor.seek(SeekFrom::Start(start))?;
        // Page headers are read through this: a few dozen bytes each.
        Ok(BufReader::with_capacity(256, cursor))
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes, ParquetError> {
        if start.saturating_add(length as u64) > self.0.size_bytes() {
            return Err(ParquetError::EOF("a page lies behind the end of the file".into()));
        }
        let mut bytes = vec![0; length];
        let mut got = 0;
        while got < length {
            match self.0.read_at(start + got as u64, &mut bytes[got..])? {
                0 => return Err(ParquetError::EOF("the file ends inside a page".into())),
                n => got += n,
            }
        }
        Ok(bytes.into())
    }
}
