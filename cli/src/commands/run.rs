//! `lineward run`: a pipeline from Kafka into the lineage store.

use crate::{fingerprint_key, output};
use anyhow::Context as _;
use clap::Args;
use lineward_pipelines::{PipelineSpec, RunOptions, Stop};
use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

/// Arguments of `lineward run`.
#[derive(Debug, Args)]
#[command(after_long_help = "\
A pipeline file names the brokers, topics and group; `pipelines/specs` holds one to start from.
Positions are kept in the store, committed with the data: after any crash the pipeline goes on
behind what is committed.

SIGTERM or Ctrl-C drains, commits and leaves; a second one ends at once, which is always safe.

Exit codes: 0 stopped as asked, 2 an error.")]
pub(crate) struct RunArgs {
    /// Pipeline file (YAML)
    #[arg(value_name = "PIPELINE")]
    pipeline: PathBuf,
    /// Store to write, before the one in the file: a folder or an object-store URL; made if it does not exist
    #[arg(long, value_name = "URI", env = "LINEWARD_STORE")]
    store: Option<String>,
    /// File with the key of fingerprints
    #[arg(long, value_name = "FILE")]
    fingerprint_key_file: Option<PathBuf>,
    /// File of clearing policies (YAML), beside those in the pipeline file
    #[arg(long, value_name = "FILE")]
    clearing: Option<PathBuf>,
    /// Stop when every partition has been read to its end
    #[arg(long)]
    until_end: bool,
    /// Print the counts as one JSON object at the end
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: RunArgs) -> anyhow::Result<ExitCode> {
    let spec = PipelineSpec::read(&args.pipeline)?;
    let store = args.store.or_else(|| spec.store.clone()).unwrap_or_else(|| "./lineward-store".to_owned());
    let options = RunOptions {
        store,
        key: fingerprint_key::load(args.fingerprint_key_file.as_deref())?,
        until_end: args.until_end,
        clearing: super::clearing(args.clearing.as_deref())?,
    };
    let stop = Stop::default();
    let asked = stop.clone();
    ctrlc::set_handler(move || {
        if asked.asked() {
            // What was committed is whole; what was not will be read again.
            std::process::exit(130);
        }
        asked.ask();
        output::complain(format_args!("stopping: draining and committing; again to end at once"));
    })
    .context("cannot listen for signals")?;
    let counters = lineward_pipelines::run(&spec, &options, &stop, |counters| {
        tracing::info!(
            records = counters.records,
            events = counters.events,
            dead_letters = counters.dead_letters,
            "committed"
        );
    })?;
    let mut out = output::stdout();
    match args.json {
        true => writeln!(out, "{}", super::counts_json(&counters))?,
        false => writeln!(out, "{}", super::counts(&counters))?,
    }
    out.flush()?;
    Ok(ExitCode::SUCCESS)
}
