//! `upstream`: everything an asset was made from.

use super::{Function, walk};
use lineward_store::graph::Direction;

pub(super) static FUNCTION: Function = Function {
    name: "upstream",
    summary: "Everything the asset was made from, nearest first, each version once. Where nobody says what an asset \
              was made from, a row without a name says so.",
    arguments: walk::ARGUMENTS,
    columns: walk::COLUMNS,
    example: "SELECT depth, edge_type, namespace, name, version FROM upstream('model:summarizer') ORDER BY depth",
    how: "breadth first against the data, from the versions asked about",
    answer: |view, arguments| walk::walk(&FUNCTION, view, arguments, Direction::Upstream),
};
