//! `get_lineage`: lineage in the shape of Snowflake's function of this name, over any number of hops.

use super::args::{Argument, Arguments, Takes};
use super::rows::{self, Cell};
use super::{Function, Type};
use crate::{Error, suggest};
use arrow::array::RecordBatch;
use lineward_store::graph::{Direction, Version, View};
use std::collections::{HashMap, HashSet};

const DOMAINS: &[&str] = &[
    "TABLE",
    "VIEW",
    "DATASET",
    "STAGE",
    "COLUMN",
    "FILE",
    "SHARD",
    "TOPIC",
    "FEATURE_VIEW",
    "CORPUS",
    "MODEL",
    "DEPLOYMENT",
    "INDEX",
    "PROMPT",
];

/// Domains by which producers mean any data, whatever type it was recorded as.
const DATA: [&str; 4] = ["TABLE", "VIEW", "DATASET", "STAGE"];

pub(super) static FUNCTION: Function = Function {
    name: "get_lineage",
    summary: "Lineage with the arguments and columns of Snowflake's `GET_LINEAGE`; the distance is not limited to 5. A \
              name `a.b.c` is shown as database, schema and name, any other as its namespace and name. A source of \
              status `UNKNOWN` stands for what nobody has said.",
    arguments: &[
        Argument {
            name: "object_name",
            takes: Takes::Texts,
            required: true,
            summary: "an asset as in `upstream`; for a column its asset, a dot and the field",
        },
        Argument {
            name: "object_domain",
            takes: Takes::Word(DOMAINS),
            required: true,
            summary: "`TABLE`, `VIEW`, `DATASET`, `STAGE` (any data), `COLUMN`, `MODEL`, `DEPLOYMENT`, `FILE`, ...",
        },
        Argument {
            name: "direction",
            takes: Takes::Word(&["UPSTREAM", "DOWNSTREAM"]),
            required: true,
            summary: "`UPSTREAM` or `DOWNSTREAM`",
        },
        Argument { name: "distance", takes: Takes::Count, required: false, summary: "hops to walk; all unless given" },
        Argument {
            name: "object_version",
            takes: Takes::Texts,
            required: false,
            summary: "a version; all unless given",
        },
    ],
    columns: &[
        ("source_object_database", Type::Text, "database, or namespace, that data comes from"),
        ("source_object_schema", Type::Text, "schema"),
        ("source_object_name", Type::Text, "name"),
        ("source_object_domain", Type::Text, "type of asset, or `COLUMN`"),
        ("source_object_version", Type::Text, "version"),
        ("source_column_name", Type::Text, "field, in lineage of columns"),
        ("source_status", Type::Text, "`ACTIVE`, `DELETED`, `MASKED` (values are masked on the way), or `UNKNOWN`"),
        ("target_object_database", Type::Text, "database, or namespace, that it goes to"),
        ("target_object_schema", Type::Text, "schema"),
        ("target_object_name", Type::Text, "name"),
        ("target_object_domain", Type::Text, "type of asset, or `COLUMN`"),
        ("target_object_version", Type::Text, "version"),
        ("target_column_name", Type::Text, "field, in lineage of columns"),
        ("target_status", Type::Text, "`ACTIVE`, `DELETED`, `MASKED`"),
        ("distance", Type::Integer, "hops from the object asked about, from 1"),
        ("process", Type::Text, "the run, its job and what the hop means, as JSON"),
    ],
    example: "SELECT source_object_name, target_object_name, distance FROM get_lineage('summarizer', 'MODEL', 'UPSTREAM')",
    how: "breadth first from the object, a row for each hop",
    answer,
};

fn answer(view: &View, arguments: &Arguments) -> Result<Vec<RecordBatch>, Error> {
    let domain = arguments.word("object_domain").unwrap_or("TABLE");
    let direction = match arguments.word("direction") {
        Some("DOWNSTREAM") => Direction::Downstream,
        _ => Direction::Upstream,
    };
    let distance = arguments.count("distance").map(|n| u32::try_from(n).unwrap_or(u32::MAX));
    let version = arguments.word("object_version");
    let mut out = Vec::new();
    for name in arguments.texts("object_name") {
        if domain == "COLUMN" {
            let (seeds, field) = column(view, name, version)?;
            out.extend(column_hops(view, direction, &seeds, &field, distance));
            continue;
        }
        let typed = match DATA.contains(&domain) || name.contains(':') {
            true => name.clone(),
            false => format!("{}:{name}", domain.to_ascii_lowercase()),
        };
        let seeds = suggest::resolve(view.graph(), &at(&typed, version), view.valid())?;
        out.extend(hops(view, direction, &seeds, distance));
    }
    rows::batch(&FUNCTION, &out)
}

fn at(name: &str, version: Option<&str>) -> String {
    version.map_or_else(|| name.to_owned(), |version| format!("{name}@{version}"))
}

/// The versions and the field that `asset.field` names. Both may hold dots: the first cut from the right that names an
/// asset counts.
fn column(view: &View, name: &str, version: Option<&str>) -> Result<(Vec<Version>, String), Error> {
    let mut first = None;
    for (dot, _) in name.rmatch_indices('.') {
        let (asset, field) = (&name[..dot], &name[dot + 1..]);
        match suggest::resolve(view.graph(), &at(asset, version), view.valid()) {
            Ok(seeds) => return Ok((seeds, field.to_owned())),
            Err(error) => _ = first.get_or_insert(error),
        }
    }
    Err(first.unwrap_or_else(|| Error::Name(format!("`{name}` is no column; write its asset, a dot and the field"))))
}

