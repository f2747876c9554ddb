//! What `upstream` and `downstream` share: seeds, the walk, and a row for each version reached.

use super::args::{Argument, Arguments, Takes};
use super::{Column, Function, Type};
use crate::{Error, suggest};
use arrow::array::{ArrayRef, BooleanArray, Float32Array, Int64Array, RecordBatch, StringArray};
use lineward_store::graph::{Direction, Gap, Reached, Version, View};
use std::sync::Arc;

pub(super) const ARGUMENTS: &[Argument] = &[
    Argument {
        name: "asset",
        takes: Takes::Texts,
        required: true,
        summary: "`type:namespace/name[@version]`, the end of a name, or a glob; all versions unless one is named",
    },
    Argument { name: "max_depth", takes: Takes::Count, required: false, summary: "hops to walk; all unless given" },
    Argument::AS_OF,
    Argument::RECORDED_AS_OF,
];

pub(super) const COLUMNS: &[Column] = &[
    ("seed", Type::Text, "the version asked about from which this one was reached first"),
    ("version_id", Type::Integer, "the version reached"),
    ("asset_type", Type::Text, "its asset's type"),
    ("namespace", Type::Text, "its asset's namespace"),
    ("name", Type::Text, "its asset's name; null in a row that stands for what is not known"),
    ("version", Type::Text, "its version"),
    ("depth", Type::Integer, "hops from the seed; a run in between does not count"),
    ("edge_type", Type::Text, "what the last hop means: `TRAINED_ON`, `DERIVED`, `EVALUATED_ON`, ..."),
    ("via_run_id", Type::Text, "the run that made the last hop"),
    ("evidence", Type::Text, "how the last hop is known: `EXPLICIT`, `IO_MEMBERSHIP`, `VERSION_INFERRED`, ..."),
    ("confidence", Type::Float, "how far the last hop is believed, 0 to 1"),
    ("complete", Type::Boolean, "everything beyond this version is known and in the answer"),
    ("gap_reason", Type::Text, "what is not"),
];

/// The versions an argument names, each once.
pub(crate) fn seeds(view: &View, texts: &[String]) -> Result<Vec<Version>, Error> {
    let mut seeds = Vec::new();
    for text in texts {
        seeds.extend(suggest::resolve(view.graph(), text, view.valid())?);
    }
    seeds.sort_unstable();
    seeds.dedup();
    Ok(seeds)
}

pub(super) fn walk(
    function: &Function,
    view: &View,
    arguments: &Arguments,
    direction: Direction,
) -> Result<RecordBatch, Error> {
    let seeds = seeds(view, arguments.texts("asset"))?;
    let max_depth = arguments.count("max_depth").map(|n| u32::try_from(n).unwrap_or(u32::MAX));
    let reached = view.walk(direction, &seeds, max_depth);
    let hidden = if direction == Direction::Upstream && max_depth != Some(0) { holes(view, &seeds) } else { vec![] };
    let rows: Vec<Row> = hidden
        .into_iter()
        .map(Row::Hole)
        .chain(reached.into_iter().map(|r| Row::Reached(reason(view, direction, &r), r)))
        .collect();
    Ok(RecordBatch::try_new(function.schema(), columns(view, &rows))?)
}

enum Row<'a> {
    Reached(Option<String>, Reached),
    Hole(&'a Gap),
}

impl Row<'_> {
    fn reached(&self) -> Option<&Reached> {
        match self {
            Self::Reached(_, reached) => Some(reached),
            Self::Hole(_) => None,
        }
    }
}

/// Seeds of which it is not known where they come from: no answer may be empty for lack of knowledge.
fn holes<'a>(view: &'a View, seeds: &[Version]) -> Vec<&'a Gap> {
    seeds.iter().filter_map(|&seed| view.gaps_of(seed).iter().find(|g| g.kind.hides_inputs())).collect()
}

fn reason(view: &View, direction: Direction, reached: &Reached) -> Option<String> {
    if reached.cut {
        return Some("max_depth".to_owned());
    }
    let gap = view.gaps_of(reached.version).iter().find(|g| g.kind.hides_inputs());
    gap.filter(|_| direction == Direction::Upstream).map(gap_text)
}

pub(super) fn gap_text(gap: &Gap) -> String {
    format!("{}: {}", gap.kind.as_str(), gap.detail)
}

fn columns(view: &View, rows: &[Row<'_>]) -> Vec<ArrayRef> {
    let graph = view.graph();
    let reached = || rows.iter().map(Row::reached);
    let text = |of: &dyn Fn(&Reached) -> Option<String>| -> ArrayRef {
        Arc::new(reached().map(|r| r.and_then(of)).collect::<StringArray>())
    };
    let seed = |row: &Row<'_>| match row {
        Row::Reached(_, r) => r.seed,
        Row::Hole(gap) => gap.version,
    };
    let why: Vec<Option<String>> = rows
        .iter()
        .map(|row| match row {
            Row::Reached(reason, _) => reason.clone(),
            Row::Hole(gap) => Some(gap_text(gap)),
        })
        .collect();
    vec![
        Arc::new(rows.iter().map(|row| Some(graph.text(seed(row)))).collect::<StringArray>()),
        Arc::new(reached().map(|r| r.map(|r| graph.version(r.version).version_id)).collect::<Int64Array>()),
        text(&|r| Some(graph.asset(r.version).asset_type.clone())),
        text(&|r| Some(graph.asset(r.version).namespace.clone())),
        text(&|r| Some(graph.asset(r.version).name.clone())),
        text(&|r| Some(graph.version(r.version).version.clone())),
        Arc::new(reached().map(|r| Some(r.map_or(1, |r| i64::from(r.depth)))).collect::<Int64Array>()),
        text(&|r| Some(r.edge_type.as_str().to_owned())),
        text(&|r| r.run.map(|run| graph.run(run).run_id.clone())),
        text(&|r| Some(r.evidence.as_str().to_owned())),
        Arc::new(reached().map(|r| r.map(|r| r.confidence)).collect::<Float32Array>()),
        Arc::new(why.iter().map(|why| Some(why.is_none())).collect::<BooleanArray>()),
        Arc::new(why.into_iter().collect::<StringArray>()),
    ]
}
