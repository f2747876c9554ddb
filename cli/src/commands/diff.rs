//! `lineward diff`: what changed in where an asset comes from.

use super::ask::{self, AskArgs, literal};
use clap::Args;
use lineward_sql::render::Format;
use std::process::ExitCode;

/// Arguments of `lineward diff`.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  lineward diff model:summarizer --from 2026-01-01
  lineward diff dataset:s3://lake/notes --from 2026-01-01 --to 2026-02-01 --json

Exit codes: 0 nothing changed, 1 something did, 2 an error.")]
pub(crate) struct DiffArgs {
    /// An asset: type:namespace/name[@version], the end of a name, or a glob
    #[arg(value_name = "ASSET")]
    asset: String,
    /// The earlier time, as 2026-03-01 or 2026-03-01T12:00:00Z
    #[arg(long, value_name = "TIME")]
    from: String,
    /// The later time [default: that of --as-of, or now]
    #[arg(long, value_name = "TIME", conflicts_with = "as_of")]
    to: Option<String>,
    #[command(flatten)]
    ask: AskArgs,
    /// How rows are written: table, json, jsonl, csv or arrow [default: table on a terminal, else jsonl]
    #[arg(long, value_name = "FORMAT", conflicts_with = "json")]
    format: Option<Format>,
    /// The rows as one JSON array
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: DiffArgs) -> anyhow::Result<ExitCode> {
    let to = args.to.or_else(|| args.ask.as_of().map(str::to_owned)).unwrap_or_else(|| chrono::Utc::now().to_rfc3339());
    for (argument, text) in [("--from", &args.from), ("--to", &to)] {
        lineward_sql::time::parse(argument, text)?;
    }
    let (asset, from, to) = (literal(&args.asset), literal(&args.from), literal(&to));
    let call = format!("lineage_diff({asset}, {from}, {to})");
    let changed = super::runtime()?.block_on(async {
        let session = args.ask.session().await?;
        let query = format!("SELECT * FROM {call} ORDER BY at, change, src, dst");
        ask::answer(&session, &query, ask::format(args.format, args.json)).await?;
        ask::count(&session, &format!("SELECT 1 FROM {call} WHERE change IS NOT NULL")).await
    })?;
    Ok(ExitCode::from(u8::from(changed > 0)))
}
