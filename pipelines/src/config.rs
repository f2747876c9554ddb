//! The pipeline file: types, defaults and documentation of every setting.

use crate::Error;
use lineward_classifiers::{Category, Confidence};
use lineward_connectors::kafka::KafkaConfig;
use lineward_events::formats::lineward::ClearingRule;
use lineward_events::{FormatChoice, formats};
use serde::Deserialize;
use std::path::Path;

/// A pipeline, as its YAML file says it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PipelineSpec {
    /// Name of the pipeline: part of the key its positions are kept under. Change it and everything is read again.
    pub name: String,
    /// Store to write, a folder or URL. `--store` and `LINEWARD_STORE` win over it.
    pub store: Option<String>,
    /// Where records come from.
    pub source: SourceSpec,
    /// When a batch is committed.
    #[serde(default)]
    pub batch: BatchSpec,
    /// What is searched for in payloads.
    #[serde(default)]
    pub classify: ClassifySpec,
    /// Which masking is trusted to take which tags away; none by default. Recorded in the store at the start.
    #[serde(default)]
    pub clearing: Vec<ClearingRule>,
}

/// Where records come from.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SourceSpec {
    /// Kafka topics.
    pub kafka: KafkaConfig,
    /// Format of the events: `auto` or one of the formats' names.
    #[serde(default = "auto")]
    pub event_format: String,
}

/// When a batch is committed: at the first of these limits.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BatchSpec {
    /// Time since the first record of the batch, milliseconds.
    pub interval_ms: u64,
    /// Records in the batch.
    pub records_max: usize,
    /// Bytes of memory that the batch holds, about; as much again gathers while it is committed.
    pub bytes_max: usize,
    /// Threads that parse and classify; 0 is one a core.
    pub workers: usize,
}

impl Default for BatchSpec {
    fn default() -> Self {
        Self { interval_ms: 1_000, records_max: 200_000, bytes_max: 32 << 20, workers: 0 }
    }
}

/// What is searched for in payloads and replaced before they are stored.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ClassifySpec {
    /// Least confidence at which a value is replaced: `low`, `medium` or `high`.
    pub min_confidence: Confidence,
    /// Only these categories; empty is all. Credentials are always searched for.
    pub categories: Vec<Category>,
}

impl Default for ClassifySpec {
    fn default() -> Self {
        Self { min_confidence: Confidence::Medium, categories: Vec::new() }
    }
}

fn auto() -> String {
    "auto".to_owned()
}

impl PipelineSpec {
    /// Reads a pipeline file.
    ///
    /// # Errors
    /// [`Error::Config`] with the place and a suggestion for what is unknown.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let file = path.display().to_string();
        let fail = |message: String| Error::Config { file: file.clone(), message };
        let text = std::fs::read_to_string(path).map_err(|e| fail(format!("cannot read it: {e}")))?;
        let spec: Self = serde_norway::from_str(&text).map_err(|e| fail(with_suggestion(&e.to_string())))?;
        spec.check().map_err(fail)?;
        Ok(spec)
    }

    fn check(&self) -> Result<(), String> {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        if self.name.is_empty() || !self.name.chars().all(plain) {
            return Err("`name` must be of letters, digits, `-`, `_` and `.`".into());
        }
        if self.batch.records_max == 0 || self.batch.bytes_max == 0 {
            return Err("`batch.records_max` and `batch.bytes_max` must be at least 1".into());
        }
        if self.batch.workers > WORKERS_MAX {
            return Err(format!(
                "`batch.workers` is {}; at most {WORKERS_MAX}, or 0 for one a core",
                self.batch.workers
            ));
        }
        format_choice(&self.source.event_format)?;
        crate::clearing::check_clearing(&self.clearing)?;
        self.source.kafka.validate().map_err(|e| format!("source.kafka: {e}"))
    }
}

/// More threads than any machine has use for. Each one is started.
const WORKERS_MAX: usize = 1_024;

/// The format with a name, or `auto`.
///
/// # Errors
/// A message with the names there are.
pub fn format_choice(name: &str) -> Result<FormatChoice, String> {
    if name == "auto" {
        return Ok(FormatChoice::Auto);
    }
    formats::by_name(name).map(FormatChoice::Named).ok_or_else(|| {
        let names: Vec<&str> = formats::all().iter().map(|f| f.name()).collect();
        let there = names.join(", ");
        match nearest(name, names.iter().copied()) {
            Some(near) => format!("no event format `{name}`; did you mean `{near}`? There are auto, {there}"),
            None => format!("no event format `{name}`; there are auto, {there}"),
        }
    })
}

pub(crate) fn nearest<'a>(name: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    names
        .map(|n| (strsim::damerau_levenshtein(name, n), n))
        .filter(|(distance, n)| *distance <= 2.max(n.len() / 3))
        .min()
        .map(|(_, n)| n)
}

