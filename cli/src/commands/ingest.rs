//! `lineward ingest`: event files into the lineage store.

use crate::{fingerprint_key, output};
use anyhow::Context as _;
use clap::Args;
use lineward_pipelines::{IngestOptions, Unread, ingest};
use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

/// Dead letters that are told one by one.
const DEAD_LETTERS_TOLD_MAX: u64 = 20;

/// Arguments of `lineward ingest`.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Files are NDJSON, a JSON array, {\"Records\": [...]} or JSON documents one after another; plain,
gzip or zstd. A file that was read before goes on where it ended, so ingesting twice stores nothing
twice.

Examples:
  lineward ingest events/*.jsonl
  lineward ingest --event-format cloudtrail trail.json.gz
  zcat old.json.gz | lineward ingest -

Exit codes: 0 all is read, 2 an error, or something could not be read: a file to its end, or a record
that is no event now and is told and noted in `dead_letters` (everything else is read).")]
pub(crate) struct IngestArgs {
    /// Files or folders of events; `-` is standard input
    #[arg(required = true, value_name = "FILE")]
    files: Vec<String>,
    /// Format of the events: auto, openlineage, cloudtrail, macie, purview, mlflow or lineward
    #[arg(long, value_name = "NAME", default_value = "auto")]
    event_format: String,
    /// Store to write: a folder or an object-store URL; made if it does not exist
    #[arg(long, value_name = "URI", env = "LINEWARD_STORE", default_value = "./lineward-store")]
    store: String,
    /// File with the key of fingerprints
    #[arg(long, value_name = "FILE")]
    fingerprint_key_file: Option<PathBuf>,
    /// File of clearing policies (YAML): which masking is trusted to take which tags away
    #[arg(long, value_name = "FILE")]
    clearing: Option<PathBuf>,
    /// Print the counts as one JSON object
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: IngestArgs) -> anyhow::Result<ExitCode> {
    let format = lineward_pipelines::format_choice(&args.event_format).map_err(anyhow::Error::msg)?;
    let options = IngestOptions {
        store: args.store.clone(),
        format,
        classify: Default::default(),
        key: fingerprint_key::load(args.fingerprint_key_file.as_deref())?,
        clearing: super::clearing(args.clearing.as_deref())?,
    };
    let (mut problems, mut dead_letters) = (0u64, 0u64);
    let counters = super::runtime()?.block_on(ingest(
        &args.files,
        &options,
        |unread| {
            problems += 1;
            dead_letters += u64::from(matches!(unread, Unread::Record { .. }));
            if dead_letters <= DEAD_LETTERS_TOLD_MAX || matches!(unread, Unread::File(_)) {
                output::complain(format_args!("problem: {}", output::printable(&chain(unread))));
            }
        },
        |_| {},
    ))?;
    if let Some(more @ 1..) = dead_letters.checked_sub(DEAD_LETTERS_TOLD_MAX) {
        output::complain(format_args!("problem: {more} more dead letters; `dead_letters` has all of them"));
    }
    let mut out = output::stdout();
    match args.json {
        true => writeln!(out, "{}", super::counts_json(&counters))?,
        false => writeln!(out, "{}", super::counts(&counters))?,
    }
    out.flush().context("cannot write to standard output")?;
    let understood = counters.events.saturating_sub(counters.unknown);
    if counters.records > 0 && understood == 0 {
        output::complain(format_args!(
            "nothing of it was understood: {} dead letters, {} events of unknown kind; `lineage_gaps` says where and why, \
             `--event-format` names a format",
            counters.dead_letters, counters.unknown
        ));
    }
    // What is of unknown kind is kept, and may be understood by a later version.
    Ok(ExitCode::from(if problems > 0 { 2 } else { 0 }))
}

fn chain(e: &dyn std::error::Error) -> String {
    let mut out = e.to_string();
    let mut cause = e.source();
    while let Some(e) = cause {
        out.push_str(&format!(": {e}"));
        cause = e.source();
    }
    out
}
