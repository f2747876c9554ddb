//! Tables of schema `graph`: what the graph knows of every version, for the views to join.

use super::training_data::tags;
use super::{Function, Type, rows};
use crate::Error;
use arrow::array::{ArrayRef, BooleanArray, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use lineward_store::graph::{Gap, TagMasks, View};
use std::sync::Arc;

pub(super) static GAPS: Function = Function {
    name: "gaps",
    summary: "What is not known of versions.",
    arguments: &[],
    columns: &[
        ("gap", Type::Text, "the kind"),
        ("version_id", Type::Integer, "of which version"),
        ("asset_type", Type::Text, "its asset's type"),
        ("namespace", Type::Text, "its asset's namespace"),
        ("name", Type::Text, "its asset's name"),
        ("run_id", Type::Text, "by which run"),
        ("job", Type::Text, "of which job, `namespace/name`"),
        ("since", Type::Time, "since when"),
        ("detail", Type::Text, "in words"),
    ],
    example: "SELECT * FROM graph.gaps",
    how: "for every version",
    answer: |view, _| gaps(view),
};

fn gaps(view: &View) -> Result<Vec<RecordBatch>, Error> {
    let graph = view.graph();
    let all = view.gaps_of_models();
    rows::in_parts(all.len(), |range| {
        let gaps = &all[range];
        let text = |of: &dyn Fn(&Gap) -> Option<String>| -> ArrayRef {
            Arc::new(gaps.iter().map(of).collect::<StringArray>())
        };
        let job = |gap: &Gap| {
            let job = graph.job(&graph.run(gap.run?))?;
            Some(format!("{}/{}", job.namespace, job.name))
        };
        let columns: Vec<ArrayRef> = vec![
            text(&|g| Some(g.kind.as_str().to_owned())),
            Arc::new(gaps.iter().map(|g| Some(graph.version_id(g.version))).collect::<Int64Array>()),
            text(&|g| Some(graph.asset(g.version).asset_type.clone())),
            text(&|g| Some(graph.asset(g.version).namespace.clone())),
            text(&|g| Some(graph.asset(g.version).name.clone())),
            text(&|g| g.run.map(|run| graph.run_id(run).to_owned())),
            text(&job),
            Arc::new(gaps.iter().map(|g| g.since).collect::<TimestampMicrosecondArray>().with_timezone("UTC")),
            text(&|g| Some(g.detail.clone())),
        ];
        Ok(RecordBatch::try_new(GAPS.schema(), columns)?)
    })
}

pub(super) static LABELS: Function = Function {
    name: "labels",
    summary: "Tags of versions that have any.",
    arguments: &[],
    columns: &[
        ("version_id", Type::Integer, "the version"),
        ("own", Type::Texts, "seen in it, in a copy or in a member"),
        ("inherited", Type::Texts, "flowed in along lineage"),
        ("cleared", Type::Texts, "would have flowed in, were it not cleared"),
        ("contradicted", Type::Texts, "cleared upstream, and seen all the same"),
    ],
    example: "SELECT * FROM graph.labels",
    how: "for every version",
    answer: |view, _| labels(view),
};

fn labels(view: &View) -> Result<Vec<RecordBatch>, Error> {
    let graph = view.graph();
    let labelled = graph.versions().map(|v| (v, view.tags_of(v))).filter(|(_, t)| *t != TagMasks::default());
    let all: Vec<_> = labelled.filter(|(v, _)| view.exists(*v)).collect();
    rows::in_parts(all.len(), |range| {
        let rows = &all[range];
        let list = |of: &dyn Fn(&TagMasks) -> u64| tags(view, rows.iter().map(|(_, t)| Some(of(t))));
        let columns: Vec<ArrayRef> = vec![
            Arc::new(rows.iter().map(|(v, _)| Some(graph.version_id(*v))).collect::<Int64Array>()),
            list(&|t| t.own),
            list(&|t| t.inherited),
            list(&|t| t.cleared),
            list(&|t| t.contradicted),
        ];
        Ok(RecordBatch::try_new(LABELS.schema(), columns)?)
    })
}

pub(super) static FIELD_LABELS: Function = Function {
    name: "field_labels",
    summary: "Tags of fields that have any.",
    arguments: &[],
    columns: &[
        ("version_id", Type::Integer, "the version"),
        ("field", Type::Text, "the field, null for what may be in any of them"),
        ("own", Type::Texts, "seen in it, in a copy or in a member"),
        ("inherited", Type::Texts, "flowed in along lineage"),
        ("cleared", Type::Texts, "would have flowed in, were it not cleared"),
        ("contradicted", Type::Texts, "cleared upstream, and seen all the same"),
    ],
    example: "SELECT * FROM graph.field_labels",
    how: "for every field",
    answer: |view, _| field_labels(view),
};

fn field_labels(view: &View) -> Result<Vec<RecordBatch>, Error> {
    let graph = view.graph();
    let all = view.field_tags();
    rows::in_parts(all.len(), |range| {
        let rows = &all[range];
        let list = |of: &dyn Fn(&TagMasks) -> u64| tags(view, rows.iter().map(|row| Some(of(&row.tags))));
        let columns: Vec<ArrayRef> = vec![
            Arc::new(rows.iter().map(|row| Some(graph.version_id(row.version))).collect::<Int64Array>()),
            Arc::new(rows.iter().map(|row| row.field.as_deref()).collect::<StringArray>()),
            list(&|t| t.own),
            list(&|t| t.inherited),
            list(&|t| t.cleared),
            list(&|t| t.contradicted),
        ];
        Ok(RecordBatch::try_new(FIELD_LABELS.schema(), columns)?)
    })
}

pub(super) static MODELS: Function = Function {
    name: "models",
    summary: "What the graph knows of model versions.",
    arguments: &[],
    columns: &[
        ("version_id", Type::Integer, "the model version"),
        ("deployed", Type::Boolean, "it is served"),
        ("complete", Type::Boolean, "everything upstream of it is known and scanned"),
        ("gap_reason", Type::Text, "what is not"),
    ],
    example: "SELECT * FROM graph.models",
    how: "for every version",
    answer: |view, _| models(view),
};

fn models(view: &View) -> Result<Vec<RecordBatch>, Error> {
    let graph = view.graph();
    let all = view.model_states();
    rows::in_parts(all.len(), |range| {
        let rows = &all[range];
        let columns: Vec<ArrayRef> = vec![
            Arc::new(rows.iter().map(|r| Some(graph.version_id(r.model))).collect::<Int64Array>()),
            Arc::new(rows.iter().map(|r| Some(r.deployed)).collect::<BooleanArray>()),
            Arc::new(rows.iter().map(|r| Some(r.gap_reason.is_none())).collect::<BooleanArray>()),
            Arc::new(rows.iter().map(|r| r.gap_reason.clone()).collect::<StringArray>()),
        ];
        Ok(RecordBatch::try_new(MODELS.schema(), columns)?)
    })
}

pub(super) static INCOMPLETE: Function = Function {
    name: "incomplete",
    summary: "Versions of which something is not known.",
    arguments: &[],
    columns: &[
        ("version_id", Type::Integer, "the version"),
        ("gap_reason", Type::Text, "what is not known, of it or upstream of it"),
    ],
    example: "SELECT * FROM graph.incomplete",
    how: "for every version",
    answer: |view, arguments| incomplete(view, arguments.wants(&INCOMPLETE, &["gap_reason"])),
};

fn incomplete(view: &View, in_words: bool) -> Result<Vec<RecordBatch>, Error> {
    let graph = view.graph();
    let all = view.incomplete(in_words);
    rows::in_parts(all.len(), |range| {
        let rows = &all[range];
        let columns: Vec<ArrayRef> = vec![
            Arc::new(rows.iter().map(|(v, _)| Some(graph.version_id(*v))).collect::<Int64Array>()),
            Arc::new(rows.iter().map(|(_, reason)| reason.as_deref()).collect::<StringArray>()),
        ];
        Ok(RecordBatch::try_new(INCOMPLETE.schema(), columns)?)
    })
}

pub(super) static SERVED: Function = Function {
    name: "served",
    summary: "Which model versions a deployment serves.",
    arguments: &[],
    columns: &[
        ("version_id", Type::Integer, "the deployment's version"),
        ("model_version_id", Type::Integer, "the model version, null where it is not known"),
    ],
    example: "SELECT * FROM graph.served",
    how: "for every version",
    answer: |view, _| served(view),
};

fn served(view: &View) -> Result<Vec<RecordBatch>, Error> {
    let graph = view.graph();
    let all = view.served();
    rows::in_parts(all.len(), |range| {
        let rows = &all[range];
        let columns: Vec<ArrayRef> = vec![
            Arc::new(rows.iter().map(|(d, _)| Some(graph.version_id(*d))).collect::<Int64Array>()),
            Arc::new(rows.iter().map(|(_, m)| m.map(|m| graph.version_id(m))).collect::<Int64Array>()),
        ];
        Ok(RecordBatch::try_new(SERVED.schema(), columns)?)
    })
}
