//! The `lineward` command: parses arguments, calls the libraries, renders what they return.
//!
//! No product logic lives here. Each subcommand is a file in `commands`; `report` holds the forms in which a scan is
//! told. Standard output carries results and nothing else, standard error carries the rest.

/// Long-running writers of many small rows fragment the system's heap; jemalloc stays flat and is faster at it.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

mod commands;
mod fingerprint_key;
mod logging;
mod output;
mod picture;
mod report;
mod usage;

use clap::{Parser, Subcommand};
use commands::{
    audit, cluster, completions, demo, detectors, diff, erasure, export, ingest, lineage, redact, rules, run, scan,
    serve, sql, token, trained_on, validate, validators,
};
use std::process::ExitCode;

/// Finds sensitive data in training corpora, and answers which models were trained on it
#[derive(Debug, Parser)]
#[command(name = "lineward", version, max_term_width = 100, arg_required_else_help = true, after_long_help = AFTER_HELP)]
#[command(disable_help_subcommand = true, propagate_version = false)]
struct Args {
    #[command(subcommand)]
    command: Command,
}

const AFTER_HELP: &str = "\
Exit codes:
  0  done
  1  done, and the answer is a no: a finding that --fail-on names, an invalid number, a change,
     event files of which every record is a dead letter
  2  an error

Environment:
  LINEWARD_STORE            the store, where --store is not given (a folder or an object-store URL);
                            a scan is recorded only where --store is given
  LINEWARD_FINGERPRINT_KEY  the key of fingerprints, where --fingerprint-key-file is not given;
                            or LINEWARD_FINGERPRINT_KEY_COMMAND, a command that prints it
  LINEWARD_LOG              what is logged: error, warn (default), info, debug, trace";

#[derive(Debug, Subcommand)]
enum Command {
    /// Find personal, health, credential and financial data in files
    Scan(Box<scan::ScanArgs>),
    /// Write a cleaned copy of a file
    Redact(redact::RedactArgs),
    /// Check and test rule files of your own
    Rules(rules::RulesArgs),
    /// List what a scan looks for
    Detectors(detectors::DetectorsArgs),
    /// Check numbers with one validator
    Validate(validate::ValidateArgs),
    /// List the validators
    Validators(validators::ValidatorsArgs),
    /// Ask the lineage store a question in SQL
    Sql(sql::SqlArgs),
    /// List the models that were trained on a kind of data, or on an asset
    TrainedOn(trained_on::TrainedOnArgs),
    /// Show where an asset comes from and what was made from it
    Lineage(lineage::LineageArgs),
    /// Show what changed in where an asset comes from
    Diff(diff::DiffArgs),
    /// Show what a person's request for erasure touches
    Erasure(erasure::ErasureArgs),
    /// Write the lineage of an asset as PROV, OpenLineage or in-toto
    Export(export::ExportArgs),
    /// Read event files into the lineage store
    Ingest(ingest::IngestArgs),
    /// Run a pipeline from Kafka into the lineage store
    Run(run::RunArgs),
    /// Serve the lineage store to PostgreSQL, Flight SQL and HTTP clients
    Serve(serve::ServeArgs),
    /// Run the scheduler or an executor of a cluster
    Cluster(cluster::ClusterArgs),
    /// Make, list and revoke the tokens of a server's clients
    Token(token::TokenArgs),
    /// Check that nobody changed a server's audit log
    Audit(audit::AuditArgs),
    /// Play the sample estate and answer four questions about it
    Demo(demo::DemoArgs),
    /// Print the completions of a shell
    Completions(completions::CompletionsArgs),
}

fn main() -> ExitCode {
    let args = match Args::try_parse() {
        Ok(args) => args,
        Err(e) => return usage::report(&e),
    };
    match logging::init().and_then(|()| dispatch(args.command)) {
        Ok(code) => code,
        // Whoever read our output has seen enough.
        Err(e) if output::is_stdout_closed(&e) => ExitCode::SUCCESS,
        Err(e) => {
            output::complain(format_args!("error: {e:#}"));
            ExitCode::from(2)
        }
    }
}

fn dispatch(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Scan(args) => scan::run(*args),
        Command::Redact(args) => redact::run(args),
        Command::Rules(args) => rules::run(args),
        Command::Detectors(args) => detectors::run(args),
        Command::Validate(args) => validate::run(args),
        Command::Validators(args) => validators::run(args),
        Command::Sql(args) => sql::run(args),
        Command::TrainedOn(args) => trained_on::run(args),
        Command::Lineage(args) => lineage::run(args),
        Command::Diff(args) => diff::run(args),
        Command::Erasure(args) => erasure::run(args),
        Command::Export(args) => export::run(args),
        Command::Ingest(args) => ingest::run(args),
        Command::Run(args) => run::run(args),
        Command::Serve(args) => serve::run(args),
        Command::Cluster(args) => cluster::run(args),
        Command::Token(args) => token::run(args),
        Command::Audit(args) => audit::run(args),
        Command::Demo(args) => demo::run(args),
        Command::Completions(args) => completions::run(args),
    }
}

/// The definition of the command line, for completions.
fn definition() -> clap::Command {
    <Args as clap::CommandFactory>::command()
}
