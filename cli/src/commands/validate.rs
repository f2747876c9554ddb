//! `lineward validate`: numbers in, a verdict a line out. The numbers themselves are not printed.

use crate::output;
use anyhow::{Context as _, bail};
use lineward_classifiers::validators::{self, Validator};
use std::io::{BufRead, BufReader, Write as _};
use std::process::ExitCode;

/// Arguments of `lineward validate`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
A number is judged as written, blanks and all; of a line of standard input the line break is no
part. Write `--` in front of values that begin with a hyphen.

Examples:
  lineward validate iban 'GB82 WEST 1234 5698 7654 32'
  cut -f3 patients.tsv | lineward validate gb.nhs | sort | uniq -c

Exit codes: 0 all are valid, 1 at least one is not, 2 an error, as a name that no validator has.")]
pub(crate) struct ValidateArgs {
    /// The validator, as `es.dni`, `luhn`, `iban` (`lineward validators` lists them)
    #[arg(value_name = "NAME")]
    name: String,

    /// Numbers to check; without any, each line of standard input is one
    #[arg(value_name = "VALUE")]
    values: Vec<String>,
}

/// Prints `valid` or `invalid` for each value.
pub(crate) fn run(args: ValidateArgs) -> anyhow::Result<ExitCode> {
    let validator = by_name(&args.name)?;
    let all_valid = match args.values.is_empty() {
        true => check_lines(validator)?,
        false => check_values(validator, &args.values)?,
    };
    Ok(if all_valid { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

fn check_values(validator: &Validator, values: &[String]) -> anyhow::Result<bool> {
    let mut out = output::stdout();
    let mut all_valid = true;
    for value in values {
        let valid = (validator.check)(value);
        all_valid &= valid;
        writeln!(out, "{}", verdict(valid))?;
    }
    out.flush()?;
    Ok(all_valid)
}

fn check_lines(validator: &Validator) -> anyhow::Result<bool> {
    let mut input = BufReader::with_capacity(1 << 16, std::io::stdin());
    let mut out = output::stdout();
    let mut all_valid = true;
    let mut line = Vec::new();
    loop {
        line.clear();
        if input.read_until(b'\n', &mut line).context("cannot read standard input")? == 0 {
            break;
        }
        let valid = std::str::from_utf8(without_line_break(&line)).is_ok_and(validator.check);
        all_valid &= valid;
        writeln!(out, "{}", verdict(valid))?;
        // Someone may wait for the answer before writing the next line.
        if input.buffer().is_empty() {
            out.flush()?;
        }
    }
    out.flush()?;
    Ok(all_valid)
}

fn without_line_break(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}

fn verdict(valid: bool) -> &'static str {
    if valid { "valid" } else { "invalid" }
}

fn by_name(name: &str) -> anyhow::Result<&'static Validator> {
    if let Some(found) = validators::by_name(name) {
        return Ok(found);
    }
    let name = output::printable(name);
    match similar(&name).as_slice() {
        [] => bail!("no validator is named `{name}`; `lineward validators` lists them"),
        names => bail!(
            "no validator is named `{name}`; did you mean {}? `lineward validators` lists all",
            names.iter().map(|n| format!("`{n}`")).collect::<Vec<_>>().join(" or ")
        ),
    }
}

/// Names close to one that does not exist, closest first.
fn similar(name: &str) -> Vec<&'static str> {
    let name = name.to_lowercase();
    // `dni` is meant to be `es.dni`: the part behind the country counts as the whole.
    let distance = |listed: &str| {
        let bare = listed.split_once('.').map_or(listed, |(_, bare)| bare);
        strsim::osa_distance(listed, &name).min(1 + strsim::osa_distance(bare, &name))
    };
    let mut near: Vec<(usize, &str)> = validators::all()
        .iter()
        .map(|v| (distance(v.name), v.name))
        .filter(|(distance, listed)| *distance <= 2 && *distance < listed.len().min(name.len()))
        .collect();
    near.sort();
    let best = near.first().map(|(distance, _)| *distance);
    near.into_iter().filter(|(distance, _)| Some(*distance) == best).take(4).map(|(_, listed)| listed).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_are_meant() {
        for (asked, first) in
            [("es.dnii", "es.dni"), ("ES.DNI", "es.dni"), ("ibam", "iban"), ("personnummer", "se.personnummer")]
        {
            assert_eq!(similar(asked).first(), Some(&first), "{asked}");
        }
        assert!(similar("xyzzy-quux").is_empty());
    }

    #[test]
    fn only_the_line_break_goes() {
        for (line, value) in [("1 \n", "1 "), ("1\r\n", "1"), (" 1", " 1"), ("\n", ""), ("1\n\r", "1\n")] {
            assert_eq!(without_line_break(line.as_bytes()), value.as_bytes());
        }
    }
}
