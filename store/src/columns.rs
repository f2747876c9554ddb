//! Rows to Arrow, column by column and without a serialisation framework in between.
//!
//! Each row type lists its values in the order of its table's columns ([`Encode`]); the types come from the schema, so a
//! list that does not fit it is an error and no wrong table. Reading is serde's: it happens once at the start. A test holds
//! the two against each other.

use crate::bytes::Hash;
use crate::error::Error;
use crate::rows::{
    AccessRow, AssetRow, AssetVersionRow, ColumnMappingRow, DeadLetterRow, EdgeRow, EpochRow, EventRow, FieldRow,
    FindingRow, JobRow, PolicyRow, RecordIndexRow, Recorded, RunIoRow, RunMappingRow, RunRow, SchemaRow, SignatureRow,
    TagRow,
};
use crate::schema;
use arrow::array::{
    ArrayRef, BinaryBuilder, BooleanBuilder, Float32Builder, Int32Builder, Int64Builder, ListArray, ListBuilder,
    MapArray, MapBuilder, RecordBatch, StringBuilder, StructArray, TimestampMicrosecondBuilder,
};
use arrow::datatypes::{DataType, SchemaRef};
use arrow::error::ArrowError;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A row that knows its columns.
pub(crate) trait Encode {
    /// Name of the table.
    const TABLE: &'static str;

    /// Puts the value of every column, in the order of the table's schema.
    fn put(&self, row: &mut Columns);
}

impl<E: Encode> Encode for &E {
    const TABLE: &'static str = E::TABLE;

    fn put(&self, row: &mut Columns) {
        (*self).put(row);
    }
}

/// The rows as one batch of their table.
pub(crate) fn encode<E: Encode>(rows: impl IntoIterator<Item = E>) -> Result<RecordBatch, Error> {
    let rows = rows.into_iter();
    let mut columns = Columns::new(E::TABLE, rows.size_hint().0)?;
    rows.for_each(|row| row.put(&mut columns));
    columns.finish()
}

/// The columns of a table while they fill.
#[derive(Debug)]
pub(crate) struct Columns {
    table: &'static str,
    schema: SchemaRef,
    columns: Vec<Column>,
    /// The column that the next value belongs to.
    at: usize,
}

#[derive(Debug)]
enum Column {
    I64(Int64Builder),
    I32(Int32Builder),
    F32(Float32Builder),
    Bool(BooleanBuilder),
    Time(TimestampMicrosecondBuilder),
    Text(StringBuilder),
    Binary(BinaryBuilder),
    TextMap(MapBuilder<StringBuilder, StringBuilder>),
    I64Map(MapBuilder<StringBuilder, Int64Builder>),
    TextList(ListBuilder<StringBuilder>),
}

/// Bytes of text that a column starts with for each row.
const TEXT_BYTES: usize = 16;

impl Columns {
    fn new(table: &'static str, rows: usize) -> Result<Self, Error> {
        let schema = schema::arrow_schema(table).ok_or_else(|| Error::Unknown(format!("no table `{table}`")))?;
        let columns = schema.fields().iter().map(|field| column(field.data_type(), rows)).collect::<Option<Vec<_>>>();
        let columns = columns.ok_or_else(|| Error::rows(table, "a column is of a type that is not written"))?;
        Ok(Self { table, schema, columns, at: 0 })
    }

    fn next(&mut self) -> Option<&mut Column> {
        let at = self.at;
        self.at = (at + 1) % self.columns.len().max(1);
        self.columns.get_mut(at)
    }

    // A value of another type than its column's leaves the column a row short, which `finish` refuses.

    fn i64(&mut self, value: impl Into<Option<i64>>) {
        match self.next() {
            Some(Column::I64(column)) => column.append_option(value.into()),
            Some(Column::Time(column)) => column.append_option(value.into()),
            _ => {}
        }
    }

    fn i32(&mut self, value: impl Into<Option<i32>>) {
        if let Some(Column::I32(column)) = self.next() {
            column.append_option(value.into());
        }
    }

