//! `column_downstream`: which fields were made from a field.

use super::{Function, columns};
use lineward_store::graph::Direction;

pub(super) static FUNCTION: Function = Function {
    name: "column_downstream",
    summary: "The fields that were made from a field, over any number of runs and copies, nearest first. Where something \
              was made from its asset and nobody says which column from which, a row without a name says so.",
    arguments: columns::ARGUMENTS,
    columns: columns::COLUMNS,
    example: "SELECT depth, name, field, type, masking FROM column_downstream('dataset:s3://lake/notes', 'text')",
    how: "breadth first with the data over column mappings",
    answer: |view, arguments| columns::walk(&FUNCTION, view, arguments, Direction::Downstream),
};
