//! Errors in the arguments, in the words of this program: one sentence with what to write instead.
//!
//! clap finds the errors and knows the similar names; only the wording is ours.

use crate::output;
use clap::Error;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use std::process::ExitCode;

/// Prints help, the version or a usage error, and says how to exit.
pub(crate) fn report(e: &Error) -> ExitCode {
    if e.exit_code() == 0 {
        // A reader that closed standard output has seen enough of the help.
        let _ = e.print();
        return ExitCode::SUCCESS;
    }
    match e.kind() {
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => drop(e.print()),
        _ => output::complain(format_args!("error: {}", describe(e))),
    }
    ExitCode::from(2)
}

fn describe(e: &Error) -> String {
    let culprit = argument(&text(e, ContextKind::InvalidArg));
    let value = text(e, ContextKind::InvalidValue);
    match e.kind() {
        ErrorKind::UnknownArgument => {
            let similar = suggestion(e, ContextKind::SuggestedArg).or_else(|| {
                let name = text(e, ContextKind::SuggestedSubcommand);
                (!name.is_empty()).then(|| format!("did you mean `{name}`?"))
            });
            format!("unknown argument `{culprit}`; {}", similar.unwrap_or_else(|| help(e)))
        }
        ErrorKind::InvalidSubcommand => {
            let name = text(e, ContextKind::InvalidSubcommand);
            let similar = suggestion(e, ContextKind::SuggestedSubcommand);
            format!("unknown command `{name}`; {}", similar.unwrap_or_else(|| help(e)))
        }
        ErrorKind::InvalidValue if value.is_empty() => format!("`{culprit}` needs a value{}", one_of(e)),
        ErrorKind::InvalidValue => {
            let help = suggestion(e, ContextKind::SuggestedValue).map_or_else(|| one_of(e), |s| format!("; {s}"));
            format!("`{value}` is no value of `{culprit}`{help}")
        }
        ErrorKind::ValueValidation => match std::error::Error::source(e) {
            Some(why) => format!("`{value}` is no value of `{culprit}`: {why}"),
            None => format!("`{value}` is no value of `{culprit}`; {}", help(e)),
        },
        ErrorKind::MissingRequiredArgument => format!("`{culprit}` is missing; {}", help(e)),
        ErrorKind::ArgumentConflict => {
            format!("`{culprit}` and `{}` exclude each other", argument(&text(e, ContextKind::PriorArg)))
        }
        ErrorKind::MissingSubcommand => format!("no command; {}", help(e)),
        // The rest is rare; clap's first line says it well enough.
        _ => {
            let rendered = e.render().to_string();
            rendered.lines().next().unwrap_or_default().trim_start_matches("error: ").replace('\'', "`")
        }
    }
}

/// An argument without its notation: `--format` of `--format <NAME>`, `PATH` of `<PATH>...`.
fn argument(notation: &str) -> String {
    let words = notation.split(", ").map(|one| {
        let name = one.split_whitespace().next().unwrap_or_default();
        name.trim_end_matches("...").trim_matches(['<', '>', '[', ']'])
    });
    words.collect::<Vec<_>>().join("`, `")
}

fn help(e: &Error) -> String {
    // The usage line names the subcommand: `Usage: lineward scan [OPTIONS] <PATH>...`.
    let usage = text(e, ContextKind::Usage);
    let words = usage.split_whitespace().skip_while(|w| *w != "lineward").skip(1);
    let command: Vec<&str> = words.take_while(|w| w.starts_with(|c: char| c.is_ascii_lowercase())).collect();
    match command.is_empty() {
        false => format!("`lineward {} -h` lists the arguments", command.join(" ")),
        true => "`lineward -h` lists the commands".to_owned(),
    }
}

fn one_of(e: &Error) -> String {
    match text(e, ContextKind::ValidValue) {
        values if values.is_empty() => String::new(),
        values => format!("; it is one of {values}"),
    }
}

fn suggestion(e: &Error, kind: ContextKind) -> Option<String> {
    let names = match e.get(kind)? {
        ContextValue::String(name) => format!("`{name}`"),
        ContextValue::Strings(names) if !names.is_empty() => {
            names.iter().map(|n| format!("`{n}`")).collect::<Vec<_>>().join(" or ")
        }
        _ => return None,
    };
    Some(format!("did you mean {names}?"))
}

fn text(e: &Error, kind: ContextKind) -> String {
    match e.get(kind) {
        Some(ContextValue::String(one)) => output::printable(one),
        Some(ContextValue::Strings(many)) => many.join(", "),
        Some(ContextValue::StyledStr(styled)) => styled.to_string(),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::argument;

    #[test]
    fn arguments_without_notation() {
        for (notation, name) in [
            ("--format <NAME>", "--format"),
            ("<PATH>...", "PATH"),
            ("[VALUE]...", "VALUE"),
            ("--show-values", "--show-values"),
            ("<NAME>, <PATH>...", "NAME`, `PATH"),
        ] {
            assert_eq!(argument(notation), name);
        }
    }
}
