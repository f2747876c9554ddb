//! What `upstream` and `downstream` share: seeds, the walk, and a row for each version reached.

use super::args::{Argument, Arguments, Takes};
use super::{Column, Function, Type, rows};
use crate::{Error, suggest};
use arrow::array::{
    ArrayRef, BooleanArray, Float32Array, Int64Array, RecordBatch, StringArray, StringBuilder, new_null_array,
};
use lineward_store::graph::{Direction, Gap, Levels, Reached, Step, Version, View};
use std::borrow::Cow;
use std::cell::OnceCell;
use std::ops::Range;
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
) -> Result<Vec<RecordBatch>, Error> {
    let seeds = seeds(view, arguments.texts("asset"))?;
    let max_depth = arguments.count("max_depth").map(|n| u32::try_from(n).unwrap_or(u32::MAX));
    let wants = |columns: &[&str]| arguments.wants(function, columns);
    // Of several seeds that are equally near, which one it is told to be is a matter of the way.
    let found = match wants(HOW) || seeds.len() > 1 && wants(&["seed"]) {
        true => Found::Steps(view.steps(direction, &seeds, max_depth)),
        false => Found::Levels(view.levels(direction, &seeds, max_depth)),
    };
    let holes = if direction == Direction::Upstream && max_depth != Some(0) { holes(view, &seeds) } else { vec![] };
    if direction == Direction::Upstream && found.len() > MANY && wants(&["complete", "gap_reason"]) {
        view.look_for_hidden_inputs();
    }
    let schema = function.schema();
    rows::in_parts(holes.len() + found.len(), |range| {
        // Holes come first.
        let of = |at: usize| at.saturating_sub(holes.len());
        let holes = &holes[range.start.min(holes.len())..range.end.min(holes.len())];
        let steps = &found.steps(of(range.start)..of(range.end));
        let answer = Answer { view, direction, holes, steps, reached: OnceCell::new() };
        let columns = schema.fields().iter().map(|field| match wants(&[field.name().as_str()]) {
            true => answer.column(field.name()),
            false => new_null_array(field.data_type(), answer.len()),
        });
        let columns = columns.collect();
        Ok(RecordBatch::try_new(schema.clone(), columns)?)
    })
}

/// The columns that tell by what a version was reached. Without them a walk is a good deal faster.
const HOW: &[&str] = &["edge_type", "via_run_id", "evidence", "confidence"];

/// What a walk found.
enum Found {
    Steps(Vec<Step>),
    Levels(Levels),
}

impl Found {
    fn len(&self) -> usize {
        match self {
            Self::Steps(steps) => steps.len(),
            Self::Levels(levels) => levels.len(),
        }
    }

    fn steps(&self, range: Range<usize>) -> Cow<'_, [Step]> {
        match self {
            Self::Steps(steps) => Cow::Borrowed(&steps[range]),
            Self::Levels(levels) => Cow::Owned(levels.steps(range)),
        }
    }
}

/// Seeds of which it is not known where they come from: no answer may be empty for lack of knowledge.
fn holes(view: &View, seeds: &[Version]) -> Vec<Gap> {
    seeds.iter().filter_map(|&seed| view.hidden_inputs(seed)).collect()
}

pub(super) fn gap_text(gap: &Gap) -> String {
    format!("{}: {}", gap.kind.as_str(), gap.detail)
}

/// Steps from which on it is cheaper to look for what is hidden in the whole graph at once.
const MANY: usize = 20_000;

/// A part of what a walk found: first a row for each hole, then one for each version reached. Only the columns that a
/// query wants are made.
struct Answer<'a> {
    view: &'a View,
    direction: Direction,
    holes: &'a [Gap],
    steps: &'a [Step],
    /// What the steps mean, where a column tells of it.
    reached: OnceCell<Vec<Reached>>,
}