    fn f32(&mut self, value: f32) {
        if let Some(Column::F32(column)) = self.next() {
            column.append_value(value);
        }
    }

    fn bool(&mut self, value: bool) {
        if let Some(Column::Bool(column)) = self.next() {
            column.append_value(value);
        }
    }

    fn text<'a>(&mut self, value: impl Into<Option<&'a str>>) {
        if let Some(Column::Text(column)) = self.next() {
            column.append_option(value.into());
        }
    }

    fn hash(&mut self, value: Option<&Hash>) {
        if let Some(Column::Binary(column)) = self.next() {
            column.append_option(value.map(|hash| hash.0));
        }
    }

    fn bytes(&mut self, value: &[u8]) {
        if let Some(Column::Binary(column)) = self.next() {
            column.append_value(value);
        }
    }

    fn texts(&mut self, values: &[String]) {
        if let Some(Column::TextList(column)) = self.next() {
            values.iter().for_each(|value| column.values().append_value(value));
            column.append(true);
        }
    }

    fn text_map(&mut self, values: &BTreeMap<String, String>) {
        if let Some(Column::TextMap(column)) = self.next() {
            for (key, value) in values {
                column.keys().append_value(key);
                column.values().append_value(value);
            }
            // Fails where keys and values differ in number: they do not.
            let _ = column.append(true);
        }
    }

    fn i64_map(&mut self, values: &BTreeMap<String, i64>) {
        if let Some(Column::I64Map(column)) = self.next() {
            for (key, value) in values {
                column.keys().append_value(key);
                column.values().append_value(*value);
            }
            let _ = column.append(true);
        }
    }

    fn recorded(&mut self, recorded: &Recorded) {
        self.i64(recorded.recorded_at);
        self.i64(recorded.retracted_at);
        self.hash(Some(&recorded.event_key));
        self.i64(recorded.revision);
    }

    fn finish(self) -> Result<RecordBatch, Error> {
        let Self { table, schema, columns, .. } = self;
        let arrays: Result<Vec<ArrayRef>, ArrowError> =
            columns.into_iter().zip(schema.fields()).map(|(c, field)| array(c, field.data_type())).collect();
        let batch = arrays.and_then(|arrays| RecordBatch::try_new(schema.clone(), arrays));
        batch.map_err(|e| Error::rows(table, e))
    }
}

fn column(data_type: &DataType, rows: usize) -> Option<Column> {
    Some(match data_type {
        DataType::Int64 => Column::I64(Int64Builder::with_capacity(rows)),
        DataType::Int32 => Column::I32(Int32Builder::with_capacity(rows)),
        DataType::Float32 => Column::F32(Float32Builder::with_capacity(rows)),
        DataType::Boolean => Column::Bool(BooleanBuilder::with_capacity(rows)),
        DataType::Timestamp(..) => {
            Column::Time(TimestampMicrosecondBuilder::with_capacity(rows).with_data_type(data_type.clone()))
        }
        DataType::Utf8 => Column::Text(StringBuilder::with_capacity(rows, rows * TEXT_BYTES)),
        DataType::Binary => Column::Binary(BinaryBuilder::with_capacity(rows, rows * TEXT_BYTES)),
        DataType::List(_) => Column::TextList(ListBuilder::new(StringBuilder::new())),
        DataType::Map(entries, _) => match entries.data_type() {
            DataType::Struct(fields) if fields.get(1)?.data_type() == &DataType::Int64 => {
                Column::I64Map(MapBuilder::new(None, StringBuilder::new(), Int64Builder::new()))
            }
            _ => Column::TextMap(MapBuilder::new(None, StringBuilder::new(), StringBuilder::new())),
        },
        _ => return None,
    })
}

