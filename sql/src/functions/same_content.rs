//! `same_content`: the same data under other names.

use super::args::{Argument, Arguments, Takes};
use super::rows::{self, Cell, completeness};
use super::{Function, Type, walk};
use crate::Error;
use arrow::array::RecordBatch;
use lineward_store::graph::View;

pub(super) static FUNCTION: Function = Function {
    name: "same_content",
    summary: "Versions with the content of an asset, whatever they are called, and near copies of it. Where nobody \
              knows the content of the asset, a row without a name says so.",
    arguments: &[
        Argument { name: "asset", takes: Takes::Texts, required: true, summary: "an asset as in `upstream`" },
        Argument {
            name: "min_similarity",
            takes: Takes::Share,
            required: false,
            summary: "least similarity of near copies, 0 to 1; 0.8 unless given",
        },
        Argument::AS_OF,
        Argument::RECORDED_AS_OF,
    ],
    columns: &[
        ("namespace", Type::Text, "namespace of the asset"),
        ("name", Type::Text, "its name; null in a row that stands for what is not known"),
        ("version", Type::Text, "its version"),
        ("method", Type::Text, "`sha256`: equal files; `merkle`: equal data sets; `minhash`: near copies"),
        (
            "similarity",
            Type::Float,
            "0 to 1; of near copies that of Jaccard, of the sets of five words in a row, with a standard error of at most \
             0.025",
        ),
        ("verified", Type::Boolean, "the contents or their signatures were compared, not only declared to be alike"),
        ("complete", Type::Boolean, "the content of the asset is known"),
        ("gap_reason", Type::Text, "what is not"),
    ],
    example: "SELECT namespace, name, version, method FROM same_content('dataset:s3://lake/notes')",
    how: "a lookup by content hash, then near copies by their edges",
    answer,
};

/// Similarity above which near copies count unless another is asked for.
const SIMILARITY: f32 = 0.8;

fn answer(view: &View, arguments: &Arguments) -> Result<Vec<RecordBatch>, Error> {
    let graph = view.graph();
    let seeds = walk::seeds(view, arguments.texts("asset"))?;
    let unknown = seeds.iter().find(|s| !view.content_known(**s));
    let gap = unknown.map(|v| format!("content_unknown: nobody said or saw the content of `{}`", graph.text(*v)));
    let mut out = Vec::new();
    for same in view.same_content(&seeds, arguments.share("min_similarity").unwrap_or(SIMILARITY)) {
        let asset = graph.asset(same.version);
        let mut row: Vec<Cell> = vec![
            asset.namespace.as_str().into(),
            asset.name.as_str().into(),
            graph.version_name(same.version).into(),
            same.method.as_str().into(),
            same.similarity.into(),
            same.verified.into(),
        ];
        row.extend(completeness(gap.clone()));
        out.push(row);
    }
    if out.is_empty() && gap.is_some() {
        let mut row = vec![Cell::Null; 6];
        row.extend(completeness(gap));
        out.push(row);
    }
    rows::batch(&FUNCTION, &out)
}
