//! `column_upstream`: which fields a field was made from.

use super::{Function, columns};
use lineward_store::graph::Direction;

pub(super) static FUNCTION: Function = Function {
    name: "column_upstream",
    summary: "The fields that a field was made from, over any number of runs and copies, nearest first. Where it is not \
              known which column an asset's columns came from, a row without a name says so.",
    arguments: columns::ARGUMENTS,
    columns: columns::COLUMNS,
    example: "SELECT depth, name, field, type, masking FROM column_upstream('dataset:s3://lake/notes', 'text')",
    how: "breadth first against the data over column mappings",
    answer: |view, arguments| columns::walk(&FUNCTION, view, arguments, Direction::Upstream),
};
