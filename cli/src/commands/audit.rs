//! `lineward audit`: whether anyone touched the audit log of a server.

use crate::output;
use anyhow::Context as _;
use clap::Args;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

/// Arguments of `lineward audit`.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Each line of the log holds the hash of the one before, so a line that was changed, taken out or put
in shows. Lines cut off at the end do not: keep the hash that is printed here elsewhere, and
compare.

Example:
  lineward audit lineward-store.audit.jsonl

Exit codes: 0 all lines follow from each other, 1 one does not, 2 an error.")]
pub(crate) struct AuditArgs {
    /// Audit log of a server
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

pub(crate) fn run(args: AuditArgs) -> anyhow::Result<ExitCode> {
    let found = lineward_server::audit::verify(&args.file);
    let found = found.with_context(|| format!("cannot read `{}`", args.file.display()))?;
    let mut out = output::stdout();
    writeln!(out, "{} lines follow from each other; hash of the last: {}", found.lines, found.head)?;
    out.flush()?;
    Ok(match found.broken {
        None => ExitCode::SUCCESS,
        Some((line, why)) => {
            output::complain(format_args!("line {line} of `{}` does not: {why}", args.file.display()));
            ExitCode::from(1)
        }
    })
}
