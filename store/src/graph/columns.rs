//! Lineage of columns: which field of which version came from which.

use super::build::{NONE, Version};
use super::kept::Kept;
use super::tables::{Runs, Versions};
use super::walk::{Direction, View};
use crate::rows::{ColumnMappingRow, FieldRow, Micros, RunMappingRow};
use lineward_events::EdgeType;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

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
#[derive(Debug)]
pub(super) struct Columns {
    fields: Kept<FieldRow>,
    base: Arc<Base>,
    /// Fields of assets at which something changed, whole.
    of_asset: HashMap<i64, FieldNames>,
    sets: HashMap<i64, Vec<ColumnMappingRow>>,
    /// Numbered behind those of the base.
    links: Vec<ColumnLink>,
    /// Links of versions at which something changed, whole.
    into: HashMap<Version, Vec<usize>>,
    out: HashMap<Version, Vec<usize>>,
}

type FieldNames = BTreeMap<(i32, i64), String>;

/// What was known when the graph was built.
#[derive(Debug, Default)]
struct Base {
    of_asset: HashMap<i64, FieldNames>,
    sets: HashMap<i64, Vec<ColumnMappingRow>>,
    links: Vec<ColumnLink>,
    into: HashMap<Version, Vec<usize>>,
    out: HashMap<Version, Vec<usize>>,
}

fn sets_of(mappings: Vec<ColumnMappingRow>) -> HashMap<i64, Vec<ColumnMappingRow>> {
    let mut sets: HashMap<i64, Vec<ColumnMappingRow>> = HashMap::new();
    for mapping in mappings {
        sets.entry(mapping.mapping_id).or_default().push(mapping);
    }
    sets.values_mut().for_each(|set| set.sort_by_key(|m| m.ordinal));
    sets
}

fn place_of(field: &FieldRow) -> (i32, i64) {
    (field.ordinal.unwrap_or(i32::MAX), field.field_id)
}

fn link_of(row: &RunMappingRow, versions: &Versions, runs: &Runs) -> Option<ColumnLink> {
    let run = row.run_sid.and_then(|sid| runs.place(sid)).unwrap_or(NONE);
    Some(ColumnLink {
        src: versions.place(row.src_version_id)?,
        dst: versions.place(row.dst_version_id)?,
        run,
        mapping_id: row.mapping_id,
        since: row.event_time,
    })
}

impl ColumnLink {
    /// The order of links, whichever way they came in.
    fn key(&self) -> (Version, Version, u32, i64) {
        (self.src, self.dst, self.run, self.mapping_id)
    }
}

impl Columns {
    pub(super) fn new(
        fields: Vec<FieldRow>,
        mappings: Vec<ColumnMappingRow>,
        applied: Vec<RunMappingRow>,
        versions: &Versions,
        runs: &Runs,
    ) -> Self {
        let mut base = Base { sets: sets_of(mappings), ..Base::default() };
        for field in &fields {
            base.of_asset.entry(field.asset_id).or_default().insert(place_of(field), field.name.clone());
        }
        base.links = applied.iter().filter_map(|row| link_of(row, versions, runs)).collect();
        base.links.sort_by_key(ColumnLink::key);
        for (at, link) in base.links.iter().enumerate() {
            base.into.entry(link.dst).or_default().push(at);
            base.out.entry(link.src).or_default().push(at);
        }
        Self {
            fields: Kept::new(fields),
            base: Arc::new(base),
            of_asset: HashMap::new(),
            sets: HashMap::new(),
            links: Vec::new(),
            into: HashMap::new(),
            out: HashMap::new(),
        }
    }

    /// With newer rows: the newest revision of each, what was taken back too. `None` where they do not just add to it or
    /// change it.
    pub(super) fn grown(
        &self,
        fields: Vec<FieldRow>,
        mappings: Vec<ColumnMappingRow>,
        applied: &[RunMappingRow],
        versions: &Versions,
        runs: &Runs,
    ) -> Option<Self> {
        let fields = self.fields.grown(fields)?;
        let mut of_asset: HashMap<i64, FieldNames> = HashMap::new();
        for at in fields.fresh() {
            let asset = fields.at(at).asset_id;
            of_asset.entry(asset).or_insert_with(|| self.base.of_asset.get(&asset).cloned().unwrap_or_default());
        }
        for at in fields.fresh() {
            let field = fields.at(at);
            let names = of_asset.entry(field.asset_id).or_default();
            names.retain(|(_, id), _| *id != field.field_id);
            names.insert(place_of(field), field.name.clone());
        }
        // A set is named by what is in it, so that it never changes.
        if mappings.iter().any(|m| m.recorded.retracted_at.is_some() || self.base.sets.contains_key(&m.mapping_id)) {
            return None;
        }
        let mut grown = Self {
            fields,
            base: self.base.clone(),
            of_asset,
            sets: sets_of(mappings),
            links: Vec::new(),
            into: HashMap::new(),
            out: HashMap::new(),
        };
        for row in applied {
            let Some(link) = link_of(row, versions, runs) else { continue };
            let base = &self.base;
            let own = |list: Option<&Vec<usize>>| list.cloned().unwrap_or_default();
            let (src, dst, key) = (link.src, link.dst, link.key());
            let into = grown.into.entry(dst).or_insert_with(|| own(base.into.get(&dst)));
            let out = grown.out.entry(src).or_insert_with(|| own(base.out.get(&src)));
            let other = |at: &usize| base.links.get(*at).is_none_or(|link| link.key() != key);
            into.retain(other);
            out.retain(other);
            if row.recorded.retracted_at.is_none() {
                let at = base.links.len() + grown.links.len();
                grown.links.push(link);
                into.push(at);
                out.push(at);
            }
        }
        let key = |at: &usize| match base_or(&grown.base.links, &grown.links, *at) {
            Some(link) => link.key(),
            None => (0, 0, 0, 0),
        };
        grown.into.values_mut().chain(grown.out.values_mut()).for_each(|list| list.sort_by_key(key));
        Some(grown)
    }

