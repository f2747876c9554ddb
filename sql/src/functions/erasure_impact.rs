//! `erasure_impact`: what has to be done when a person asks for erasure.

use super::args::{Argument, Arguments, Takes};
use super::rows::{self, Cell, completeness};
use super::table::SUBJECT;
use super::{Function, Type};
use crate::Error;
use arrow::array::{
    ArrayRef, BooleanArray, Int64Array, ListBuilder, RecordBatch, StringArray, StringBuilder, new_null_array,
};
use lineward_store::graph::{Reach, Version, View};
use std::sync::Arc;

pub(super) static FUNCTION: Function = Function {
    name: "erasure_impact",
    summary: "What a request for erasure touches: the files the record index has the person in, what was made from \
              them, the models trained on it and the deployments that serve those. Data that is not indexed under the \
              key may hold the person too: then `complete` is false.",
    arguments: &[
        Argument {
            name: SUBJECT,
            takes: Takes::Texts,
            required: true,
            summary: "the person's fingerprint, `KEYID:HEX`, as `fingerprint` makes it; several by a subquery",
        },
        Argument::AS_OF,
        Argument {
            name: "include_near",
            takes: Takes::Flag,
            required: false,
            summary: "also near copies, which are alike and not equal; `false` unless given",
        },
        Argument::RECORDED_AS_OF,
    ],
    columns: &[
        ("asset_type", Type::Text, "type of the asset"),
        ("namespace", Type::Text, "its namespace"),
        ("name", Type::Text, "its name; null in a row that stands for what is not known"),
        ("version", Type::Text, "its version"),
        ("records", Type::Integer, "places in it where the person is; null where it was not itself searched for them"),
        (
            "action",
            Type::Text,
            "`DELETE` records, `REWRITE` what was made from them, `RETRAIN`, `SUPPRESS` a deployment",
        ),
        ("reason_path", Type::Texts, "the way from a file with the person in it to this version"),
        ("deployed", Type::Boolean, "it is served, or serves"),
        ("complete", Type::Boolean, "all data is indexed under the key"),
        ("gap_reason", Type::Text, "what is not"),
    ],
    example: "SELECT action, asset_type, name, version, records FROM erasure_impact('5ca5a1d0:00112233445566778899aabbccddeeff')",
    how: "a lookup in the record index, then breadth first with the data from every place at once",
    answer,
};

fn answer(view: &View, arguments: &Arguments) -> Result<Vec<RecordBatch>, Error> {
    let subjects: Vec<String> = arguments.texts(SUBJECT).iter().map(|s| s.to_ascii_lowercase()).collect();
    let Some(first) = subjects.first() else { return rows::batch(&FUNCTION, &[]) };
    let mut keys = Vec::new();
    for subject in &subjects {
        keys.push(key_id(subject)?);
    }
    if keys.iter().any(|key| *key != keys[0]) {
        return Err(Error::Argument("the fingerprints are of several keys; ask for those of one key at a time".into()));
    }
    let reach = view.erasure_reach(&arguments.places, arguments.flag("include_near"));
    // Only a query that shows them pays for looking at the whole graph.
    let wants = |columns: &[&str]| arguments.wants(&FUNCTION, columns);
    let gap = if wants(&["complete", "gap_reason"]) || reach.found.is_empty() {
        gap(view, &view.not_indexed(key_id(first)?))
    } else {
        None
    };
    if reach.found.is_empty() && gap.is_some() {
        let mut row = vec![Cell::Null; 8];
        row.extend(completeness(gap));
        return rows::batch(&FUNCTION, &[row]);
    }
    let deployed = if wants(&["deployed"]) { view.served_models() } else { &[] };
    let schema = FUNCTION.schema();
    rows::in_parts(reach.found.len(), |range| {
        let found = &reach.found[range];
        let columns = schema.fields().iter().map(|field| match wants(&[field.name().as_str()]) {
            true => column(view, (&reach, found), deployed, gap.as_deref(), field.name()),
            false => new_null_array(field.data_type(), found.len()),
        });
        let columns = columns.collect();
        Ok(RecordBatch::try_new(schema.clone(), columns)?)
    })
}

/// A column of some of what was found: a person may be in very much, and most queries show little of it.
fn column(
    view: &View,
    (reach, found): (&Reach, &[Version]),
    deployed: &[bool],
    gap: Option<&str>,
    name: &str,
) -> ArrayRef {
    let graph = view.graph();
    let found = || found.iter().copied();
    let texts = |of: &dyn Fn(Version) -> &'static str| -> ArrayRef {
        Arc::new(found().map(|v| Some(of(v))).collect::<StringArray>())
    };
    match name {
        "asset_type" => Arc::new(found().map(|v| Some(graph.asset(v).asset_type.as_str())).collect::<StringArray>()),
        "namespace" => Arc::new(found().map(|v| Some(graph.asset(v).namespace.as_str())).collect::<StringArray>()),
        "name" => Arc::new(found().map(|v| Some(graph.asset(v).name.as_str())).collect::<StringArray>()),
        "version" => Arc::new(found().map(|v| Some(graph.version_name(v))).collect::<StringArray>()),
        "records" => Arc::new(found().map(|v| reach.records(v)).collect::<Int64Array>()),
        "action" => texts(&|v| reach.action(graph, v).as_str()),
        "reason_path" => {
            let mut paths = ListBuilder::new(StringBuilder::new());
            found().for_each(|v| paths.append_value(reach.path(graph, v).into_iter().map(|at| Some(graph.text(at)))));
            Arc::new(paths.finish())
        }
        "deployed" => Arc::new(found().map(|v| deployed.get(v as usize).copied()).collect::<BooleanArray>()),
        "complete" => Arc::new(found().map(|_| Some(gap.is_none())).collect::<BooleanArray>()),
        _ => Arc::new(found().map(|_| gap).collect::<StringArray>()),
    }
}

/// The key of a fingerprint. What was written is not repeated: it may be the value itself.
fn key_id(subject: &str) -> Result<&str, Error> {
    let parts = subject.split_once(':');
    let hex = |text: &str, digits: usize| text.len() == digits && text.bytes().all(|b| b.is_ascii_hexdigit());
    parts.filter(|(key, rest)| hex(key, 8) && hex(rest, 32)).map(|(key, _)| key).ok_or_else(|| {
        let help = "make it with `fingerprint('ENTITY', 'VALUE')`";
        Error::Argument(format!("argument `{SUBJECT}` of `erasure_impact` is no fingerprint (`KEYID:HEX`); {help}"))
    })
}

fn gap(view: &View, not_indexed: &[Version]) -> Option<String> {
    let first = *not_indexed.first()?;
    let count = not_indexed.len();
    let (s, have) = if count == 1 { ("", "has") } else { ("s", "have") };
    let name = view.graph().text(first);
    Some(format!("not_indexed: {count} version{s} of data {have} no record index under this key, as `{name}`"))
}
