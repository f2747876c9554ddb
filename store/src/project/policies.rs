//! Policies: what is declared to hold, by name and version.
//!
//! Only what was said is kept here, with its times. Which tags an edge clears is worked out where the graph is built, from
//! the policies known then: so a policy that is declared late, or for the past, counts for data that came before it, and
//! a question as of an earlier time gets the answer of that time. A mask written beside the edge could do neither.

use super::assets::ALWAYS;
use super::{Context, Projector};
use crate::rows::{PolicyRow, Recorded};
use lineward_events::ClearingPolicy;
use serde::{Deserialize, Serialize};

/// What a policy's `expr` says.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct ClearingExpr {
    /// Subtype of the transformation, with `*`; any where `None`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subtype: Option<String>,
    /// Description of the transformation, with `*`; any where `None`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Source columns that may pass unmasked.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub beside: Vec<String>,
}

/// The effect of a clearing policy.
pub(crate) const CLEAR: &str = "CLEAR";

impl Projector {
    /// A policy takes the place of the one of its name, for data made from its `valid_from` on. To say the same again says
    /// nothing new.
    pub(super) fn apply_clearing(&mut self, context: &Context, policy: &ClearingPolicy) {
        let newest = newest(self.policies.iter(), policy).cloned();
        let row = PolicyRow {
            policy_id: newest.as_ref().map_or_else(|| self.next_policy(), |p| p.policy_id),
            version: newest.as_ref().map_or(1, |p| p.version + 1),
            ..row_of(policy, context.recorded())
        };
        if newest.as_ref().is_some_and(|before| says_the_same(before, &row)) {
            return;
        }
        for version in 1..row.version {
            self.policies.update(context, &(row.policy_id, version), |before| {
                // What it replaces from its very beginning on holds for no time at all.
                let end = row.valid_from.max(before.valid_from);
                before.valid_to = Some(before.valid_to.map_or(end, |held| held.min(end)));
            });
        }
        self.policies.put(context, row);
    }

    fn next_policy(&self) -> i64 {
        self.policies.iter().map(|p| p.policy_id + 1).max().unwrap_or(0)
    }
}

/// Whether the newest revisions of the policies say this already.
pub fn clearing_holds(policies: &[PolicyRow], policy: &ClearingPolicy) -> bool {
    // The newest version is never ended by another, so that all its revisions say the same.
    newest(policies.iter(), policy).is_some_and(|held| says_the_same(held, &row_of(policy, held.recorded.clone())))
}

fn newest<'a>(rows: impl Iterator<Item = &'a PolicyRow>, policy: &ClearingPolicy) -> Option<&'a PolicyRow> {
    rows.filter(|p| p.name == policy.name).max_by_key(|p| p.version)
}

fn row_of(policy: &ClearingPolicy, recorded: Recorded) -> PolicyRow {
    let expr = ClearingExpr {
        subtype: policy.subtype.clone(),
        description: policy.description.clone(),
        beside: policy.beside.clone(),
    };
    PolicyRow {
        policy_id: 0,
        name: policy.name.clone(),
        version: 1,
        effect: CLEAR.into(),
        expr: serde_json::to_string(&expr).unwrap_or_default(),
        tags: policy.tags.clone(),
        applies_to: policy.job.clone().unwrap_or_else(|| "*".to_owned()),
        valid_from: policy.valid_from.unwrap_or(ALWAYS),
        valid_to: policy.valid_to,
        recorded,
    }
}

/// But for when it was learned and which version it is.
fn says_the_same(held: &PolicyRow, new: &PolicyRow) -> bool {
    let new =
        PolicyRow { policy_id: held.policy_id, version: held.version, recorded: held.recorded.clone(), ..new.clone() };
    *held == new
}
