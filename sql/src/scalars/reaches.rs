//! `reaches`: whether data gets from one version to another.

use super::{Given, Scalar, Support};
use crate::Error;
use crate::functions::Type;
use arrow::array::{ArrayRef, BooleanArray};
use std::sync::Arc;

pub(super) static FUNCTION: Scalar = Scalar {
    name: "reaches",
    summary: "Whether a walk downstream from the first version comes to the second. Null where there is no such \
              version.",
    arguments: &[
        ("src", Type::Integer, false, "`version_id` of where to begin"),
        ("dst", Type::Integer, false, "`version_id` of where to end"),
    ],
    returns: Type::Boolean,
    example: "SELECT m.name FROM datasets AS d, models AS m WHERE reaches(d.version_id, m.version_id)",
    call,
};

fn call(support: &Support, given: &Given) -> Result<ArrayRef, Error> {
    let view = support.view(given)?;
    let version = |id: Option<i64>| id.and_then(|id| view.graph().by_version_id(id)).filter(|v| view.exists(*v));
    let (from, to) = (given.numbers(0)?, given.numbers(1)?);
    let reaches = from.iter().zip(to.iter()).map(|(from, to)| Some(view.reaches(version(from)?, version(to)?)));
    Ok(Arc::new(reaches.collect::<BooleanArray>()))
}
