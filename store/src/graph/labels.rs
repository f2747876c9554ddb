//! Which tags each version has: seen in it, flowed into it, and seen although they should have been cleared.

use super::build::{LineageGraph, Version, bit};
use super::walk::View;
use crate::rows::{FindingRow, TagRow};
use std::collections::HashMap;

/// The tags of all versions as bits; look a version up with [`View::tags_of`].
#[derive(Debug)]
pub struct Labels {
    pub(super) observed: Vec<u64>,
    pub(super) inherited: Vec<u64>,
    pub(super) uncleared: Vec<u64>,
    pub(super) contradicted: Vec<u64>,
}

/// The tags of one version, a bit each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TagMasks {
    /// Somebody saw it in the version, in a copy of it or in a member of it.
    pub own: u64,
    /// It flows in along lineage.
    pub inherited: u64,
    /// It would flow in, were it not cleared on the way.
    pub cleared: u64,
    /// It was cleared on all ways in, and was seen all the same: masking failed.
    pub contradicted: u64,
}

impl View {
    /// The tags of a version.
    pub fn tags_of(&self, version: Version) -> TagMasks {
        let labels = self.labels();
        let at = self.flow().class(version) as usize;
        let inherited = labels.inherited[at];
        TagMasks {
            own: labels.observed[at],
            inherited,
            cleared: labels.uncleared[at] & !inherited,
            contradicted: labels.contradicted[at],
        }
    }

    /// The labels of the whole graph.
    pub fn labels(&self) -> &Labels {
        self.labels.get_or_init(|| self.compute_labels())
    }

    fn compute_labels(&self) -> Labels {
        let (graph, flow) = (&*self.graph, self.flow());
        let (mut own, mut exact) = (vec![0u64; graph.nodes()], Vec::new());
        let clears = graph.any_clears(u64::MAX);
        if clears {
            exact = vec![0u64; graph.nodes()];
        }
        let bits = TagBits::new(&graph.tags);
        let mut families = Families::default();
        for finding in graph.findings.iter().filter(|f| f.scanned_at <= self.seen_until) {
            if let Some(version) = graph.by_version_id(finding.version_id) {
                let class = flow.class(version) as usize;
                own[class] |= bits.of(finding);
                if clears {
                    exact[class] |= bits.exact(finding);
                    families.note(bits.exact(finding), bits.of(finding));
                }
            }
        }
        let observed = self.with_wholes(&own);
        let travels = graph.propagating();
        let source = |step: &super::flow::Step, own: u64, flowed: u64| {
            travels & if step.contains() { flowed } else { own | flowed }
        };
        let uncleared = flow.propagate(&observed, source);
        if !clears {
            let failed = vec![0; own.len()];
            return Labels { inherited: uncleared.clone(), observed, uncleared, contradicted: failed };
        }
        // Entities are cleared, not families: a family goes on where any of its entities does. So the pass with masks
        // is one of entities, and families are what is left of them; never more than flows where nothing is cleared.
        let clear = |step: &super::flow::Step| graph.classes[step.class()].clear;
        let seen = self.with_wholes(&exact);
        let through = flow.propagate(&seen, |step, own, flowed| source(step, own, flowed) & !clear(step));
        let reaching = flow.propagate(&seen, source);
        let inherited: Vec<u64> = through.iter().zip(&uncleared).map(|(bits, all)| families.of(*bits) & all).collect();
        // Seen in it or in a member, since a scan of a data set tells what it saw by file, and cleared on the way into
        // it: what was cleared on the way into one member says nothing of the others.
        let arrived = flow.arriving(
            &seen,
            &reaching,
            |step, own, flowed| if step.contains() { 0 } else { source(step, own, flowed) },
        );
        let failed: Vec<u64> =
            (0..own.len()).map(|i| families.of(seen[i] & arrived[i] & !through[i]) & observed[i]).collect();
        Labels { contradicted: self.with_wholes(&failed), observed, inherited, uncleared }
    }

    /// What is in a member is in the whole.
    fn with_wholes(&self, bits: &[u64]) -> Vec<u64> {
        let inflow = self.flow().propagate(bits, |step, own, flowed| if step.contains() { own | flowed } else { 0 });
        bits.iter().zip(inflow).map(|(own, inflow)| own | inflow).collect()
    }
}

/// The families of each entity.
#[derive(Debug)]
pub(super) struct Families([u64; 64]);

impl Default for Families {
    fn default() -> Self {
        Self([0; 64])
    }
}

impl Families {
    /// What is found by one bit belongs to all of these.
    pub(super) fn note(&mut self, exact: u64, all: u64) {
        if exact.count_ones() == 1 {
            self.0[exact.trailing_zeros() as usize] |= all;
        }
    }

    /// Entities with their families.
    pub(super) fn of(&self, bits: u64) -> u64 {
        let (mut all, mut rest) = (bits, bits);
        while rest != 0 {
            all |= self.0[rest.trailing_zeros() as usize];
            rest &= rest - 1;
        }
        all
    }
}

impl LineageGraph {
    /// The tag a text names: a category (`PHI`), an entity (`US_SSN`) or both (`PII.US_SSN`), in any case. Several
    /// where an entity belongs to several categories.
    pub fn tags_named(&self, text: &str) -> Vec<i32> {
        let fits = |tag: &str| tag.eq_ignore_ascii_case(text.trim());
        let whole: Vec<_> = self.tags.iter().filter(|t| fits(&t.tag)).map(|t| t.tag_id).collect();
        if !whole.is_empty() {
            return whole;
        }
        let entity = |tag: &str| tag.split_once('.').is_some_and(|(_, entity)| fits(entity));
        self.tags.iter().filter(|t| entity(&t.tag)).map(|t| t.tag_id).collect()
    }

    /// Names of the tags in a mask, by bit.
    pub fn tag_names(&self, mask: u64) -> Vec<&str> {
        let mut tags: Vec<_> = self.tags.iter().filter(|t| bit(t.tag_id) & mask != 0).collect();
        tags.sort_by_key(|t| t.tag_id);
        tags.into_iter().map(|t| t.tag.as_str()).collect()
    }
}

/// Bits by tag and by category.
pub(super) struct TagBits {
    categories: HashMap<String, u64>,
    parents: HashMap<i32, u64>,
}

impl TagBits {
    pub(super) fn new(tags: &[TagRow]) -> Self {
        let categories: HashMap<_, _> = tags.iter().map(|t| (t.tag.to_ascii_lowercase(), bit(t.tag_id))).collect();
        let parent = |t: &TagRow| t.parent.as_ref().and_then(|p| categories.get(&p.to_ascii_lowercase()).copied());
        let parents = tags.iter().map(|t| (t.tag_id, parent(t).unwrap_or(0))).collect();
        Self { categories, parents }
    }

    /// The bits by which a finding is cleared: its entity's, or those of its families where the entity has none.
    pub(super) fn exact(&self, finding: &FindingRow) -> u64 {
        match bit(finding.tag_id) {
            0 => self.of(finding),
            own => own,
        }
    }

    /// The finding's tag, the tag's parent, and the finding's categories.
    pub(super) fn of(&self, finding: &FindingRow) -> u64 {
        let tag = bit(finding.tag_id) | self.parents.get(&finding.tag_id).copied().unwrap_or(0);
        let category = |name: &String| match self.categories.get(name) {
            Some(bits) => *bits,
            None => self.categories.get(&name.to_ascii_lowercase()).copied().unwrap_or(0),
        };
        finding.categories.iter().map(category).fold(tag, |all, bits| all | bits)
    }
}
