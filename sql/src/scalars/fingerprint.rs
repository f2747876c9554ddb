//! `fingerprint`: the keyed hash by which a value is found again without keeping it.

use super::{Given, Scalar, Support};
use crate::Error;
use crate::functions::Type;
use arrow::array::{ArrayRef, StringArray};
use lineward_classifiers::text;
use std::sync::Arc;

pub(super) static FUNCTION: Scalar = Scalar {
    name: "fingerprint",
    summary: "The keyed fingerprint of a value, `KEYID:HEX`, as scans write it and `erasure_impact` takes it. The \
              value is normalised as its entity is: `536-22-8726` and `536228726` have one. An error without a key.",
    arguments: &[
        ("entity", Type::Text, false, "the kind of value: `US_SSN`, `EMAIL_ADDRESS`"),
        ("value", Type::Text, false, "the value"),
    ],
    returns: Type::Text,
    example: "SELECT fingerprint('US_SSN', '536-22-8726')",
    call,
};

fn call(support: &Support, given: &Given) -> Result<ArrayRef, Error> {
    let (entities, values) = (given.texts(0)?, given.texts(1)?);
    let (engine, key) = (support.engine()?, support.key()?);
    let one = |(entity, value): (Option<&str>, Option<&str>)| -> Result<Option<String>, Error> {
        let (Some(entity), Some(value)) = (entity, value) else { return Ok(None) };
        let Some(rule) = text::rule_of(engine, entity) else {
            // What was written is not repeated, nor are names near it: it may be the value, in the wrong place.
            let text = "the first argument of `fingerprint` is no kind of value that is known, as `US_SSN` is";
            return Err(Error::Name(text.to_owned()));
        };
        Ok(Some(key.fingerprint(&rule.entity, value, rule.normalise)))
    };
    let rows = entities.iter().zip(values.iter()).map(one).collect::<Result<StringArray, Error>>()?;
    Ok(Arc::new(rows))
}
