//! Where versions come from, as it is declared of a data set without a run: the newest declaration is all there is.
//!
//! A declaration that comes in late does not replace a newer one: what it says held until the next one that is known.
//! When the newest was made is kept with the version, because one that only repeats what was known leaves no other trace.

use super::{Context, Projector};
use crate::rows::Micros;
use lineward_events::{AssetType, ColumnMapping, DeclaredSources, EdgeType, Evidence};
use std::collections::{BTreeMap, BTreeSet};

/// What an edge says: source, since when, until when.
type Spell = (i64, i64, Micros, Option<Micros>);

impl Projector {
    pub(super) fn apply_sources(&mut self, context: &Context, said: &DeclaredSources) {
        // Of the version that is there: a declaration makes none.
        let dst = self.observe(context, &said.sources.output).version_id;
        let mut from = BTreeSet::new();
        for input in &said.sources.inputs {
            from.insert(self.read(context, input, context.at, None).version_id);
        }
        from.remove(&dst);
        let known = self.versions.get(&dst).and_then(|v| v.declared_at);
        match known.filter(|at| *at > context.at) {
            Some(known) => self.declared_before(context, dst, (&from, said.evidence), known),
            None => self.declared_now(context, dst, (&from, said.evidence), &said.columns),
        }
    }

    /// Edges of declarations into a version. Of models also other events say what they are made of, one by one.
    fn declared_spells(&self, dst: i64) -> Vec<Spell> {
        let is_model = self
            .versions
            .get(&dst)
            .and_then(|v| self.assets.get(&v.asset_id))
            .is_some_and(|a| AssetType::parse(&a.asset_type) == Some(AssetType::Model));
        if is_model {
            return Vec::new();
        }
        let edges = self.declared_into.get(&dst).into_iter().flatten().filter_map(|id| self.edges.get(id));
        let of_these = [Evidence::Explicit, Evidence::Column].map(Evidence::as_str);
        let edges = edges.filter(|e| of_these.contains(&&*e.evidence));
        edges.map(|e| (e.edge_id, e.src_version_id, e.valid_from, e.valid_to)).collect()
    }

    fn declared_now(
        &mut self,
        context: &Context,
        dst: i64,
        (from, evidence): (&BTreeSet<i64>, Evidence),
        columns: &[ColumnMapping],
    ) {
        for (edge, src, since, until) in self.declared_spells(dst) {
            // What another event says of the same time holds beside this one.
            if until.is_none() && since < context.at && !from.contains(&src) {
                self.edges.update(context, &edge, |e| e.valid_to = Some(context.at));
            }
        }
        for src in from {
            self.link(context, (*src, dst), None, EdgeType::Derived, evidence, context.at);
        }
        self.versions.update(context, &dst, |v| v.declared_at = Some(context.at));
        let before = self.declared_columns.remove(&dst).unwrap_or_default();
        let mut by_source: BTreeMap<i64, Vec<&ColumnMapping>> = BTreeMap::new();
        for mapping in columns {
            let src = self.read(context, &mapping.src, context.at, None).version_id;
            by_source.entry(src).or_default().push(mapping);
        }
        for (src, mappings) in by_source {
            self.map_columns(context, None, (src, dst), &mappings);
        }
        let now = self.declared_columns.get(&dst).cloned().unwrap_or_default();
        let gone = before.difference(&now).map(|(src, mapping)| (*src, dst, *mapping));
        self.retract_mappings(context, None, gone);
    }

    /// What was declared before something that is known already, up to which it held.
    fn declared_before(
        &mut self,
        context: &Context,
        dst: i64,
        (from, evidence): (&BTreeSet<i64>, Evidence),
        known: Micros,
    ) {
        let spells = self.declared_spells(dst);
        let changes = spells.iter().flat_map(|(.., since, until)| [Some(*since), *until]).flatten();
        let next = changes.filter(|at| *at > context.at).min().unwrap_or(known).min(known);
        let goes_on = |since: Micros, until: Option<Micros>| since <= next && until.is_none_or(|until| until > next);
        for src in from {
            match spells.iter().find(|(_, s, ..)| s == src) {
                Some((edge, _, since, until)) if goes_on(*since, *until) => {
                    let since = (*since).min(context.at);
                    self.edges.update(context, edge, |e| e.valid_from = since);
                }
                _ => {
                    let spell = (context.at, next);
                    self.link_until(context, (*src, dst), (EdgeType::Derived, evidence), spell);
                }
            }
        }
        for (edge, src, since, until) in spells {
            let held = since < context.at && until.is_none_or(|until| until > context.at);
            if held && !from.contains(&src) {
                match goes_on(since, until) {
                    true => self.edges.update(context, &edge, |e| e.valid_from = next),
                    false => self.edges.update(context, &edge, |e| e.valid_to = Some(context.at)),
                }
            }
        }
    }
}
