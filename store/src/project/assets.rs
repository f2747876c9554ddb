//! Assets and their versions: names to ids, reads and writes to versions, content to copies, members to data sets.

use super::{Class, Context, Projector};
use crate::bytes::Hash;
use crate::rows::{AssetRow, AssetVersionRow, Micros};
use lineward_events::{AssetRef, AssetType, EdgeType, Evidence, VersionRef, VersionScheme};

/// Since when a version holds that was there before it was first seen.
const ALWAYS: Micros = 0;
/// Aliases followed before a chain is taken for a loop.
const ALIASES_MAX: usize = 8;

/// A version that an asset was bound to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Binding {
    pub(super) asset_id: i64,
    pub(super) version_id: i64,
    /// The producer named the version or the content.
    pub(super) pinned: bool,
}

fn class(asset_type: AssetType) -> Class {
    match asset_type {
        AssetType::Model => Class::Model,
        AssetType::Deployment => Class::Deployment,
        AssetType::Prompt | AssetType::Index => Class::Other,
        _ => Class::Data,
    }
}

fn class_of_row(row: &AssetRow) -> Class {
    AssetType::parse(&row.asset_type).map_or(Class::Other, class)
}

impl Projector {
    pub(super) fn index_assets(&mut self) {
        for asset in self.assets.iter() {
            let class = class_of_row(asset);
            self.asset_ids.insert((class, asset.namespace.clone(), asset.name.clone()), asset.asset_id);
            if class == Class::Data {
                self.data_names.insert((asset.namespace.clone(), asset.name.clone()), asset.asset_id);
            }
        }
        let mut versions: Vec<&AssetVersionRow> = self.versions.iter().collect();
        versions.sort_by_key(|v| v.version_id);
        for version in versions {
            self.versions_of.entry(version.asset_id).or_default().push(version.version_id);
            for hash in [version.content_sha256, version.merkle_root].into_iter().flatten() {
                self.by_content.entry(hash.0).or_insert(version.version_id);
            }
        }
        let rows = &self.versions;
        for versions in self.versions_of.values_mut() {
            versions.sort_by_key(|v| (rows.get(v).map(|r| r.valid_from), *v));
        }
    }

