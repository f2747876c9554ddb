//! `erasure_impact`: what has to be done when a person asks for erasure.

use super::args::{Argument, Arguments, Takes};
use super::rows::{self, Cell, completeness};
use super::table::SUBJECT;
use super::{Function, Type};
use crate::Error;
use arrow::array::RecordBatch;
use lineward_store::graph::{Affected, Impact, View};

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

fn answer(view: &View, arguments: &Arguments) -> Result<RecordBatch, Error> {
    let subjects: Vec<String> = arguments.texts(SUBJECT).iter().map(|s| s.to_ascii_lowercase()).collect();
    let Some(first) = subjects.first() else { return rows::batch(&FUNCTION, &[]) };
    let mut keys = Vec::new();
    for subject in &subjects {
        keys.push(key_id(subject)?);
    }
    if keys.iter().any(|key| *key != keys[0]) {
        return Err(Error::Argument("the fingerprints are of several keys; ask for those of one key at a time".into()));
    }
    let impact = view.erasure_impact(&arguments.places, key_id(first)?, arguments.flag("include_near"));
    let gap = gap(view, &impact);
    let mut out: Vec<Vec<Cell>> = impact.affected.iter().map(|row| cells(view, row, gap.clone())).collect();
    if out.is_empty() && gap.is_some() {
        let mut row = vec![Cell::Null; 8];
        row.extend(completeness(gap));
        out.push(row);
    }
    rows::batch(&FUNCTION, &out)
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

fn gap(view: &View, impact: &Impact) -> Option<String> {
    let first = *impact.not_indexed.first()?;
    let count = impact.not_indexed.len();
    let (s, have) = if count == 1 { ("", "has") } else { ("s", "have") };
    let name = view.graph().text(first);
    Some(format!("not_indexed: {count} version{s} of data {have} no record index under this key, as `{name}`"))
}

fn cells(view: &View, row: &Affected, gap: Option<String>) -> Vec<Cell> {
    let graph = view.graph();
    let asset = graph.asset(row.version);
    let mut cells: Vec<Cell> = vec![
        asset.asset_type.as_str().into(),
        asset.namespace.as_str().into(),
        asset.name.as_str().into(),
        graph.version_name(row.version).into(),
        row.records.into(),
        row.action.as_str().into(),
        row.path.iter().map(|v| graph.text(*v)).collect::<Vec<_>>().into(),
        row.deployed.into(),
    ];
    cells.extend(completeness(gap));
    cells
}
