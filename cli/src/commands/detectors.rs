//! `lineward detectors`: what a scan looks for, and how it makes sure.

use super::selection::Selection;
use crate::output;
use lineward_classifiers::{Category, Rule, Trigger};
use serde::Serialize;
use std::io::Write as _;
use std::process::ExitCode;

/// Arguments of `lineward detectors`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
A line is: id, entity, categories, country or provider, how a match is checked.

Examples:
  lineward detectors --categories phi
  lineward detectors --json | jq -r 'select(.country == \"gb\").id'

Exit codes: 0 done, 2 an error.")]
pub(crate) struct DetectorsArgs {
    #[command(flatten)]
    selection: Selection,

    /// One JSON object a line
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Entry<'a> {
    id: &'a str,
    title: &'a str,
    entity: &'a str,
    categories: &'a [Category],
    country: Option<&'a str>,
    provider: Option<&'a str>,
    /// What makes the scanner look: `literal`, a run (`digits`, `at`, `token`), the `tagger`, or only a `field` name.
    trigger: String,
    /// It also finds values by the name of their field.
    by_field_name: bool,
    checked_by: Vec<String>,
}

impl<'a> Entry<'a> {
    fn of(rule: &'a Rule) -> Self {
        Self {
            id: &rule.id,
            title: &rule.title,
            entity: &rule.entity,
            categories: &rule.categories,
            country: rule.country.as_deref(),
            provider: rule.provider.as_deref(),
            trigger: match &rule.trigger {
                Trigger::Literals { .. } => "literal".to_owned(),
                Trigger::Run(kind) => format!("{kind:?}").to_lowercase(),
                Trigger::Slow => "slow".to_owned(),
                Trigger::Field => "field".to_owned(),
                Trigger::Tagger(_) => "tagger".to_owned(),
            },
            by_field_name: rule.field.is_some(),
            checked_by: rule.checked_by(),
        }
    }

    fn cells(&self) -> [String; 5] {
        let categories: Vec<&str> = self.categories.iter().map(|c| c.as_str()).collect();
        [
            self.id.to_owned(),
            self.entity.to_owned(),
            categories.join(","),
            self.country.or(self.provider).unwrap_or("-").to_owned(),
            match self.checked_by.is_empty() {
                true => "-".to_owned(),
                false => self.checked_by.join(","),
            },
        ]
    }
}

/// Prints them.
pub(crate) fn run(args: DetectorsArgs) -> anyhow::Result<ExitCode> {
    let rules = args.selection.rules()?;
    let entries: Vec<Entry> = rules.iter().map(|(_, rule)| Entry::of(rule)).collect();
    let mut out = output::stdout();
    if args.json {
        for entry in &entries {
            serde_json::to_writer(&mut out, entry).map_err(std::io::Error::from)?;
            writeln!(out)?;
        }
    } else {
        let rows: Vec<[String; 5]> = entries.iter().map(Entry::cells).collect();
        let width = |column: usize| rows.iter().map(|r| r[column].len()).max().unwrap_or_default();
        let [id, entity, categories, place] = [width(0), width(1), width(2), width(3)];
        for [a, b, c, d, e] in &rows {
            writeln!(out, "{a:id$}  {b:entity$}  {c:categories$}  {d:place$}  {e}")?;
        }
    }
    out.flush()?;
    Ok(ExitCode::SUCCESS)
}
