//! `training_data`: what a model was trained on.

use super::args::{Argument, Arguments, Takes};
use super::{Function, Type, rows, walk};
use crate::Error;
use arrow::array::{ArrayRef, BooleanArray, Int64Array, ListBuilder, RecordBatch, StringArray, StringBuilder};
use lineward_store::graph::{Granularity, Kind, TrainingData, Version, View};
use std::sync::Arc;

pub(super) static FUNCTION: Function = Function {
    name: "training_data",
    summary: "The data that the training of a model read, and that of the models it was tuned from. Where it is not \
              known what a model was trained on, a row without a name says so: an empty answer means that the model \
              was declared to be trained on nothing.",
    arguments: &[
        Argument {
            name: "model",
            takes: Takes::Texts,
            required: true,
            summary: "a model as in `upstream`; all its versions unless one is named",
        },
        Argument {
            name: "granularity",
            takes: Takes::Word(&["dataset", "shard", "file"]),
            required: false,
            summary: "`dataset` (unless given): as the training named it; `shard` or `file`: the members it consists of",
        },
        Argument::AS_OF,
        Argument::RECORDED_AS_OF,
    ],
    columns: &[
        ("namespace", Type::Text, "namespace of the data"),
        ("name", Type::Text, "its name; null in a row that stands for what is not known"),
        ("version", Type::Text, "its version"),
        ("context", Type::Text, "as what the training read it: `training`, `feedback`, ..."),
        ("row_count", Type::Integer, "its rows, where known"),
        ("tags", Type::Texts, "what was seen in it or flowed into it"),
        ("depth", Type::Integer, "1 for the model's own data, 2 for that of its base model, ..."),
        ("inherited_from_model", Type::Text, "the base model by which it came in"),
        ("complete", Type::Boolean, "it is all known and was scanned"),
        ("gap_reason", Type::Text, "what is not known"),
    ],
    example: "SELECT namespace, name, tags, depth, complete, gap_reason FROM training_data('model:summarizer')",
    how: "breadth first against the data over models and what trained them",
    answer,
};

fn answer(view: &View, arguments: &Arguments) -> Result<Vec<RecordBatch>, Error> {
    let granularity = match arguments.word("granularity") {
        Some("shard") => Granularity::Shard,
        Some("file") => Granularity::File,
        _ => Granularity::Dataset,
    };
    let asked = arguments.texts("model");
    let mut models = walk::seeds(view, asked)?;
    let others = models.first().map(|&v| view.graph().text(v));
    models.retain(|&v| view.graph().kind(v) == Kind::Model);
    if let (true, Some(other)) = (models.is_empty(), others) {
        return Err(Error::Name(format!("`{other}` is no model; `upstream` takes any asset")));
    }
    let rows = distinct(view.training_data(&models, granularity));
    rows::in_parts(rows.len(), |range| Ok(RecordBatch::try_new(FUNCTION.schema(), columns(view, &rows[range]))?))
}

/// Versions of one model often share data: each piece of data once, by its shortest way.
fn distinct(mut rows: Vec<TrainingData>) -> Vec<TrainingData> {
    rows.sort_by_key(|r| (r.depth, r.through));
    let mut seen = std::collections::HashSet::new();
    rows.retain(|r| r.data.is_none_or(|data| seen.insert(data)));
    rows
}

fn columns(view: &View, rows: &[TrainingData]) -> Vec<ArrayRef> {
    let graph = view.graph();
    let text = |of: &dyn Fn(Version) -> String| -> ArrayRef {
        Arc::new(rows.iter().map(|row| row.data.map(of)).collect::<StringArray>())
    };
    let reason = |row: &TrainingData| row.gap.as_ref().map(walk::gap_text);
    vec![
        text(&|v| graph.asset(v).namespace.clone()),
        text(&|v| graph.asset(v).name.clone()),
        text(&|v| graph.version_name(v).to_owned()),
        Arc::new(rows.iter().map(|r| Some(r.context.as_str()).filter(|c| !c.is_empty())).collect::<StringArray>()),
        Arc::new(rows.iter().map(|r| graph.version(r.data?).row_count).collect::<Int64Array>()),
        tags(view, rows.iter().map(|r| r.data.map(|v| view.tags_of(v)).map(|t| t.own | t.inherited))),
        Arc::new(rows.iter().map(|r| Some(i64::from(r.depth))).collect::<Int64Array>()),
        Arc::new(rows.iter().map(|r| r.through.map(|v| graph.text(v))).collect::<StringArray>()),
        Arc::new(rows.iter().map(|r| Some(r.gap.is_none())).collect::<BooleanArray>()),
        Arc::new(rows.iter().map(reason).collect::<StringArray>()),
    ]
}

/// Masks as lists of tag names.
pub(crate) fn tags(view: &View, masks: impl Iterator<Item = Option<u64>>) -> ArrayRef {
    let mut lists = ListBuilder::new(StringBuilder::new());
    for mask in masks {
        match mask {
            Some(mask) => lists.append_value(view.graph().tag_names(mask).into_iter().map(Some)),
            None => lists.append_null(),
        }
    }
    Arc::new(lists.finish())
}
