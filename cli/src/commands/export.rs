//! `lineward export`: the lineage of an asset in the formats of others.

use super::ask::AskArgs;
use crate::output::{self, OutputFile};
use clap::{Args, ValueEnum};
use lineward_sql::export::Form;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

/// Arguments of `lineward export`.
#[derive(Debug, Args)]
#[command(after_long_help = "\
prov is one PROV-JSON document, openlineage one run event a line, in-toto a statement for each
version, one after the other, with SLSA provenance, unsigned.

Examples:
  lineward export prov model:summarizer@3 -o summarizer.prov.json
  lineward export openlineage model:summarizer | lineward ingest - --store copy
  lineward export in-toto model:summarizer@3 --as-of 2026-03-01

Exit codes: 0 done, 2 an error.")]
pub(crate) struct ExportArgs {
    /// The format
    #[arg(value_name = "FORMAT")]
    form: FormArg,
    /// An asset: type:namespace/name[@version], the end of a name, or a glob
    #[arg(value_name = "ASSET")]
    asset: String,
    #[command(flatten)]
    ask: AskArgs,
    /// Write to a file, which appears whole or not at all [default: standard output]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// Formats by their names.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum FormArg {
    /// W3C PROV-JSON
    Prov,
    /// OpenLineage run events, one a line
    Openlineage,
    /// In-toto statements with SLSA provenance, one a version
    InToto,
}

pub(crate) fn run(args: ExportArgs) -> anyhow::Result<ExitCode> {
    let form = match args.form {
        FormArg::Prov => Form::Prov,
        FormArg::Openlineage => Form::OpenLineage,
        FormArg::InToto => Form::InToto,
    };
    let documents = super::runtime()?.block_on(async {
        let session = args.ask.session().await?;
        anyhow::Ok(session.export(form, &args.asset).await?)
    })?;
    let write = |out: &mut dyn Write| -> anyhow::Result<()> {
        for document in &documents {
            match form {
                Form::OpenLineage => serde_json::to_writer(&mut *out, document)?,
                Form::Prov | Form::InToto => serde_json::to_writer_pretty(&mut *out, document)?,
            }
            writeln!(out)?;
        }
        Ok(out.flush()?)
    };
    match &args.output {
        Some(path) => {
            let (file, mut out) = OutputFile::create(path)?;
            write(&mut *out)?;
            file.commit()?;
        }
        None => write(&mut *output::stdout())?,
    }
    Ok(ExitCode::SUCCESS)
}
