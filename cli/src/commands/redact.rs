//! `lineward redact`: a cleaned copy of a file, and what was done to it.

use super::selection::Selection;
use crate::output;
use anyhow::{Context as _, bail};
use clap::builder::{PossibleValuesParser, TypedValueParser};
use lineward_classifiers::clean::{self, CleanReport, Mode};
use lineward_classifiers::readers::{Format, Header};
use lineward_classifiers::scan::{Ner, ScanOptions};
use lineward_classifiers::{Confidence, Engine};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

/// Exit code of a process that a signal ended.
const INTERRUPTED: i32 = 130;
/// Places of what is left that are told.
const LEFT_TOLD_MAX: usize = 20;

/// Arguments of `lineward redact`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
The copy keeps the format of its input and everything in it that is not sensitive. When it is written it
is scanned again; where something is still found, the copy is not put in its place. A report of what was
replaced goes to standard output, as one JSON object.

Examples:
  lineward redact chats.jsonl -o clean.jsonl
  lineward redact train.parquet -o clean.parquet --mode surrogate --categories pii,phi
  lineward redact notes.txt -o clean.txt --mode drop --min-confidence low

Exit codes:
  0    the copy is written, and nothing is found in it
  1    something is still found: no copy was put in its place
  2    an error; or the copy is written, but some of it could not be read as what it is
  130  interrupted: no copy was put in its place")]
pub(crate) struct RedactArgs {
    /// The file: jsonl, csv, tsv, parquet or text
    #[arg(value_name = "INPUT")]
    input: PathBuf,

    /// Where the copy goes; it appears when it is whole and clean
    #[arg(long, short, value_name = "FILE")]
    output: PathBuf,

    /// What becomes of a value: mask (default), hash, drop, surrogate
    ///
    /// mask: its letters and digits become `*`. hash: it becomes `[ENTITY:fingerprint]`. drop: its record, or line of text,
    /// is left out. surrogate: it becomes a made-up value of the same kind. Equal values have equal hashes and surrogates.
    /// What does not come to rest under hash or surrogate is masked, and counted.
    #[arg(long, value_name = "HOW", default_value = "mask", hide_default_value = true, hide_possible_values = true)]
    #[arg(value_parser = mode_parser())]
    mode: Mode,

    /// Format, where the extension does not tell: jsonl, csv, tsv, parquet, text
    #[arg(long, value_name = "NAME", hide_possible_values = true, value_parser = format_parser())]
    format: Option<Format>,

    /// Whether the first line of CSV names the columns: auto (default), yes, no
    #[arg(long, value_name = "HOW", default_value = "auto", hide_default_value = true)]
    #[arg(hide_possible_values = true, value_parser = super::scan::header_parser())]
    header: Header,

    /// Memory the copying may use, as 512MB or 2GB
    #[arg(long, value_name = "SIZE", value_parser = super::scan::size)]
    memory_limit: Option<u64>,

    #[command(flatten)]
    selection: Selection,

    /// Least confidence of what is replaced: low, medium (default), high
    #[arg(long, value_name = "LEVEL", default_value = "medium", hide_default_value = true)]
    #[arg(hide_possible_values = true, value_parser = super::scan::confidence_parser())]
    #[arg(help_heading = "What to look for")]
    min_confidence: Confidence,

    /// Names in running text, by a tagger: auto, on (default), off
    #[arg(long, value_name = "HOW", default_value = "on", hide_default_value = true)]
    #[arg(hide_possible_values = true, value_parser = super::scan::ner_parser(), help_heading = "What to look for")]
    ner: Ner,

    /// File with the key of fingerprints, as for `lineward scan`
    #[arg(long, value_name = "FILE")]
    fingerprint_key_file: Option<PathBuf>,
}

fn mode_parser() -> impl TypedValueParser<Value = Mode> {
    PossibleValuesParser::new(Mode::ALL.map(Mode::as_str))
        .try_map(|name| Mode::ALL.into_iter().find(|mode| mode.as_str() == name).ok_or("it is no mode"))
}

fn format_parser() -> impl TypedValueParser<Value = Format> {
    PossibleValuesParser::new(["jsonl", "csv", "tsv", "parquet", "text"])
        .try_map(|name| Format::parse(&name).ok_or("it is no format"))
}

/// Makes the copy.
pub(crate) fn run(args: RedactArgs) -> anyhow::Result<ExitCode> {
    let same = |a: &Path, b: &Path| a.canonicalize().ok().zip(b.canonicalize().ok()).is_some_and(|(a, b)| a == b);
    if same(&args.input, &args.output) {
        bail!("`{}` would be written over itself; name another file with `--output`", args.input.display());
    }
    let engine = Engine::new(Arc::new(args.selection.rules()?))?;
    let key = crate::fingerprint_key::load(args.fingerprint_key_file.as_deref())?;
    let mut options = ScanOptions {
        format: args.format,
        header: args.header,
        confidence_min: args.min_confidence,
        ner: args.ner,
        ..ScanOptions::new(key)
    };
    if let Some(limit) = args.memory_limit {
        super::scan::fit(&mut options, limit)?;
    }
    let folder = args.output.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // In the folder of the copy, so that putting it in its place is a rename, and gone whatever happens before.
    let work = tempfile::Builder::new().prefix(".lineward-").tempdir_in(folder);
    let work = work.with_context(|| format!("cannot write in `{}`", folder.display()))?;
    remove_on_signal(work.path())?;
    let copy = work.path().join("copy");
    let report = clean::clean_file(&engine, &args.input, &copy, args.mode, &options)?;
    let mut out = output::stdout();
    serde_json::to_writer(&mut out, &report).map_err(std::io::Error::from)?;
    writeln!(out)?;
    out.flush()?;
    if report.left_count > 0 {
        tell_left(&report);
        return Ok(ExitCode::from(1));
    }
    std::fs::rename(&copy, &args.output).with_context(|| format!("cannot write `{}`", args.output.display()))?;
    if report.masked_instead > 0 {
        output::complain(format_args!(
            "note: {}: {} values were masked in place of `--mode {}`, which laid others bare in every round",
            args.input.display(),
            report.masked_instead,
            args.mode.as_str()
        ));
    }
    if let Some(told) = crate::report::undecoded(report.undecoded) {
        output::complain(format_args!("note: {}: {told}", args.input.display()));
    }
    for problem in &report.problems {
        output::complain(format_args!("problem: {}: {}: {}", args.input.display(), problem.place, problem.message));
    }
    Ok(ExitCode::from(if report.problems.is_empty() { 0 } else { 2 }))
}

/// Ends the process at Ctrl-C, without the unfinished copy: it may hold values that are not cleaned yet.
fn remove_on_signal(work: &Path) -> anyhow::Result<()> {
    let work = work.to_path_buf();
    ctrlc::set_handler(move || {
        _ = std::fs::remove_dir_all(&work);
        std::process::exit(INTERRUPTED);
    })
    .context("cannot handle Ctrl-C")
}

fn tell_left(report: &CleanReport) {
    for f in report.left.iter().take(LEFT_TOLD_MAX) {
        let row = f.row.map(|row| format!("record {row}, "));
        let field = f.field.as_ref().map(|field| format!("field {field}, "));
        output::complain(format_args!(
            "left: {}{}bytes {} to {}: {}",
            row.unwrap_or_default(),
            output::printable(&field.unwrap_or_default()),
            f.start,
            f.end,
            f.detector
        ));
    }
    output::complain(format_args!(
        "error: {} values are still found in the copy, which was not put in its place",
        report.left_count
    ));
}
