//! `upstream_ids`: what a version was made from, as a list.

use super::{Given, Scalar, Support};
use crate::Error;
use crate::functions::Type;
use arrow::array::{ArrayRef, Int64Builder, ListBuilder};
use lineward_store::graph::Direction;
use std::sync::Arc;

pub(super) static FUNCTION: Scalar = Scalar {
    name: "upstream_ids",
    summary: "The `version_id` of everything a version was made from, nearest first. Null for a version that there is \
              not. With `unnest`, a walk for each row of a query.",
    arguments: &[("version_id", Type::Integer, false, "a version")],
    returns: Type::Integers,
    example: "SELECT name, upstream_ids(version_id) FROM models",
    call,
};

fn call(support: &Support, given: &Given) -> Result<ArrayRef, Error> {
    let view = support.view(given)?;
    let mut lists = ListBuilder::new(Int64Builder::new());
    for id in given.numbers(0)?.iter() {
        match id.and_then(|id| view.graph().by_version_id(id)).filter(|v| view.exists(*v)) {
            Some(version) => {
                let reached = view.steps(Direction::Upstream, &[version], None);
                lists.append_value(reached.iter().map(|r| Some(view.graph().version_id(r.version))));
            }
            None => lists.append_null(),
        }
    }
    Ok(Arc::new(lists.finish()))
}
