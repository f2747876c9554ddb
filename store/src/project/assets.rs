//! Assets and their versions: names to ids, reads and writes to versions, content to copies, members to data sets.

use super::{Bound, Class, Context, Projector};
use crate::bytes::Hash;
use crate::rows::{AssetRow, AssetVersionRow, Micros};
use lineward_events::{AssetRef, AssetType, EdgeType, Evidence, VersionRef, VersionScheme};

/// Since when a version holds that was there before it was first seen.
pub(super) const ALWAYS: Micros = 0;
/// Aliases followed before a chain is taken for a loop. No loop is ever made; this one guards against damaged rows.
const ALIASES_MAX: usize = 1_000;

/// A version that an asset was bound to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Binding {
    pub(super) asset_id: i64,
    pub(super) version_id: i64,
    /// The producer named the version or the content.
    pub(super) pinned: bool,
}

/// Who wrote a version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum By {
    /// A run (`run_sid`).
    Run(i64),
    /// Somebody, by an audit log.
    Access,
    /// Somebody says that it was made, not when.
    Declaration,
}

impl By {
    fn run(self) -> Option<i64> {
        match self {
            Self::Run(sid) => Some(sid),
            Self::Access | Self::Declaration => None,
        }
    }
}

/// When a version begins and when it was seen; what was there before it was first seen begins [`ALWAYS`].
#[derive(Debug, Clone, Copy)]
pub(super) struct Since {
    pub(super) valid_from: Micros,
    pub(super) seen_at: Micros,
}

fn class(asset_type: AssetType) -> Class {
    match asset_type {
        AssetType::Model => Class::Model,
        AssetType::Deployment => Class::Deployment,
        AssetType::Prompt => Class::Other,
        _ => Class::Data,
    }
}

/// Whether a type says more of an asset than its row holds; which of them comes first makes no difference.
fn says_more(said: AssetType, row: &AssetRow) -> bool {
    AssetType::parse(&row.asset_type).is_some_and(|held| said.says_more_than(held))
}

/// Whether an asset's row holds already what an event says of it. Most events say no more than the name.
fn says_nothing_new(context: &Context, row: &AssetRow, asset: &AssetRef) -> bool {
    !says_more(asset.asset_type, row) && asset.fields.is_empty() && row.first_seen <= context.at
}

fn class_of_row(row: &AssetRow) -> Class {
    AssetType::parse(&row.asset_type).map_or(Class::Other, class)
}

impl Projector {
    pub(super) fn index_assets(&mut self) {
        for asset in self.assets.iter() {
            let class = class_of_row(asset);
            self.asset_ids[class as usize].insert(&asset.namespace, &asset.name, asset.asset_id);
            if class == Class::Data {
                self.data_names.insert((asset.namespace.clone(), asset.name.clone()), asset.asset_id);
            }
        }
        let mut versions: Vec<&AssetVersionRow> = self.versions.iter().collect();
        versions.sort_by_key(|v| v.version_id);
        for version in versions {
            self.versions_of.entry(version.asset_id).or_default().push((version.valid_from, version.version_id));
            self.version_ids.insert(&(version.asset_id, version.version.as_str()), version.version_id);
            for hash in [version.content_sha256, version.merkle_root].into_iter().flatten() {
                self.by_content.entry(hash.0).or_insert(version.version_id);
            }
        }
        self.versions_of.values_mut().for_each(|versions| versions.sort_unstable());
    }

