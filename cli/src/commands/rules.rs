//! `lineward rules`: checks rule files of the user's own, and tests them by their examples.

use crate::output;
use anyhow::Context as _;
use lineward_classifiers::{RuleSet, rule_test};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Arguments of `lineward rules`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
A rule file is a list in YAML, as the built-in ones; docs/guide.md has an example. `lineward scan
--rules FILE` uses it.

Exit codes: 0 all is well, 1 something is wrong with a rule, 2 a file cannot be read.")]
pub(crate) struct RulesArgs {
    #[command(subcommand)]
    command: RulesCommand,
}

#[derive(Debug, clap::Subcommand)]
enum RulesCommand {
    /// Compile rules under limits beside the built-in ones, and say what they may cost
    ///
    /// Checked is each file by itself, then all of them together with the built-in rules, as a scan uses them: an id may be
    /// there already, or an entity be normalised otherwise. Expressions are linear by construction and small by limits. A
    /// warning says where a rule would be slow all the same; it is no error.
    Check(FilesArgs),
    /// Test rules by their examples and counter-examples
    Test(FilesArgs),
}

#[derive(Debug, clap::Args)]
struct FilesArgs {
    /// Rule files
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
}

/// Checks or tests them.
pub(crate) fn run(args: RulesArgs) -> anyhow::Result<ExitCode> {
    let (files, is_check) = match args.command {
        RulesCommand::Check(args) => (args.files, true),
        RulesCommand::Test(args) => (args.files, false),
    };
    let texts = files.iter().map(|file| read(file)).collect::<anyhow::Result<Vec<String>>>()?;
    let named: Vec<(String, String)> = files.iter().map(|file| file.display().to_string()).zip(texts).collect();
    let mut all_well = true;
    for (name, text) in &named {
        let done = if is_check { check(name, text) } else { test(name, text) };
        all_well &= well(done)?;
    }
    // What is wrong with a file by itself would be told once more.
    if is_check && all_well {
        all_well = well(check_together(&named))?;
    }
    Ok(ExitCode::from(u8::from(!all_well)))
}

/// Whether all is well; what is not is told.
fn well(done: anyhow::Result<bool>) -> anyhow::Result<bool> {
    match done {
        Err(e) if !output::is_stdout_closed(&e) => {
            output::complain(format_args!("error: {e:#}"));
            Ok(false)
        }
        done => done,
    }
}

/// Checks rules beside each other and beside the built-in ones.
fn check_together(files: &[(String, String)]) -> anyhow::Result<bool> {
    RuleSet::built_in()?.with_files(files.iter().map(|(name, text)| (name.as_str(), text.as_str())))?;
    Ok(true)
}

fn read(file: &Path) -> anyhow::Result<String> {
    std::fs::read_to_string(file).with_context(|| format!("cannot read `{}`", file.display()))
}

fn check(name: &str, text: &str) -> anyhow::Result<bool> {
    let mut out = output::stdout();
    for (rule, warnings) in rule_test::check_cost(name, text)? {
        match warnings.is_empty() {
            true => writeln!(out, "ok       {rule}")?,
            false => warnings.iter().try_for_each(|w| writeln!(out, "warning  {rule}: {w}"))?,
        }
    }
    out.flush()?;
    Ok(true)
}

fn test(name: &str, text: &str) -> anyhow::Result<bool> {
    let mut out = output::stdout();
    let tested = rule_test::test_file(name, text)?;
    for t in &tested {
        match t.failures.is_empty() {
            true => writeln!(out, "ok      {} ({} examples)", t.rule, t.examples)?,
            false => t.failures.iter().try_for_each(|f| writeln!(out, "failed  {}: {f}", t.rule))?,
        }
    }
    out.flush()?;
    Ok(tested.iter().all(|t| t.failures.is_empty()))
}
