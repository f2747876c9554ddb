//! Clearing policies into the store: from a pipeline file or a clearing file, as an event like any other.
//!
//! The file is configuration; what counts is the event in the log, from which the store projects the table `policies`. So
//! a store says by itself why a tag counts as cleared, and a copy of it gives the same answers. What the store holds
//! already is not said again. Which tags an edge clears is the store's affair.

use crate::config::{nearest, with_suggestion};
use crate::process::{Processor, engine_for, now_micros};
use crate::{Error, config::ClassifySpec};
use lineward_classifiers::{FingerprintKey, RuleSet};
use lineward_connectors::{Position, Record};
use lineward_events::formats::lineward::{ClearingRule, PolicyEvent};
use lineward_events::{ClearingPolicy, FormatChoice, formats};
use lineward_store::rows::TagRow;
use lineward_store::{Batch, POLICY_SOURCE, StoreWriter, clearing_holds};
use serde::Deserialize;
use std::collections::BTreeSet;
use std::path::Path;

/// A clearing file: `clearing:` and a list of policies, as in a pipeline file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, expecting = "`clearing:` and a list of policies below it")]
struct ClearingFile {
    clearing: Vec<ClearingRule>,
}

/// Reads a clearing file (YAML).
///
/// # Errors
/// [`Error::Config`] with the place and a suggestion for what is unknown.
pub fn read_clearing(path: &Path) -> Result<Vec<ClearingRule>, Error> {
    let file = path.display().to_string();
    let fail = |message: String| Error::Config { file: file.clone(), message };
    let text = std::fs::read_to_string(path).map_err(|e| fail(format!("cannot read it: {e}")))?;
    let read: ClearingFile = serde_norway::from_str(&text).map_err(|e| fail(with_suggestion(&e.to_string())))?;
    check_clearing(&read.clearing).map_err(fail)?;
    Ok(read.clearing)
}

/// Checks policies as they stand in a file.
pub(crate) fn check_clearing(rules: &[ClearingRule]) -> Result<(), String> {
    policies(rules).map(|_| ())
}

fn policies(rules: &[ClearingRule]) -> Result<Vec<ClearingPolicy>, String> {
    let mut names = BTreeSet::new();
    let check = |(at, rule): (usize, &ClearingRule)| {
        let policy = rule.check().map_err(|message| format!("clearing[{at}]: {message}"))?;
        match names.insert(policy.name.clone()) {
            true => Ok(policy),
            false => Err(format!("clearing[{at}]: `name` stands there twice; a policy has one entry")),
        }
    };
    rules.iter().enumerate().map(check).collect()
}

/// Refuses policies that clear what nothing can find: a tag that is misspelt would be inherited for ever.
fn check_tags<'a>(policies: &[ClearingPolicy], found: impl Iterator<Item = &'a str>) -> Result<(), String> {
    let mut known: BTreeSet<String> = found.map(str::to_ascii_uppercase).collect();
    let of_rules = RuleSet::built_in().map_err(|e| e.to_string())?.tags();
    known.extend(of_rules.iter().map(|tag| tag.to_ascii_uppercase()));
    let entities: Vec<String> =
        known.iter().filter_map(|tag| tag.split_once('.').map(|(_, entity)| entity.to_owned())).collect();
    known.extend(entities);
    for (at, policy) in policies.iter().enumerate() {
        let Some(tag) = policy.tags.iter().find(|tag| !known.contains(*tag)) else { continue };
        let help = match nearest(tag, known.iter().map(String::as_str)) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "`lineward detectors` lists the entities.".to_owned(),
        };
        return Err(format!(
            "clearing[{at}]: `clears` has `{tag}`, which no built-in rule and no finding of the store knows; {help} For a \
             rule of your own, record a scan with it first"
        ));
    }
    Ok(())
}

