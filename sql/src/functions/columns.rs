//! What `column_upstream` and `column_downstream` share.

use super::args::{Argument, Arguments, Takes};
use super::rows::{self, Cell, completeness};
use super::{Column, Function, Type, walk};
use crate::{Error, suggest};
use arrow::array::RecordBatch;
use lineward_store::graph::{Direction, ReachedColumn, Version, View};

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
) -> Result<RecordBatch, Error> {
    let seeds = walk::seeds(view, arguments.texts("asset"))?;
    let max_depth = arguments.count("max_depth").map(|n| u32::try_from(n).unwrap_or(u32::MAX));
    let mut out = Vec::new();
    for field in fields(view, &seeds, arguments.texts("field"))? {
        if max_depth != Some(0) {
            for seed in &seeds {
                if let Some(gap) = view.column_gap(direction, &(*seed, Some(field.clone()))) {
                    let mut row = vec![Cell::Null; 9];
                    row[4] = 1i64.into();
                    row.extend(completeness(Some(gap)));
                    out.push(row);
                }
            }
        }
        out.extend(view.column_walk(direction, &seeds, &field, max_depth).into_iter().map(|r| cells(view, r)));
    }
    rows::batch(function, &out)
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
