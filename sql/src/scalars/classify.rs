//! `classify`: which kinds of sensitive data a text holds.

use super::{Given, Scalar, Support};
use crate::Error;
use crate::functions::Type;
use arrow::array::{Array, ArrayRef, ListBuilder, StringArray, StringBuilder};
use lineward_classifiers::{Confidence, text};
use std::sync::Arc;

pub(super) static FUNCTION: Scalar = Scalar {
    name: "classify",
    summary: "The kinds of sensitive data in a text, by the rules of `lineward scan` at confidence `medium` and above; \
              an empty list where nothing was found.",
    arguments: &[
        ("text", Type::Text, false, "a value of any type that can be written as text"),
        ("field", Type::Text, true, "the name of its field, which counts as context: `ssn`, `patient_id`"),
    ],
    returns: Type::Texts,
    example: "SELECT classify('SSN 536-22-8726')",
    call,
};

fn call(support: &Support, given: &Given) -> Result<ArrayRef, Error> {
    let (texts, fields) = (given.texts(0)?, given.texts(1)?);
    let found = text::entities(support.engine()?, &named(&texts, &fields), Confidence::Medium).map_err(failed)?;
    let mut lists = ListBuilder::new(StringBuilder::new());
    for (row, entities) in found.into_iter().enumerate() {
        match texts.is_null(row) {
            true => lists.append_null(),
            false => lists.append_value(entities.into_iter().map(Some)),
        }
    }
    Ok(Arc::new(lists.finish()))
}

/// Texts with the names of their fields; a null is searched as an empty text.
pub(super) fn named<'a>(texts: &'a StringArray, fields: &'a StringArray) -> Vec<text::Named<'a>> {
    let field = |row| (!fields.is_null(row)).then(|| fields.value(row));
    (0..texts.len()).map(|row| (field(row), if texts.is_null(row) { "" } else { texts.value(row) })).collect()
}

pub(super) fn failed(error: lineward_classifiers::Error) -> Error {
    Error::Argument(error.to_string())
}
