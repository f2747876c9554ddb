//! Findings and tags: what was seen in which version, and the bits that travel along lineage.

use super::{Context, Projector};
use crate::rows::{AccessRow, FindingRow, TagRow};
use lineward_events::{DataFinding, Declaration, FindingOrigin};
use std::collections::HashSet;

/// The categories, whose tags are bits 0 to 3: name, law, severity.
const CATEGORIES: [(&str, &str, &str, i32); 4] = [
    ("pii", "PII", "GDPR", 3),
    ("phi", "PHI", "HIPAA", 5),
    ("credential", "CREDENTIAL", "ISO/IEC 27001 A.5.17", 5),
    ("financial", "FINANCIAL", "PCI DSS", 4),
];

/// Origin of what somebody says without having looked.
const DECLARED: &str = "declared";

/// Bits of a mask.
const TAGS_MAX: usize = 64;

impl Projector {
    pub(super) fn index_findings(&mut self) {
        // One that was taken back keeps its id for when it holds again.
        for f in self.findings.all() {
            if f.origin == DECLARED {
                self.declared_of.entry(f.version_id).or_default().insert(f.finding_id);
            }
            let key = (f.version_id, f.field.clone(), f.detector.clone(), f.origin.clone(), f.entity.clone());
            self.finding_ids.insert(key, f.finding_id);
        }
        for tag in self.tags.iter() {
            self.tag_ids.insert(tag.tag.clone(), tag.tag_id);
        }
        let key = |a: &AccessRow| {
            let version = self.versions.get(&a.version_id)?;
            Some((a.recorded.event_key, version.asset_id, a.action.clone()))
        };
        self.accessed = self.accesses.iter().filter_map(key).collect();
    }

    pub(super) fn apply_finding(&mut self, context: &Context, finding: &DataFinding) {
        let version_id = self.observe(context, &finding.asset).version_id;
        let origin = match finding.origin {
            FindingOrigin::Scan => "scan",
            FindingOrigin::Imported => "imported",
            FindingOrigin::Declared => DECLARED,
        };
        let tag_id = self.tag(context, finding);
        // One detector may tell several entities apart, as all declared tags of a data set come by the same one.
        let (field, detector) = (finding.field.clone(), finding.detector.clone());
        let key = (version_id, field, detector, origin.to_owned(), finding.entity.clone());
        let finding_id = match self.finding_ids.get(&key) {
            Some(id) => *id,
            None => {
                let id = self.findings.next_id();
                self.finding_ids.insert(key, id);
                id
            }
        };
        // A scan that is told late does not take the place of a newer one, nor a declaration that of its withdrawal.
        if self.findings.ever(&finding_id).is_some_and(|f| f.scanned_at > context.at) {
            return;
        }
        if finding.origin == FindingOrigin::Declared {
            self.declared_of.entry(version_id).or_default().insert(finding_id);
        }
        self.findings.put(
            context,
            FindingRow {
                finding_id,
                version_id,
                field: finding.field.clone(),
                entity: finding.entity.clone(),
                tag_id,
                categories: finding.categories.clone(),
                detector: finding.detector.clone(),
                detector_version: finding.detector_version.clone(),
                match_count: finding.match_count,
                distinct_count: finding.distinct_count,
                confidence: finding.confidence,
                coverage: finding.coverage,
                origin: origin.to_owned(),
                policy: finding.policy.clone(),
                severity: finding.severity.clone(),
                scanned_at: context.at,
                value_count: finding.profile.as_ref().map(|p| p.value_count),
                matched_values: finding.profile.as_ref().map(|p| p.matched_values),
                verdict: finding.profile.as_ref().and_then(|p| p.verdict.clone()),
                recorded: context.recorded(),
            },
        );
    }

    /// What a producer declared of a version before and does not list now holds no longer.
    pub(super) fn apply_declaration(&mut self, context: &Context, declared: &Declaration) {
        let version_id = self.observe(context, &declared.asset).version_id;
        let listed: HashSet<(Option<&str>, &str), ahash::RandomState> =
            declared.findings.iter().map(|(field, entity)| (field.as_deref(), entity.as_str())).collect();
        let lists = |f: &FindingRow| listed.contains(&(f.field.as_deref(), f.entity.as_str()));
        let is_withdrawn = |f: &&FindingRow| {
            // An older version did not keep who had declared it.
            let same = f.detector_version.is_none() || f.detector_version == declared.producer;
            f.detector == declared.detector && same && !lists(f)
        };
        // A list that is told late withdraws nothing that was declared after it.
        let findings = self.declared_of.get(&version_id).into_iter().flatten();
        let findings = findings.filter_map(|id| self.findings.get(id)).filter(|f| f.scanned_at <= context.at);
        let gone: Vec<i64> = findings.filter(is_withdrawn).map(|f| f.finding_id).collect();
        for id in gone {
            self.findings.update(context, &id, |f| f.scanned_at = context.at);
            self.findings.retract(context, &id);
        }
    }

    /// The tag of a finding's entity, new or known; that of its category where all bits are taken. -1 for a finding of
    /// nothing (a scan that found none).
    fn tag(&mut self, context: &Context, finding: &DataFinding) -> i32 {
        if self.tag_ids.is_empty() {
            for (id, (_, tag, regime, severity)) in (0..).zip(CATEGORIES) {
                self.put_tag(context, id, tag.to_owned(), None, regime, severity);
            }
        }
        let Some((_, parent, regime, severity)) =
            CATEGORIES.into_iter().find(|(name, ..)| finding.categories.iter().any(|c| c == name))
        else {
            return -1;
        };
        // A finding of several categories is named by the gravest.
        let (parent, regime, severity) = match finding.categories.iter().any(|c| c == "phi") {
            true => ("PHI", "HIPAA", 5),
            false => (parent, regime, severity),
        };
        let tag = format!("{parent}.{}", finding.entity);
        if let Some(id) = self.tag_ids.get(&tag) {
            return *id;
        }
        if self.tag_ids.len() >= TAGS_MAX {
            return self.tag_ids.get(parent).copied().unwrap_or_default();
        }
        let id = self.tag_ids.len() as i32;
        self.put_tag(context, id, tag, Some(parent.to_owned()), regime, severity);
        id
    }

    fn put_tag(
        &mut self,
        context: &Context,
        tag_id: i32,
        tag: String,
        parent: Option<String>,
        regime: &str,
        severity: i32,
    ) {
        self.tag_ids.insert(tag.clone(), tag_id);
        self.tags.put(
            context,
            TagRow {
                tag_id,
                tag,
                parent,
                regime: Some(regime.to_owned()),
                propagate: true,
                severity,
                recorded: context.recorded(),
            },
        );
    }
}
