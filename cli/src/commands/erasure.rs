//! `lineward erasure`: what a person's request for erasure touches.
//!
//! The person is given as a keyed fingerprint, or as values on standard input, one a line, of which fingerprints are made
//! here: a value on the command line would stay in the shell's history and in the list of processes. None is ever written.

use super::ask::{self, AskArgs, literal};
use crate::{fingerprint_key, output};
use anyhow::{Context as _, bail};
use clap::Args;
use lineward_classifiers::{Engine, RuleSet, text};
use lineward_sql::render::Format;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

/// Arguments of `lineward erasure`.
#[derive(Debug, Args)]
#[command(after_long_help = "\
The record index of scans says where a person's values are, by keyed fingerprint. Data that is not
indexed may hold the person too: then the answer is not complete, and says so. Each line of standard
input is a value of its own, and the answer is of all of them.

Examples:
  lineward erasure 5ca5a1d0:00112233445566778899aabbccddeeff
  lineward erasure --entity US_SSN < value.txt
  lineward erasure --entity US_SSN --index people.parquet < value.txt

Exit codes: 0 answered, 2 an error.")]
pub(crate) struct ErasureArgs {
    /// The person's fingerprint, KEYID:HEX; without it, values are read from standard input
    #[arg(value_name = "SUBJECT", required_unless_present = "entity", conflicts_with = "entity")]
    subject: Option<String>,
    /// What kind of values standard input holds, one a line, as US_SSN or EMAIL_ADDRESS
    #[arg(long, value_name = "ENTITY")]
    entity: Option<String>,
    /// Ask the index that `lineward scan --index` wrote, and no store
    ///
    /// A line of JSON for each place: path, row, field, offset, bytes, entity, detector, fingerprint.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["include_near", "format", "json"])]
    index: Option<PathBuf>,
    /// Also follow near copies, which are alike and not equal
    #[arg(long)]
    include_near: bool,
    /// File with the key of fingerprints
    #[arg(long, value_name = "FILE")]
    fingerprint_key_file: Option<PathBuf>,
    #[command(flatten)]
    ask: AskArgs,
    /// How rows are written: table, json, jsonl, csv or arrow [default: table on a terminal, else jsonl]
    #[arg(long, value_name = "FORMAT", conflicts_with = "json")]
    format: Option<Format>,
    /// The rows as one JSON array
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: ErasureArgs) -> anyhow::Result<ExitCode> {
    let subjects = match (&args.subject, &args.entity) {
        (Some(subject), _) if is_fingerprint(subject) => vec![subject.clone()],
        // It may be the value itself, so it is not repeated.
        (Some(_), _) => bail!(
            "`SUBJECT` is no fingerprint (KEYID:HEX, as scans tell them); for a value give `--entity` and the value on \
             standard input"
        ),
        (None, Some(entity)) => fingerprints(entity, &args)?,
        (None, None) => bail!("give a fingerprint, or `--entity` and the value on standard input"),
    };
    if let Some(index) = &args.index {
        return tell_places(index, &subjects);
    }
    let near = args.include_near;
    let subjects = subjects.iter().map(|subject| format!("({})", literal(subject))).collect::<Vec<_>>().join(", ");
    let query = format!("SELECT * FROM erasure_impact((SELECT * FROM (VALUES {subjects}) AS asked), NULL, {near})");
    super::runtime()?.block_on(async {
        let session = args.ask.session().await?;
        ask::answer(&session, &query, ask::format(args.format, args.json)).await
    })?;
    Ok(ExitCode::SUCCESS)
}

/// Writes where the values of fingerprints are, by an index.
fn tell_places(index: &Path, subjects: &[String]) -> anyhow::Result<ExitCode> {
    let mut out = output::stdout();
    for place in crate::report::places(index, subjects).with_context(|| format!("cannot read `{}`", index.display()))? {
        serde_json::to_writer(&mut out, &place?).map_err(std::io::Error::from)?;
        writeln!(out)?;
    }
    out.flush()?;
    Ok(ExitCode::SUCCESS)
}

fn is_fingerprint(text: &str) -> bool {
    let is_hex = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_hexdigit());
    text.split_once(':').is_some_and(|(key, hash)| is_hex(key) && is_hex(hash))
}

/// The fingerprints of the values on standard input, one a line.
fn fingerprints(entity: &str, args: &ErasureArgs) -> anyhow::Result<Vec<String>> {
    let key = fingerprint_key::existing(args.fingerprint_key_file.as_deref())?;
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text).context("cannot read the value on standard input")?;
    let values: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    if values.is_empty() {
        bail!("there is no value on standard input");
    }
    let engine = Engine::new(Arc::new(RuleSet::built_in()?))?;
    let Some(rule) = text::rule_of(&engine, entity) else {
        bail!("no detector finds `{entity}`; `lineward detectors` lists the entities");
    };
    Ok(values.into_iter().map(|value| key.fingerprint(&rule.entity, value, rule.normalise)).collect())
}