    /// The id of an asset, new or known, aliases followed.
    pub(super) fn asset(&mut self, context: &Context, asset: &AssetRef) -> i64 {
        let key = (class(asset.asset_type), asset.namespace.clone(), asset.name.clone());
        let id = match self.asset_ids.get(&key) {
            Some(id) => *id,
            None => self.new_asset(context, asset, key),
        };
        let schema = (!asset.fields.is_empty()).then(|| serde_json::to_string(&asset.fields).unwrap_or_default());
        let asset_type = asset.asset_type;
        self.assets.update(context, &id, |row| {
            row.first_seen = row.first_seen.min(context.at);
            // `DATASET` is what a producer says that knows no better.
            if row.asset_type == AssetType::Dataset.as_str() {
                row.asset_type = asset_type.as_str().to_owned();
            }
            if schema.is_some() {
                row.schema_json = schema;
            }
        });
        self.canonical(id)
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

    fn new_asset(&mut self, context: &Context, asset: &AssetRef, key: (Class, String, String)) -> i64 {
        let id = self.assets.next_id();
        let parent_asset_id = (key.0 == Class::Data).then(|| self.folder_of(&key.1, &key.2)).flatten();
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
        if key.0 == Class::Data {
            self.data_names.insert((key.1.clone(), key.2.clone()), id);
            self.adopt(context, id, &key.1, &key.2);
        }
        self.asset_ids.insert(key, id);
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

    fn children(&self, asset_id: i64) -> Vec<i64> {
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
    fn version_at(&self, asset_id: i64, at: Micros) -> Option<i64> {
        let versions = self.versions_of.get(&asset_id)?;
        versions.iter().rev().find(|v| self.versions.get(v).is_some_and(|r| r.valid_from <= at)).copied()
    }

    fn version_named(&self, asset_id: i64, version: &str) -> Option<i64> {
        let versions = self.versions_of.get(&asset_id)?;
        versions.iter().find(|v| self.versions.get(v).is_some_and(|r| r.version == version)).copied()
    }

    fn version_with_content(&self, asset_id: i64, content: &[u8; 32]) -> Option<i64> {
        let has = |h: Option<Hash>| h.is_some_and(|h| h.0 == *content);
        let versions = self.versions_of.get(&asset_id)?;
        let found = |v: &&i64| self.versions.get(v).is_some_and(|r| has(r.content_sha256) || has(r.merkle_root));
        versions.iter().find(found).copied()
    }

    /// Binds what was read at a time to a version.
    pub(super) fn read(&mut self, context: &Context, asset: &AssetRef, at: Micros) -> Binding {
        let asset_id = self.asset(context, asset);
        if let Some(version_id) = self.pinned(context, asset_id, asset, at, None) {
            return Binding { asset_id, version_id, pinned: true };
        }
        let version_id = match self.version_at(asset_id, at).or_else(|| self.first_version(asset_id)) {
            Some(version) => version,
            None => {
                let initial = VersionRef { scheme: VersionScheme::Inferred, version: "initial".to_owned() };
                self.new_version(context, asset_id, asset, &initial, ALWAYS, None)
            }
        };
        self.describe(context, version_id, asset);
        Binding { asset_id, version_id, pinned: false }
    }

    fn first_version(&self, asset_id: i64) -> Option<i64> {
        // Everything known of the asset is younger than the read. What was read was there before, so it is a version
        // of its own unless the oldest one known was only ever inferred.
        let first = *self.versions_of.get(&asset_id)?.first()?;
        self.versions.get(&first).filter(|v| v.inferred && v.produced_by_run.is_none()).map(|v| v.version_id)
    }

    /// What was seen of an asset (a scan, a declaration), bound to a version.
    pub(super) fn observe(&mut self, context: &Context, asset: &AssetRef) -> Binding {
        self.read(context, asset, context.at)
    }

    /// Binds what was written at a time to a version, new unless it is known. `name` names it where the producer does not.
    pub(super) fn write(
        &mut self,
        context: &Context,
        asset: &AssetRef,
        at: Micros,
        run: Option<i64>,
        name: &str,
    ) -> Binding {
        let asset_id = self.asset(context, asset);
        if let Some(version_id) = self.pinned(context, asset_id, asset, at, run) {
            self.touch_container(context, asset_id, version_id, at);
            return Binding { asset_id, version_id, pinned: true };
        }
        let version_id = match self.version_named(asset_id, name) {
            Some(version) => version,
            None => {
                let named = VersionRef { scheme: VersionScheme::Inferred, version: name.to_owned() };
                let version = self.new_version(context, asset_id, asset, &named, at, run);
                self.touch_container(context, asset_id, version, at);
                version
            }
        };
        self.describe(context, version_id, asset);
        Binding { asset_id, version_id, pinned: false }
    }

    /// The version that the producer names by version or content; `None` where it names neither.
    fn pinned(
        &mut self,
        context: &Context,
        asset_id: i64,
        asset: &AssetRef,
        at: Micros,
        run: Option<i64>,
    ) -> Option<i64> {
        let version_id = match (&asset.version, &asset.content_sha256) {
            (None, None) => return None,
            (Some(named), _) => match self.version_named(asset_id, &named.version) {
                Some(version) => version,
                None => {
                    let known = asset.content_sha256.and_then(|c| self.version_with_content(asset_id, &c));
                    let from = if self.versions_of.contains_key(&asset_id) || run.is_some() { at } else { ALWAYS };
                    known.unwrap_or_else(|| self.new_version(context, asset_id, asset, named, from, run))
                }
            },
            (None, Some(content)) => match self.version_with_content(asset_id, content) {
                Some(version) => version,
                None => self.version_of_content(context, asset_id, asset, content, at, run),
            },
        };
        if run.is_some() {
            self.versions.update(context, &version_id, |v| v.produced_by_run = v.produced_by_run.or(run));
        }
        self.describe(context, version_id, asset);
        Some(version_id)
    }

    /// Content that no version of the asset is known to have: that of the current version if its content is not known,
    /// else a version of its own that nobody announced.
    fn version_of_content(
        &mut self,
        context: &Context,
        asset_id: i64,
        asset: &AssetRef,
        content: &[u8; 32],
        at: Micros,
        run: Option<i64>,
    ) -> i64 {
        let unknown = |v: &AssetVersionRow| v.content_sha256.is_none() && v.merkle_root.is_none();
        let current = self.version_at(asset_id, at).or_else(|| self.first_version(asset_id));
        if let Some(current) = current
            && run.is_none()
            && self.versions.get(&current).is_some_and(unknown)
        {
            return current;
        }
        let from = if self.versions_of.contains_key(&asset_id) || run.is_some() { at } else { ALWAYS };
        let name = format!("sha256:{}", hex::encode(content));
        let named = VersionRef { scheme: VersionScheme::Content, version: name };
        self.new_version(context, asset_id, asset, &named, from, run)
    }

    /// Adds what an event says of a version's content and size.
    fn describe(&mut self, context: &Context, version_id: i64, asset: &AssetRef) {
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
        let asset_of = |v: i64| self.versions.get(&v).map(|v| v.asset_id);
        if first != version_id && asset_of(first) != asset_of(version_id) {
            self.link(context, first, version_id, None, EdgeType::CopyOf, Evidence::ContentMatch);
        }
    }

    fn new_version(
        &mut self,
        context: &Context,
        asset_id: i64,
        asset: &AssetRef,
        named: &VersionRef,
        valid_from: Micros,
        run: Option<i64>,
    ) -> i64 {
        let id = self.versions.next_id();
        let versions = self.versions_of.entry(asset_id).or_default();
        let rows = &self.versions;
        let at = versions.partition_point(|v| rows.get(v).is_some_and(|r| r.valid_from <= valid_from));
        let before = at.checked_sub(1).map(|i| versions[i]);
        let after = versions.get(at).and_then(|v| rows.get(v)).map(|r| r.valid_from);
        versions.insert(at, id);
        self.versions.put(
            context,
            AssetVersionRow {
                version_id: id,
                asset_id,
                version: named.version.clone(),
                version_scheme: named.scheme.as_str().to_owned(),
                inferred: matches!(named.scheme, VersionScheme::Inferred | VersionScheme::Content),
                content_sha256: None,
                merkle_root: None,
                row_count: asset.row_count,
                size_bytes: asset.size_bytes,
                file_count: None,
                produced_by_run: run,
                valid_from,
                valid_to: after,
                recorded: context.recorded(),
            },
        );
        if let Some(before) = before {
            self.versions.update(context, &before, |v| v.valid_to = Some(valid_from));
        }
        self.link_to_folder(context, asset_id, id, valid_from);
        self.link_members(context, asset_id, id, valid_from);
        self.bind_again(context, asset_id);
        id
    }

    /// A new version of a member belongs to the version of its data set that is current then.
    fn link_to_folder(&mut self, context: &Context, asset_id: i64, version_id: i64, at: Micros) {
        let Some(parent) = self.assets.get(&asset_id).and_then(|a| a.parent_asset_id) else { return };
        let first = || self.versions_of.get(&parent).and_then(|v| v.first().copied());
        if let Some(container) = self.version_at(parent, at).or_else(first) {
            self.link(context, version_id, container, None, EdgeType::Contains, Evidence::VersionInferred);
        }
    }

    /// A new version of a data set has the members that are current then.
    fn link_members(&mut self, context: &Context, asset_id: i64, version_id: i64, at: Micros) {
        for child in self.children(asset_id) {
            let member = self.version_at(child, at).or_else(|| self.first_version(child));
            if let Some(member) = member {
                self.link(context, member, version_id, None, EdgeType::Contains, Evidence::VersionInferred);
            }
        }
    }

    /// A member was written. If the data set's current version was read already, the data set has a new version from
    /// here on: what was trained before the write did not see it.
    fn touch_container(&mut self, context: &Context, asset_id: i64, member: i64, at: Micros) {
        let Some(parent) = self.assets.get(&asset_id).and_then(|a| a.parent_asset_id) else { return };
        let Some(current) = self.version_at(parent, at) else { return };
        let read = self.readers_of.get(&parent).is_some_and(|runs| {
            runs.iter().filter_map(|r| self.run_states.get(r)).any(|r| {
                r.inputs.iter().any(|i| i.version_id == current && i.at < at)
            })
        });
        let member_is_in = self.edge_ids.contains_key(&(member, current, None, EdgeType::Contains.as_str().to_owned()));
        if !read || !member_is_in {
            return;
        }
        self.unlink(context, member, current, None, EdgeType::Contains);
        let Some(row) = self.assets.get(&parent).cloned() else { return };
        let folder = AssetRef::new(AssetType::Dataset, &row.namespace, &row.name);
        let named = VersionRef { scheme: VersionScheme::Inferred, version: context.version_name() };
        if self.version_named(parent, &named.version).is_none() {
            let next = self.new_version(context, parent, &folder, &named, at, None);
            self.link(context, current, next, None, EdgeType::Derived, Evidence::VersionInferred);
        }
    }

    pub(super) fn apply_dropped(&mut self, context: &Context, asset: &AssetRef) {
        let id = self.asset(context, asset);
        let at = context.at;
        self.assets.update(context, &id, |row| row.dropped_at = Some(at));
        if let Some(version) = self.version_at(id, at) {
            self.versions.update(context, &version, |v| v.valid_to = v.valid_to.or(Some(at)));
        }
    }

    pub(super) fn apply_alias(&mut self, context: &Context, alias: &AssetRef, target: &AssetRef) {
        let target = self.asset(context, target);
        let key = (class(alias.asset_type), alias.namespace.clone(), alias.name.clone());
        let alias = match self.asset_ids.get(&key) {
            Some(id) => *id,
            None => self.new_asset(context, alias, key),
        };
        // An alias that would close a loop says nothing new.
        if alias != target && self.canonical(target) != alias {
            self.assets.update(context, &alias, |row| row.canonical_asset_id = Some(target));
        }
    }

    /// Binds the reads of an asset that named no version again, after a version turned up.
    fn bind_again(&mut self, context: &Context, asset_id: i64) {
        let readers = self.readers_of.get(&asset_id).cloned().unwrap_or_default();
        for run in readers {
            let Some(state) = self.run_states.get(&run) else { continue };
            let moved: Vec<(usize, i64)> = state
                .inputs
                .iter()
                .enumerate()
                .filter(|(_, i)| i.asset_id == asset_id && !i.pinned)
                .filter_map(|(n, i)| Some((n, self.version_at(asset_id, i.at)?)))
                .collect();
            for (n, version) in moved {
                self.rebind_input(context, run, n, version);
            }
        }
    }
}
