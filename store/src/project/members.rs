//! Members of data sets: which version of a file belongs to which version of the data set above it.
//!
//! A version of a data set holds what was in it when it was read. A member that is written after that makes a new
//! version of the data set, whichever of the two events comes in first, so that no path leads from data to a model that
//! was trained before the data was there. This file knows nothing of how versions are named or found.

use super::{ALWAYS, Context, Listed, Map, Projector, Since};
use crate::rows::{EdgeRow, Micros};
use lineward_events::{AssetRef, EdgeType, Evidence, VersionRef, VersionScheme};
use std::collections::BTreeSet;

impl Projector {
    pub(super) fn index_members(&mut self) {
        let of_type = |types: &[EdgeType]| -> Vec<(i64, i64)> {
            let edges = self.edges.iter().filter(|e| types.iter().any(|t| e.edge_type == t.as_str()));
            edges.map(|e| (e.src_version_id, e.dst_version_id)).collect()
        };
        let members = of_type(&[EdgeType::Contains]);
        let alike = of_type(&[EdgeType::CopyOf, EdgeType::NearDuplicate]);
        members.into_iter().for_each(|(member, container)| self.note_member(member, container));
        alike.into_iter().for_each(|(a, b)| self.note_alike(a, b));
    }

    pub(super) fn note_alike(&mut self, a: i64, b: i64) {
        self.alike_of.entry(a).or_default().insert(b);
        self.alike_of.entry(b).or_default().insert(a);
    }

    pub(super) fn note_member(&mut self, member: i64, container: i64) {
        self.members_of.entry(container).or_default().insert(member);
        self.containers_of.entry(member).or_default().insert(container);
        let written = self.written_at(member).max(self.members_until.get(&member).copied());
        let Some(written) = written else { return };
        let mut above = vec![container];
        while let Some(version) = above.pop() {
            let until = self.members_until.entry(version).or_insert(Micros::MIN);
            // Also what ends a walk around data sets that are said to contain each other.
            if *until < written {
                *until = written;
                above.extend(self.containers_of.get(&version).into_iter().flatten());
            }
        }
    }

    /// A version turns out to have been written, or at another time than was known.
    pub(super) fn note_written(&mut self, version_id: i64) {
        for container in self.containers_of.get(&version_id).cloned().unwrap_or_default() {
            self.note_member(version_id, container);
        }
    }

    pub(super) fn forget_member(&mut self, member: i64, container: i64) {
        self.listed.remove(&container);
        if let Some(members) = self.members_of.get_mut(&container) {
            members.remove(&member);
        }
        if let Some(containers) = self.containers_of.get_mut(&member) {
            containers.remove(&container);
        }
    }

    /// When a version was written, where a run or an event says so. What was merely seen may have been there before.
    fn written_at(&self, version_id: i64) -> Option<Micros> {
        let row = self.versions.get(&version_id)?;
        let made = row.produced_by_run.is_some() || row.version_scheme == VersionScheme::Inferred.as_str();
        (made && row.valid_from != ALWAYS).then_some(row.valid_from)
    }

    /// When a version was first read, by itself or as a part of a data set.
    fn first_read(&self, version_id: i64) -> Option<Micros> {
        let mut seen = BTreeSet::from([version_id]);
        let mut open = vec![version_id];
        let mut first = None;
        while let Some(version) = open.pop() {
            let read = self.own_read(version);
            first = first.into_iter().chain(read).min();
            open.extend(self.containers_of.get(&version).into_iter().flatten().filter(|c| seen.insert(**c)));
        }
        first
    }

    fn own_read(&self, version_id: i64) -> Option<Micros> {
        let asset_id = self.versions.get(&version_id)?.asset_id;
        let runs = self.readers_of.get(&asset_id).into_iter().flatten();
        let inputs = runs.filter_map(|run| self.run_states.get(run)).flat_map(|state| &state.inputs);
        inputs.filter(|i| i.version_id == version_id).map(|i| i.at).min()
    }

