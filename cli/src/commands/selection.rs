//! Which detectors are meant: the two filters that `scan` and `detectors` share.

use anyhow::Context as _;
use clap::builder::{PossibleValuesParser, TypedValueParser as _};
use lineward_classifiers::{Category, Error, RuleSet};
use lineward_cluster::RuleChoice;
use std::path::PathBuf;

/// The filters.
#[derive(Debug, clap::Args)]
pub(super) struct Selection {
    /// Only detectors whose id matches one of these globs
    #[arg(long, value_name = "GLOB,...", value_delimiter = ',', help_heading = "What to look for")]
    pub detectors: Vec<String>,

    /// Only detectors of these: pii, phi, credential, financial
    #[arg(long, value_name = "NAME,...", value_delimiter = ',', help_heading = "What to look for")]
    #[arg(hide_possible_values = true, value_parser = category_parser())]
    pub categories: Vec<Category>,

    /// Rule files of your own, beside the built-in rules
    #[arg(long, value_name = "FILE,...", value_delimiter = ',', help_heading = "What to look for")]
    pub rules: Vec<PathBuf>,
}

impl Selection {
    /// What is selected, in a form that other processes understand.
    pub fn choice(&self) -> anyhow::Result<RuleChoice> {
        Ok(RuleChoice { detectors: self.detectors.clone(), categories: self.categories.clone(), files: self.files()? })
    }

    /// The user's own rules: name and text.
    fn files(&self) -> anyhow::Result<Vec<(String, String)>> {
        let read = |path: &PathBuf| -> anyhow::Result<(String, String)> {
            let text = std::fs::read_to_string(path).with_context(|| format!("cannot read `{}`", path.display()))?;
            Ok((path.display().to_string(), text))
        };
        self.rules.iter().map(read).collect()
    }

    /// The built-in rules, and the user's own.
    fn all(&self) -> anyhow::Result<RuleSet> {
        let files = self.files()?;
        let built_in = RuleSet::built_in()?;
        match files.is_empty() {
            true => Ok(built_in),
            false => Ok(built_in.with_files(files.iter().map(|(name, text)| (name.as_str(), text.as_str())))?),
        }
    }

    /// The rules that are meant.
    pub fn rules(&self) -> anyhow::Result<RuleSet> {
        match self.all()?.select(&self.detectors, &self.categories) {
            Ok(rules) if rules.is_empty() => {
                anyhow::bail!(
                    "no detector of `--detectors {}` has a category of `--categories`; leave one of them out",
                    self.detectors.join(",")
                )
            }
            Ok(rules) => Ok(rules),
            Err(Error::Unknown(message)) => match self.similar()? {
                Some(id) => anyhow::bail!("{message} (did you mean `{id}`?)"),
                None => anyhow::bail!("{message}"),
            },
            Err(e) => Err(e.into()),
        }
    }

    /// The id closest to one that does not exist.
    fn similar(&self) -> anyhow::Result<Option<String>> {
        let rules = self.all()?;
        let close =
            |id: &str| self.detectors.iter().map(|d| strsim::osa_distance(d, id)).filter(|d| (1..=3).contains(d)).min();
        let best = rules.iter().filter_map(|(_, rule)| Some((close(&rule.id)?, &rule.id))).min();
        Ok(best.map(|(_, id)| id.clone()))
    }
}

fn category_parser() -> impl clap::builder::TypedValueParser<Value = Category> {
    PossibleValuesParser::new(Category::ALL.map(Category::as_str))
        .try_map(|name| Category::parse(&name).ok_or("it is no category"))
}
