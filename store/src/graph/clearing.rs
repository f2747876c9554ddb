//! Which tags an edge clears: what the policies say of the transformations that its columns go through.
//!
//! Default-safe: a tag is cleared on an edge only where its column lineage is known, at least one column is masked by a
//! transformation that a policy lists for the tag, and every other column whose values flow is masked so too or is named
//! by the policy as one that holds nothing of the tag. Columns that only influence (filters, joins, sort keys) carry no
//! values and decide nothing. Policies are looked up by the time at which the data was made.

use super::build::{LineageGraph, NONE, bit};
use super::columns::Columns;
use super::kept::Kept;
use super::names::glob;
use super::tables::Runs;
use crate::project::{CLEAR, ClearingExpr};
use crate::rows::{ColumnMappingRow, JobRow, Micros, PolicyRow, TagRow};
use std::collections::HashSet;

/// The policies that clear something, ready to be asked.
#[derive(Debug, Default)]
pub(super) struct Clearing {
    policies: Vec<Policy>,
}

#[derive(Debug)]
struct Policy {
    expr: ClearingExpr,
    bits: u64,
    job: String,
    from: Micros,
    to: Micros,
}

impl Clearing {
    /// Of current rows. A policy whose `expr` this version does not understand clears nothing.
    pub fn new(rows: &[PolicyRow], tags: &[TagRow]) -> Self {
        let policies = rows.iter().filter(|row| row.effect == CLEAR).filter_map(|row| {
            Some(Policy {
                expr: serde_json::from_str(&row.expr).ok()?,
                bits: row.tags.iter().fold(0, |bits, tag| bits | bits_of(tag, tags)),
                job: row.applies_to.clone(),
                from: row.valid_from,
                to: row.valid_to.unwrap_or(Micros::MAX),
            })
        });
        Self { policies: policies.filter(|p| p.from < p.to).collect() }
    }

    /// Nothing is ever cleared, whatever tags there come to be.
    pub fn is_empty(&self) -> bool {
        self.policies.is_empty()
    }

    /// What the edge of a run from one version to another clears.
    pub fn of_edge(
        &self,
        columns: &Columns,
        (src, dst, run): (u32, u32, u32),
        runs: &Runs,
        jobs: &Kept<JobRow>,
    ) -> u64 {
        if self.policies.is_empty() {
            return 0;
        }
        let job = job_name(run, runs, jobs);
        let (mut masked, mut passes) = (0, u64::MAX);
        for (since, mapping, field) in columns.between(src, dst, run) {
            if mapping.mapping_type != "DIRECT" {
                continue;
            }
            let cleared = self.of_mapping(mapping, since, &job);
            masked |= cleared;
            passes &= cleared | self.bits(since, &job, |p| p.expr.beside.iter().any(|b| glob(b, field)));
        }
        masked & passes
    }

    /// What a mapping clears that a job applied at a time.
    fn of_mapping(&self, mapping: &ColumnMappingRow, since: Micros, job: &str) -> u64 {
        if mapping.masking { self.bits(since, job, |p| p.lists(mapping)) } else { 0 }
    }

    /// The bits of all policies that held for a job at a time, and fit.
    fn bits(&self, since: Micros, job: &str, fits: impl Fn(&Policy) -> bool) -> u64 {
        let holds = |p: &&Policy| p.from <= since && since < p.to && glob(&p.job, job);
        self.policies.iter().filter(holds).filter(|p| fits(p)).fold(0, |bits, p| bits | p.bits)
    }
}

/// The job of a run as policies name it; empty where none is known.
fn job_name(run: u32, runs: &Runs, jobs: &Kept<JobRow>) -> String {
    let job = (run != NONE).then(|| jobs.get(runs.job_id(run))).flatten();
    job.map(|job| format!("{}/{}", job.namespace, job.name)).unwrap_or_default()
}

impl Policy {
    fn lists(&self, mapping: &ColumnMappingRow) -> bool {
        let fits = |pattern: &Option<String>, text: &Option<String>| {
            pattern.as_ref().is_none_or(|p| text.as_ref().is_some_and(|text| glob(p, text)))
        };
        fits(&self.expr.subtype, &mapping.subtype) && fits(&self.expr.description, &mapping.description)
    }
}

/// The bits of a tag in a policy: of a family with those of its entities. An entity leaves its family alone, since other
/// members of it may be there.
fn bits_of(name: &str, tags: &[TagRow]) -> u64 {
    let is = |text: &str| text.eq_ignore_ascii_case(name);
    let named = |tag: &&TagRow| {
        is(&tag.tag)
            || tag.parent.as_deref().is_some_and(is)
            || tag.tag.split_once('.').is_some_and(|(_, entity)| is(entity))
    };
    tags.iter().filter(named).fold(0, |bits, tag| bits | bit(tag.tag_id))
}

impl LineageGraph {
    /// The bits that a mapping clears on its way, which a run applied at a time.
    pub(super) fn cleared_by(&self, mapping: &ColumnMappingRow, run: u32, since: Micros) -> u64 {
        let own = mapping.clear_mask as u64;
        if self.clearing.is_empty() || !mapping.masking {
            return own;
        }
        own | self.clearing.of_mapping(mapping, since, &job_name(run, &self.runs, &self.jobs))
    }

    /// Which bits each class of edges treats alike: a set that is passed or stopped as a whole by every edge.
    pub(super) fn alike(&self, bits: u64) -> Vec<u64> {
        let mut sets = vec![bits];
        let mut known = HashSet::new();
        for clear in self.classes.iter().map(|c| c.clear & bits).filter(|clear| *clear != 0) {
            if known.insert(clear) {
                sets = sets.iter().flat_map(|set| [set & clear, set & !clear]).filter(|set| *set != 0).collect();
            }
        }
        sets.retain(|set| *set != 0);
        sets
    }
}