    /// Links a new version of a member to the versions of its data set in whose time it is current.
    pub(super) fn link_to_folder(&mut self, context: &Context, asset_id: i64, version_id: i64, since: Since) {
        let Some(parent) = self.assets.get(&asset_id).and_then(|a| a.parent_asset_id) else { return };
        let at = since.valid_from;
        self.succeed_listed(context, parent, since.seen_at.max(at));
        let of_parent = self.versions_of.get(&parent).cloned().unwrap_or_default();
        let first = self.version_at(parent, at).or(of_parent.first().map(|(_, v)| *v));
        let later = of_parent
            .into_iter()
            .filter(|(from, _)| *from > at && self.version_at(asset_id, *from) == Some(version_id))
            .map(|(_, v)| v);
        let containers: Vec<i64> = first.into_iter().chain(later).collect();
        for container in containers {
            self.contain(context, version_id, container);
        }
    }

    /// Links a new version of a data set to the members that are current when it is seen, and to those that were written
    /// in its time after that; a read takes the latter out again.
    pub(super) fn link_members(&mut self, context: &Context, asset_id: i64, version_id: i64, at: Micros) {
        let to = self.versions.get(&version_id).and_then(|v| v.valid_to).unwrap_or(Micros::MAX);
        for child in self.children(asset_id) {
            let current = self.version_at(child, at).or_else(|| self.first_version(child));
            let began = |(from, _): &&(Micros, i64)| *from > at && *from < to;
            let later = self.versions_of.get(&child).into_iter().flatten().filter(began).map(|(_, v)| *v);
            let members: Vec<i64> = current.into_iter().chain(later).collect();
            for member in members {
                self.contain(context, member, version_id);
            }
        }
    }

    fn began(&self, version_id: i64) -> Micros {
        self.versions.get(&version_id).map_or(ALWAYS, |v| v.valid_from)
    }

    /// Since when both of two versions were there. The content of a version never changes: what is in it and what it is a
    /// copy of, whenever a scan finds it out, was so from there on.
    pub(super) fn both_began(&self, (a, b): (i64, i64)) -> Micros {
        self.began(a).max(self.began(b))
    }

    /// A version begins at another time: so do its members, what it is in, and its copies.
    pub(super) fn begin_links(&mut self, context: &Context, version_id: i64) {
        let of = |links: &Map<i64, BTreeSet<i64>>| links.get(&version_id).cloned().unwrap_or_default();
        let members = of(&self.members_of).into_iter().map(|member| (member, version_id, EdgeType::Contains));
        let containers = of(&self.containers_of).into_iter().map(|above| (version_id, above, EdgeType::Contains));
        let alike = of(&self.alike_of).into_iter().flat_map(|other| {
            let types = [EdgeType::CopyOf, EdgeType::NearDuplicate];
            types.into_iter().flat_map(move |t| [(version_id, other, t), (other, version_id, t)])
        });
        let links: Vec<(i64, i64, EdgeType)> = members.chain(containers).chain(alike).collect();
        for (src, dst, edge_type) in links {
            let since = self.both_began((src, dst));
            let id = self.edge_ids.get(&(src, dst, None, edge_type.as_str().into())).copied();
            let moves = |e: &EdgeRow| e.valid_to.is_none() && e.valid_from != since;
            if let Some(id) = id.filter(|id| self.edges.get(id).is_some_and(moves)) {
                self.edges.update(context, &id, |e| e.valid_from = since);
            }
        }
    }

    fn contain(&mut self, context: &Context, member: i64, container: i64) {
        if self.listed_at(container).is_some() && !self.is_current_in_list(member, container) {
            return;
        }
        let ends = (member, container);
        self.link(context, ends, None, EdgeType::Contains, Evidence::VersionInferred, self.both_began(ends));
    }

