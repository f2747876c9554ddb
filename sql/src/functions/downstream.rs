//! `downstream`: everything that was made from an asset.

use super::{Function, walk};
use lineward_store::graph::Direction;

pub(super) static FUNCTION: Function = Function {
    name: "downstream",
    summary: "Everything that was made from the asset, nearest first, each version once. Runs that do not say what \
              they read (view `lineage_gaps`) may have read it too.",
    arguments: walk::ARGUMENTS,
    columns: walk::COLUMNS,
    example: "SELECT DISTINCT asset_type, namespace, name FROM downstream('dataset:s3://lake/notes')",
    how: "breadth first with the data, from the versions asked about",
    answer: |view, arguments| walk::walk(&FUNCTION, view, arguments, Direction::Downstream),
};
