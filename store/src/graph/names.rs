//! From what a person writes to versions: `type:namespace/name[@version]`, a shorter form of it, or a glob.
//!
//! Suggestions for unknown names are the caller's: this index only hands out the names there are.

use super::build::{LineageGraph, Version};
use super::kept::Kept;
use crate::rows::{AssetRow, Micros};
use lineward_events::AssetType;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// Why a text names no versions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ResolveError {
    /// No asset has this name.
    Unknown,
    /// The asset exists, but not this version of it.
    UnknownVersion {
        /// The asset.
        asset: String,
        /// The versions there are, newest first, at most ten.
        versions: Vec<String>,
    },
    /// The asset exists, but had no version yet at the time asked for.
    NotYet {
        /// The asset.
        asset: String,
    },
    /// Several assets have this name.
    Ambiguous(Vec<String>),
}

/// Index of the assets by their names.
#[derive(Debug)]
pub(super) struct Names {
    base: Arc<Base>,
    /// Names of assets that came later or are of another type now.
    texts: HashMap<String, Vec<u32>>,
    /// Assets whose names in `base` may no longer be theirs.
    renamed: HashSet<u32>,
    /// Later versions of an asset, in order.
    versions: HashMap<u32, Vec<u32>>,
    /// Asset to the asset it is an alias of, or itself.
    canonical: Vec<u32>,
    /// Asset to those that are aliases of it.
    aliases: HashMap<u32, Vec<u32>>,
}

/// Names of the assets a graph was built with.
#[derive(Debug, Default)]
struct Base {
    /// `type:namespace/name` and `namespace/name` to assets.
    by_text: HashMap<String, Vec<u32>, ahash::RandomState>,
    /// Asset to its versions, in order.
    versions: Vec<Vec<u32>>,
}

/// `type:namespace/name` of an asset.
pub fn asset_text(asset: &AssetRow) -> String {
    format!("{}:{}", asset.asset_type.to_ascii_lowercase(), path(asset))
}

fn path(asset: &AssetRow) -> String {
    format!("{}/{}", asset.namespace, asset.name.trim_start_matches('/'))
}

impl Names {
    pub fn new(assets: &Kept<AssetRow>, asset_of: &[u32]) -> Self {
        let mut base = Base { versions: vec![Vec::new(); assets.len()], ..Base::default() };
        for (i, asset) in (0..).zip(assets.iter()) {
            base.by_text.entry(asset_text(asset)).or_default().push(i);
            base.by_text.entry(path(asset)).or_default().push(i);
        }
        for (version, asset) in (0..).zip(asset_of) {
            base.versions[*asset as usize].push(version);
        }
        let canonical = all_canonical(assets);
        Self {
            base: Arc::new(base),
            texts: HashMap::new(),
            renamed: HashSet::new(),
            versions: HashMap::new(),
            aliases: aliases(&canonical),
            canonical,
        }
    }

    /// The names with those of later assets and versions; `first` is the first version that is new.
    pub fn grown(&self, assets: &Kept<AssetRow>, asset_of: &[u32], first: usize) -> Self {
        let canonical = all_canonical(assets);
        let mut grown = Self {
            base: self.base.clone(),
            texts: HashMap::new(),
            renamed: HashSet::new(),
            versions: HashMap::new(),
            aliases: aliases(&canonical),
            canonical,
        };
        for i in assets.fresh() {
            let asset = assets.at(i);
            grown.renamed.insert(i);
            grown.texts.entry(asset_text(asset)).or_default().push(i);
            grown.texts.entry(path(asset)).or_default().push(i);
        }
        for (version, asset) in (0..).zip(asset_of).skip(first) {
            grown.versions.entry(*asset).or_default().push(version);
        }
        grown
    }

    fn of_text(&self, text: &str) -> Vec<u32> {
        let mut found = self.base.by_text.get(text).cloned().unwrap_or_default();
        if !self.renamed.is_empty() {
            found.retain(|asset| !self.renamed.contains(asset));
            found.extend(self.texts.get(text).into_iter().flatten());
            found.sort_unstable();
        }
        found
    }

