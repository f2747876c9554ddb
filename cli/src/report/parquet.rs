//! A Parquet file: one row a finding, a column for each key of the output contract. Profiles of columns are in its
//! metadata, as JSON under `lineward.columns`, and under `lineward.sample` what a sample left out. What could not be read is told on standard error.

use super::{Out, Report, Scanned};
use ::parquet::arrow::ArrowWriter;
use ::parquet::basic::{Compression, ZstdLevel};
use ::parquet::errors::ParquetError;
use ::parquet::file::metadata::KeyValue;
use ::parquet::file::properties::WriterProperties;
use arrow::array::{ArrayRef, Float32Builder, ListBuilder, RecordBatch, StringBuilder, UInt64Builder};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use lineward_classifiers::Finding;
use lineward_classifiers::scan::{FieldSummary, FileReport};
use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

/// Findings held before they are written.
const BATCH_ROWS: usize = 8_192;
/// Key of the file's metadata that holds profiles of columns: an object of lists, by the path of the scanned file.
const COLUMNS_KEY: &str = "lineward.columns";
/// Key of the file's metadata that says which part of each input was looked at, where it was not all.
const SAMPLE_KEY: &str = "lineward.sample";

pub(super) struct Parquet {
    writer: Option<ArrowWriter<Out>>,
    schema: SchemaRef,
    columns: Columns,
}

#[derive(Default)]
struct Columns {
    rows: usize,
    path: StringBuilder,
    row: UInt64Builder,
    field: StringBuilder,
    start: UInt64Builder,
    end: UInt64Builder,
    line: UInt64Builder,
    detector: StringBuilder,
    entity: StringBuilder,
    categories: ListBuilder<StringBuilder>,
    confidence: StringBuilder,
    score: Float32Builder,
    fingerprint: StringBuilder,
    preview: StringBuilder,
}

fn schema() -> SchemaRef {
    let required = |name: &str, data_type| Field::new(name, data_type, false);
    let optional = |name: &str, data_type| Field::new(name, data_type, true);
    Arc::new(Schema::new(vec![
        required("path", DataType::Utf8),
        optional("row", DataType::UInt64),
        optional("field", DataType::Utf8),
        required("start", DataType::UInt64),
        required("end", DataType::UInt64),
        optional("line", DataType::UInt64),
        required("detector", DataType::Utf8),
        required("entity", DataType::Utf8),
        required("categories", DataType::new_list(DataType::Utf8, true)),
        required("confidence", DataType::Utf8),
        required("score", DataType::Float32),
        required("fingerprint", DataType::Utf8),
        required("preview", DataType::Utf8),
    ]))
}

impl Columns {
    fn push(&mut self, f: &Finding) {
        self.rows += 1;
        self.path.append_value(&f.path);
        self.row.append_option(f.row);
        self.field.append_option(f.field.as_deref());
        self.start.append_value(f.start);
        self.end.append_value(f.end);
        self.line.append_option(f.line);
        self.detector.append_value(&f.detector);
        self.entity.append_value(&f.entity);
        self.categories.append_value(f.categories.iter().map(|c| Some(c.as_str())));
        self.confidence.append_value(f.confidence.as_str());
        self.score.append_value(f.score);
        self.fingerprint.append_value(&f.fingerprint);
        self.preview.append_value(&f.preview);
    }

    /// The columns in the order of [`schema`], emptied.
    fn take(&mut self) -> Vec<ArrayRef> {
        self.rows = 0;
        vec![
            Arc::new(self.path.finish()),
            Arc::new(self.row.finish()),
            Arc::new(self.field.finish()),
            Arc::new(self.start.finish()),
            Arc::new(self.end.finish()),
            Arc::new(self.line.finish()),
            Arc::new(self.detector.finish()),
            Arc::new(self.entity.finish()),
            Arc::new(self.categories.finish()),
            Arc::new(self.confidence.finish()),
            Arc::new(self.score.finish()),
            Arc::new(self.fingerprint.finish()),
            Arc::new(self.preview.finish()),
        ]
    }
}

impl Parquet {
    pub(super) fn start(out: Out) -> io::Result<Self> {
        let schema = schema();
        let properties = WriterProperties::builder().set_compression(Compression::ZSTD(ZstdLevel::default())).build();
        let writer = ArrowWriter::try_new(out, Arc::clone(&schema), Some(properties)).map_err(into_io)?;
        Ok(Self { writer: Some(writer), schema, columns: Columns::default() })
    }

    fn write_batch(&mut self) -> io::Result<()> {
        let batch = RecordBatch::try_new(Arc::clone(&self.schema), self.columns.take()).map_err(io::Error::other)?;
        match &mut self.writer {
            Some(writer) => writer.write(&batch).map_err(into_io),
            None => Ok(()),
        }
    }
}

impl Report for Parquet {
    fn finding(&mut self, finding: &Finding) -> io::Result<()> {
        self.columns.push(finding);
        if self.columns.rows < BATCH_ROWS { Ok(()) } else { self.write_batch() }
    }

    fn finish(&mut self, scan: &Scanned<'_>) -> io::Result<()> {
        self.write_batch()?;
        let fields = |f: &FileReport| f.summaries.iter().filter(|s| s.field.is_some()).cloned().collect::<Vec<_>>();
        let profiles = scan.files.iter().map(|f| (f.path.to_string_lossy().into_owned(), fields(f)));
        let profiles: BTreeMap<String, Vec<FieldSummary>> = profiles.filter(|(_, fields)| !fields.is_empty()).collect();
        if let Some(writer) = &mut self.writer {
            let text = serde_json::to_string(&profiles)?;
            writer.append_key_value_metadata(KeyValue::new(COLUMNS_KEY.to_owned(), text));
            if let Some(sample) = scan.sample {
                writer.append_key_value_metadata(KeyValue::new(SAMPLE_KEY.to_owned(), super::sampled(sample)));
            }
        }
        match self.writer.take() {
            Some(writer) => writer.into_inner().map_err(into_io)?.flush(),
            None => Ok(()),
        }
    }
}

/// The I/O error inside, where there is one: who closed the pipe matters to the caller.
fn into_io(e: ParquetError) -> io::Error {
    match e {
        ParquetError::External(inner) => match inner.downcast::<io::Error>() {
            Ok(inner) => *inner,
            Err(other) => io::Error::other(other),
        },
        other => io::Error::other(other),
    }
}
