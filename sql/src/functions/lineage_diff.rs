//! `lineage_diff`: what changed in where an asset comes from.

use super::args::{Argument, Arguments, Takes};
use super::rows::{self, Cell, completeness};
use super::{Function, Type, walk};
use crate::{Error, suggest};
use arrow::array::RecordBatch;
use lineward_store::graph::{AsOf, Changed, ResolveError, Version, View};

pub(super) static FUNCTION: Function = Function {
    name: "lineage_diff",
    summary: "What changed upstream of an asset between two times: hops that came or went, and versions whose tags are \
              others. Tags are those of findings made by then.",
    arguments: &[
        Argument { name: "asset", takes: Takes::Texts, required: true, summary: "an asset as in `upstream`" },
        Argument { name: "t1", takes: Takes::Time, required: true, summary: "the earlier time" },
        Argument { name: "t2", takes: Takes::Time, required: true, summary: "the later time" },
        Argument::RECORDED_AS_OF,
    ],
    columns: &[
        ("change", Type::Text, "`ADDED`, `REMOVED` or `RETAGGED`; null in a row that stands for what is not known"),
        ("src", Type::Text, "the version data comes from; the version itself where it is retagged"),
        ("dst", Type::Text, "the version it goes to"),
        ("run_id", Type::Text, "the run that made the hop"),
        ("at", Type::Time, "when, where known"),
        ("tags_added", Type::Texts, "tags a version got"),
        ("tags_removed", Type::Texts, "tags it lost"),
        ("complete", Type::Boolean, "everything upstream of the asset is known at the later time"),
        ("gap_reason", Type::Text, "what is not"),
    ],
    example: "SELECT change, src, dst, run_id, at FROM lineage_diff('model:summarizer', '2026-01-01', '2026-02-01')",
    how: "all hops upstream at each of the two times, compared",
    answer,
};

fn answer(view: &View, arguments: &Arguments) -> Result<Vec<RecordBatch>, Error> {
    let (Some(from), Some(to)) = (arguments.count("t1"), arguments.count("t2")) else {
        return rows::batch(&FUNCTION, &[]);
    };
    if from > to {
        return Err(Error::Argument("`t1` of `lineage_diff` is later than `t2`".to_owned()));
    }
    if arguments.tells_beginning {
        suggest::begun(view.graph(), AsOf { valid: Some(to), recorded: None })?;
    }
    let (before, after) = (versions(view, arguments, from)?, versions(view, arguments, to)?);
    let later = view.at(to);
    let gap = after
        .iter()
        .find_map(|v| later.hidden_upstream(*v))
        .map(|gap| format!("{} (at {})", walk::gap_text(&gap), later.graph().text(gap.version)));
    let changes = view.lineage_diff((&before, from), (&after, to));
    let mut out: Vec<Vec<Cell>> = changes.iter().map(|c| cells(view, c, gap.clone())).collect();
    if out.is_empty() && gap.is_some() {
        let mut row = vec![Cell::Null; 7];
        row.extend(completeness(gap));
        out.push(row);
    }
    rows::batch(&FUNCTION, &out)
}

/// The versions there were at a time; none where the asset was not there yet.
fn versions(view: &View, arguments: &Arguments, at: i64) -> Result<Vec<Version>, Error> {
    let mut versions = Vec::new();
    for text in arguments.texts("asset") {
        match view.graph().resolve(text, Some(at)) {
            Ok(found) => versions.extend(found),
            Err(ResolveError::NotYet { .. }) => {}
            Err(error) => return Err(suggest::explain(view.graph(), text, error)),
        }
    }
    versions.sort_unstable();
    versions.dedup();
    Ok(versions)
}

fn cells(view: &View, changed: &Changed, gap: Option<String>) -> Vec<Cell> {
    let graph = view.graph();
    let tags = |mask: u64| -> Cell {
        let names: Vec<String> = graph.tag_names(mask).into_iter().map(str::to_owned).collect();
        Some(names).filter(|names| !names.is_empty()).into()
    };
    let mut row: Vec<Cell> = vec![
        changed.change.as_str().into(),
        graph.text(changed.src).into(),
        graph.text(changed.dst).into(),
        changed.run.map(|run| graph.run_id(run).to_owned()).into(),
        changed.at.map_or(Cell::Null, Cell::Time),
        tags(changed.tags_added),
        tags(changed.tags_removed),
    ];
    row.extend(completeness(gap));
    row
}
