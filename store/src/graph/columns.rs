//! Lineage of columns: which field of which version came from which.

use super::build::{Kind, NONE, Version};
use super::tables::{Runs, Versions, place};
use super::walk::{Direction, View};
use crate::rows::{ColumnMappingRow, FieldRow, Micros, RunMappingRow};
use lineward_events::EdgeType;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

/// A set of mappings between two versions.
#[derive(Debug)]
struct ColumnLink {
    src: Version,
    dst: Version,
    run: u32,
    mapping_id: i64,
    since: Micros,
}

/// What is known of columns.
#[derive(Debug, Default)]
pub(super) struct Columns {
    names: HashMap<i64, String>,
    of_asset: HashMap<i64, BTreeMap<(i32, i64), String>>,
    sets: HashMap<i64, Vec<ColumnMappingRow>>,
    links: Vec<ColumnLink>,
    into: HashMap<Version, Vec<usize>>,
    out: HashMap<Version, Vec<usize>>,
}

impl Columns {
    pub(super) fn new(
        fields: Vec<FieldRow>,
        mappings: Vec<ColumnMappingRow>,
        applied: Vec<RunMappingRow>,
        versions: &Versions,
        runs: &Runs,
    ) -> Self {
        let mut columns = Self::default();
        for field in fields {
            let place = (field.ordinal.unwrap_or(i32::MAX), field.field_id);
            columns.of_asset.entry(field.asset_id).or_default().insert(place, field.name.clone());
            columns.names.insert(field.field_id, field.name);
        }
        for mapping in mappings {
            columns.sets.entry(mapping.mapping_id).or_default().push(mapping);
        }
        let version = |id: i64| place(versions.ids.values(), id);
        for row in applied {
            let (Some(src), Some(dst)) = (version(row.src_version_id), version(row.dst_version_id)) else { continue };
            let run = row.run_sid.and_then(|sid| place(runs.ids.values(), sid));
            let link = columns.links.len();
            columns.into.entry(dst).or_default().push(link);
            columns.out.entry(src).or_default().push(link);
            columns.links.push(ColumnLink {
                src,
                dst,
                run: run.unwrap_or(NONE),
                mapping_id: row.mapping_id,
                since: row.event_time,
            });
        }
        columns
    }
}

/// A column: a field of a version, or (`None`) the version as a whole.
pub type Column = (Version, Option<String>);

/// A column that a walk reached, and the hop by which it was reached first.
#[derive(Debug, Clone, PartialEq)]
pub struct ReachedColumn {
    /// The column.
    pub column: Column,
    /// The column the hop came from.
    pub from: Column,
    /// Hops from the seed.
    pub depth: u32,
    /// `DIRECT` or `INDIRECT`.
    pub mapping_type: String,
    /// `IDENTITY`, `TRANSFORMATION`, ..., where known.
    pub subtype: Option<String>,
    /// The producer says that values are masked on the way.
    pub masking: bool,
    /// The run of the hop, as an index for [`super::LineageGraph::run`].
    pub run: Option<u32>,
    /// What is not known beyond this column.
    pub gap: Option<String>,
}

impl View {
    /// The fields that a version is known to have, in the order of its schema.
    pub fn fields_of(&self, version: Version) -> Vec<&str> {
        let asset = self.graph.versions.asset_id(version);
        self.graph.columns.of_asset.get(&asset).into_iter().flat_map(|f| f.values().map(String::as_str)).collect()
    }

    /// Columns from which (upstream) or into which (downstream) the values of a field flow, nearest first.
    pub fn column_walk(
        &self,
        direction: Direction,
        seeds: &[Version],
        field: &str,
        max_depth: Option<u32>,
    ) -> Vec<ReachedColumn> {
        let mut seen: HashSet<Column> = seeds.iter().map(|s| (*s, Some(field.to_owned()))).collect();
        let mut frontier: Vec<Column> = seeds.iter().map(|s| (*s, Some(field.to_owned()))).collect();
        let mut reached: Vec<ReachedColumn> = Vec::new();
        let mut depth = 0;
        while !frontier.is_empty() && max_depth.is_none_or(|max| depth < max) {
            depth += 1;
            let from = reached.len();
            for column in frontier.drain(..) {
                for hop in self.column_hops(direction, &column) {
                    if seen.insert(hop.column.clone()) {
                        reached.push(ReachedColumn { depth, ..hop });
                    }
                }
            }
            frontier.extend(reached[from..].iter().map(|r| r.column.clone()));
        }
        for row in &mut reached {
            row.gap = self.column_gap(direction, &row.column);
            let more = || self.column_hops(direction, &row.column).iter().any(|h| !seen.contains(&h.column));
            if row.gap.is_none() && max_depth == Some(row.depth) && more() {
                row.gap = Some("max_depth".to_owned());
            }
        }
        reached
    }

