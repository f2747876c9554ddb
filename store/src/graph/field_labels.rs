//! Which tags each field of each version has: as [`super::labels`], field by field where column lineage is known.
//!
//! A tag goes from field to field along the mappings by which values flow (`DIRECT`); copies, members and later versions
//! of an asset have the fields of what they come from. Where nobody says which field comes from which, a tag goes to no
//! field in particular: any may hold it, and so may a field that column lineage leaves out. A mapping clears what a policy
//! lists for its transformation, and what its whole edge clears. So the fields of a version never have a tag that the
//! version has not, and together they have all of its tags where columns are unknown.

use super::build::{Link, NONE, Version};
use super::labels::{Families, TagBits, TagMasks};
use super::walk::View;
use crate::rows::{ColumnMappingRow, Micros};
use lineward_events::EdgeType;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::rc::Rc;

/// The tags of one field of a version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldTags {
    /// The version.
    pub version: Version,
    /// The field; `None` for what may be in any of them.
    pub field: Option<String>,
    /// Its tags, a bit each.
    pub tags: TagMasks,
}

/// A field by its name, [`WHOLE`] for none in particular.
type Field = u32;
const WHOLE: Field = 0;

/// The mapping type by which values flow.
const DIRECT: &str = "DIRECT";

/// Tags at a field of a node: with their families, and by entity alone, by which they are cleared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Held {
    own: u64,
    own_exact: u64,
    inflow: u64,
    /// What would flow in if nothing were cleared.
    reaching: u64,
    /// The same without what comes from members.
    arrived: u64,
    /// What flows in.
    through: u64,
}

impl Held {
    /// What goes on to what is made of it.
    fn passed(self, travels: u64, clear: u64) -> Self {
        Self {
            inflow: travels & (self.own | self.inflow),
            reaching: travels & (self.own_exact | self.reaching),
            arrived: travels & (self.own_exact | self.reaching),
            through: travels & (self.own_exact | self.through) & !clear,
            ..Self::default()
        }
    }

    /// Adds tags; whether there were new ones.
    fn add(&mut self, other: Self) -> bool {
        let before = *self;
        self.own |= other.own;
        self.own_exact |= other.own_exact;
        self.inflow |= other.inflow;
        self.reaching |= other.reaching;
        self.arrived |= other.arrived;
        self.through |= other.through;
        *self != before
    }
}

impl View {
    /// The tags of all fields that have any, in the order of their versions.
    pub fn field_tags(&self) -> &[FieldTags] {
        self.field_tags.get_or_init(|| {
            self.look_at_all();
            let mut pass = Pass::new(self);
            while let Some((node, fields)) = pass.open.pop_first() {
                pass.leave(node, &fields);
            }
            pass.tags()
        })
    }
}

/// The mappings by which a field goes on: where to, and how.
type Ways<'a> = Rc<[(Field, &'a ColumnMappingRow)]>;

/// One computation over a view.
struct Pass<'a> {
    view: &'a View,
    travels: u64,
    families: Families,
    names: Names<'a>,
    held: HashMap<(u32, Field), Held, ahash::RandomState>,
    /// What is to be passed on. The lowest node comes first, since most edges lead to a higher one.
    open: BTreeMap<u32, BTreeSet<Field>>,
    /// Fields of versions in which something was found.
    found: HashMap<Version, BTreeSet<Field>, ahash::RandomState>,
    /// Mappings of a set by which a field goes on.
    ways: HashMap<(i64, Field), Ways<'a>, ahash::RandomState>,
    /// Whether a run says nothing of some field of a version that it writes.
    leaves_out: HashMap<(Version, u32), bool, ahash::RandomState>,
}

impl<'a> Pass<'a> {
    fn new(view: &'a View) -> Self {
        let graph = view.graph();
        let mut pass = Self {
            view,
            travels: graph.propagating(),
            families: Families::default(),
            names: Names::new(),
            held: HashMap::default(),
            open: BTreeMap::new(),
            found: HashMap::default(),
            ways: HashMap::default(),
            leaves_out: HashMap::default(),
        };
        let bits = TagBits::new(&graph.tags);
        for finding in graph.findings.iter().filter(|f| f.scanned_at <= view.seen_until) {
            let Some(version) = graph.by_version_id(finding.version_id) else { continue };
            let (own, own_exact) = (bits.of(finding), bits.exact(finding));
            pass.families.note(own_exact, own);
            let field = finding.field.as_deref().map_or(WHOLE, |name| pass.names.field(name));
            pass.found.entry(version).or_default().insert(field);
            pass.add(version, field, Held { own, own_exact, ..Held::default() });
        }
        pass.find_in_wholes();
        pass
    }