fn array(column: Column, data_type: &DataType) -> Result<ArrayRef, ArrowError> {
    Ok(match column {
        Column::I64(mut column) => Arc::new(column.finish()),
        Column::I32(mut column) => Arc::new(column.finish()),
        Column::F32(mut column) => Arc::new(column.finish()),
        Column::Bool(mut column) => Arc::new(column.finish()),
        Column::Time(mut column) => Arc::new(column.finish()),
        Column::Text(mut column) => Arc::new(column.finish()),
        Column::Binary(mut column) => Arc::new(column.finish()),
        Column::TextMap(mut column) => map(column.finish(), data_type)?,
        Column::I64Map(mut column) => map(column.finish(), data_type)?,
        Column::TextList(mut column) => {
            let (_, offsets, values, nulls) = column.finish().into_parts();
            let DataType::List(field) = data_type else { return Err(unfit(data_type)) };
            Arc::new(ListArray::try_new(Arc::clone(field), offsets, values, nulls)?)
        }
    })
}

/// A map under the field names that the schema gives its entries.
fn map(built: MapArray, data_type: &DataType) -> Result<ArrayRef, ArrowError> {
    let DataType::Map(field, ordered) = data_type else { return Err(unfit(data_type)) };
    let DataType::Struct(fields) = field.data_type() else { return Err(unfit(data_type)) };
    let (_, offsets, entries, nulls, _) = built.into_parts();
    let (_, arrays, entry_nulls) = entries.into_parts();
    let entries = StructArray::try_new(fields.clone(), arrays, entry_nulls)?;
    Ok(Arc::new(MapArray::try_new(Arc::clone(field), offsets, entries, nulls, *ordered)?))
}

fn unfit(data_type: &DataType) -> ArrowError {
    ArrowError::SchemaError(format!("a column of type {data_type} is not written"))
}

impl Encode for EventRow {
    const TABLE: &'static str = "events";

    fn put(&self, row: &mut Columns) {
        row.hash(Some(&self.event_key));
        row.text(self.source.as_str());
        row.text(self.format.as_str());
        row.text(self.event_kind.as_str());
        row.text(self.event_type.as_deref());
        row.i64(self.event_time);
        row.i64(self.received_at);
        row.text(self.producer.as_deref());
        row.text(self.schema_url.as_deref());
        row.text(self.run_id.as_deref());
        row.text(self.job_namespace.as_deref());
        row.text(self.job_name.as_deref());
        row.text(self.principal.as_deref());
        row.text(self.topic.as_deref());
        row.text(self.topic_id.as_deref());
        row.i32(self.partition);
        row.i64(self.offset);
        row.i32(self.ordinal);
        row.text(self.payload.as_str());
        row.text(self.redactions.as_deref());
    }
}

impl Encode for DeadLetterRow {
    const TABLE: &'static str = "dead_letters";

    fn put(&self, row: &mut Columns) {
        row.text(self.source.as_str());
        row.text(self.topic.as_deref());
        row.text(self.topic_id.as_deref());
        row.i32(self.partition);
        row.i64(self.offset);
        row.i32(self.ordinal);
        row.text(self.reason.as_str());
        row.text(self.place.as_str());
        row.i64(self.size_bytes);
        row.hash(self.payload_hmac.as_ref());
        row.i64(self.received_at);
    }
}

impl Encode for EpochRow {
    const TABLE: &'static str = "epochs";

    fn put(&self, row: &mut Columns) {
        row.i64(self.epoch);
        row.i64_map(&self.table_versions);
        row.text(self.writer.as_str());
        row.text(self.ruleset.as_deref());
        row.i64(self.committed_at);
    }
}

impl Encode for AssetRow {
    const TABLE: &'static str = "assets";

    fn put(&self, row: &mut Columns) {
        row.i64(self.asset_id);
        row.text(self.namespace.as_str());
        row.text(self.name.as_str());
        row.text(&*self.asset_type);
        row.i64(self.parent_asset_id);
        row.i64(self.canonical_asset_id);
        row.i64(self.first_seen);
        row.i64(self.dropped_at);
        row.text(self.schema_json.as_deref());
        row.recorded(&self.recorded);
    }
}