    /// All members of a version are known: what was taken for a member by its name and its time alone, and is not among
    /// them, is none. Otherwise what was deleted or rewritten before would be in this content for ever.
    pub(super) fn apply_members(&mut self, context: &Context, asset: &AssetRef, count: i64) {
        let version = self.observe(context, asset).version_id;
        let listed = self.members_by(version, false).count() as i64;
        // Others of its events are still to come, or files have one name.
        if listed != count {
            return;
        }
        self.versions.update(context, &version, |row| {
            row.file_count = Some(count);
            row.listed_at.get_or_insert(context.at);
        });
        self.take_unlisted(context, version);
        // That it came from the version before it was inferred too, from nothing but that its content was not known.
        let asset_id = self.versions.get(&version).map(|v| v.asset_id);
        let others = asset_id.and_then(|a| self.versions_of.get(&a)).into_iter().flatten();
        let others: Vec<i64> =
            others.map(|(_, v)| *v).filter(|v| self.is_inferred(*v, version, EdgeType::Derived)).collect();
        others.into_iter().for_each(|before| self.unlink(context, before, version, None, EdgeType::Derived));
    }

    /// Takes inferred members of a listed version away.
    fn take_unlisted(&mut self, context: &Context, version: i64) {
        if self.listed_at(version).is_none() {
            return;
        }
        let gone = self.members_by(version, true).filter(|m| !self.is_current_in_list(*m, version));
        for member in gone.collect::<Vec<_>>() {
            self.unlink(context, member, version, None, EdgeType::Contains);
        }
    }

    /// Whether a version of a file that is in a list is the one that was current then: what a run wrote has the content
    /// that was scanned after it. To be asked once [`Self::listed_at`] has said that there is a list.
    fn is_current_in_list(&self, member: i64, version: i64) -> bool {
        let Some(listed) = self.listed.get(&version) else { return false };
        let Some(asset_id) = self.versions.get(&member).map(|v| v.asset_id) else { return false };
        listed.assets.contains(&asset_id) && self.version_at(asset_id, listed.at) == Some(member)
    }

    /// Members that were inferred, or those that were said.
    fn members_by(&self, container: i64, inferred: bool) -> impl Iterator<Item = i64> {
        let members = self.members_of.get(&container).into_iter().flatten().copied();
        members.filter(move |m| self.is_inferred(*m, container, EdgeType::Contains) == inferred)
    }

    fn is_inferred(&self, src: i64, dst: i64, edge_type: EdgeType) -> bool {
        let id = self.edge_ids.get(&(src, dst, None, edge_type.as_str().into()));
        let edge = id.and_then(|id| self.edges.get(id));
        edge.is_some_and(|e| e.evidence == Evidence::VersionInferred.as_str())
    }

    /// When all members of a version were listed; `None` where they were not. The list is kept until one of its members
    /// changes: a data set of many files is walked once, not for each late event about one of them.
    fn listed_at(&mut self, version: i64) -> Option<Micros> {
        self.versions.get(&version).filter(|v| v.file_count.is_some())?;
        if let Some(known) = self.listed.get(&version) {
            return Some(known.at);
        }
        let listed = self.list_of(version)?;
        Some(self.listed.entry(version).or_insert(listed).at)
    }

    fn list_of(&self, version: i64) -> Option<Listed> {
        let row = self.versions.get(&version)?;
        let edge = |m: i64| self.edge_ids.get(&(m, version, None, EdgeType::Contains.as_str().into()));
        let said = self.members_by(version, false);
        // Stores of older versions know the time from the edges alone, which held from there on.
        let since = said.filter_map(|m| self.edges.get(edge(m)?)).map(|e| e.valid_from).max()?;
        let at = row.listed_at.unwrap_or(since);
        let asset_of = |m: i64| self.versions.get(&m).map(|v| v.asset_id);
        Some(Listed { at, assets: self.members_by(version, false).filter_map(asset_of).collect() })
    }

    /// Something turned up in a data set after its members were listed: it has another content from here on.
    fn succeed_listed(&mut self, context: &Context, parent: i64, at: Micros) {
        let Some(listed) = self.version_at(parent, at) else { return };
        if self.listed_at(listed).is_none_or(|listed_at| listed_at >= at) {
            return;
        }
        let named = self.unused_name(context, parent);
        let next = self.new_version(context, parent, &named, Since { valid_from: at, seen_at: at }, None);
        self.link(context, (listed, next), None, EdgeType::Derived, Evidence::VersionInferred, at);
    }

