//! `models_trained_on`: the question Lineward is for.

use super::args::{Argument, Arguments, Takes};
use super::{Function, Type};
use crate::{Error, suggest};
use arrow::array::{ArrayRef, BooleanArray, Int64Array, RecordBatch, StringArray};
use lineward_store::graph::{Details, ResolveError, Status, Trained, View, What};
use std::sync::Arc;

const MODES: &[&str] = &["all", "observed", "inherited", "possible"];

pub(super) static FUNCTION: Function = Function {
    name: "models_trained_on",
    summary: "The model versions that carry sensitive data of a kind, or data of an asset: trained on it, on data \
              made from it, or tuned, adapted, quantised or merged from a model that was. Data a model is only \
              evaluated on does not count.",
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
        ("model_name", Type::Text, "name of the model"),
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

fn answer(view: &View, arguments: &Arguments) -> Result<RecordBatch, Error> {
    let mode = arguments.word("mode").unwrap_or("all");
    let wants = |column| arguments.wants(&FUNCTION, &[column]);
    let details =
        Details { sources: wants("sources"), first_run: wants("first_run_id"), gap_reason: wants("gap_reason") };
    let mut answers = Vec::new();
    for text in arguments.texts("tag_or_asset") {
        let (what, tag) = what(view, text)?;
        answers.push((tag, view.models_trained_on(&what, mode == "possible", details)));
    }
    let all = answers.iter().flat_map(|(tag, trained)| trained.iter().map(move |row| (tag.as_str(), row)));
    let rows: Vec<(&str, &Trained)> = all.filter(|(_, row)| wanted(mode, row.status)).collect();
    Ok(RecordBatch::try_new(FUNCTION.schema(), columns(view, &rows))?)
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
        Err(ResolveError::Unknown) if !is_name => {
            let tags = ["PII", "PHI", "CREDENTIAL", "FINANCIAL"].into_iter().map(str::to_owned);
            let tags = tags.chain(graph.tags().iter().map(|t| t.tag.clone()));
            Err(Error::Name(suggest::unknown("tag or asset", text, tags.chain(graph.asset_names()))))
        }
        Err(error) => Err(suggest::explain(graph, text, error)),
    }
}

fn columns(view: &View, rows: &[(&str, &Trained)]) -> Vec<ArrayRef> {
    let graph = view.graph();
    let text = |of: &dyn Fn(&Trained) -> Option<String>| -> ArrayRef {
        Arc::new(rows.iter().map(|(_, row)| of(row)).collect::<StringArray>())
    };
    let boolean = |of: &dyn Fn(&Trained) -> bool| -> ArrayRef {
        Arc::new(rows.iter().map(|(_, row)| Some(of(row))).collect::<BooleanArray>())
    };
    vec![
        text(&|r| Some(graph.asset(r.model).namespace.clone())),
        text(&|r| Some(graph.asset(r.model).name.clone())),
        text(&|r| Some(graph.version_name(r.model).to_owned())),
        Arc::new(rows.iter().map(|(tag, _)| Some(*tag)).collect::<StringArray>()),
        text(&|r| Some(r.status.as_str().to_owned())),
        Arc::new(rows.iter().map(|(_, r)| Some(r.sources)).collect::<Int64Array>()),
        Arc::new(rows.iter().map(|(_, r)| r.min_depth.map(i64::from)).collect::<Int64Array>()),
        text(&|r| r.first_run.map(|run| graph.run_id(run).to_owned())),
        boolean(&|r| r.deployed),
        boolean(&|r| r.complete),
        text(&|r| r.gap_reason.clone()),
    ]
}