impl Encode for AssetVersionRow {
    const TABLE: &'static str = "asset_versions";

    fn put(&self, row: &mut Columns) {
        row.i64(self.version_id);
        row.i64(self.asset_id);
        row.text(self.version.as_str());
        row.text(&*self.version_scheme);
        row.bool(self.inferred);
        row.hash(self.content_sha256.as_ref());
        row.hash(self.merkle_root.as_ref());
        row.i64(self.row_count);
        row.i64(self.size_bytes);
        row.i64(self.file_count);
        row.i64(self.produced_by_run);
        row.i64(self.valid_from);
        row.i64(self.valid_to);
        row.i64(self.listed_at);
        row.i64(self.declared_at);
        row.i64(self.schema_id);
        row.i64(self.schema_at);
        row.recorded(&self.recorded);
    }
}

impl Encode for JobRow {
    const TABLE: &'static str = "jobs";

    fn put(&self, row: &mut Columns) {
        row.i64(self.job_id);
        row.text(self.namespace.as_str());
        row.text(self.name.as_str());
        row.text(self.integration.as_deref());
        row.text(self.job_type.as_deref());
        row.text(self.processing_type.as_deref());
        row.text(self.source_code_url.as_deref());
        row.recorded(&self.recorded);
    }
}

impl Encode for RunRow {
    const TABLE: &'static str = "runs";

    fn put(&self, row: &mut Columns) {
        row.i64(self.run_sid);
        row.text(self.run_id.as_str());
        row.i64(self.job_id);
        row.text(self.parent_run_id.as_deref());
        row.text(self.root_run_id.as_deref());
        row.text(&*self.state);
        row.i64(self.started_at);
        row.i64(self.ended_at);
        row.i64(self.nominal_start);
        row.i64(self.nominal_end);
        row.text(self.principal.as_deref());
        row.text(self.git_sha.as_deref());
        row.text(self.image.as_deref());
        row.bool(self.inputs_known);
        row.text_map(&self.params);
        row.recorded(&self.recorded);
    }
}

impl Encode for RunIoRow {
    const TABLE: &'static str = "run_io";

    fn put(&self, row: &mut Columns) {
        row.i64(self.run_sid);
        row.i64(self.version_id);
        row.text(&*self.io);
        row.text(self.context.as_str());
        row.text(self.subset.as_deref());
        row.text(&*self.evidence);
        row.i64(self.event_time);
        row.i64(self.row_count);
        row.i64(self.size_bytes);
        row.i64(self.schema_id);
        row.i64(self.schema_at);
        row.recorded(&self.recorded);
    }
}

impl Encode for EdgeRow {
    const TABLE: &'static str = "edges";

    fn put(&self, row: &mut Columns) {
        row.i64(self.edge_id);
        row.i64(self.src_version_id);
        row.i64(self.dst_version_id);
        row.i64(self.run_sid);
        row.text(&*self.edge_type);
        row.text(&*self.evidence);
        row.f32(self.confidence);
        row.bool(self.masking);
        row.i64(self.clear_mask);
        row.i64(self.valid_from);
        row.i64(self.valid_to);
        row.recorded(&self.recorded);
    }
}

impl Encode for FindingRow {
    const TABLE: &'static str = "findings";

    fn put(&self, row: &mut Columns) {
        row.i64(self.finding_id);
        row.i64(self.version_id);
        row.text(self.field.as_deref());
        row.text(self.entity.as_str());
        row.i32(self.tag_id);
        row.texts(&self.categories);
        row.text(self.detector.as_str());
        row.text(self.detector_version.as_deref());
        row.i64(self.match_count);
        row.i64(self.distinct_count);
        row.f32(self.confidence);
        row.f32(self.coverage);
        row.text(self.origin.as_str());
        row.text(self.policy.as_deref());
        row.text(self.severity.as_deref());
        row.i64(self.scanned_at);
        row.i64(self.value_count);
        row.i64(self.matched_values);
        row.text(self.verdict.as_deref());
        row.recorded(&self.recorded);
    }
}