    /// The id of an asset, new or known, aliases followed.
    pub(super) fn asset(&mut self, context: &Context, asset: &AssetRef) -> i64 {
        let class = class(asset.asset_type);
        let id = match self.asset_ids[class as usize].get(&asset.namespace, &asset.name) {
            Some(id) => id,
            None => self.new_asset(context, asset, class),
        };
        if self.assets.get(&id).is_some_and(|row| says_nothing_new(context, row, asset)) {
            return self.canonical(id);
        }
        let schema = (!asset.fields.is_empty()).then(|| serde_json::to_string(&asset.fields).unwrap_or_default());
        let asset_type = asset.asset_type;
        self.assets.update(context, &id, |row| {
            row.first_seen = row.first_seen.min(context.at);
            if says_more(asset_type, row) {
                row.asset_type = asset_type.as_str().to_owned();
            }
            if schema.is_some() {
                row.schema_json = schema;
            }
        });
        let canonical = self.canonical(id);
        self.note_fields(context, canonical, &asset.fields);
        canonical
    }

    fn canonical(&self, id: i64) -> i64 {
        let mut at = id;
        for _ in 0..ALIASES_MAX {
            match self.assets.get(&at).and_then(|a| a.canonical_asset_id) {
                Some(next) if next != at => at = next,
                _ => return at,
            }
        }
        id
    }

    fn new_asset(&mut self, context: &Context, asset: &AssetRef, class: Class) -> i64 {
        let id = self.assets.next_id();
        let is_data = class == Class::Data;
        let parent_asset_id = is_data.then(|| self.folder_of(&asset.namespace, &asset.name)).flatten();
        self.assets.put(
            context,
            AssetRow {
                asset_id: id,
                namespace: asset.namespace.clone(),
                name: asset.name.clone(),
                asset_type: asset.asset_type.as_str().to_owned(),
                parent_asset_id,
                canonical_asset_id: None,
                first_seen: context.at,
                dropped_at: None,
                schema_json: None,
                recorded: context.recorded(),
            },
        );
        if is_data {
            self.data_names.insert((asset.namespace.clone(), asset.name.clone()), id);
            self.adopt(context, id, &asset.namespace, &asset.name);
        }
        self.asset_ids[class as usize].insert(&asset.namespace, &asset.name, id);
        id
    }

    /// The nearest known data asset whose name is a folder above a name.
    fn folder_of(&self, namespace: &str, name: &str) -> Option<i64> {
        let mut at = name.trim_end_matches('/');
        while let Some(slash) = at.rfind('/') {
            at = &at[..slash];
            if let Some(id) = self.data_names.get(&(namespace.to_owned(), at.to_owned())) {
                return Some(*id);
            }
        }
        None
    }

    /// Makes a new data asset the parent of what lies below it and has no nearer parent.
    fn adopt(&mut self, context: &Context, id: i64, namespace: &str, name: &str) {
        let from = (namespace.to_owned(), format!("{name}/"));
        let children: Vec<i64> = self
            .data_names
            .range(from.clone()..)
            .take_while(|((ns, n), _)| *ns == from.0 && n.starts_with(&from.1))
            .map(|(_, child)| *child)
            .collect();
        for child in children {
            let parent = self.assets.get(&child).and_then(|c| c.parent_asset_id);
            let nearer = parent.and_then(|p| self.assets.get(&p)).is_some_and(|p| p.name.len() > name.len());
            if !nearer {
                self.assets.update(context, &child, |row| row.parent_asset_id = Some(id));
            }
        }
    }

    pub(super) fn children(&self, asset_id: i64) -> Vec<i64> {
        let Some(asset) = self.assets.get(&asset_id) else { return Vec::new() };
        let from = (asset.namespace.clone(), format!("{}/", asset.name));
        self.data_names
            .range(from.clone()..)
            .take_while(|((ns, n), _)| *ns == from.0 && n.starts_with(&from.1))
            .map(|(_, child)| *child)
            .filter(|c| self.assets.get(c).is_some_and(|c| c.parent_asset_id == Some(asset_id)))
            .collect()
    }

    /// The version of an asset that was current at a time: the last one that began at or before it.
    pub(super) fn version_at(&self, asset_id: i64, at: Micros) -> Option<i64> {
        let versions = self.versions_of.get(&asset_id)?;
        let n = versions.partition_point(|(from, _)| *from <= at);
        n.checked_sub(1).and_then(|n| versions.get(n)).map(|(_, v)| *v)
    }