impl Answer<'_> {
    fn len(&self) -> usize {
        self.holes.len() + self.steps.len()
    }

    fn column(&self, name: &str) -> ArrayRef {
        let graph = self.view.graph();
        match name {
            "seed" => self.seeds(),
            "version_id" => {
                let ids = self.steps.iter().map(|s| graph.version_id(s.version));
                match self.holes.is_empty() {
                    true => Arc::new(ids.collect::<Vec<_>>().into_iter().collect::<Int64Array>()),
                    false => Arc::new(self.with_holes(ids.map(Some)).collect::<Int64Array>()),
                }
            }
            "asset_type" => self.texts(|s| Some(&graph.asset(s.version).asset_type)),
            "namespace" => self.texts(|s| Some(&graph.asset(s.version).namespace)),
            "name" => self.texts(|s| Some(&graph.asset(s.version).name)),
            "version" => self.texts(|s| Some(graph.version_name(s.version))),
            "depth" => {
                let depths = self.steps.iter().map(|s| Some(i64::from(s.depth)));
                Arc::new(self.holes.iter().map(|_| Some(1)).chain(depths).collect::<Int64Array>())
            }
            "edge_type" => self.meant(|r| Some(r.edge_type.as_str())),
            "via_run_id" => self.meant(|r| r.run.map(|run| graph.run_id(run))),
            "evidence" => self.meant(|r| Some(r.evidence.as_str())),
            "confidence" => {
                Arc::new(self.with_holes(self.reached().iter().map(|r| Some(r.confidence))).collect::<Float32Array>())
            }
            "complete" => {
                let known = self.steps.iter().map(|s| Some(self.reason(s).is_none()));
                Arc::new(self.holes.iter().map(|_| Some(false)).chain(known).collect::<BooleanArray>())
            }
            _ => {
                let holes = self.holes.iter().map(|gap| Some(gap_text(gap)));
                Arc::new(holes.chain(self.steps.iter().map(|s| self.reason(s))).collect::<StringArray>())
            }
        }
    }

    /// The values of the steps behind nulls for the holes.
    fn with_holes<T>(&self, values: impl Iterator<Item = Option<T>>) -> impl Iterator<Item = Option<T>> {
        self.holes.iter().map(|_| None).chain(values)
    }

    fn reached(&self) -> &[Reached] {
        let reached = |step: &Step| self.view.reached(self.direction, step);
        self.reached.get_or_init(|| self.steps.iter().map(reached).collect())
    }

    fn texts<'t>(&'t self, of: impl Fn(&'t Step) -> Option<&'t str>) -> ArrayRef {
        self.written(self.steps.iter().map(of))
    }

    fn meant<'t>(&'t self, of: impl Fn(&'t Reached) -> Option<&'t str>) -> ArrayRef {
        self.written(self.reached().iter().map(of))
    }

    fn written<'t>(&'t self, values: impl Iterator<Item = Option<&'t str>>) -> ArrayRef {
        const BYTES: usize = 16;
        let mut texts = StringBuilder::with_capacity(self.len(), self.len() * BYTES);
        self.with_holes(values).for_each(|text| texts.append_option(text));
        Arc::new(texts.finish())
    }

    fn seeds(&self) -> ArrayRef {
        let mut texts = StringBuilder::with_capacity(self.len(), self.len() * 32);
        let mut last: Option<(Version, String)> = None;
        let seeds = self.holes.iter().map(|gap| gap.version).chain(self.steps.iter().map(|s| s.seed));
        for seed in seeds {
            let text = match last.take() {
                Some((version, text)) if version == seed => text,
                _ => self.view.graph().text(seed),
            };
            texts.append_value(&text);
            last = Some((seed, text));
        }
        Arc::new(texts.finish())
    }

    /// What is not known beyond a version, or not in the answer.
    fn reason(&self, step: &Step) -> Option<String> {
        if step.cut {
            return Some("max_depth".to_owned());
        }
        match self.direction {
            Direction::Upstream => self.view.hidden_inputs(step.version).as_ref().map(gap_text),
            Direction::Downstream => None,
        }
    }
}