    /// A member was written: data sets that were read before that have a new version from here on.
    pub(super) fn settle_member(&mut self, context: &Context, member: i64) {
        let Some(at) = self.versions.get(&member).map(|v| v.valid_from) else { return };
        for container in self.containers_of.get(&member).cloned().unwrap_or_default() {
            if self.first_read(container).is_some_and(|read| read < at) {
                self.split(context, container, member);
            }
        }
    }

    /// A version was read: members that were written after that belong to a later version of it.
    pub(super) fn settle_read(&mut self, context: &Context, version_id: i64, at: Micros) {
        // Data sets within data sets first: each of them may get a new version that has to leave the one above.
        let mut containers = vec![version_id];
        let mut seen = BTreeSet::from([version_id]);
        let mut n = 0;
        while let Some(version) = containers.get(n) {
            let is_late = |m: &&i64| self.members_until.get(m).is_some_and(|until| *until > at);
            let inner = self.members_of.get(version).into_iter().flatten().filter(is_late);
            let inner: Vec<i64> = inner.filter(|m| seen.insert(**m)).copied().collect();
            containers.extend(inner);
            n += 1;
        }
        for container in containers.into_iter().rev() {
            if self.members_until.get(&container).is_none_or(|until| *until <= at) {
                continue;
            }
            let is_late = |m: &&i64| self.written_at(**m).is_some_and(|written| written > at);
            let late = self.members_of.get(&container).into_iter().flatten().find(is_late).copied();
            if let Some(member) = late {
                self.split(context, container, member);
            }
        }
    }

    /// Takes a member, and all others that were written after the data set was read, over to a new version of it.
    fn split(&mut self, context: &Context, container: i64, member: i64) {
        // A version that is named by a read from before it began holds at least what was there when it began.
        let Some(read) = self.first_read(container).map(|read| read.max(self.began(container))) else { return };
        let members = self.members_of.get(&container).into_iter().flatten().copied();
        let mut late: Vec<(Micros, i64)> = members
            .filter(|m| *m == member || self.written_at(*m).is_some())
            .map(|m| (self.began(m), m))
            .filter(|(from, _)| *from > read)
            .collect();
        late.sort_unstable();
        let Some((at, _)) = late.first().copied() else { return };
        let Some(parent) = self.versions.get(&container).map(|v| v.asset_id) else { return };
        for (_, m) in &late {
            self.unlink(context, *m, container, None, EdgeType::Contains);
            // What was there in its stead when the data set was read, where that is known.
            let asset_id = self.versions.get(m).map(|v| v.asset_id);
            if let Some(before) = asset_id.and_then(|a| self.version_at(a, read)) {
                self.contain(context, before, container);
            }
        }
        let next = match self.version_at(parent, at).filter(|v| *v != container && self.began(*v) == at) {
            Some(known) => known,
            None => {
                let named = self.unused_name(context, parent);
                self.new_version(context, parent, &named, Since { valid_from: at, seen_at: at }, None)
            }
        };
        self.link(context, (container, next), None, EdgeType::Derived, Evidence::VersionInferred, at);
        for (from, m) in late {
            let home = self.version_at(parent, from).unwrap_or(next);
            self.contain(context, m, home);
        }
        self.settle_member(context, next);
        if let Some(read) = self.first_read(next) {
            self.settle_read(context, next, read);
        }
    }

    /// A name for a version that an event makes of a data set; one event can make several.
    fn unused_name(&self, context: &Context, asset_id: i64) -> VersionRef {
        let name = context.version_name();
        let names = std::iter::once(name.clone()).chain((2..).map(|n| format!("{name}.{n}")));
        let version = names.into_iter().find(|n| self.version_named(asset_id, n).is_none()).unwrap_or(name);
        VersionRef { scheme: VersionScheme::Inferred, version }
    }
}
