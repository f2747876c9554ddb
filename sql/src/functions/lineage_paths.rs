//! `lineage_paths`: how data got from one asset to another.

use super::args::{Argument, Arguments, Takes};
use super::rows::{self, Cell, completeness};
use super::{Column, Function, Type, walk};
use crate::Error;
use arrow::array::RecordBatch;
use lineward_store::graph::{Hop, Paths, Version, View};

/// Paths unless a number is given.
pub(super) const PATHS: i64 = 10;

pub(super) static FUNCTION: Function = Function {
    name: "lineage_paths",
    summary: "The ways from one asset to another, shortest first, a row a hop. Where it is not known what flows into \
              the target or into something upstream of it, there may be more ways, and `complete` is false.",
    arguments: &[
        Argument {
            name: "source",
            takes: Takes::Texts,
            required: true,
            summary: "where data comes from, as in `upstream`",
        },
        Argument { name: "target", takes: Takes::Texts, required: true, summary: "where it goes" },
        Argument { name: "max_paths", takes: Takes::Count, required: false, summary: "how many; 10 unless given" },
        Argument::AS_OF,
        Argument::RECORDED_AS_OF,
    ],
    columns: COLUMNS,
    example: "SELECT path_id, hop, src, dst, edge_type FROM lineage_paths('dataset:s3://lake/notes', 'model:summarizer')",
    how: "best first towards the target, by the number of hops that are left",
    answer,
};

pub(super) const COLUMNS: &[Column] = &[
    ("path_id", Type::Integer, "number of the path, from 1; null in a row that stands for what is not known"),
    ("hop", Type::Integer, "number of the hop in its path, from 1"),
    ("src", Type::Text, "the version data comes from"),
    ("dst", Type::Text, "the version it goes to"),
    ("run_id", Type::Text, "the run that made the hop"),
    ("edge_type", Type::Text, "what the hop means"),
    ("masking", Type::Boolean, "the producer says that values are masked in it"),
    ("evidence", Type::Text, "how it is known"),
    ("complete", Type::Boolean, "all ways are known, and there are no more than these or as many as were asked for"),
    ("gap_reason", Type::Text, "what is not known"),
];

fn answer(view: &View, arguments: &Arguments) -> Result<Vec<RecordBatch>, Error> {
    let sources = walk::seeds(view, arguments.texts("source"))?;
    let targets = walk::seeds(view, arguments.texts("target"))?;
    let max = usize::try_from(arguments.count("max_paths").unwrap_or(PATHS)).unwrap_or(usize::MAX);
    let found = view.paths(&sources, &targets, max, true);
    rows::batch(&FUNCTION, &path_rows(view, &found, &targets, true))
}

/// A row for each hop, or one that says that there is no path but that there may be: for gaps of all kinds, or for those
/// that hide inputs.
pub(super) fn path_rows(view: &View, found: &Paths, targets: &[Version], hiding: bool) -> Vec<Vec<Cell>> {
    let hidden = targets
        .iter()
        .find_map(|t| view.gap_upstream(*t, hiding))
        .map(|gap| format!("{} (at {})", walk::gap_text(&gap), view.graph().text(gap.version)));
    let stopped = found.stopped.then(|| "search_stopped: there are too many ways to try them all".to_owned());
    let gap = stopped.or(hidden);
    let mut rows = Vec::new();
    for (path, hops) in (1i64..).zip(&found.paths) {
        for (number, hop) in (1i64..).zip(hops) {
            rows.push(hop_row(view, path, number, hop, gap.clone()));
        }
    }
    if rows.is_empty() && gap.is_some() {
        let mut row = vec![Cell::Null; COLUMNS.len() - 2];
        row.extend(completeness(gap));
        rows.push(row);
    }
    rows
}

fn hop_row(view: &View, path: i64, number: i64, hop: &Hop, gap: Option<String>) -> Vec<Cell> {
    let graph = view.graph();
    let mut row = vec![
        path.into(),
        number.into(),
        graph.text(hop.src).into(),
        graph.text(hop.dst).into(),
        hop.run.map(|run| graph.run_id(run).to_owned()).into(),
        hop.edge_type.as_str().into(),
        hop.masking.into(),
        hop.evidence.as_str().into(),
    ];
    row.extend(completeness(gap));
    row
}
