//! `lineward completions`: the completions of a shell, made from the definition of the command line.

use crate::output;
use std::process::ExitCode;

/// Arguments of `lineward completions`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  lineward completions bash > ~/.local/share/bash-completion/completions/lineward
  lineward completions zsh > ~/.zfunc/_lineward
  lineward completions fish > ~/.config/fish/completions/lineward.fish

Exit codes: 0 done, 2 an error.")]
pub(crate) struct CompletionsArgs {
    /// The shell
    shell: clap_complete::Shell,
}

/// Prints them.
pub(crate) fn run(args: CompletionsArgs) -> anyhow::Result<ExitCode> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut crate::definition(), "lineward", &mut script);
    let mut out = output::stdout();
    out.write_all(&script)?;
    out.flush()?;
    Ok(ExitCode::SUCCESS)
}
