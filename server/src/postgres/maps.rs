//! Maps, which PostgreSQL does not have, as JSON texts.

use crate::Error;
use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, StringArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use serde_json::{Map, Value};
use std::sync::Arc;

/// The columns as clients are told them.
pub(super) fn schema(schema: &SchemaRef) -> SchemaRef {
    if !schema.fields().iter().any(|f| is_map(f)) {
        return schema.clone();
    }
    let text = |f: &Field| Field::new(f.name(), DataType::Utf8, f.is_nullable());
    let fields = schema.fields().iter().map(|f| if is_map(f) { text(f) } else { f.as_ref().clone() });
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

/// The rows in these columns.
pub(super) fn batch(batch: RecordBatch) -> Result<RecordBatch, Error> {
    let told = schema(&batch.schema());
    if told == batch.schema() {
        return Ok(batch);
    }
    let columns = batch.columns().iter().map(|column| match column.data_type() {
        DataType::Map(..) => texts(column),
        _ => Ok(column.clone()),
    });
    Ok(RecordBatch::try_new(told, columns.collect::<Result<_, _>>()?)?)
}

fn is_map(field: &Field) -> bool {
    matches!(field.data_type(), DataType::Map(..))
}

fn texts(column: &ArrayRef) -> Result<ArrayRef, Error> {
    let maps = column.as_map();
    let mut texts = Vec::with_capacity(maps.len());
    for row in 0..maps.len() {
        if maps.is_null(row) {
            texts.push(None);
            continue;
        }
        let entries = maps.value(row);
        let keys = cast(entries.column(0), &DataType::Utf8)?;
        let is_text =
            matches!(entries.column(1).data_type(), DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View);
        let values = cast(entries.column(1), &DataType::Utf8)?;
        let (keys, values) = (keys.as_string::<i32>(), values.as_string::<i32>());
        let value = |text: Option<&str>| match text {
            None => Value::Null,
            Some(text) if is_text => Value::from(text),
            Some(text) => serde_json::from_str(text).unwrap_or_else(|_| Value::from(text)),
        };
        let object = keys.iter().zip(values).filter_map(|(key, text)| Some((key?.to_owned(), value(text))));
        texts.push(Some(Value::Object(object.collect::<Map<_, _>>()).to_string()));
    }
    Ok(Arc::new(StringArray::from(texts)))
}