    pub(super) fn version_named(&self, asset_id: i64, version: &str) -> Option<i64> {
        let is = |v| self.versions.get(&v).is_some_and(|r| r.asset_id == asset_id && r.version == version);
        self.version_ids.get(&(asset_id, version), is)
    }

    fn version_with_content(&self, asset_id: i64, content: &[u8; 32]) -> Option<i64> {
        let has = |h: Option<Hash>| h.is_some_and(|h| h.0 == *content);
        let versions = self.versions_of.get(&asset_id)?;
        let found = |v: &i64| self.versions.get(v).is_some_and(|r| has(r.content_sha256) || has(r.merkle_root));
        versions.iter().map(|(_, v)| *v).find(found)
    }

    /// Binds what was read at a time to a version. `reader` is the run that read it, where one did.
    pub(super) fn read(&mut self, context: &Context, asset: &AssetRef, at: Micros, reader: Option<i64>) -> Binding {
        let asset_id = self.asset(context, asset);
        if let Some(version_id) = self.pinned(context, asset_id, asset, at, None) {
            return Binding { asset_id, version_id, pinned: true };
        }
        let version_id = self.version_read(context, asset_id, at, reader);
        self.describe(context, version_id, asset);
        Binding { asset_id, version_id, pinned: false }
    }

    /// The version that a read at a time saw; one of its own where all that is known was written later. A run that
    /// overwrites what it reads has read what was there before.
    pub(super) fn version_read(&mut self, context: &Context, asset_id: i64, at: Micros, reader: Option<i64>) -> i64 {
        let versions = self.versions_of.get(&asset_id).map_or(&[][..], Vec::as_slice);
        let begun = &versions[..versions.partition_point(|(from, _)| *from <= at)];
        let state = reader.and_then(|run| self.run_states.get(&run));
        let is_output = |v: i64| state.is_some_and(|s| s.outputs.iter().any(|o| o.version_id == v));
        let own = |r: &AssetVersionRow| reader.is_some() && r.produced_by_run == reader || is_output(r.version_id);
        let seen = |r: &AssetVersionRow| !own(r);
        let last = begun.iter().rev().map(|(_, v)| *v).find(|v| self.versions.get(v).is_some_and(seen));
        match last.or_else(|| self.first_version(asset_id)) {
            Some(version) => version,
            None => {
                let initial = VersionRef { scheme: VersionScheme::Inferred, version: "initial".to_owned() };
                self.new_version(context, asset_id, &initial, Since { valid_from: ALWAYS, seen_at: at }, None)
            }
        }
    }

    pub(super) fn first_version(&self, asset_id: i64) -> Option<i64> {
        // Everything known of the asset is younger than the read. What was read was there before, so it is a version
        // of its own unless the oldest one known was only ever inferred.
        let (_, first) = *self.versions_of.get(&asset_id)?.first()?;
        self.versions.get(&first).filter(|v| v.inferred && v.produced_by_run.is_none()).map(|v| v.version_id)
    }

    /// What was seen of an asset (a scan, a declaration), bound to a version.
    pub(super) fn observe(&mut self, context: &Context, asset: &AssetRef) -> Binding {
        let binding = self.read(context, asset, context.at, None);
        self.say_schema(context, binding.asset_id, binding.version_id, &asset.fields);
        binding
    }

