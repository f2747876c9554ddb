//! The policy document: which masking transformations are trusted to take which tags away.
//!
//! It is made from a clearing file and recorded as an event, so that what a store says of cleared tags follows from its
//! log alone. What a policy means for lineage is the store's affair.

use super::NAME;
use crate::naming::check_length;
use crate::{ClearingPolicy, DecodeError, DecodeReason, Event, EventKey, EventKind, Statement, parse_time};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Version of the policy document that this crate writes, and the newest that it reads.
pub const POLICY_VERSION: u32 = 1;

/// What `lineward` says in a policy document.
pub(super) const KIND: &str = "policy";

/// Clearing policies that hold from now on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PolicyEvent {
    /// Always `policy`; tells the document apart from others.
    pub lineward: String,
    /// Version of the document, [`POLICY_VERSION`].
    pub version: u32,
    /// When the policies were declared, RFC 3339.
    pub declared_at: String,
    /// Version of Lineward.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool_version: Option<String>,
    /// The policies. One of a name that is known already takes its place.
    pub clearing: Vec<ClearingRule>,
}

impl PolicyEvent {
    /// Policies declared at a time.
    pub fn new(declared_at: impl Into<String>, clearing: Vec<ClearingRule>) -> Self {
        Self {
            lineward: KIND.to_owned(),
            version: POLICY_VERSION,
            declared_at: declared_at.into(),
            tool_version: None,
            clearing,
        }
    }
}

/// One clearing policy, as a clearing file says it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClearingRule {
    /// Name of the policy, unique in a store.
    pub name: String,
    /// What is cleared: a family (`PII`) with all its entities, or an entity (`US_SSN`, `PII.US_SSN`) alone.
    pub clears: Vec<String>,
    /// Which transformations clear it. Only ones that are declared as masking ever do.
    #[serde(default)]
    pub transformation: TransformationRule,
    /// Source columns that hold nothing of what is cleared and may pass unmasked beside what is masked; `*` stands for
    /// any run of characters.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub beside: Vec<String>,
    /// Job that is believed, as `namespace/name`, with `*`; any where it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job: Option<String>,
    /// Since when the policy holds: for data made from this time on, RFC 3339; since ever where it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_from: Option<String>,
    /// Until when, exclusive; for ever where it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_to: Option<String>,
}

/// Which transformations are meant, as OpenLineage's column lineage names them. All that is given has to fit.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TransformationRule {
    /// `TRANSFORMATION`, `AGGREGATION`, ..., with `*`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subtype: Option<String>,
    /// The producer's words, with `*`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

impl ClearingRule {
    /// The policy, checked.
    ///
    /// # Errors
    /// Which field is at fault and what it has to be; never what stood there.
    pub fn check(&self) -> Result<ClearingPolicy, String> {
        if self.name.trim().is_empty() {
            return Err("`name` must not be empty".to_owned());
        }
        if self.clears.is_empty() || self.clears.iter().any(|tag| tag.trim().is_empty()) {
            return Err("`clears` must list at least one tag, as `PII` or `US_SSN`".to_owned());
        }
        let how = &self.transformation;
        // Without anything to go by, every masking whatever would clear, which is what this is there to prevent.
        if how.subtype.is_none() && how.description.is_none() {
            return Err("`transformation` must name a `subtype`, a `description` or both".to_owned());
        }
        let time = |field: &str, text: &Option<String>| match text.as_deref().map(parse_time) {
            Some(None) => Err(format!("`{field}` must be a time, as `2026-01-31T00:00:00Z`")),
            time => Ok(time.flatten()),
        };
        let policy = ClearingPolicy {
            name: self.name.trim().to_owned(),
            tags: self.clears.iter().map(|tag| tag.trim().to_ascii_uppercase()).collect(),
            subtype: how.subtype.clone(),
            description: how.description.clone(),
            beside: self.beside.clone(),
            job: self.job.clone(),
            valid_from: time("valid_from", &self.valid_from)?,
            valid_to: time("valid_to", &self.valid_to)?,
        };
        match (policy.valid_from, policy.valid_to) {
            (from, Some(to)) if from.unwrap_or(0) > to => Err("`valid_to` must not be before `valid_from`".to_owned()),
            _ => Ok(policy),
        }
    }
}

pub(super) fn decode(document: &Value, key: EventKey) -> Result<Event, DecodeError> {
    let invalid = |field: String| DecodeError::new(DecodeReason::InvalidField, format!("{NAME}: {field}"));
    // serde's own message may quote what stood there.
    let policy = PolicyEvent::deserialize(document).map_err(|_| invalid("`clearing` or `declared_at`".to_owned()))?;
    if policy.version > POLICY_VERSION {
        return Err(invalid("`version`".to_owned()));
    }
    let mut event = Event::new(key, NAME, EventKind::Policy);
    event.event_type = Some(KIND.to_owned());
    event.event_time = parse_time(&policy.declared_at);
    event.producer = policy.tool_version.as_ref().map(|v| format!("lineward {v}"));
    for (at, rule) in policy.clearing.iter().enumerate() {
        check_length(NAME, &rule.name)?;
        let checked = rule.check().map_err(|message| invalid(format!("`clearing[{at}]`: {message}")))?;
        event.statements.push(Statement::Clearing(checked));
    }
    Ok(event)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule() -> ClearingRule {
        ClearingRule {
            name: "hashed".to_owned(),
            clears: vec!["us_ssn".to_owned()],
            transformation: TransformationRule { description: Some("sha256*".to_owned()), ..Default::default() },
            ..ClearingRule::default()
        }
    }

    #[test]
    fn what_a_policy_must_say() {
        assert_eq!(rule().check().expect("whole").tags, ["US_SSN"]);
        type Spoil = fn(&mut ClearingRule);
        let cases: [(&str, Spoil); 6] = [
            ("`name`", |r| r.name = " ".to_owned()),
            ("`clears`", |r| r.clears.clear()),
            ("`transformation`", |r| r.transformation.description = None),
            ("`valid_from`", |r| r.valid_from = Some("soon".to_owned())),
            ("`valid_to`", |r| r.valid_to = Some("never".to_owned())),
            ("before `valid_from`", |r| {
                r.valid_from = Some("2026-02-01T00:00:00Z".to_owned());
                r.valid_to = Some("2026-01-01T00:00:00Z".to_owned());
            }),
        ];
        for (expected, spoil) in cases {
            let mut rule = rule();
            spoil(&mut rule);
            let message = rule.check().expect_err(expected);
            assert!(message.contains(expected), "{message}");
            assert!(!message.contains("soon"), "{message}");
        }
    }
}