    fn column_hops(&self, direction: Direction, from: &Column) -> Vec<ReachedColumn> {
        let columns = &self.graph.columns;
        let (version, field) = from;
        let links = match direction {
            Direction::Upstream => columns.into.get(version),
            Direction::Downstream => columns.out.get(version),
        };
        let mut hops = Vec::new();
        for link in links.into_iter().flatten().map(|at| &columns.links[*at]).filter(|l| l.since <= self.at) {
            for m in columns.sets.get(&link.mapping_id).into_iter().flatten() {
                let name = |id: Option<i64>| id.and_then(|id| columns.names.get(&id).cloned());
                let (src, dst) = (name(Some(m.src_field_id)), name(m.dst_field_id));
                let (here, there, to) = match direction {
                    Direction::Upstream => (dst, src, link.src),
                    Direction::Downstream => (src, dst, link.dst),
                };
                // A dependency of the whole data set is one of each of its fields.
                let fits = here.is_none() || field.is_none() || here == *field;
                if fits {
                    hops.push(ReachedColumn {
                        column: (to, there),
                        from: from.clone(),
                        depth: 0,
                        mapping_type: m.mapping_type.to_string(),
                        subtype: m.subtype.clone(),
                        masking: m.masking,
                        run: (link.run != NONE).then_some(link.run),
                        gap: None,
                    });
                }
            }
        }
        hops.extend(self.same_columns(direction, from));
        hops
    }

    /// Copies, and later versions of one asset, have the same columns.
    fn same_columns(&self, direction: Direction, from: &Column) -> Vec<ReachedColumn> {
        let hops = self.hops(direction, from.0).into_iter().filter(|h| self.keeps_columns(h));
        let other = |h: &super::Hop| if h.src == from.0 { h.dst } else { h.src };
        hops.map(|h| ReachedColumn {
            column: (other(&h), from.1.clone()),
            from: from.clone(),
            depth: 0,
            mapping_type: "DIRECT".to_owned(),
            subtype: Some("IDENTITY".to_owned()),
            masking: h.masking,
            run: h.run,
            gap: None,
        })
        .collect()
    }

    fn keeps_columns(&self, hop: &super::Hop) -> bool {
        let asset = |v| self.graph.versions.asset_id(v);
        hop.edge_type == EdgeType::CopyOf || hop.run.is_none() && asset(hop.src) == asset(hop.dst)
    }

    /// What is not known of where a column comes from or goes to: the version is known to be made from another, but
    /// not which column from which.
    pub fn column_gap(&self, direction: Direction, column: &Column) -> Option<String> {
        let (version, _) = column;
        let columns = &self.graph.columns;
        if direction == Direction::Upstream
            && let Some(gap) = self.hidden_inputs(*version)
        {
            return Some(format!("{}: {}", gap.kind.as_str(), gap.detail));
        }
        let links = match direction {
            Direction::Upstream => columns.into.get(version),
            Direction::Downstream => columns.out.get(version),
        };
        let mapped: BTreeSet<Version> = links
            .into_iter()
            .flatten()
            .map(|at| &columns.links[*at])
            .map(|l| if direction == Direction::Upstream { l.src } else { l.dst })
            .collect();
        let unmapped = self.hops(direction, *version).into_iter().find(|h| {
            let other = if direction == Direction::Upstream { h.src } else { h.dst };
            // A model has no columns, and a file's are those of its data set.
            h.edge_type != EdgeType::Contains
                && self.graph.kind(h.dst) == Kind::Data
                && !mapped.contains(&other)
                && !self.keeps_columns(h)
        })?;
        let (src, dst) = (self.graph.text(unmapped.src), self.graph.text(unmapped.dst));
        Some(format!("columns_unknown: `{dst}` is made from `{src}`, and nobody says which column from which"))
    }
}