    /// Binds what was written at a time to a version, new unless it is known. `name` names it where the producer does not.
    pub(super) fn write(&mut self, context: &Context, asset: &AssetRef, at: Micros, by: By, name: &str) -> Binding {
        let asset_id = self.asset(context, asset);
        if let Some(version_id) = self.pinned(context, asset_id, asset, at, Some(by)) {
            self.settle_member(context, version_id);
            self.say_schema(context, asset_id, version_id, &asset.fields);
            return Binding { asset_id, version_id, pinned: true };
        }
        let version_id = match self.version_named(asset_id, name) {
            Some(version) => {
                self.claim(context, version, at, by.run());
                version
            }
            None => {
                let named = VersionRef { scheme: VersionScheme::Inferred, version: name.to_owned() };
                self.new_version(context, asset_id, &named, Since { valid_from: at, seen_at: at }, by.run())
            }
        };
        self.settle_member(context, version_id);
        self.describe(context, version_id, asset);
        self.say_schema(context, asset_id, version_id, &asset.fields);
        Binding { asset_id, version_id, pinned: false }
    }

    /// The version that the producer names by version or content; `None` where it names neither. `by` wrote it, else it
    /// was read.
    fn pinned(
        &mut self,
        context: &Context,
        asset_id: i64,
        asset: &AssetRef,
        at: Micros,
        by: Option<By>,
    ) -> Option<i64> {
        let run = by.and_then(By::run);
        let written = matches!(by, Some(By::Run(_) | By::Access));
        let from = if self.versions_of.contains_key(&asset_id) || written { at } else { ALWAYS };
        let since = Since { valid_from: from, seen_at: at };
        let version_id = match (&asset.version, &asset.content_sha256) {
            (None, None) => return None,
            (Some(named), _) => match self.version_named(asset_id, &named.version) {
                Some(version) => version,
                None => {
                    let known = asset.content_sha256.and_then(|c| self.version_with_content(asset_id, &c));
                    known.unwrap_or_else(|| self.new_version(context, asset_id, named, since, run))
                }
            },
            (None, Some(content)) => match self.version_with_content(asset_id, content) {
                Some(version) => version,
                None => self.version_of_content(context, asset_id, content, since, by),
            },
        };
        self.claim(context, version_id, at, run);
        self.describe(context, version_id, asset);
        Some(version_id)
    }

    /// Content that no version of the asset is known to have: that of the current version if its content is not known,
    /// else a version of its own that nobody announced.
    fn version_of_content(
        &mut self,
        context: &Context,
        asset_id: i64,
        content: &[u8; 32],
        since: Since,
        by: Option<By>,
    ) -> i64 {
        let run = by.and_then(By::run);
        let unknown = |v: &AssetVersionRow| v.content_sha256.is_none() && v.merkle_root.is_none();
        let current = self.version_at(asset_id, since.seen_at).or_else(|| self.first_version(asset_id));
        if let Some(current) = current
            && run.is_none()
            && self.versions.get(&current).is_some_and(unknown)
        {
            return current;
        }
        let name = format!("sha256:{}", hex::encode(content));
        let named = VersionRef { scheme: VersionScheme::Content, version: name };
        self.new_version(context, asset_id, &named, since, run)
    }

    /// A run says that it wrote a version: it begins with the first word of its run, however late that comes in.
    fn claim(&mut self, context: &Context, version_id: i64, at: Micros, run: Option<i64>) {
        let Some(row) = self.versions.get(&version_id).filter(|_| run.is_some()) else { return };
        if row.produced_by_run.is_some() && row.produced_by_run != run {
            return;
        }
        // It was said to have been there always only because a read of it came in first.
        let unseen = || self.assets.get(&row.asset_id).is_some_and(|a| a.first_seen >= at);
        let moves = at < row.valid_from || (row.produced_by_run.is_none() && row.valid_from == ALWAYS && unseen());
        let asset_id = row.asset_id;
        let claimed = row.produced_by_run.is_none();
        if row.produced_by_run != run {
            self.versions.update(context, &version_id, |v| v.produced_by_run = run);
        }
        if moves {
            self.begin(context, asset_id, version_id, at);
        }
        if moves || claimed {
            self.note_written(version_id);
            self.bind_again(context, asset_id);
        }
    }