impl Encode for TagRow {
    const TABLE: &'static str = "tags";

    fn put(&self, row: &mut Columns) {
        row.i32(self.tag_id);
        row.text(self.tag.as_str());
        row.text(self.parent.as_deref());
        row.text(self.regime.as_deref());
        row.bool(self.propagate);
        row.i32(self.severity);
        row.recorded(&self.recorded);
    }
}

impl Encode for AccessRow {
    const TABLE: &'static str = "accesses";

    fn put(&self, row: &mut Columns) {
        row.i64(self.access_id);
        row.i64(self.version_id);
        row.text(self.action.as_str());
        row.text(self.principal.as_deref());
        row.text(self.role.as_deref());
        row.i64(self.bytes);
        row.text(self.error_code.as_deref());
        row.i64(self.event_time);
        row.recorded(&self.recorded);
    }
}

impl Encode for FieldRow {
    const TABLE: &'static str = "fields";

    fn put(&self, row: &mut Columns) {
        row.i64(self.field_id);
        row.i64(self.asset_id);
        row.text(self.name.as_str());
        row.i32(self.ordinal);
        row.text(self.data_type.as_deref());
        row.recorded(&self.recorded);
    }
}

impl Encode for SchemaRow {
    const TABLE: &'static str = "schemas";

    fn put(&self, row: &mut Columns) {
        row.i64(self.schema_id);
        row.i32(self.ordinal);
        row.i64(self.field_id);
        row.text(self.data_type.as_deref());
        row.recorded(&self.recorded);
    }
}

impl Encode for ColumnMappingRow {
    const TABLE: &'static str = "column_mappings";

    fn put(&self, row: &mut Columns) {
        row.i64(self.mapping_id);
        row.i32(self.ordinal);
        row.i64(self.src_field_id);
        row.i64(self.dst_field_id);
        row.text(&*self.mapping_type);
        row.text(self.subtype.as_deref());
        row.bool(self.masking);
        row.i64(self.clear_mask);
        row.text(self.description.as_deref());
        row.recorded(&self.recorded);
    }
}

impl Encode for RunMappingRow {
    const TABLE: &'static str = "run_mappings";

    fn put(&self, row: &mut Columns) {
        row.i64(self.run_sid);
        row.i64(self.mapping_id);
        row.i64(self.src_version_id);
        row.i64(self.dst_version_id);
        row.i64(self.event_time);
        row.recorded(&self.recorded);
    }
}

impl Encode for PolicyRow {
    const TABLE: &'static str = "policies";

    fn put(&self, row: &mut Columns) {
        row.i64(self.policy_id);
        row.text(self.name.as_str());
        row.i32(self.version);
        row.text(&*self.effect);
        row.text(self.expr.as_str());
        row.texts(&self.tags);
        row.text(self.applies_to.as_str());
        row.i64(self.valid_from);
        row.i64(self.valid_to);
        row.recorded(&self.recorded);
    }
}

impl Encode for RecordIndexRow {
    const TABLE: &'static str = "record_index";

    fn put(&self, row: &mut Columns) {
        row.text(self.subject_key.as_str());
        row.text(self.entity.as_str());
        row.i64(self.version_id);
        row.i32(self.row_group);
        row.i64(self.row);
        row.i64(self.byte_offset);
        row.i32(self.byte_len);
        row.recorded(&self.recorded);
    }
}

impl Encode for SignatureRow {
    const TABLE: &'static str = "signatures";

    fn put(&self, row: &mut Columns) {
        row.i64(self.version_id);
        row.text(self.key_id.as_str());
        row.i32(self.form);
        row.i64(self.shingle_count);
        row.bool(self.complete);
        row.bytes(&self.minhash.0);
        row.bytes(&self.sample.0);
        row.i64(self.scanned_at);
        row.recorded(&self.recorded);
    }
}

#[cfg(test)]
mod tests;