/// serde says ``unknown field `brokr`, expected one of `brokers`, `topics` ``: this puts the nearest one first. The value
/// that serde shows where another kind was expected is cut out: it may be a secret.
pub fn with_suggestion(message: &str) -> String {
    if let Some(cut) = ["invalid type: ", "invalid value: "].iter().find_map(|what| without_value(message, what)) {
        return cut;
    }
    let Some((head, rest)) = message.split_once("unknown field `") else { return message.to_owned() };
    let Some((field, rest)) = rest.split_once('`') else { return message.to_owned() };
    let names: Vec<&str> = rest.split('`').skip(1).step_by(2).collect();
    match nearest(field, names.iter().copied()) {
        Some(near) => {
            let rest =
                rest.strip_prefix(", expected").map_or_else(|| rest.to_owned(), |names| format!(" Expected{names}"));
            format!("{head}unknown field `{field}`; did you mean `{near}`?{rest}")
        }
        None => message.to_owned(),
    }
}

/// ``invalid type: string "abc", expected u64`` without `"abc"`; `None` where it does not say `what`.
fn without_value(message: &str, what: &str) -> Option<String> {
    let (head, rest) = message.split_once(what)?;
    let kind = rest.split(['"', '`', ',']).next().unwrap_or_default().trim_end();
    // The value may say `expected` too; what is expected stands behind the last one.
    let expected = rest.rsplit_once(", expected ").map_or_else(String::new, |(_, e)| format!(", expected {e}"));
    Some(format!("{head}{what}{kind}{expected}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error_of(yaml: &str) -> String {
        let dir = tempfile::tempdir().expect("dir");
        let path = dir.path().join("p.yaml");
        std::fs::write(&path, yaml).expect("write");
        PipelineSpec::read(&path).expect_err("refused").to_string()
    }

    #[test]
    fn the_shortest_file_is_enough() {
        let spec: PipelineSpec =
            serde_norway::from_str("name: p\nsource: {kafka: {brokers: 'localhost:9092', topics: [t], group_id: g}}")
                .expect("parses");
        assert_eq!((spec.batch.interval_ms, spec.source.event_format.as_str()), (1_000, "auto"));
    }

    #[test]
    fn unknown_keys_are_refused_with_a_suggestion() {
        let error = error_of("name: p\nsource: {kafka: {brokr: 'x', topics: [t], group_id: g}}");
        assert!(error.contains("did you mean `brokers`?"), "{error}");
        let error = error_of("name: p\nbatch: {interval: 5}\nsource: {kafka: {brokers: x, topics: [t], group_id: g}}");
        assert!(error.contains("unknown field `interval`"), "{error}");
        let error = error_of(
            "name: p\nclearing: [{name: c, clears: [PII], beside_: []}]\n\
             source: {kafka: {brokers: x, topics: [t], group_id: g}}",
        );
        assert!(error.contains("did you mean `beside`?"), "{error}");
    }

    #[test]
    fn unknown_formats_are_refused_with_a_suggestion() {
        let error =
            error_of("name: p\nsource: {event_format: openlinage, kafka: {brokers: x, topics: [t], group_id: g}}");
        assert!(error.contains("did you mean `openlineage`?"), "{error}");
    }

    #[test]
    fn limits_that_no_machine_keeps_are_refused() {
        let of = |batch: &str| {
            format!("name: p\nbatch: {{{batch}}}\nsource: {{kafka: {{brokers: x, topics: [t], group_id: g}}}}")
        };
        let error = error_of(&of("workers: 100000"));
        assert!(error.contains("`batch.workers` is 100000; at most 1024"), "{error}");
        assert!(error_of(&of("records_max: 0")).contains("at least 1"));
    }

    #[test]
    fn a_secret_in_the_wrong_place_is_not_shown() {
        let kafka = "brokers: x, topics: [t], group_id: g";
        for value in ["hunter2", "4711", "{hunter2: x}", "[hunter2]", "{env: A, file: 4711}", "'a, expected 4711'"] {
            let secret = format!("name: p\nsource: {{kafka: {{{kafka}, security: {{password: {value}}}}}}}");
            let number = format!("name: p\nbatch: {{records_max: {value}}}\nsource: {{kafka: {{{kafka}}}}}");
            let errors = [error_of(&secret), if value == "4711" { String::new() } else { error_of(&number) }];
            assert!(errors[0].contains("{ env: NAME }"), "{}", errors[0]);
            assert!(errors.iter().all(|e| !e.contains("hunter2") && !e.contains("4711")), "{errors:?}");
        }
        let error = error_of("name: p\nbatch: {records_max: many}\nsource: {kafka: {brokers: x, topics: [t]}}");
        assert!(error.contains("batch.records_max: invalid type: string, expected usize"), "{error}");
    }
}
