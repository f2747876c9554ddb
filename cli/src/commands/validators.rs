//! `lineward validators`: the validators there are.

use crate::output;
use lineward_classifiers::validators;
use serde::Serialize;
use std::io::Write as _;
use std::process::ExitCode;

/// Arguments of `lineward validators`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Names are COUNTRY.NUMBER, as `es.dni`, or the bare name of an international number, as `iban`.

Examples:
  lineward validators | grep -i passport
  lineward validators --json | jq -r '.[] | select(.country == \"es\").name'

Exit codes: 0 done, 2 an error.")]
pub(crate) struct ValidatorsArgs {
    /// One JSON array of objects with name, title and country
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Entry {
    name: &'static str,
    title: &'static str,
    country: Option<&'static str>,
}

/// Prints them.
pub(crate) fn run(args: ValidatorsArgs) -> anyhow::Result<ExitCode> {
    let all = validators::all();
    let mut out = output::stdout();
    if args.json {
        let entries: Vec<Entry> =
            all.iter().map(|v| Entry { name: v.name, title: v.title, country: v.country }).collect();
        serde_json::to_writer_pretty(&mut out, &entries).map_err(std::io::Error::from)?;
        writeln!(out)?;
    } else {
        let width = all.iter().map(|v| v.name.len()).max().unwrap_or_default();
        for v in all {
            writeln!(out, "{:width$}  {}", v.name, v.title)?;
        }
    }
    out.flush()?;
    Ok(ExitCode::SUCCESS)
}