    fn versions(&self, asset: u32) -> impl Iterator<Item = u32> {
        let held = self.base.versions.get(asset as usize).into_iter().flatten();
        let later = (!self.versions.is_empty()).then(|| self.versions.get(&asset)).flatten();
        held.chain(later.into_iter().flatten()).copied()
    }
}

fn all_canonical(assets: &Kept<AssetRow>) -> Vec<u32> {
    (0..assets.len() as u32).map(|asset| canonical(assets, asset)).collect()
}

/// The other assets that each asset stands for.
fn aliases(canonical: &[u32]) -> HashMap<u32, Vec<u32>> {
    let mut aliases: HashMap<u32, Vec<u32>> = HashMap::new();
    for (asset, at) in (0..).zip(canonical).filter(|(asset, at)| asset != *at) {
        aliases.entry(*at).or_default().push(asset);
    }
    aliases
}

/// Follows aliases; a ring of aliases ends after as many steps as are ever sensible.
fn canonical(assets: &Kept<AssetRow>, asset: u32) -> u32 {
    let mut at = asset;
    for _ in 0..16 {
        let next = assets.at(at).canonical_asset_id.and_then(|id| assets.place(id));
        match next {
            Some(next) if next != at => at = next,
            _ => break,
        }
    }
    at
}

impl LineageGraph {
    /// `type:namespace/name@version` of a version.
    pub fn text(&self, version: Version) -> String {
        format!("{}@{}", asset_text(self.asset(version)), self.version_name(version))
    }

    /// All names, for suggestions: each as `type:namespace/name`.
    pub fn asset_names(&self) -> impl Iterator<Item = String> + '_ {
        self.assets.iter().map(asset_text)
    }

    /// The versions a text names, of those that existed at `valid`: one version where it gives one, else all of the
    /// asset. Tried in this order: namespace and name (type optional), with or without a version, a glob (`*`), the name alone, the end of a name
    /// (`notes` for `corpora/notes`).
    ///
    /// # Errors
    ///
    /// [`ResolveError`] where the text names nothing, or several assets without being a glob.
    pub fn resolve(&self, text: &str, valid: Option<Micros>) -> Result<Vec<Version>, ResolveError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(ResolveError::Unknown);
        }
        // A full name needs no search.
        for (name, version) in splits(text).filter(|(name, _)| !name.contains('*')) {
            if let [asset] = self.names.of_text(&typed(name))[..]
                && let Ok(versions) = self.versions_of(&[self.names.canonical[asset as usize]], version, valid)
            {
                return Ok(versions);
            }
        }
        let mut failed = ResolveError::Unknown;
        for (name, version) in splits(text) {
            let assets = self.assets_named(name)?;
            if assets.is_empty() {
                continue;
            }
            match self.versions_of(&assets, version, valid) {
                Ok(versions) => return Ok(versions),
                // `a@b` may be a name without version although `a` exists too.
                Err(e) if failed == ResolveError::Unknown => failed = e,
                Err(_) => {}
            }
        }
        Err(failed)
    }

    fn assets_named(&self, name: &str) -> Result<Vec<u32>, ResolveError> {
        let name = typed(name);
        if name.contains('*') {
            return Ok(self.assets_like(&name));
        }
        let mut found = self.names.of_text(&name);
        if found.is_empty() {
            found = self.assets_of_name(&name, |asset, name| asset.name.trim_start_matches('/') == name);
        }
        if found.is_empty() {
            found = self.assets_of_name(&name, |asset, name| ends(&path(asset), name));
        }
        for asset in &mut found {
            *asset = self.names.canonical[*asset as usize];
        }
        found.sort_unstable();
        found.dedup();
        if found.len() > 1 {
            let mut names: Vec<_> = found.iter().map(|&a| asset_text(self.assets.at(a))).collect();
            names.sort();
            return Err(ResolveError::Ambiguous(names));
        }
        Ok(found)
    }

    fn assets_like(&self, pattern: &str) -> Vec<u32> {
        let fits = |a: &AssetRow| glob(pattern, &asset_text(a)) || glob(pattern, &path(a)) || glob(pattern, &a.name);
        (0..).zip(self.assets.iter()).filter(|(_, a)| fits(a)).map(|(i, _)| i).collect()
    }

    fn assets_of_name(&self, name: &str, fits: impl Fn(&AssetRow, &str) -> bool) -> Vec<u32> {
        let (wanted, name) = split_type(name);
        let fits = |a: &AssetRow| wanted.is_none_or(|t| t.as_str() == a.asset_type) && fits(a, name);
        (0..).zip(self.assets.iter()).filter(|(_, a)| fits(a)).map(|(i, _)| i).collect()
    }

    fn versions_of(
        &self,
        assets: &[u32],
        version: Option<&str>,
        valid: Option<Micros>,
    ) -> Result<Vec<Version>, ResolveError> {
        let exists = |v: &u32| valid.is_none_or(|t| self.versions.valid_from(*v) <= t);
        let named = |v: &u32| version.is_none_or(|name| glob(name, self.versions.name(*v)));
        // What was told under another name before that was known to be the same asset is at that name still.
        let with_aliases = |a: u32| self.names.aliases.get(&a).into_iter().flatten().copied().chain([a]);
        let mut wanted: Vec<u32> = assets.iter().flat_map(|&a| with_aliases(a)).collect();
        wanted.sort_unstable();
        wanted.dedup();
        let all = || wanted.iter().flat_map(|&a| self.names.versions(a));
        let found: Vec<_> = all().filter(|v| named(v)).filter(exists).collect();
        if !found.is_empty() {
            return Ok(found);
        }
        let asset = assets.first().map(|&a| asset_text(self.assets.at(a))).unwrap_or_default();
        if all().any(|v| named(&v)) || version.is_none() {
            return Err(ResolveError::NotYet { asset });
        }
        let mut versions: Vec<_> = all().map(|v| self.version_name(v).to_owned()).collect();
        versions.reverse();
        versions.dedup();
        versions.truncate(10);
        Err(ResolveError::UnknownVersion { asset, versions })
    }
}

