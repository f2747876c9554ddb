//! `exposure`: everything that has a tag.

use super::args::{Argument, Arguments, Takes};
use super::rows::{self, Cell, completeness};
use super::{Function, Type, models_trained_on};
use crate::Error;
use arrow::array::RecordBatch;
use lineward_store::graph::{View, What};

pub(super) static FUNCTION: Function = Function {
    name: "exposure",
    summary: "Every version that has a tag, and how: seen in it, flowed into it, cleared on the way, or cleared and \
              seen all the same. Where none is known to have it and it is not known of some, a row without a name says \
              so.",
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
        ("name", Type::Text, "its asset's name; null in a row that stands for what is not known"),
        ("version", Type::Text, "its version"),
        (
            "status",
            Type::Text,
            "`observed`, `inherited`, `cleared` or `contradicted`; `unknown` in a row without a name",
        ),
        ("min_depth", Type::Integer, "hops from the nearest data it was seen in"),
        ("deployed", Type::Boolean, "it is served, or serves"),
        ("complete", Type::Boolean, "everything upstream of it is known and scanned"),
        ("gap_reason", Type::Text, "what is not, and where the nearest of it is"),
    ],
    example: "SELECT asset_type, name, version, status FROM exposure('PHI') ORDER BY status, name",
    how: "one pass of the tag along all edges in topological order",
    answer,
};

/// The status of what is not known.
const UNKNOWN: &str = "unknown";

fn unknown_versions(view: &View, what: &What) -> Option<String> {
    let versions = match view.unknown_to(what) {
        0 => return None,
        1 => "1 version is, or is".to_owned(),
        many => format!("{many} versions are, or are"),
    };
    Some(format!("versions_unknown: {versions} made from, what nobody knows or has searched; `lineage_gaps` lists it"))
}

fn answer(view: &View, arguments: &Arguments) -> Result<Vec<RecordBatch>, Error> {
    let graph = view.graph();
    let mut out = Vec::new();
    for text in arguments.texts("tag") {
        let (what, tag) = models_trained_on::what(view, text)?;
        let all = view.exposure(&what);
        if all.is_empty()
            && let Some(gap) = unknown_versions(view, &what)
        {
            let mut cells: Vec<Cell> = vec![tag.as_str().into()];
            cells.extend(vec![Cell::Null; 5]);
            cells.extend([UNKNOWN.into(), Cell::Null, Cell::Null]);
            cells.extend(completeness(Some(gap)));
            out.push(cells);
        }
        for exposed in all {
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