fn hops(view: &View, direction: Direction, seeds: &[Version], distance: Option<u32>) -> Vec<Vec<Cell>> {
    let mut depth: HashMap<Version, u32> = seeds.iter().map(|s| (*s, 0)).collect();
    let mut order: Vec<Version> = seeds.to_vec();
    let mut seen = HashSet::new();
    let (mut next, mut out) = (0, Vec::new());
    while let Some(&version) = order.get(next) {
        next += 1;
        let far = depth[&version] + 1;
        if distance.is_some_and(|max| far > max) {
            continue;
        }
        if direction == Direction::Upstream
            && let Some(gap) = view.hidden_inputs(version)
        {
            out.push(unknown(view, (version, None), far, &super::walk::gap_text(&gap)));
        }
        for hop in view.hops(direction, version) {
            if !seen.insert((hop.src, hop.dst, hop.run, hop.edge_type)) {
                continue;
            }
            let process = process(view, hop.run, hop.edge_type.as_str());
            out.push(row(view, (hop.src, None), (hop.dst, None), hop.masking, far, process));
            let other = if direction == Direction::Upstream { hop.src } else { hop.dst };
            depth.entry(other).or_insert_with(|| {
                order.push(other);
                far
            });
        }
    }
    out
}

fn column_hops(
    view: &View,
    direction: Direction,
    seeds: &[Version],
    field: &str,
    distance: Option<u32>,
) -> Vec<Vec<Cell>> {
    let mut out = Vec::new();
    if direction == Direction::Upstream && distance != Some(0) {
        for seed in seeds {
            if let Some(gap) = view.column_gap(direction, &(*seed, Some(field.to_owned()))) {
                out.push(unknown(view, (*seed, Some(field)), 1, &gap));
            }
        }
    }
    for reached in view.column_walk(direction, seeds, field, distance) {
        let ends = |column: &lineward_store::graph::Column| (column.0, column.1.clone());
        let (src, dst) = match direction {
            Direction::Upstream => (ends(&reached.column), ends(&reached.from)),
            Direction::Downstream => (ends(&reached.from), ends(&reached.column)),
        };
        let process = process(view, reached.run, reached.subtype.as_deref().unwrap_or(&reached.mapping_type));
        let ends = ((src.0, Some(src.1.as_deref().unwrap_or("*"))), (dst.0, Some(dst.1.as_deref().unwrap_or("*"))));
        out.push(row(view, ends.0, ends.1, reached.masking, reached.depth, process));
        if let Some(gap) = reached.gap.filter(|_| direction == Direction::Upstream && distance != Some(reached.depth)) {
            let at = (reached.column.0, reached.column.1.as_deref());
            out.push(unknown(view, at, reached.depth + 1, &gap));
        }
    }
    out
}

type End<'a> = (Version, Option<&'a str>);

fn row(view: &View, src: End<'_>, dst: End<'_>, masking: bool, distance: u32, process: String) -> Vec<Cell> {
    let mut cells = end(view, src, masking);
    cells.extend(end(view, dst, false));
    cells.extend([distance.into(), process.into()]);
    cells
}

/// A source that nobody has named.
fn unknown(view: &View, dst: End<'_>, distance: u32, why: &str) -> Vec<Cell> {
    let mut cells = vec![Cell::Null; 6];
    cells.push("UNKNOWN".into());
    cells.extend(end(view, dst, false));
    cells.extend([distance.into(), serde_json::json!({ "gap": why }).to_string().into()]);
    cells
}

fn end(view: &View, (version, field): End<'_>, masking: bool) -> Vec<Cell> {
    let (asset, row) = (view.graph().asset(version), view.graph().version(version));
    let parts: Vec<&str> = asset.name.split('.').collect();
    let (database, schema, name) = match parts.as_slice() {
        [database, schema, name] if !asset.name.contains('/') => (*database, Some(*schema), *name),
        _ => (asset.namespace.as_str(), None, asset.name.as_str()),
    };
    let dropped = asset.dropped_at.is_some_and(|at| view.valid().is_none_or(|valid| at <= valid));
    let status = match (dropped, masking) {
        (true, _) => "DELETED",
        (false, true) => "MASKED",
        (false, false) => "ACTIVE",
    };
    let domain = if field.is_some() { "COLUMN" } else { asset.asset_type.as_str() };
    vec![
        database.into(),
        schema.into(),
        name.into(),
        domain.into(),
        row.version.as_str().into(),
        field.into(),
        status.into(),
    ]
}

fn process(view: &View, run: Option<u32>, what: &str) -> String {
    let graph = view.graph();
    let Some(run) = run.map(|run| graph.run(run)) else { return serde_json::json!({ "type": what }).to_string() };
    let job = graph.job(&run);
    serde_json::json!({
        "type": what,
        "run_id": run.run_id,
        "job_namespace": job.map(|j| j.namespace.as_str()),
        "job_name": job.map(|j| j.name.as_str()),
    })
    .to_string()
}