/// Records policies in the store, where it does not hold them yet; whether it did not.
///
/// # Errors
/// [`Error::Stopped`] for rules that do not check, [`Error::Store`] where the store cannot be written.
pub async fn record_clearing(
    writer: &mut StoreWriter,
    rules: &[ClearingRule],
    key: &FingerprintKey,
) -> Result<bool, Error> {
    let wanted = policies(rules).map_err(Error::Stopped)?;
    if wanted.is_empty() {
        return Ok(false);
    }
    let snapshot = writer.store().snapshot().await?;
    let held = snapshot.rows().await?;
    let found: Vec<TagRow> = snapshot.rows().await?;
    check_tags(&wanted, found.iter().map(|row| row.tag.as_str())).map_err(Error::Stopped)?;
    let missing: Vec<ClearingRule> = rules
        .iter()
        .zip(&wanted)
        .filter(|(_, policy)| !clearing_holds(&held, policy))
        .map(|(rule, _)| rule.clone())
        .collect();
    if missing.is_empty() {
        return Ok(false);
    }
    let received_at = now_micros();
    let at = chrono::DateTime::from_timestamp_micros(received_at).unwrap_or_default();
    let mut event = PolicyEvent::new(at.to_rfc3339_opts(chrono::SecondsFormat::Micros, true), missing);
    event.tool_version = Some(env!("CARGO_PKG_VERSION").to_owned());
    let record = Record {
        source: POLICY_SOURCE.into(),
        position: Position::File { path: POLICY_SOURCE.into(), ordinal: 0, line: None, byte_offset: 0 },
        key: None,
        value: Some(serde_json::to_vec(&event).map_err(|e| Error::Stopped(e.to_string()))?),
        timestamp_us: None,
        headers: Vec::new(),
    };
    // The same way in as every event, so that no credential gets into the log by way of a pattern.
    let classify = ClassifySpec::default();
    let engine = engine_for(&classify.categories)?;
    let format = formats::by_name("lineward").map_or(FormatChoice::Auto, FormatChoice::Named);
    let mut processor = Processor::new(&engine, key.clone(), classify.min_confidence, format)?;
    let mut processed = processor.process(&[record], received_at)?;
    if let Some(refused) = processed.dead_letters.first() {
        return Err(Error::Stopped(format!(
            "the policies cannot be recorded: {} at {}",
            refused.reason, refused.place
        )));
    }
    for event in &mut processed.events {
        event.row.source = POLICY_SOURCE.into();
        event.row.topic = None;
        event.row.offset = None;
    }
    let batch = Batch {
        events: processed.events,
        writer: POLICY_SOURCE.into(),
        ruleset: Some(engine.rules().hash().to_owned()),
        received_at,
        ..Batch::default()
    };
    writer.commit(batch).await?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "\
clearing:
  - name: hashed
    clears: [US_SSN]
    transformation: {description: 'hmac*'}
    beside: [id]
";

    fn read(text: &str) -> Result<Vec<ClearingRule>, String> {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("clearing.yaml");
        std::fs::write(&path, text).expect("written");
        read_clearing(&path).map_err(|e| e.to_string())
    }

    #[test]
    fn a_clearing_file_is_typed() {
        assert_eq!(read(FILE).expect("whole")[0].name, "hashed");
        for (from, to, expected) in [
            ("clears", "clear", "did you mean `clears`?"),
            ("description", "descripton", "did you mean `description`?"),
            ("clearing", "cleaning", "did you mean `clearing`?"),
            ("[US_SSN]", "[]", "clearing[0]: `clears`"),
            ("{description: 'hmac*'}", "{}", "`transformation` must name"),
        ] {
            let message = read(&FILE.replace(from, to)).expect_err(expected);
            assert!(message.contains(expected), "{message}");
        }
        let twice = format!("{FILE}{}", FILE.trim_start_matches("clearing:\n"));
        assert!(read(&twice).expect_err("twice").contains("clearing[1]"));
    }

    #[tokio::test]
    async fn tags_that_nothing_knows_are_refused() {
        let dir = tempfile::tempdir().expect("a folder");
        let uri = dir.path().join("store").to_string_lossy().into_owned();
        let mut writer = StoreWriter::open(&uri).await.expect("a store");
        let key = FingerprintKey::new(&[7; 32]).expect("a key");
        for (tag, near) in
            [("US_SNN", "did you mean `US_SSN`?"), ("PHY", "did you mean `PHI`?"), ("STAFF_NUMBER_OF_OURS", "")]
        {
            let rules = read(&FILE.replace("US_SSN", tag)).expect("rules");
            let error = record_clearing(&mut writer, &rules, &key).await.expect_err(tag).to_string();
            assert!(error.contains(tag) && error.contains(near), "{error}");
        }
        for tag in ["us_ssn", "PII.US_SSN", "phi"] {
            let rules = read(&FILE.replace("US_SSN", tag)).expect("rules");
            record_clearing(&mut writer, &rules, &key).await.expect(tag);
        }
        let policy =
            read(&FILE.replace("US_SSN", "staff_number_of_ours")).expect("rules")[0].check().expect("a policy");
        check_tags(&[policy], ["PII.STAFF_NUMBER_OF_OURS"].into_iter()).expect("a finding knows it");
    }

    #[tokio::test]
    async fn policies_are_recorded_once_and_again_when_they_change() {
        let dir = tempfile::tempdir().expect("a folder");
        let uri = dir.path().join("store").to_string_lossy().into_owned();
        let mut writer = StoreWriter::open(&uri).await.expect("a store");
        let key = FingerprintKey::new(&[7; 32]).expect("a key");
        let mut rules = read(FILE).expect("rules");
        assert!(record_clearing(&mut writer, &rules, &key).await.expect("recorded"));
        assert!(!record_clearing(&mut writer, &rules, &key).await.expect("looked at"));
        rules[0].clears.push("PHI".to_owned());
        rules[0].valid_from = Some("2026-06-01T00:00:00Z".to_owned());
        assert!(record_clearing(&mut writer, &rules, &key).await.expect("recorded"));
        let held: Vec<lineward_store::rows::PolicyRow> =
            writer.store().snapshot().await.expect("a cut").rows().await.expect("rows");
        let said: Vec<_> =
            held.iter().map(|p| (p.version, p.tags.len(), p.valid_to.is_some(), p.recorded.revision)).collect();
        // The first version, its end, and the second.
        assert_eq!(said.len(), 3, "{said:?}");
        assert!(said.contains(&(1, 1, true, 1)) && said.contains(&(2, 2, false, 0)), "{said:?}");
        drop(writer);
        // A writer that starts over from the log knows them too.
        let mut writer = StoreWriter::open(&uri).await.expect("opened");
        assert!(!record_clearing(&mut writer, &rules, &key).await.expect("looked at"));
    }
}
