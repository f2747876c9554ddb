//! The record index of a scan: keyed fingerprint to file, record and offset, as Parquet, for questions of erasure: "where
//! is this person's data?" It is sorted by fingerprint in each row group and has a Bloom filter on it, so that looking one up reads
//! little. It holds no value.

use super::Out;
use ::parquet::arrow::ArrowWriter;
use ::parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use ::parquet::basic::{Compression, ZstdLevel};
use ::parquet::file::properties::{EnabledStatistics, WriterProperties};
use ::parquet::schema::types::ColumnPath;
use anyhow::{Context as _, bail};
use arrow::array::{Array as _, ArrayRef, AsArray as _, RecordBatch, StringArray, UInt64Array};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, UInt64Type};
use lineward_classifiers::Finding;
use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::Arc;

/// Its columns.
const COLUMNS: [&str; 8] = ["fingerprint", "entity", "detector", "path", "row", "field", "offset", "bytes"];

/// Entries of a row group.
const GROUP_ROWS: usize = 100_000;

/// Writes the index.
pub(crate) struct Index {
    writer: ArrowWriter<Out>,
    schema: SchemaRef,
    entries: Vec<Entry>,
}

/// A place where a value is. In the order in which places are sorted.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
pub(crate) struct Entry {
    fingerprint: String,
    path: String,
    row: Option<u64>,
    field: Option<String>,
    offset: u64,
    bytes: u64,
    entity: String,
    detector: String,
}

impl Index {
    /// An index without entries.
    pub(crate) fn start(out: Out) -> io::Result<Self> {
        let text = |name: &str, nullable| Field::new(name, DataType::Utf8, nullable);
        let number = |name: &str, nullable| Field::new(name, DataType::UInt64, nullable);
        let schema: SchemaRef = Arc::new(Schema::new(vec![
            text("fingerprint", false),
            text("entity", false),
            text("detector", false),
            text("path", false),
            number("row", true),
            text("field", true),
            number("offset", false),
            number("bytes", false),
        ]));
        let fingerprint = ColumnPath::from("fingerprint");
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::default()))
            .set_max_row_group_row_count(Some(GROUP_ROWS))
            // Least and greatest are kept of fingerprints alone, by which entries are looked up.
            .set_statistics_enabled(EnabledStatistics::None)
            .set_column_statistics_enabled(fingerprint.clone(), EnabledStatistics::Page)
            .set_column_bloom_filter_enabled(fingerprint, true)
            .build();
        let writer = ArrowWriter::try_new(out, Arc::clone(&schema), Some(properties)).map_err(io::Error::other)?;
        Ok(Self { writer, schema, entries: Vec::new() })
    }

    /// Adds a finding.
    pub(crate) fn add(&mut self, f: &Finding) -> io::Result<()> {
        self.entries.push(Entry {
            fingerprint: f.fingerprint.clone(),
            path: f.path.clone(),
            row: f.row,
            field: f.field.clone(),
            offset: f.start,
            bytes: f.end - f.start,
            entity: f.entity.clone(),
            detector: f.detector.clone(),
        });
        if self.entries.len() < GROUP_ROWS { Ok(()) } else { self.write_group() }
    }

    fn write_group(&mut self) -> io::Result<()> {
        self.entries.sort_unstable();
        let text = |of: fn(&Entry) -> &str| -> ArrayRef {
            Arc::new(StringArray::from_iter_values(self.entries.iter().map(of)))
        };
        let number = |of: fn(&Entry) -> Option<u64>| -> ArrayRef {
            Arc::new(self.entries.iter().map(of).collect::<UInt64Array>())
        };
        let columns = vec![
            text(|e| &e.fingerprint),
            text(|e| &e.entity),
            text(|e| &e.detector),
            text(|e| &e.path),
            number(|e| e.row),
            Arc::new(self.entries.iter().map(|e| e.field.as_deref()).collect::<StringArray>()),
            number(|e| Some(e.offset)),
            number(|e| Some(e.bytes)),
        ];
        let batch = RecordBatch::try_new(Arc::clone(&self.schema), columns).map_err(io::Error::other)?;
        self.entries.clear();
        self.writer.write(&batch).map_err(io::Error::other)
    }

    /// Writes what is left and closes the file.
    pub(crate) fn finish(mut self) -> io::Result<()> {
        self.write_group()?;
        self.writer.into_inner().map_err(io::Error::other)?.flush()
    }
}

/// The places that an index has of fingerprints, in its order. Row groups in which none of them can be are not read: their
/// Bloom filters tell.
pub(crate) fn places(
    index: &Path,
    fingerprints: &[String],
) -> anyhow::Result<impl Iterator<Item = anyhow::Result<Entry>> + use<>> {
    let file = File::open(index)?;
    let builder = ParquetRecordBatchReaderBuilder::try_new(file)?;
    let names: Vec<&str> = builder.schema().fields().iter().map(|field| field.name().as_str()).collect();
    let column = names.iter().position(|name| *name == "fingerprint");
    let known = COLUMNS.iter().all(|column| names.contains(column));
    let (Some(column), true) = (column, known) else {
        bail!("it is no index that `lineward scan --index` wrote");
    };
    let mut groups = Vec::new();
    for group in 0..builder.metadata().num_row_groups() {
        let filter = builder.get_row_group_column_bloom_filter(group, column)?;
        if filter.is_none_or(|filter| fingerprints.iter().any(|f| filter.check(f.as_str()))) {
            groups.push(group);
        }
    }
    let wanted = fingerprints.to_vec();
    let batches = builder.with_row_groups(groups).build()?;
    Ok(batches.flat_map(move |records| match records.map_err(anyhow::Error::from).and_then(|r| entries(&r, &wanted)) {
        Ok(entries) => entries.into_iter().map(Ok).collect(),
        Err(e) => vec![Err(e)],
    }))
}

/// The entries of fingerprints.
fn entries(records: &RecordBatch, fingerprints: &[String]) -> anyhow::Result<Vec<Entry>> {
    let text = |name: &str| records.column_by_name(name).and_then(|column| column.as_string_opt::<i32>());
    let number = |name: &str| records.column_by_name(name).and_then(|column| column.as_primitive_opt::<UInt64Type>());
    let of = || {
        let [key, entity, detector, path, field] = ["fingerprint", "entity", "detector", "path", "field"].map(text);
        let [row, offset, bytes] = ["row", "offset", "bytes"].map(number);
        let (key, entity, detector, path, field) = (key?, entity?, detector?, path?, field?);
        let (row, offset, bytes) = (row?, offset?, bytes?);
        let entry = |i: usize| Entry {
            fingerprint: key.value(i).to_owned(),
            path: path.value(i).to_owned(),
            row: row.is_valid(i).then(|| row.value(i)),
            field: field.is_valid(i).then(|| field.value(i).to_owned()),
            offset: offset.value(i),
            bytes: bytes.value(i),
            entity: entity.value(i).to_owned(),
            detector: detector.value(i).to_owned(),
        };
        Some((0..records.num_rows()).filter(|i| fingerprints.iter().any(|f| f == key.value(*i))).map(entry).collect())
    };
    of().context("it is no index that `lineward scan --index` wrote")
}
