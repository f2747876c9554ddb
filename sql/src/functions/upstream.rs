//! `upstream`: everything an asset was made from.

use super::{Function, walk};
use lineward_store::graph::Direction;

pub(super) static FUNCTION: Function = Function {
    name: "upstream",
    summary: "Everything the asset was made from, nearest first, each version once. Where a run that made it does \
              not say what it read, or nobody says how a model was made, a row without a name says so. Data that \
              nothing is said to have made is a source, and has no row.",
    arguments: walk::ARGUMENTS,
    columns: walk::COLUMNS,
    example: "SELECT depth, edge_type, namespace, name, version FROM upstream('model:summarizer') ORDER BY depth",
    how: "breadth first against the data, from the versions asked about",
    answer: |view, arguments| walk::walk(&FUNCTION, view, arguments, Direction::Upstream),
};
