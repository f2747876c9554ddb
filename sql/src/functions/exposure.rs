//! `exposure`: everything that has a tag.

use super::args::{Argument, Arguments, Takes};
use super::rows::{self, completeness};
use super::{Function, Type, models_trained_on};
use crate::Error;
use arrow::array::RecordBatch;
use lineward_store::graph::View;

pub(super) static FUNCTION: Function = Function {
    name: "exposure",
    summary: "Every version that has a tag, and how: seen in it, flowed into it, cleared on the way, or cleared and \
              seen all the same.",
    arguments: &[
        Argument {
            name: "tag",
            takes: Takes::Texts,
            required: true,
            summary: "a tag or asset as in `models_trained_on`",
        },
        Argument::AS_OF,
        Argument::RECORDED_AS_OF,
    ],
    columns: &[
        ("tag", Type::Text, "what was asked for"),
        ("version_id", Type::Integer, "the version"),
        ("asset_type", Type::Text, "its asset's type"),
        ("namespace", Type::Text, "its asset's namespace"),
        ("name", Type::Text, "its asset's name"),
        ("version", Type::Text, "its version"),
        ("status", Type::Text, "`observed`, `inherited`, `cleared` or `contradicted`"),
        ("min_depth", Type::Integer, "hops from the nearest data it was seen in"),
        ("deployed", Type::Boolean, "it is served, or serves"),
        ("complete", Type::Boolean, "everything upstream of it is known and scanned"),
        ("gap_reason", Type::Text, "what is not, and where the nearest of it is"),
    ],
    example: "SELECT asset_type, name, version, status FROM exposure('PHI') ORDER BY status, name",
    how: "one pass of the tag along all edges in topological order",
    answer,
};

fn answer(view: &View, arguments: &Arguments) -> Result<RecordBatch, Error> {
    let graph = view.graph();
    let mut out = Vec::new();
    for text in arguments.texts("tag") {
        let (what, tag) = models_trained_on::what(view, text)?;
        for exposed in view.exposure(&what) {
            let (asset, row) = (graph.asset(exposed.version), graph.version(exposed.version));
            let mut cells = vec![
                tag.as_str().into(),
                row.version_id.into(),
                asset.asset_type.as_str().into(),
                asset.namespace.as_str().into(),
                asset.name.as_str().into(),
                row.version.as_str().into(),
                exposed.status.as_str().into(),
                exposed.min_depth.into(),
                exposed.deployed.into(),
            ];
            cells.extend(completeness(exposed.gap_reason));
            out.push(cells);
        }
    }
    rows::batch(&FUNCTION, &out)
}