    /// Makes a version begin at another time.
    fn begin(&mut self, context: &Context, asset_id: i64, version_id: i64, at: Micros) {
        let Some(versions) = self.versions_of.get_mut(&asset_id) else { return };
        let Some(row) = self.versions.get(&version_id).filter(|r| r.valid_from != at) else { return };
        let (from, to) = (row.valid_from, row.valid_to);
        let Some(n) = versions.iter().position(|(_, v)| *v == version_id) else { return };
        versions.remove(n);
        let before = n.checked_sub(1).map(|n| versions[n].1);
        self.versions.update(context, &version_id, |v| v.valid_from = at);
        self.begin_links(context, version_id);
        if let Some(before) = before {
            // What came before goes on to where the next one begins.
            self.versions.update(context, &before, |v| {
                if v.valid_to == Some(from) {
                    v.valid_to = to;
                }
            });
        }
        self.place(context, asset_id, version_id);
    }

    /// Puts a version between those of its asset that begin before and after it, and ends the former.
    fn place(&mut self, context: &Context, asset_id: i64, version_id: i64) {
        let rows = &self.versions;
        let Some(from) = rows.get(&version_id).map(|v| v.valid_from) else { return };
        let versions = self.versions_of.entry(asset_id).or_default();
        let n = versions.partition_point(|version| *version < (from, version_id));
        let before = n.checked_sub(1).map(|n| versions[n].1);
        let after = versions.get(n).map(|(from, _)| *from);
        versions.insert(n, (from, version_id));
        self.versions.update(context, &version_id, |v| v.valid_to = after);
        if let Some(before) = before {
            // Dropped before that, it ended before that.
            self.versions.update(context, &before, |v| v.valid_to = Some(v.valid_to.map_or(from, |to| to.min(from))));
        }
    }

    /// Adds what an event says of a version's content and size.
    fn describe(&mut self, context: &Context, version_id: i64, asset: &AssetRef) {
        if asset.content_sha256.is_none() && asset.row_count.is_none() && asset.size_bytes.is_none() {
            return;
        }
        let is_file = asset.asset_type == AssetType::File;
        let hash = asset.content_sha256.map(Hash);
        let (rows, bytes) = (asset.row_count, asset.size_bytes);
        let had = self.versions.get(&version_id).and_then(|v| v.content_sha256.or(v.merkle_root));
        self.versions.update(context, &version_id, |v| {
            if had.is_none() {
                match is_file {
                    true => v.content_sha256 = hash,
                    false => v.merkle_root = hash,
                }
            }
            v.row_count = rows.or(v.row_count);
            v.size_bytes = bytes.or(v.size_bytes);
        });
        if let (None, Some(hash)) = (had, asset.content_sha256) {
            self.note_content(context, version_id, hash);
        }
    }

    /// Links a version to the first one known with the same content.
    fn note_content(&mut self, context: &Context, version_id: i64, content: [u8; 32]) {
        let first = *self.by_content.entry(content).or_insert(version_id);
        // The oldest version stands for all of this content, as it will for a projector loaded from rows.
        self.by_content.insert(content, first.min(version_id));
        let asset_of = |v: i64| self.versions.get(&v).map(|v| v.asset_id);
        if first != version_id && asset_of(first) != asset_of(version_id) {
            let ends = (first, version_id);
            let since = self.both_began(ends);
            self.link(context, ends, None, EdgeType::CopyOf, Evidence::ContentMatch, since);
        }
    }

