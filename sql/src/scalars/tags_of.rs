//! `tags_of`: what is in a version.

use super::{Given, Scalar, Support};
use crate::Error;
use crate::functions::{Type, tags};
use arrow::array::ArrayRef;

pub(super) static FUNCTION: Scalar = Scalar {
    name: "tags_of",
    summary: "The tags of a version: seen in it or flowed into it along lineage. Null for a version that there is not.",
    arguments: &[("version_id", Type::Integer, false, "a version")],
    returns: Type::Texts,
    example: "SELECT name, tags_of(version_id) FROM models",
    call,
};

fn call(support: &Support, given: &Given) -> Result<ArrayRef, Error> {
    let view = support.view(given)?;
    let ids = given.numbers(0)?;
    let masks = ids.iter().map(|id| {
        let version = view.graph().by_version_id(id?).filter(|v| view.exists(*v))?;
        let masks = view.tags_of(version);
        Some(masks.own | masks.inherited)
    });
    Ok(tags(&view, masks))
}
