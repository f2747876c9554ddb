//! `lineward lineage`: where an asset comes from and what was made from it, as rows or as a picture.

use super::ask::{self, AskArgs, literal};
use crate::{output, picture};
use clap::{Args, ValueEnum};
use lineward_sql::picture::Ways;
use lineward_sql::render::Format;
use std::io::{IsTerminal as _, Write as _};
use std::process::ExitCode;

/// Arguments of `lineward lineage`.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  lineward lineage model:summarizer --up
  lineward lineage dataset:s3://lake/notes --down --depth 2 --format mermaid
  lineward lineage model:summarizer --format svg > lineage.svg

Exit codes: 0 answered, 2 an error. An answer that is not complete says so on standard error.")]
pub(crate) struct LineageArgs {
    /// An asset: type:namespace/name[@version], the end of a name, or a glob
    #[arg(value_name = "ASSET")]
    asset: String,
    /// What it was made from
    #[arg(long)]
    up: bool,
    /// What was made from it [default: both ways]
    #[arg(long)]
    down: bool,
    /// Hops to walk [default: all]
    #[arg(long, value_name = "COUNT")]
    depth: Option<u32>,
    #[command(flatten)]
    ask: AskArgs,
    /// How it is written [default: table on a terminal, else json]
    #[arg(long, value_name = "FORMAT", conflicts_with = "json")]
    format: Option<Shape>,
    /// Versions and hops as one JSON object
    #[arg(long)]
    json: bool,
}

/// Forms of the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Shape {
    /// A row a version
    Table,
    /// Versions and hops as one object
    Json,
    /// For Graphviz
    Dot,
    /// For Markdown
    Mermaid,
    /// A drawing
    Svg,
}

pub(crate) fn run(args: LineageArgs) -> anyhow::Result<ExitCode> {
    let usual = if std::io::stdout().is_terminal() { Shape::Table } else { Shape::Json };
    let shape = if args.json { Shape::Json } else { args.format.unwrap_or(usual) };
    let both = !args.up && !args.down;
    let ways = Ways { up: args.up || both, down: args.down || both };
    super::runtime()?.block_on(async {
        let session = args.ask.session().await?;
        if shape == Shape::Table {
            ask::answer(&session, &rows(&args.asset, ways, args.depth), Format::Table).await?;
            return Ok(ExitCode::SUCCESS);
        }
        let picture = session.picture(&args.asset, ways, args.depth).await?;
        let text = match shape {
            Shape::Dot => picture::dot(&picture),
            Shape::Mermaid => picture::mermaid(&picture),
            Shape::Svg => picture::svg(&picture),
            Shape::Json | Shape::Table => format!("{}\n", serde_json::to_string_pretty(&picture.to_json())?),
        };
        let mut out = output::stdout();
        out.write_all(text.as_bytes())?;
        out.flush()?;
        if !picture.complete {
            output::complain(format_args!("the answer is not complete; `--format json` says why"));
        }
        Ok(ExitCode::SUCCESS)
    })
}

/// Rows of both ways: upstream at depths below 0.
fn rows(asset: &str, ways: Ways, depth: Option<u32>) -> String {
    let (asset, depth) = (literal(asset), depth.map_or("NULL".to_owned(), |d| d.to_string()));
    let part = |function: &str, sign: &str| {
        format!(
            "SELECT {sign}depth AS depth, edge_type, asset_type, namespace, name, version, via_run_id, evidence, \
             complete, gap_reason FROM {function}({asset}, {depth})"
        )
    };
    let parts = [(ways.up, part("upstream", "-")), (ways.down, part("downstream", ""))];
    let parts: Vec<String> = parts.into_iter().filter(|(wanted, _)| *wanted).map(|(_, part)| part).collect();
    format!("SELECT * FROM ({}) AS lineage ORDER BY depth, name, version", parts.join(" UNION ALL "))
}
