//! `redact`: a text without the sensitive data in it.

use super::classify::{failed, named};
use super::{Given, Scalar, Support};
use crate::Error;
use crate::functions::Type;
use arrow::array::{Array, ArrayRef, StringArray};
use lineward_classifiers::{Confidence, text};
use std::sync::Arc;

pub(super) static FUNCTION: Scalar = Scalar {
    name: "redact",
    summary: "A text with what `classify` finds in it replaced by `[ENTITY:FINGERPRINT]`, so that equal values stay \
              equal; by `[ENTITY]` where the session has no fingerprint key.",
    arguments: &[
        ("text", Type::Text, false, "a value of any type that can be written as text"),
        ("field", Type::Text, true, "the name of its field, which counts as context"),
    ],
    returns: Type::Text,
    example: "SELECT redact('SSN 536-22-8726')",
    call,
};

fn call(support: &Support, given: &Given) -> Result<ArrayRef, Error> {
    let (texts, fields) = (given.texts(0)?, given.texts(1)?);
    let (engine, key) = (support.engine()?, support.key().ok());
    let redacted = text::redacted(engine, &named(&texts, &fields), Confidence::Medium, key).map_err(failed)?;
    let rows = redacted.into_iter().enumerate().map(|(row, text)| (!texts.is_null(row)).then_some(text));
    Ok(Arc::new(rows.collect::<StringArray>()))
}