    /// A field that something was found in is one of what its version is a member or a copy of.
    fn find_in_wholes(&mut self) {
        let mut open: Vec<Version> = self.found.keys().copied().collect();
        while let Some(version) = open.pop() {
            let fields = self.found.get(&version).cloned().unwrap_or_default();
            for (to, _) in self.view.leaving(version).filter(|(_, edge)| is_same(edge.link)) {
                let held = self.found.entry(to).or_default();
                let before = held.len();
                held.extend(&fields);
                if held.len() > before {
                    open.push(to);
                }
            }
        }
    }

    fn add(&mut self, node: u32, field: Field, more: Held) {
        if self.held.entry((node, field)).or_default().add(more) {
            self.open.entry(node).or_default().insert(field);
        }
    }

    /// Passes on what some fields of a node have.
    fn leave(&mut self, node: u32, fields: &BTreeSet<Field>) {
        let view = self.view;
        let graph = view.graph();
        let applied = view.applied_to(node);
        // What a version passes to itself tells nothing new.
        for (to, edge) in view.leaving(node).filter(|(to, edge)| edge.carries && *to != node) {
            let sets = applied.get(&(to, edge.run)).map(Vec::as_slice).unwrap_or_default();
            let successor = edge.run == NONE && graph.succeeds(edge.evidence, node, to);
            for &field in fields {
                let Some(held) = self.held.get(&(node, field)).copied() else { continue };
                let passed = held.passed(self.travels, edge.clear);
                match edge.link {
                    Link::Direct(EdgeType::CopyOf) => self.add(to, field, held),
                    Link::Direct(EdgeType::Contains) => self.add(to, field, Held { arrived: 0, ..held }),
                    Link::Direct(_) if successor && sets.is_empty() => self.add(to, field, passed),
                    _ if field == WHOLE || sets.is_empty() => self.add(to, WHOLE, passed),
                    _ => {
                        let mapped = self.map((field, held), sets, (to, edge.run), edge.clear);
                        if !mapped && !self.knows(node, field) || self.leaves_out(to, edge.run) {
                            self.add(to, WHOLE, passed);
                        }
                    }
                }
            }
        }
    }

    /// Passes on what a field has along the sets of mappings that a run applied. Whether any is of the field.
    fn map(
        &mut self,
        (field, held): (Field, Held),
        sets: &[(Micros, i64)],
        (to, run): (Version, u32),
        clear: u64,
    ) -> bool {
        let graph = self.view.graph();
        let mut mapped = false;
        for (since, mapping_id) in sets {
            for (dst, mapping) in self.ways(*mapping_id, field).iter() {
                let cleared = graph.cleared_by(mapping, run, *since);
                self.add(to, *dst, held.passed(self.travels, clear | cleared));
                mapped = true;
            }
        }
        mapped
    }

    /// Whether a field has a name by which a version's fields are known: lineage that does not name it says that it does
    /// not go on. Of others (columns without a head, names of another producer) nobody says where they went.
    fn knows(&self, version: Version, field: Field) -> bool {
        self.view.fields_of(version).iter().any(|known| related(known, self.names.name(field)))
    }

