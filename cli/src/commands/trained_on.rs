//! `lineward trained-on`: which models were trained on a kind of data, or on an asset.

use super::ask::{self, AskArgs, literal};
use clap::Args;
use lineward_sql::render::Format;
use std::process::ExitCode;

/// Arguments of `lineward trained-on`.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  lineward trained-on PHI
  lineward trained-on US_SSN --mode observed --json
  lineward trained-on dataset:s3://lake/notes --as-of 2026-03-01

Exit codes: 0 answered, 2 an error. An answer that is not complete says so on standard error.")]
pub(crate) struct TrainedOnArgs {
    /// A category (PHI), an entity (US_SSN), both (PII.US_SSN), or an asset
    #[arg(value_name = "TAG_OR_ASSET")]
    what: String,
    /// observed (seen in the training data, its own or that of a model it was made from), inherited (only further
    /// upstream), all, or possible (also models of which it is not known)
    #[arg(long, value_name = "MODE", default_value = "all")]
    mode: String,
    #[command(flatten)]
    ask: AskArgs,
    /// How rows are written: table, json, jsonl, csv or arrow [default: table on a terminal, else jsonl]
    #[arg(long, value_name = "FORMAT", conflicts_with = "json")]
    format: Option<Format>,
    /// The rows as one JSON array
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: TrainedOnArgs) -> anyhow::Result<ExitCode> {
    let (what, mode) = (literal(&args.what), literal(&args.mode));
    let query = format!("SELECT * FROM models_trained_on({what}, NULL, {mode}) ORDER BY 1, 2, 3");
    super::runtime()?.block_on(async {
        let session = args.ask.session().await?;
        ask::answer(&session, &query, ask::format(args.format, args.json)).await
    })?;
    Ok(ExitCode::SUCCESS)
}
