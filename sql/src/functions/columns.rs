//! What `column_upstream` and `column_downstream` share.

use super::args::{Argument, Arguments, Takes};
use super::rows::{self, Cell, completeness};
use super::{Column, Function, Type, walk};
use crate::{Error, suggest};
use arrow::array::RecordBatch;
use lineward_store::graph::{Direction, ReachedColumn, Version, View};
use std::collections::BTreeSet;

pub(super) const ARGUMENTS: &[Argument] = &[
    Argument { name: "asset", takes: Takes::Texts, required: true, summary: "an asset as in `upstream`" },
    Argument { name: "field", takes: Takes::Texts, required: true, summary: "the name of a field, `*` for all" },
    Argument { name: "max_depth", takes: Takes::Count, required: false, summary: "hops to walk; all unless given" },
    Argument::AS_OF,
    Argument::RECORDED_AS_OF,
];

pub(super) const COLUMNS: &[Column] = &[
    ("namespace", Type::Text, "namespace of the asset"),
    ("name", Type::Text, "its name; null in a row that stands for what is not known"),
    ("version", Type::Text, "its version"),
    ("field", Type::Text, "the field; null where the asset as a whole depends on it"),
    ("depth", Type::Integer, "hops from the field asked about"),
    ("type", Type::Text, "`DIRECT`: values flow; `INDIRECT`: they filter, join, group or sort"),
    ("subtype", Type::Text, "`IDENTITY`, `TRANSFORMATION`, `AGGREGATION`, `JOIN`, `FILTER`, ..."),
    ("masking", Type::Boolean, "the producer says that values are masked in the last hop"),
    ("run_id", Type::Text, "the run that made the last hop"),
    ("complete", Type::Boolean, "what lies beyond this field is known and in the answer"),
    ("gap_reason", Type::Text, "what is not"),
];

pub(super) fn walk(
    function: &Function,
    view: &View,
    arguments: &Arguments,
    direction: Direction,
) -> Result<Vec<RecordBatch>, Error> {
    let seeds = walk::seeds(view, arguments.texts("asset"))?;
    let max_depth = arguments.count("max_depth").map(|n| u32::try_from(n).unwrap_or(u32::MAX));
    let asked = arguments.texts("field");
    let fields = fields(view, &seeds, asked)?;
    let (mut out, mut gaps) = (Vec::new(), Vec::new());
    if max_depth != Some(0) && !asked.is_empty() {
        gaps.extend(unknown_fields(view, &seeds));
    }
    for field in fields {
        if max_depth != Some(0) {
            gaps.extend(seeds.iter().filter_map(|seed| view.column_gap(direction, &(*seed, Some(field.clone())))));
        }
        let reached = view.column_walk(direction, &seeds, &field, max_depth);
        let is_known = seeds.iter().any(|seed| view.fields_of(*seed).contains(&field.as_str()));
        out.extend(reached.into_iter().filter(|r| may_be(view, r, is_known)).map(|r| cells(view, r)));
    }
    let mut told = BTreeSet::new();
    gaps.retain(|gap| told.insert(gap.clone()));
    let rows: Vec<Vec<Cell>> = gaps.into_iter().map(gap_row).chain(out).collect();
    rows::batch(function, &rows)
}

fn gap_row(gap: String) -> Vec<Cell> {
    let mut row = vec![Cell::Null; 9];
    row[4] = 1i64.into();
    row.extend(completeness(Some(gap)));
    row
}

/// Versions asked about of which nobody said what fields they have: no answer about them is known to be all of it.
fn unknown_fields(view: &View, seeds: &[Version]) -> impl Iterator<Item = String> {
    seeds.iter().filter(|seed| view.fields_of(**seed).is_empty()).map(|seed| {
        let asset = view.graph().text(*seed);
        format!("fields_unknown: nobody says which fields `{asset}` has")
    })
}

/// Whether a version that was reached may have the field: a copy has the fields of its original by their names, and a name
/// that only the question knows is none of them.
fn may_be(view: &View, reached: &ReachedColumn, is_known: bool) -> bool {
    let (version, field) = &reached.column;
    let known = view.fields_of(*version);
    field.as_deref().is_none_or(|field| known.contains(&field) || is_known && known.is_empty())
}

/// The fields asked about, where the versions have them.
fn fields(view: &View, seeds: &[Version], asked: &[String]) -> Result<Vec<String>, Error> {
    let mut known: Vec<&str> = seeds.iter().flat_map(|s| view.fields_of(*s)).collect();
    known.sort_unstable();
    known.dedup();
    let mut fields = Vec::new();
    for name in asked {
        match name.as_str() {
            "*" => fields.extend(known.iter().map(|k| (*k).to_owned())),
            "" => return Err(Error::Argument("argument `field` is empty; write `'*'` for all fields".to_owned())),
            // Where no schema was ever said, any name may be one.
            name if known.contains(&name) || known.is_empty() => fields.push(name.to_owned()),
            name => {
                let names = known.iter().map(|k| (*k).to_owned());
                return Err(Error::Name(suggest::unknown("field", name, names)));
            }
        }
    }
    Ok(fields)
}

fn cells(view: &View, reached: ReachedColumn) -> Vec<Cell> {
    let graph = view.graph();
    let (version, field) = reached.column;
    let mut row = vec![
        graph.asset(version).namespace.as_str().into(),
        graph.asset(version).name.as_str().into(),
        graph.version_name(version).into(),
        field.into(),
        reached.depth.into(),
        reached.mapping_type.into(),
        reached.subtype.into(),
        reached.masking.into(),
        reached.run.map(|run| graph.run_id(run).to_owned()).into(),
    ];
    row.extend(completeness(reached.gap));
    row
}