    pub(super) fn name(&self, field_id: i64) -> Option<&str> {
        self.fields.get(field_id).map(|field| field.name.as_str())
    }

    pub(super) fn set(&self, mapping_id: i64) -> &[ColumnMappingRow] {
        self.base.sets.get(&mapping_id).or_else(|| self.sets.get(&mapping_id)).map_or(&[], Vec::as_slice)
    }

    fn fields_of(&self, asset: i64) -> Option<&FieldNames> {
        self.of_asset.get(&asset).or_else(|| self.base.of_asset.get(&asset))
    }

    /// Links into a version, or out of it.
    fn links(&self, direction: Direction, version: Version) -> impl Iterator<Item = &ColumnLink> {
        let list = match direction {
            Direction::Upstream => self.into.get(&version).or_else(|| self.base.into.get(&version)),
            Direction::Downstream => self.out.get(&version).or_else(|| self.base.out.get(&version)),
        };
        list.into_iter().flatten().filter_map(|at| base_or(&self.base.links, &self.links, *at))
    }

    /// Names of the fields of a version that a run has said something of until a time.
    pub(super) fn mapped_by(&self, dst: Version, run: u32, at: Micros) -> BTreeSet<&str> {
        let links = self.links(Direction::Upstream, dst).filter(|link| link.run == run && link.since <= at);
        let fields = links.flat_map(|link| self.set(link.mapping_id)).filter_map(|mapping| mapping.dst_field_id);
        fields.filter_map(|field| self.name(field)).collect()
    }

    /// All mappings that a run applied between two versions: since when, what, and the name of the source field.
    pub(super) fn between(
        &self,
        src: Version,
        dst: Version,
        run: u32,
    ) -> impl Iterator<Item = (Micros, &ColumnMappingRow, &str)> {
        let links = self.links(Direction::Upstream, dst);
        links.filter(move |link| link.src == src && link.run == run).flat_map(|link| {
            let set = self.set(link.mapping_id).iter();
            set.map(|m| (link.since, m, self.name(m.src_field_id).unwrap_or_default()))
        })
    }
}

fn base_or<'a, T>(base: &'a [T], behind: &'a [T], at: usize) -> Option<&'a T> {
    base.get(at).or_else(|| behind.get(at - base.len()))
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

/// A field or a whole version, and the field it was made from in one hop.
#[derive(Debug, Clone, Copy)]
pub struct ColumnSource<'a> {
    /// The version the values come from.
    pub src: Version,
    /// Its field.
    pub src_field: &'a str,
    /// The field they go to; `None` where all of it depends on the source.
    pub dst_field: Option<&'a str>,
    /// How.
    pub mapping: &'a ColumnMappingRow,
}

impl View {
    /// The sets of mappings by which a version goes on, by what it goes into and the run: since when, and which.
    pub(super) fn applied_to(&self, src: Version) -> HashMap<(Version, u32), Vec<(Micros, i64)>> {
        let mut applied: HashMap<_, Vec<_>> = HashMap::new();
        for link in self.graph.columns.links(Direction::Downstream, src).filter(|link| link.since <= self.at) {
            applied.entry((link.dst, link.run)).or_default().push((link.since, link.mapping_id));
        }
        applied
    }

    /// The fields from which a run made those of a version, as its producer said.
    pub fn column_sources(&self, dst: Version, run: u32) -> Vec<ColumnSource<'_>> {
        let columns = &self.graph.columns;
        let links = columns.links(Direction::Upstream, dst).filter(|link| link.run == run && link.since <= self.at);
        let all = links.flat_map(|link| columns.set(link.mapping_id).iter().map(move |mapping| (link.src, mapping)));
        let named = all.filter_map(|(src, mapping)| {
            let src_field = columns.name(mapping.src_field_id)?;
            let dst_field = mapping.dst_field_id.and_then(|field| columns.name(field));
            Some(ColumnSource { src, src_field, dst_field, mapping })
        });
        named.collect()
    }

    /// The fields that a version is known to have, in the order of its schema.
    pub fn fields_of(&self, version: Version) -> Vec<&str> {
        let asset = self.graph.versions.asset_id(version);
        self.graph.columns.fields_of(asset).into_iter().flat_map(|f| f.values().map(String::as_str)).collect()
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
        let mut hops = Vec::new();
        for link in columns.links(direction, *version).filter(|l| l.since <= self.at) {
            for m in columns.set(link.mapping_id) {
                let name = |id: Option<i64>| id.and_then(|id| columns.name(id).map(str::to_owned));
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
        hop.edge_type == EdgeType::CopyOf || hop.run.is_none() && self.graph.succeeds(hop.evidence, hop.src, hop.dst)
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
        let mapped: BTreeSet<Version> = columns
            .links(direction, *version)
            .map(|l| if direction == Direction::Upstream { l.src } else { l.dst })
            .collect();
        let unmapped = self.hops(direction, *version).into_iter().find(|h| {
            let other = if direction == Direction::Upstream { h.src } else { h.dst };
            // A model has no columns, and a file's are those of its data set.
            h.edge_type != EdgeType::Contains
                && self.graph.kind(h.dst).is_data()
                && !mapped.contains(&other)
                && !self.keeps_columns(h)
        })?;
        let (src, dst) = (self.graph.text(unmapped.src), self.graph.text(unmapped.dst));
        Some(format!("columns_unknown: `{dst}` is made from `{src}`, and nobody says which column from which"))
    }
}