    pub(super) fn new_version(
        &mut self,
        context: &Context,
        asset_id: i64,
        named: &VersionRef,
        since: Since,
        run: Option<i64>,
    ) -> i64 {
        let id = self.versions.next_id();
        self.version_ids.insert(&(asset_id, named.version.as_str()), id);
        self.versions.put(
            context,
            AssetVersionRow {
                version_id: id,
                asset_id,
                version: named.version.clone(),
                version_scheme: named.scheme.as_str().into(),
                inferred: matches!(named.scheme, VersionScheme::Inferred | VersionScheme::Content),
                content_sha256: None,
                merkle_root: None,
                row_count: None,
                size_bytes: None,
                file_count: None,
                produced_by_run: run,
                valid_from: since.valid_from,
                valid_to: None,
                listed_at: None,
                declared_at: None,
                schema_id: None,
                schema_at: None,
                recorded: context.recorded(),
            },
        );
        self.place(context, asset_id, id);
        self.link_to_folder(context, asset_id, id, since);
        self.link_members(context, asset_id, id, since.seen_at.max(since.valid_from));
        // Earlier reads saw what was there before; where there was nothing before, they may have seen this.
        let is_first = self.versions_of.get(&asset_id).and_then(|v| v.first()).is_some_and(|(_, v)| *v == id);
        self.bind_again_from(context, asset_id, if is_first { Micros::MIN } else { since.valid_from });
        id
    }

    pub(super) fn apply_dropped(&mut self, context: &Context, asset: &AssetRef) {
        let id = self.asset(context, asset);
        let at = context.at;
        self.assets.update(context, &id, |row| row.dropped_at = row.dropped_at.max(Some(at)));
        if let Some(version) = self.version_at(id, at) {
            self.versions.update(context, &version, |v| v.valid_to = v.valid_to.or(Some(at)));
        }
    }

    pub(super) fn apply_alias(&mut self, context: &Context, alias: &AssetRef, target: &AssetRef) {
        let target = self.asset(context, target);
        let class = class(alias.asset_type);
        let alias = match self.asset_ids[class as usize].get(&alias.namespace, &alias.name) {
            Some(id) => id,
            None => self.new_asset(context, alias, class),
        };
        // One that leads there already, or would close a loop, says nothing new.
        if self.canonical(alias) != target {
            self.assets.update(context, &alias, |row| row.canonical_asset_id = Some(target));
        }
    }

    /// Binds the reads of an asset that named no version again, after a version turned up or moved.
    pub(super) fn bind_again(&mut self, context: &Context, asset_id: i64) {
        self.bind_again_from(context, asset_id, Micros::MIN);
    }

    /// As [`Self::bind_again`], of one run: after it turned out to have written the asset itself.
    pub(super) fn bind_again_of(&mut self, context: &Context, asset_id: i64, run: i64) {
        let reads = self.unnamed_reads(asset_id, run, Micros::MIN).collect();
        self.bind_reads_again(context, asset_id, reads);
    }

    /// Reads of an asset by a run, at or after a time, that named no version: run, which of its inputs, and when.
    fn unnamed_reads(&self, asset_id: i64, run: i64, from: Micros) -> impl Iterator<Item = (i64, usize, Micros)> {
        let inputs = self.run_states.get(&run).map_or(&[][..], |state| &state.inputs);
        let unnamed = move |i: &Bound| i.asset_id == asset_id && !i.pinned && i.at >= from;
        inputs.iter().enumerate().filter(move |(_, i)| unnamed(i)).map(move |(n, i)| (run, n, i.at))
    }

    /// As [`Self::bind_again`], of the reads at or after a time.
    fn bind_again_from(&mut self, context: &Context, asset_id: i64, from: Micros) {
        let readers = self.readers_of.get(&asset_id).into_iter().flatten();
        let reads = readers.flat_map(|run| self.unnamed_reads(asset_id, *run, from)).collect();
        self.bind_reads_again(context, asset_id, reads);
    }

    fn bind_reads_again(&mut self, context: &Context, asset_id: i64, reads: Vec<(i64, usize, Micros)>) {
        for (run, n, at) in reads {
            // One that was bound again may have named the version of another.
            if self.run_states.get(&run).and_then(|s| s.inputs.get(n)).is_none_or(|i| i.pinned) {
                continue;
            }
            let version = self.version_read(context, asset_id, at, Some(run));
            self.rebind_input(context, run, n, version);
        }
    }
}
