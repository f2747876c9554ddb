//! `models_trained_on`: the question Lineward is for.

use super::args::{Argument, Arguments, Takes};
use super::{Function, Type, rows};
use crate::{Error, suggest, tags};
use arrow::array::{ArrayRef, BooleanArray, Int64Array, RecordBatch, StringArray};
use lineward_store::graph::{Details, ResolveError, Status, Trained, View, What};
use std::sync::Arc;

const MODES: &[&str] = &["all", "observed", "inherited", "possible"];

pub(super) static FUNCTION: Function = Function {
    name: "models_trained_on",
    summary: "The model versions that carry sensitive data of a kind, or data of an asset: trained on it, on data \
              made from it, or tuned, adapted, quantised or merged from a model that was. Data a model is only \
              evaluated on does not count. Where no model is known to and it is not known of some, a row without a name \
              says so.",
    arguments: &[
        Argument {
            name: "tag_or_asset",
            takes: Takes::Texts,
            required: true,
            summary: "a category (`PHI`), an entity (`US_SSN`), both (`PII.US_SSN`), in any case, or an asset as in \
                      `upstream`",
        },
        Argument::AS_OF,
        Argument {
            name: "mode",
            takes: Takes::Word(MODES),
            required: false,
            summary: "`observed`: seen in the training data itself, or in that of a model it was made from; `inherited`: \
                      seen only further upstream of that; `all` (unless given): both; `possible`: also models whose upstream is not known, with status \
                      `unknown`",
        },
        Argument::RECORDED_AS_OF,
    ],
    columns: &[
        ("model_namespace", Type::Text, "namespace of the model"),
        ("model_name", Type::Text, "name of the model; null in a row that stands for what is not known"),
        ("model_version", Type::Text, "version of the model"),
        ("tag", Type::Text, "what was asked for"),
        (
            "status",
            Type::Text,
            "`observed`: seen in data that the model, or a model it was tuned, merged or otherwise made from, was trained \
             on; `inherited`: seen only in what that data was made from; `contradicted`: seen in the training data \
             although it was cleared upstream; `unknown`: see `mode`",
        ),
        ("sources", Type::Integer, "versions it was seen in, copies counted once"),
        ("min_depth", Type::Integer, "hops from the nearest data it was seen in"),
        ("first_run_id", Type::Text, "the earliest run that brought it into the model"),
        ("deployed", Type::Boolean, "the model is served"),
        ("complete", Type::Boolean, "everything upstream of the model is known and scanned"),
        ("gap_reason", Type::Text, "what is not, and where the nearest of it is"),
    ],
    example: "SELECT model_name, model_version, status, deployed, complete FROM models_trained_on('PHI')",
    how: "one pass of the tag along all edges in topological order",
    answer,
};

fn answer(view: &View, arguments: &Arguments) -> Result<Vec<RecordBatch>, Error> {
    let mode = arguments.word("mode").unwrap_or("all");
    let wants = |column| arguments.wants(&FUNCTION, &[column]);
    let details = Details {
        sources: wants("sources"),
        min_depth: wants("min_depth"),
        first_run: wants("first_run_id"),
        gap_reason: wants("gap_reason"),
    };
    let mut answers = Vec::new();
    for text in arguments.texts("tag_or_asset") {
        let (what, tag) = what(view, text)?;
        let trained = view.models_trained_on(&what, mode == "possible", details);
        let gap = match trained.iter().any(|row| wanted(mode, row.status)) {
            true => None,
            false => unknown_models(view, &what),
        };
        answers.push((tag, trained, gap));
    }
    let mut rows = Vec::new();
    for (tag, trained, gap) in &answers {
        let wanted = trained.iter().filter(|row| wanted(mode, row.status));
        rows.extend(wanted.map(|row| Row { tag, model: Some(row), gap: row.gap_reason.as_deref() }));
        rows.extend(gap.iter().map(|gap| Row { tag, model: None, gap: Some(gap) }));
    }
    rows::in_parts(rows.len(), |range| Ok(RecordBatch::try_new(FUNCTION.schema(), columns(view, &rows[range]))?))
}

/// A row of the answer: a model, or what is not known where there is none.
struct Row<'a> {
    tag: &'a str,
    model: Option<&'a Trained>,
    gap: Option<&'a str>,
}

/// How many models there are of which nobody can say that they do not belong here; `None` where there is none.
fn unknown_models(view: &View, what: &What) -> Option<String> {
    let all = view.models_trained_on(what, true, Details::NONE);
    let (versions, them) = match all.iter().filter(|row| row.status == Status::Unknown).count() {
        0 => return None,
        1 => ("1 model version is".to_owned(), "it"),
        many => (format!("{many} model versions are"), "them"),
    };
    Some(format!(
        "models_unknown: {versions} made from what nobody knows or has searched; mode `possible` lists {them}"
    ))
}

fn wanted(mode: &str, status: Status) -> bool {
    match mode {
        "observed" => matches!(status, Status::Observed | Status::Contradicted),
        "inherited" => status == Status::Inherited,
        _ => true,
    }
}

/// What a text asks for, and how the answer names it. Tags come first: they hold no `:` or `/`, assets nearly always do.
pub(super) fn what(view: &View, text: &str) -> Result<(What, String), Error> {
    let graph = view.graph();
    let text = text.trim();
    if graph.knows_tag(text) {
        return Ok((What::Tag(text.to_owned()), graph.tag_name(text)));
    }
    let is_name = text.contains([':', '/', '@', '*']);
    match graph.resolve(text, view.valid()) {
        Ok(versions) => Ok((What::Versions(versions), text.to_owned())),
        // Nobody has found it yet.
        Err(ResolveError::Unknown) if !is_name && tags::rules_know(text) => {
            Ok((What::Tag(text.to_owned()), graph.tag_name(text)))
        }
        Err(ResolveError::Unknown) if !is_name => {
            let known = tags::of_rules().iter().cloned().chain(graph.tags().iter().map(|t| t.tag.clone()));
            Err(Error::Name(suggest::unknown("tag or asset", text, known.chain(graph.asset_names()))))
        }
        Err(error) => Err(suggest::explain(graph, text, error)),
    }
}

fn columns(view: &View, rows: &[Row<'_>]) -> Vec<ArrayRef> {
    let graph = view.graph();
    let text = |of: &dyn Fn(&Trained) -> Option<String>| -> ArrayRef {
        Arc::new(rows.iter().map(|row| row.model.and_then(of)).collect::<StringArray>())
    };
    let statuses = rows.iter().map(|row| row.model.map_or(Status::Unknown, |model| model.status).as_str());
    vec![
        text(&|r| Some(graph.asset(r.model).namespace.clone())),
        text(&|r| Some(graph.asset(r.model).name.clone())),
        text(&|r| Some(graph.version_name(r.model).to_owned())),
        Arc::new(rows.iter().map(|row| Some(row.tag)).collect::<StringArray>()),
        Arc::new(statuses.map(Some).collect::<StringArray>()),
        Arc::new(rows.iter().map(|row| row.model.map(|r| r.sources)).collect::<Int64Array>()),
        Arc::new(rows.iter().map(|row| row.model?.min_depth.map(i64::from)).collect::<Int64Array>()),
        text(&|r| r.first_run.map(|run| graph.run_id(run).to_owned())),
        Arc::new(rows.iter().map(|row| row.model.map(|r| r.deployed)).collect::<BooleanArray>()),
        Arc::new(rows.iter().map(|row| Some(row.model.is_some_and(|r| r.complete))).collect::<BooleanArray>()),
        Arc::new(rows.iter().map(|row| row.gap).collect::<StringArray>()),
    ]
}
