//! Apache Parquet: wanted columns only, a batch of rows at a time, a row group a part.

use super::limits::Limits;
use super::pages::Pages;
use super::source::{Cursor, Source};
use super::{BatchPlace, Problem, Reader, foreign};
use crate::columns::{self, FieldFilter, Slices};
use crate::values::{FieldTable, ValueBatch};
use arrow_schema::{DataType, Field, Fields, Schema};
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

pub(super) struct ParquetReader {
    file: Arc<ParquetFile>,
    /// Row groups that are still to be read, and the record number of the first row of the next one.
    groups: Range<usize>,
    next_row: u64,
    current: Option<Group>,
    row: u64,
    first_row: u64,
}

/// A row group that is being read.
struct Group {
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
        // The library's messages name structure (offsets, lengths), not data. The embedded Arrow schema is taken: it
        // tells which columns are text where the Parquet schema leaves it open.
        let metadata = foreign(|| {
            ArrowReaderMetadata::load(&chunks, ArrowReaderOptions::new())
                .map_err(|e| format!("not a readable Parquet file (truncated, or no Parquet at all): {e}"))
        })?;
        let metadata = with_views(metadata);
        let mask = projection(&metadata, &filter);
        let groups = 0..metadata.metadata().num_row_groups();
        let file = Arc::new(ParquetFile { chunks, metadata, mask, filter, limits: *limits });
        Ok(Self { file, groups, next_row: 0, current: None, row: 0, first_row: 0 })
    }

    fn group(&self, index: usize) -> &RowGroupMetaData {
        self.file.metadata.metadata().row_group(index)
    }

    /// Takes the next row group off; `None` behind the last.
    fn take_group(&mut self) -> Option<(usize, u64)> {
        let index = self.groups.next()?;
        let first_row = self.next_row;
        self.next_row += u64::try_from(self.group(index).num_rows()).unwrap_or_default();
        Some((index, first_row))
    }

    fn open_group(&self, index: usize) -> Result<Group, String> {
        let file = &self.file;
        let pages = Pages::of(file.chunks.clone(), self.group(index), &file.limits);
        let batches = foreign(|| {
            Builder::new_with_metadata(pages.clone(), file.metadata.clone())
                .with_row_groups(vec![index])
                .with_projection(file.mask.clone())
                .with_batch_size(batch_rows(self.group(index)))
                .build()
                .map_err(|e| e.to_string())
        })?;
        Ok(Group { pages, batches, slices: None })
    }

    fn damaged(&mut self, e: &str) -> Problem {
        self.groups = 0..0;
        self.current = None;
        let message = format!("damaged Parquet data; the rest was not scanned: {e}");
        Problem { place: format!("row {}", self.row), message }
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
        let root = column.path().parts().first().map_or("", String::as_str);
        let flat = column.path().parts().len() == 1;
        filter.may_want_below(root) && !(flat && holds_nothing(&column))
    };
    ProjectionMask::leaves(schema, (0..schema.num_columns()).filter(wanted))
}

fn holds_nothing(column: &ColumnDescriptor) -> bool {
    match column.physical_type() {
        // A float of 32 bits holds no whole number of eight digits as it is.
        Physical::BOOLEAN | Physical::FLOAT | Physical::INT96 => true,
        Physical::INT32 | Physical::INT64 => matches!(
            column.logical_type_ref(),
            Some(LogicalType::Timestamp { .. } | LogicalType::Time { .. } | LogicalType::Date)
        ),
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
                self.current = Some(self.open_group(index).map_err(|e| self.damaged(&e))?);
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
                Err(e) => return Err(self.damaged(&e)),
            }
        }
    }

    fn rows(&self) -> Option<u64> {
        Some(self.row - self.first_row)
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
