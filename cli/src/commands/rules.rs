//! `lineward rules`: checks rule files of the user's own, and tests them by their examples.

use crate::output;
use anyhow::Context as _;
use lineward_classifiers::rule_test;
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
    /// Compile rules under limits, and say what they may cost
    ///
    /// Expressions are linear by construction and small by limits. A warning says where a rule would be slow all the same;
    /// it is no error.
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
    let (files, each): (_, fn(&str, &str) -> anyhow::Result<bool>) = match args.command {
        RulesCommand::Check(args) => (args.files, check),
        RulesCommand::Test(args) => (args.files, test),
    };
    let mut all_well = true;
    for file in &files {
        let text = read(file)?;
        match each(&file.display().to_string(), &text) {
            Ok(well) => all_well &= well,
            Err(e) if output::is_stdout_closed(&e) => return Err(e),
            Err(e) => {
                output::complain(format_args!("error: {e:#}"));
                all_well = false;
            }
        }
    }
    Ok(ExitCode::from(u8::from(!all_well)))
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