/// Whether a path ends in these segments.
fn ends(path: &str, name: &str) -> bool {
    let head = path.strip_suffix(name);
    head.is_some_and(|head| head.is_empty() || head.ends_with('/') || name.starts_with('/'))
}

/// The text whole, then cut at each `@` from the right: names and versions may both hold one.
fn splits(text: &str) -> impl Iterator<Item = (&str, Option<&str>)> {
    let cuts = text.rmatch_indices('@').map(|(at, _)| (&text[..at], Some(&text[at + 1..])));
    std::iter::once((text, None)).chain(cuts.filter(|(name, _)| !name.is_empty()))
}

/// The name with its type in lower case, as in the index.
fn typed(name: &str) -> String {
    match split_type(name) {
        (Some(asset_type), rest) => format!("{}:{rest}", asset_type.as_str().to_ascii_lowercase()),
        (None, rest) => rest.to_owned(),
    }
}

fn split_type(name: &str) -> (Option<AssetType>, &str) {
    match name.split_once(':') {
        Some((head, rest)) if !rest.starts_with("//") => match AssetType::parse(head) {
            Some(asset_type) => (Some(asset_type), rest),
            None => (None, name),
        },
        _ => (None, name),
    }
}

/// Whether a text fits a pattern in which `*` stands for any run of characters. Linear: each star matches as early as
/// it can, which is enough when nothing but stars is special.
pub(super) fn glob(pattern: &str, text: &str) -> bool {
    let Some((head, rest)) = pattern.split_once('*') else { return pattern == text };
    let Some(mut text) = text.strip_prefix(head) else { return false };
    let mut rest = rest;
    while let Some((middle, tail)) = rest.split_once('*') {
        let Some(at) = text.find(middle) else { return false };
        text = &text[at + middle.len()..];
        rest = tail;
    }
    text.ends_with(rest)
}
