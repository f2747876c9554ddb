//! Jupyter notebooks: one record, with the fields of the document. A source or output that the file holds as a list of
//! lines is one value, so that a key or a sentence that spans lines is seen whole.

use super::limits::Budget;
use super::{BatchPlace, Lookahead, Problem, Reader, compression, io_message};
use crate::columns::{FieldFilter, INTEGER_MIN};
use crate::values::{FieldTable, ValueBatch, is_value_like};
use serde_json::Value;

pub(super) fn open(input: Lookahead, filter: FieldFilter, budget: &Budget) -> Result<Box<dyn Reader + Send>, String> {
    let text = compression::read_whole(input, budget).map_err(|e| io_message(&e))?;
    Ok(Box::new(NotebookReader { text: Some(text), filter }))
}

struct NotebookReader {
    text: Option<Vec<u8>>,
    filter: FieldFilter,
}

impl Reader for NotebookReader {
    fn next(
        &mut self,
        fields: &mut FieldTable,
        batch: &mut ValueBatch,
        place: &mut BatchPlace,
    ) -> Result<bool, Problem> {
        place.lines.clear();
        place.first_row = 0;
        let Some(text) = self.text.take() else { return Ok(false) };
        match serde_json::from_slice::<Value>(text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&text)) {
            Ok(document) => {
                let mut walk = Walk { filter: &self.filter, fields, batch };
                walk.value(&mut String::new(), &document);
                Ok(true)
            }
            Err(e) => {
                batch.push(0, None, &text);
                let place = format!("line {} column {}", e.line(), e.column());
                Err(Problem { place, message: "not valid JSON, as a notebook is; it was scanned as text".into() })
            }
        }
    }

    fn rows(&self) -> Option<u64> {
        Some(u64::from(self.text.is_none()))
    }
}

struct Walk<'a> {
    filter: &'a FieldFilter,
    fields: &'a mut FieldTable,
    batch: &'a mut ValueBatch,
}

impl Walk<'_> {
    fn value(&mut self, path: &mut String, value: &Value) {
        match value {
            Value::String(text) => self.leaf(path, |buffer| buffer.extend_from_slice(text.as_bytes())),
            Value::Number(number) => {
                if number.as_i128().is_some_and(|n| n.unsigned_abs() >= u128::from(INTEGER_MIN)) {
                    self.leaf(path, |buffer| buffer.extend_from_slice(number.to_string().as_bytes()));
                }
            }
            Value::Array(lines) if !lines.is_empty() && lines.iter().all(Value::is_string) => {
                self.leaf(path, |buffer| {
                    lines.iter().filter_map(Value::as_str).for_each(|line| buffer.extend_from_slice(line.as_bytes()));
                });
            }
            Value::Array(elements) => {
                for (index, element) in elements.iter().enumerate() {
                    self.below(path, &index.to_string(), element);
                }
            }
            Value::Object(members) => {
                for (key, member) in members {
                    // Pictures of plots: base64 of no text.
                    let is_picture = key.starts_with("image/") && key != "image/svg+xml";
                    if is_value_like(key) {
                        self.below(path, "*", &Value::String(key.clone()));
                        self.below(path, "*", member);
                    } else if !is_picture {
                        self.below(path, key, member);
                    }
                }
            }
            Value::Null | Value::Bool(_) => {}
        }
    }

    fn below(&mut self, path: &mut String, segment: &str, value: &Value) {
        let len = path.len();
        if len > 0 {
            path.push('.');
        }
        path.push_str(segment);
        self.value(path, value);
        path.truncate(len);
    }

    fn leaf(&mut self, path: &str, write: impl FnOnce(&mut Vec<u8>)) {
        if self.filter.wants(path) {
            let field = (!path.is_empty()).then(|| self.fields.intern(path));
            self.batch.push_with(0, field, write);
        }
    }
}