    fn ways(&mut self, mapping_id: i64, field: Field) -> Ways<'a> {
        if let Some(ways) = self.ways.get(&(mapping_id, field)) {
            return ways.clone();
        }
        let columns = &self.view.graph().columns;
        let mut ways = Vec::new();
        for mapping in columns.set(mapping_id).iter().filter(|mapping| mapping.mapping_type == DIRECT) {
            let src = columns.name(mapping.src_field_id);
            if src.is_some_and(|src| related(src, self.names.name(field))) {
                let dst = mapping.dst_field_id.and_then(|id| columns.name(id));
                ways.push((dst.map_or(WHOLE, |name| self.names.field(name)), mapping));
            }
        }
        let ways: Ways<'a> = ways.into();
        self.ways.insert((mapping_id, field), ways.clone());
        ways
    }

    /// A field that a version is known to have and of which the run that writes it says nothing may hold anything.
    fn leaves_out(&mut self, version: Version, run: u32) -> bool {
        if let Some(known) = self.leaves_out.get(&(version, run)) {
            return *known;
        }
        let mapped = self.view.graph().columns.mapped_by(version, run, self.view.at);
        let mapped: HashSet<String> = mapped.into_iter().map(str::to_ascii_lowercase).collect();
        let found = self.found.get(&version).into_iter().flatten().filter(|field| **field != WHOLE);
        let members = self.view.with_members(&[version]);
        let known: BTreeSet<String> = (found.map(|field| self.names.name(*field)))
            .chain(members.iter().flat_map(|member| self.view.fields_of(*member)))
            .map(str::to_ascii_lowercase)
            .collect();
        // Of a field that has fields these say it, where they are known.
        let leaves_out = known.iter().any(|field| !is_within(field, &mapped) && !has_parts(field, &known));
        self.leaves_out.insert((version, run), leaves_out);
        leaves_out
    }

    fn tags(self) -> Vec<FieldTags> {
        let graph = self.view.graph();
        let failed = self.failed();
        let mut rows: Vec<FieldTags> = (self.held.iter())
            .filter(|((node, _), _)| !graph.is_run(*node) && self.view.exists(*node))
            .map(|((node, field), held)| FieldTags {
                version: *node,
                field: (*field != WHOLE).then(|| self.names.name(*field).to_owned()),
                tags: self.masks(held, failed.get(&(*node, *field)).copied().unwrap_or_default()),
            })
            .filter(|row| row.tags != TagMasks::default())
            .collect();
        rows.sort_unstable_by(|a, b| (a.version, &a.field).cmp(&(b.version, &b.field)));
        rows
    }

    /// What was cleared on all ways into a field, or into the version where nobody says which field it went to, and is
    /// there all the same: masking failed. So it did in copies, and in what it is a member of.
    fn failed(&self) -> HashMap<(u32, Field), u64, ahash::RandomState> {
        let mut failed: HashMap<(u32, Field), u64, ahash::RandomState> = HashMap::default();
        let mut open = Vec::new();
        // Only where something was cleared: of most versions nothing is.
        let cleared = self.held.iter().filter(|(_, held)| held.arrived & !held.through != 0);
        let nodes: HashSet<u32, ahash::RandomState> = cleared.map(|((node, _), _)| *node).collect();
        let mut fields: HashMap<u32, Vec<(Field, Held)>, ahash::RandomState> = HashMap::default();
        for ((node, field), held) in self.held.iter().filter(|((node, _), _)| nodes.contains(node)) {
            fields.entry(*node).or_default().push((*field, *held));
        }
        for (node, fields) in &fields {
            for (field, held) in fields.iter().filter(|(_, held)| held.own_exact != 0) {
                // What was found in no field in particular may be in any, and what came into none in particular too.
                let name = self.names.name(*field);
                let beside = fields
                    .iter()
                    .filter(|(other, _)| *field == WHOLE || *other == WHOLE || related(self.names.name(*other), name));
                let (arrived, through) = beside
                    .fold((0, 0), |(arrived, through), (_, held)| (arrived | held.arrived, through | held.through));
                let bits = held.own_exact & arrived & !through;
                if bits != 0 {
                    open.push(((*node, *field), bits));
                }
            }
        }
        while let Some(((node, field), bits)) = open.pop() {
            let known = failed.entry((node, field)).or_default();
            if bits & !*known == 0 {
                continue;
            }
            *known |= bits;
            let next = self.view.leaving(node).filter(|(_, edge)| is_same(edge.link));
            open.extend(next.map(|(to, _)| ((to, field), bits)));
        }
        failed
    }

    fn masks(&self, held: &Held, failed: u64) -> TagMasks {
        let inherited = self.families.of(held.through) & held.inflow;
        TagMasks {
            own: held.own,
            inherited,
            cleared: held.inflow & !inherited,
            contradicted: self.families.of(failed) & held.own,
        }
    }
}

/// What is in the source is in the destination: a copy, or what it is a member of.
fn is_same(link: Link) -> bool {
    matches!(link, Link::Direct(EdgeType::CopyOf | EdgeType::Contains))
}

/// One field holds the other, or they are the same, in any case: `messages` holds `messages.content`.
fn related(a: &str, b: &str) -> bool {
    let (whole, part) = if a.len() <= b.len() { (a.as_bytes(), b.as_bytes()) } else { (b.as_bytes(), a.as_bytes()) };
    let ends = part.get(whole.len()).is_none_or(|next| matches!(next, b'.' | b'['));
    ends && part[..whole.len()].eq_ignore_ascii_case(whole)
}

/// A field is one of these or within one.
fn is_within(field: &str, all: &HashSet<String>) -> bool {
    all.contains(field) || field.match_indices(['.', '[']).any(|(at, _)| all.contains(&field[..at]))
}

/// Some of these are within a field.
fn has_parts(field: &str, all: &BTreeSet<String>) -> bool {
    ['.', '['].iter().any(|mark| {
        let first = format!("{field}{mark}");
        all.range(first.clone()..).next().is_some_and(|next| next.starts_with(&first))
    })
}

/// Names of fields by number.
struct Names<'a> {
    names: Vec<&'a str>,
    fields: HashMap<&'a str, Field, ahash::RandomState>,
}

impl<'a> Names<'a> {
    fn new() -> Self {
        // The first is that of no field in particular.
        Self { names: vec![""], fields: HashMap::default() }
    }

    fn field(&mut self, name: &'a str) -> Field {
        *self.fields.entry(name).or_insert_with(|| {
            self.names.push(name);
            self.names.len() as Field - 1
        })
    }

    fn name(&self, field: Field) -> &'a str {
        self.names.get(field as usize).copied().unwrap_or_default()
    }
}
