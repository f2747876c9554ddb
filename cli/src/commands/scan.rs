//! `lineward scan`: finds sensitive data in files and tells it in one of the forms of `report`.
//!
//! Arguments become a [`Plan`] that cannot be wrong; then the classifiers scan, and a [`Collector`] hands what they find
//! to the report, in input order. Nothing here needs the query engine: a scan starts at once.

use super::cluster::Elsewhere;
use super::fail_on::{FailOn, hit_by, level};
use super::scan_store;
use super::selection::Selection;
use crate::output::{self, OutputFile};
use crate::report::{Index, Kind, Report, Scanned, Totals};
use anyhow::{Context as _, bail};
use clap::builder::{PossibleValuesParser, TypedValueParser};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use lineward_classifiers::readers::{BinaryPolicy, Format, Header, Limits};
use lineward_classifiers::scan::{
    self as engine_scan, FileReport, LinksLeftOut, Ner, Progress, Sample, ScanInput, ScanOptions, Sink,
};
use lineward_classifiers::{Confidence, Engine, Finding};
use lineward_cluster::{Cluster, RuleChoice, ScanOrder};
use lineward_pipelines::Places;
use std::collections::HashSet;
use std::io::{self, IsTerminal as _};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};

/// Exit code of a scan that was interrupted: 128 and the number of SIGINT, as shells have it.
const INTERRUPTED: u8 = 130;

/// The path that opens standard input.
const STDIN: &str = "/dev/stdin";

/// Problems of one file told on standard error; the rest are counted.
const PROBLEMS_TOLD_MAX: usize = 20;

/// Arguments of `lineward scan`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Exit codes: 0 scanned, 1 a finding that --fail-on names, 2 an error or an unreadable input.")]
#[command(after_long_help = "\
A finding says where, which detector, how sure, a redacted preview and a keyed fingerprint of the
value: equal values have equal fingerprints, and the value cannot be read from one. The value itself
is printed nowhere.

Examples:
  lineward scan data/
  lineward scan corpus.parquet --fields 'text,meta.*'
  lineward scan src/ --categories credential --fail-on credential:high
  lineward scan data/ --report sarif --output scan.sarif
  zcat dump.sql.gz | lineward scan - --format text --report summary
  lineward scan /mnt/notes --store lineward-store --dataset s3://hospital/notes

Exit codes:
  0    scanned, and no finding that --fail-on names
  1    scanned, and at least one such finding
  2    an error: bad arguments, or an input that could not be read whole; every other input was
       scanned and reported
  130  interrupted; what was found until then was reported")]
pub(crate) struct ScanArgs {
    /// Files, folders, s3:// gs:// az:// URLs; `-` is standard input
    ///
    /// Of a folder, all files below it are scanned, in the order of their names; symbolic links in it are not followed. Of
    /// a Delta table, those of its current version. Files may be compressed (gzip, zstd, bzip2, xz) and packed (tar, zip).
    #[arg(value_name = "PATH", required = true)]
    paths: Vec<PathBuf>,

    /// Format: auto, jsonl, json, csv, tsv, parquet, arrow, avro, text, ...
    ///
    /// Also markdown, html, notebook, warc, tar, zip. It holds for all inputs, not for members of archives. `auto` (the
    /// default) goes by the content, then by the extension.
    #[arg(long, value_name = "NAME", default_value = "auto", hide_default_value = true, hide_possible_values = true)]
    #[arg(value_parser = format_parser(), help_heading = "What to scan")]
    format: FormatChoice,

    /// Whether the first line of CSV names the columns: auto, yes, no
    ///
    /// `auto` (the default) goes by its words and by what is below: a line with a number, a date, an address or an empty cell
    /// is a record, and so is one of words that nothing tells from those below. Columns are then called `column_0`,
    /// `column_1`, ...
    #[arg(long, value_name = "HOW", default_value = "auto", hide_default_value = true, hide_possible_values = true)]
    #[arg(value_parser = header_parser(), help_heading = "What to scan", hide_short_help = true)]
    header: Header,

    /// Only these fields of records: dotted paths, globs
    ///
    /// A path stands for all below it; positions in lists are numbers: `messages.*.content`.
    #[arg(long, value_name = "GLOB,...", value_delimiter = ',', help_heading = "What to scan")]
    fields: Vec<String>,

    /// What to do with binary files: error (default), skip, scan
    ///
    /// `error` reports them as not scanned, `skip` counts them, `scan` looks at their bytes as if they were text. Pictures,
    /// sound and films are counted in place of an error.
    #[arg(long, value_name = "HOW", default_value = "error", hide_default_value = true, hide_possible_values = true)]
    #[arg(value_parser = binary_parser(), help_heading = "What to scan")]
    binary: BinaryPolicy,

    /// Threads (default: the cores there are)
    ///
    /// They share out files, and the parts of a large file of text, JSON Lines or Parquet. The result is the same for any
    /// number.
    #[arg(long, value_name = "N", value_parser = jobs, help_heading = "How to scan")]
    jobs: Option<NonZeroUsize>,

    /// Memory the scan may use, as 512MB or 2GB
    ///
    /// Under a tight limit fewer threads work, and longer records and documents are scanned in pieces or told as too long.
    #[arg(long, value_name = "SIZE", value_parser = size, help_heading = "How to scan")]
    memory_limit: Option<u64>,

    /// Look at a part only: 1000 (first records of each file), 5% (of records)
    ///
    /// The result says so. Of plain text it is lines, or chunks of 4 MiB. A share is chosen by the number of a record, so
    /// it is the same each time.
    #[arg(long, value_name = "N|P%", value_parser = sample, help_heading = "How to scan")]
    sample: Option<Sample>,

    /// Do not read files again that have not changed
    ///
    /// Their findings of the last scan with the same rules, key and options are told again. They are kept in DIR, or in
    /// $XDG_CACHE_HOME/lineward/scans.
    #[arg(long, value_name = "DIR", num_args = 0..=1, require_equals = true, help_heading = "How to scan")]
    incremental: Option<Option<PathBuf>>,

    #[command(flatten)]
    selection: Selection,

    /// Names in running text, by a tagger: auto (default), on, off
    ///
    /// It finds people, places, organisations, addresses and dates that no label announces. `auto` looks for them beside
    /// other personal data, and everywhere in files of less than 2 MB of records or documents; `on` everywhere: that takes
    /// most of a scan's time, and fiction is full of names.
    #[arg(long, value_name = "HOW", default_value = "auto", hide_default_value = true, hide_possible_values = true)]
    #[arg(value_parser = ner_parser(), help_heading = "What to look for")]
    ner: Ner,

    /// Least confidence: low, medium (default), high
    ///
    /// high is a score of 0.8 and more, medium of 0.5 and more.
    #[arg(
        long,
        value_name = "LEVEL",
        default_value = "medium",
        hide_default_value = true,
        hide_possible_values = true
    )]
    #[arg(value_parser = confidence_parser(), help_heading = "What to look for")]
    min_confidence: Confidence,

    /// The form: jsonl, json, sarif, junit, parquet, html, summary
    ///
    /// Without it: a summary on a terminal, JSON lines otherwise.
    #[arg(long, value_name = "FORM", hide_possible_values = true)]
    #[arg(value_parser = report_parser(), help_heading = "What to report")]
    report: Option<Kind>,

    /// Write the report to a file, which appears when it is whole
    #[arg(long, short, value_name = "FILE", help_heading = "What to report")]
    output: Option<PathBuf>,

    /// Also write fingerprint to file, record, offset: Parquet
    #[arg(long, value_name = "FILE", help_heading = "What to report")]
    index: Option<PathBuf>,

    /// Exit with 1 where there is such a finding: CATEGORY[:LEVEL]
    ///
    /// Without a level it is medium, or that of --min-confidence where that is higher.
    #[arg(long, value_name = "WHICH,...", value_delimiter = ',', help_heading = "What to report")]
    fail_on: Vec<FailOn>,

    /// Also record the scan in this lineage store
    ///
    /// A folder or an object-store URL; it is created where there is none.
    #[arg(long, value_name = "URI", help_heading = "What to report")]
    store: Option<String>,

    /// Name of the scanned data set in the store
    ///
    /// As what reads it names it: `s3://bucket/prefix`. Without it, the paths as they are.
    #[arg(long, value_name = "ASSET", requires = "store", help_heading = "What to report")]
    #[arg(value_parser = lineward_pipelines::data_set_location)]
    dataset: Option<String>,

    /// Also record the index in the store, for `lineward erasure`
    ///
    /// Where people's values are, by keyed fingerprint, with file, row and offset; never the value. Only of a scan of
    /// everything.
    #[arg(long, requires = "store", conflicts_with_all = ["sample", "incremental", "fields"])]
    #[arg(help_heading = "What to report")]
    record_index: bool,

    /// File with the key of fingerprints
    ///
    /// Without it: the environment variable LINEWARD_FINGERPRINT_KEY, or what the command in
    /// LINEWARD_FINGERPRINT_KEY_COMMAND prints (that of a keyring, as `secret-tool lookup service lineward`), else your own key
    /// in $XDG_CONFIG_HOME/lineward/fingerprint.key, which is made on first use.
    #[arg(long, value_name = "FILE", help_heading = "What to report")]
    fingerprint_key_file: Option<PathBuf>,

    /// Put matched values into the findings: on a terminal only
    #[arg(long, conflicts_with = "output", help_heading = "What to report", hide_short_help = true)]
    show_values: bool,

    /// No progress bar
    #[arg(long, short, help_heading = "What to report")]
    quiet: bool,

    #[command(flatten)]
    elsewhere: Elsewhere,
}

/// `--format`: one for all inputs, or to be detected.
#[derive(Debug, Clone, Copy)]
struct FormatChoice(Option<Format>);

fn format_parser() -> impl TypedValueParser<Value = FormatChoice> {
    let names = ["auto"].into_iter().chain(Format::ALL.map(Format::as_str));
    PossibleValuesParser::new(names).map(|name| FormatChoice(Format::parse(&name)))
}

fn binary_parser() -> impl TypedValueParser<Value = BinaryPolicy> {
    PossibleValuesParser::new(["error", "skip", "scan"]).map(|name| match name.as_str() {
        "skip" => BinaryPolicy::Skip,
        "scan" => BinaryPolicy::Scan,
        _ => BinaryPolicy::Error,
    })
}

pub(super) fn header_parser() -> impl TypedValueParser<Value = Header> {
    PossibleValuesParser::new(["auto", "yes", "no"]).map(|name| match name.as_str() {
        "yes" => Header::Present,
        "no" => Header::Absent,
        _ => Header::Auto,
    })
}

pub(super) fn ner_parser() -> impl TypedValueParser<Value = Ner> {
    PossibleValuesParser::new(["auto", "on", "off"]).map(|name| match name.as_str() {
        "on" => Ner::On,
        "off" => Ner::Off,
        _ => Ner::Auto,
    })
}

pub(super) fn confidence_parser() -> impl TypedValueParser<Value = Confidence> {
    PossibleValuesParser::new(Confidence::ALL.map(Confidence::as_str))
        .try_map(|name| level(&name).ok_or("it is no level"))
}

fn report_parser() -> impl TypedValueParser<Value = Kind> {
    PossibleValuesParser::new(Kind::ALL.map(Kind::as_str)).try_map(|name| Kind::parse(&name).ok_or("it is no form"))
}

fn jobs(text: &str) -> Result<NonZeroUsize, &'static str> {
    text.parse().map_err(|_| "write a whole number from 1")
}

/// A number of bytes with a decimal or binary unit.
pub(super) fn size(text: &str) -> Result<u64, &'static str> {
    let wrong = "write a number of bytes with a unit, as 512MB or 2GiB";
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit: u64 = match text[digits.len()..].to_ascii_lowercase().as_str() {
        "mb" | "m" => 1_000_000,
        "gb" | "g" => 1_000_000_000,
        "mib" => 1 << 20,
        "gib" => 1 << 30,
        _ => return Err(wrong),
    };
    digits.trim().parse::<u64>().ok().and_then(|n| n.checked_mul(unit)).ok_or(wrong)
}

/// A number of records, or a share of them.
fn sample(text: &str) -> Result<Sample, &'static str> {
    let wrong = "write a number of records from 1, or a share as 5%";
    match text.strip_suffix('%') {
        Some(percent) => {
            let share = percent.parse::<f64>().map_err(|_| wrong)? / 100.0;
            (share > 0.0 && share <= 1.0).then_some(Sample::Share(share)).ok_or(wrong)
        }
        None => text.parse().ok().filter(|n| *n > 0).map(Sample::Rows).ok_or(wrong),
    }
}

/// Makes a scan fit into a limit on memory.
pub(super) fn fit(options: &mut ScanOptions, limit_bytes: u64) -> anyhow::Result<()> {
    options.fit(limit_bytes).map_err(|least| {
        anyhow::anyhow!("`--memory-limit` is too low to scan anything; write {}MB or more", least.div_ceil(1_000_000))
    })
}

/// Where `--incremental` keeps what it found.
fn kept_folder(named: Option<PathBuf>) -> anyhow::Result<PathBuf> {
    let variable = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let cache = || variable("XDG_CACHE_HOME").or_else(|| Some(variable("HOME")?.join(".cache")));
    named.or_else(|| Some(cache()?.join("lineward/scans"))).context(
        "`--incremental` needs a folder where neither XDG_CACHE_HOME nor HOME is set; write `--incremental=DIR`",
    )
}

/// Scans as asked for.
pub(crate) fn run(args: ScanArgs) -> anyhow::Result<ExitCode> {
    Plan::new(args)?.run()
}

/// What is to be done, checked.
struct Plan {
    paths: Vec<PathBuf>,
    inputs: Vec<ScanInput>,
    options: ScanOptions,
    engine: Engine,
    kind: Kind,
    output: Option<PathBuf>,
    index: Option<PathBuf>,
    fail_on: Vec<FailOn>,
    store: Option<String>,
    dataset: Option<String>,
    record_index: bool,
    /// Standard input is called `-` in the report.
    rename_stdin: bool,
    bar: bool,
    /// Who scans, where it is not this process, and with which rules.
    cluster: Option<(Cluster, RuleChoice)>,
}

impl Plan {
    fn new(args: ScanArgs) -> anyhow::Result<Self> {
        let on_terminal = io::stdout().is_terminal() && args.output.is_none();
        let kind = report_kind(&args, on_terminal)?;
        let rename_stdin = check_stdin(&args)?;
        if args.dataset.is_some() && args.paths.len() > 1 {
            bail!("`--dataset` names one data set, and there are {} paths; scan them one by one", args.paths.len());
        }
        if args.elsewhere.is_named() {
            check_cluster(&args, rename_stdin)?;
        }
        let rules = args.selection.rules()?;
        let fail_on = check_fail_on(&args, &rules)?;
        let own = [("--output", args.output.as_deref()), ("--index", args.index.as_deref())];
        check_own_files(&args.paths, own)?;
        let inputs = inputs(&args.paths, &own.map(|(_, path)| path));
        let jobs = args.jobs.or_else(|| std::thread::available_parallelism().ok()).map_or(1, NonZeroUsize::get);
        if args.show_values && args.incremental.is_some() {
            bail!("`--show-values` does not go with `--incremental`, which keeps findings without values");
        }
        let choice = args.selection.choice()?;
        let cluster = args.elsewhere.cluster()?.map(|cluster| (cluster, choice));
        let mut options = ScanOptions {
            format: args.format.0,
            fields: args.fields,
            confidence_min: args.min_confidence,
            jobs,
            binary: args.binary,
            key: crate::fingerprint_key::load(args.fingerprint_key_file.as_deref())?,
            show_values: args.show_values,
            hash_content: args.store.is_some(),
            sketch_content: args.store.is_some(),
            limits: Limits::default(),
            header: args.header,
            decode: true,
            ner: args.ner,
            sample: args.sample,
            incremental: args.incremental.map(kept_folder).transpose()?,
        };
        if let Some(limit) = args.memory_limit {
            fit(&mut options, limit)?;
        }
        Ok(Self {
            paths: args.paths,
            inputs,
            options,
            engine: Engine::new(Arc::new(rules))?,
            kind,
            output: args.output,
            index: args.index,
            fail_on,
            store: args.store,
            dataset: args.dataset,
            record_index: args.record_index,
            rename_stdin,
            // A report that comes in pieces and a bar on one terminal would write over each other.
            bar: !args.quiet && io::stderr().is_terminal() && (kind == Kind::Summary || !on_terminal),
            cluster,
        })
    }

    fn run(self) -> anyhow::Result<ExitCode> {
        let (started, clock) = (SystemTime::now(), Instant::now());
        let (file, out) = match &self.output {
            Some(path) => {
                let (file, out) = OutputFile::create(path)?;
                (Some(file), out)
            }
            None => (None, output::stdout()),
        };
        let (index_file, index) = match &self.index {
            Some(path) => {
                let (file, out) = OutputFile::create(path)?;
                (Some(file), Some(Index::start(out).map_err(|e| self.no_index(e))?))
            }
            None => (None, None),
        };
        let progress = Arc::new(Progress::default());
        let interrupted = stop_on_signal(&progress)?;
        let bar = Bar::start(self.bar, &self.inputs, &progress);
        let mut collector = Collector {
            report: self.kind.start(out, &self.fail_on).map_err(|e| self.unwritten(e))?,
            plan: &self,
            progress: &progress,
            bar: &bar,
            totals: Totals::default(),
            files: Vec::new(),
            failed_on: false,
            unwritten: None,
            index,
            unindexed: None,
            places: self.record_index.then(Places::default),
            unplaced: None,
        };
        let scanned = self.scan(&progress, &mut collector);
        bar.finish();
        scanned?;
        let stopped = interrupted.load(Ordering::Relaxed);
        let Collector { mut report, totals, files, failed_on, unwritten, index, unindexed, places, unplaced, .. } =
            collector;
        if unwritten.is_some() && !stopped && progress.stop.load(Ordering::Relaxed) {
            // The scan was given up with the report: what it has seen is not to be told or recorded.
            return unwritten.map_or(Ok(ExitCode::SUCCESS), |e| Err(self.unwritten(e)));
        }
        let no_field = self.no_field(&totals, &progress);
        if no_field {
            output::complain(format_args!(
                "problem: none of {} has text in a field that `--fields` names; nothing was scanned",
                crate::report::count(totals.rows, "record")
            ));
        }
        let exit_code = match (stopped, totals.files_with_problems > 0 || no_field, failed_on) {
            (true, ..) => INTERRUPTED,
            (_, true, _) => 2,
            (.., true) => 1,
            _ => 0,
        };
        let done = Scanned {
            engine: &self.engine,
            key_id: self.options.key.id(),
            files: &files,
            totals: &totals,
            bytes_scanned: progress.bytes.load(Ordering::Relaxed),
            started,
            elapsed: clock.elapsed(),
            stopped,
            confidence_min: self.options.confidence_min,
            sample: self.options.sample,
            exit_code,
        };
        if let Some(sample) = self.options.sample.filter(|_| self.kind != Kind::Summary) {
            output::complain(format_args!("note: {}", crate::report::sampled(sample)));
        }
        if let Some(told) = crate::report::undecoded(totals.undecoded).filter(|_| self.kind != Kind::Summary) {
            output::complain(format_args!("note: {told}"));
        }
        if let Some(e) = unindexed {
            return Err(self.no_index(e));
        }
        if let (Some(file), Some(index), false) = (index_file, index, stopped) {
            index.finish().map_err(|e| self.no_index(e))?;
            file.commit()?;
        }
        let written = match unwritten {
            Some(e) => Err(e),
            None => report.finish(&done),
        };
        drop(report);
        // A store that cannot be written does not take the report with it, nor the other way round.
        let reported = match written {
            Ok(()) => file.map_or(Ok(()), OutputFile::commit),
            Err(e) if output::is_closed(&e) => Ok(()),
            Err(e) => Err(self.unwritten(e)),
        };
        if let (Some(store), false) = (&self.store, stopped) {
            if let Some(e) = unplaced {
                return Err(anyhow::Error::from(e).context(format!("cannot record the scan in the store `{store}`")));
            }
            let dataset = self.dataset.as_deref();
            let part = lineward_pipelines::part_of(&self.options, &self.engine)?;
            scan_store::record(
                store,
                dataset,
                &self.paths,
                &files,
                &self.engine,
                &self.options.key,
                started,
                places.as_ref(),
                part.as_deref(),
            )
            .with_context(|| format!("cannot record the scan in the store `{store}`"))?;
        }
        reported?;
        Ok(ExitCode::from(exit_code))
    }

    /// Whether there were records, and all their fields were left out: a gate that `--fields` opens by mistake. What did not
    /// change, or was scanned elsewhere, was not counted here.
    fn no_field(&self, totals: &Totals, progress: &Progress) -> bool {
        let counts = self.options.incremental.is_none() && self.cluster.is_none();
        counts && !self.options.fields.is_empty() && totals.rows > 0 && progress.bytes.load(Ordering::Relaxed) == 0
    }

    /// Scans here, or has a cluster do it; findings and reports come in the same order.
    fn scan(&self, progress: &Progress, sink: &mut dyn Sink) -> anyhow::Result<()> {
        let Some((cluster, rules)) = &self.cluster else {
            return Ok(engine_scan::scan(&self.engine, &self.inputs, &self.options, progress, sink)?);
        };
        let order = ScanOrder {
            engine: &self.engine,
            rules: rules.clone(),
            inputs: &self.inputs,
            options: &self.options,
            group_bytes: None,
        };
        Ok(lineward_cluster::scan(cluster, &order, progress, sink)?)
    }

    fn no_index(&self, e: io::Error) -> anyhow::Error {
        let path = self.index.as_deref().unwrap_or(Path::new("")).display();
        anyhow::Error::from(e).context(format!("cannot write the index to `{path}`"))
    }

    fn unwritten(&self, e: io::Error) -> anyhow::Error {
        let place = self.output.as_ref().map_or("standard output".to_owned(), |path| format!("`{}`", path.display()));
        anyhow::Error::from(e).context(format!("cannot write the report to {place}"))
    }

    /// Whether the scan is worth its while when nobody reads the report: its exit code or its record may matter.
    fn matters_unread(&self) -> bool {
        self.store.is_some() || self.index.is_some() || !self.fail_on.is_empty()
    }
}

fn report_kind(args: &ScanArgs, on_terminal: bool) -> anyhow::Result<Kind> {
    if args.show_values {
        if !on_terminal {
            bail!("`--show-values` is for a person at a terminal, and standard output is none; leave it out");
        }
        return match args.report.unwrap_or(Kind::Jsonl) {
            kind @ (Kind::Jsonl | Kind::Json) => Ok(kind),
            other => bail!("`--show-values` goes with `--report jsonl` or `--report json`, not `{}`", other.as_str()),
        };
    }
    if on_terminal && args.report == Some(Kind::Parquet) {
        bail!("a Parquet report is not for a terminal; name a file with `--output`");
    }
    Ok(args.report.unwrap_or(if on_terminal { Kind::Summary } else { Kind::Jsonl }))
}

/// What a cluster cannot do.
fn check_cluster(args: &ScanArgs, reads_stdin: bool) -> anyhow::Result<()> {
    if reads_stdin {
        bail!("`--cluster` does not go with `-`: an executor cannot read the standard input of this process");
    }
    if args.show_values {
        bail!("`--cluster` does not go with `--show-values`: values do not travel");
    }
    if args.incremental.is_some() {
        bail!("`--cluster` does not go with `--incremental`: what was kept of earlier scans is on this machine");
    }
    Ok(())
}

/// Whether standard input is among the inputs.
fn check_stdin(args: &ScanArgs) -> anyhow::Result<bool> {
    match args.paths.iter().filter(|p| is_stdin(p)).count() {
        0 => Ok(false),
        1 if args.store.is_some() => {
            bail!("`--store` records what was read by its content, and `-` can be read only once; name a file")
        }
        1 => Ok(true),
        _ => bail!("`-` stands twice among the paths, and standard input can be read only once"),
    }
}

fn is_stdin(path: &Path) -> bool {
    path == Path::new("-")
}

/// The entries of `--fail-on`; refused are those that could never hit, since a gate that cannot close is none.
fn check_fail_on(args: &ScanArgs, rules: &lineward_classifiers::RuleSet) -> anyhow::Result<Vec<FailOn>> {
    for entry in &args.fail_on {
        let category = entry.category.as_str();
        if let Some(wanted) = entry.confidence.filter(|c| *c < args.min_confidence) {
            let (wanted, least) = (wanted.as_str(), args.min_confidence.as_str());
            bail!(
                "`--fail-on {category}:{wanted}` would miss findings below `--min-confidence {least}`; \
                 write `--min-confidence {wanted}`"
            );
        }
        if !rules.iter().any(|(_, rule)| rule.categories.contains(&entry.category)) {
            bail!(
                "`--fail-on {category}` can never hit: `--detectors` and `--categories` leave no detector of `{category}`"
            );
        }
    }
    let level = |entry: &FailOn| entry.confidence.unwrap_or(args.min_confidence.max(Confidence::Medium));
    Ok(args.fail_on.iter().map(|e| FailOn { confidence: Some(level(e)), ..*e }).collect())
}

/// Refuses to write over what is to be scanned, or one file over the other.
fn check_own_files(paths: &[PathBuf], own: [(&str, Option<&Path>); 2]) -> anyhow::Result<()> {
    for (option, file) in own {
        let Some(file) = file.and_then(|file| file.canonicalize().ok()) else { continue };
        let is_it = |path: &&PathBuf| !is_stdin(path) && path.canonicalize().is_ok_and(|path| path == file);
        if let Some(path) = paths.iter().find(is_it) {
            let path = output::printable(&path.to_string_lossy());
            bail!("`{option}` would replace `{path}`, which is to be scanned; name another file");
        }
    }
    if let [(_, Some(report)), (_, Some(index))] = own
        && scan_store::place_of(report) == scan_store::place_of(index)
    {
        bail!("`--output` and `--index` name the same file; name two");
    }
    Ok(())
}

/// The files of the paths, without what this or an earlier scan writes itself.
fn inputs(paths: &[PathBuf], own: &[Option<&Path>]) -> Vec<ScanInput> {
    let (mut inputs, mut left) = (Vec::new(), LinksLeftOut::default());
    for path in paths {
        match is_stdin(path) {
            true => inputs.push(ScanInput::file(STDIN.into(), 0)),
            false => inputs.extend(lineward_pipelines::scan_inputs(std::slice::from_ref(path), &mut left)),
        }
    }
    tell_links(&left);
    if paths.len() > 1 {
        // A file that is named, and in a folder that is named too, is one file.
        let mut known = HashSet::new();
        inputs.retain(|input| known.insert(scan_store::place_of(&input.path)));
    }
    for own in own.iter().flatten().filter_map(|own| own.canonicalize().ok()) {
        let same = |path: &Path| path.file_name() == own.file_name() && path.canonicalize().is_ok_and(|p| p == own);
        let count = inputs.len();
        inputs.retain(|input| !same(&input.path));
        if inputs.len() < count {
            let own = output::printable(&own.to_string_lossy());
            output::complain(format_args!("note: `{own}` is written by this scan and was not scanned"));
        }
    }
    inputs
}

/// Tells which symbolic links were not followed: what they point to was not scanned.
fn tell_links(left: &LinksLeftOut) {
    let Some(first) = &left.first else { return };
    let first = output::printable(&first.to_string_lossy());
    let broken = match left.broken {
        0 => String::new(),
        broken => format!(", {broken} of them broken"),
    };
    output::complain(format_args!(
        "note: {} in folders not followed (the first is `{first}`){broken}; name what they point to to scan it",
        crate::report::count(left.count, "symbolic link")
    ));
}

/// Stops the scan at the first signal, the process at the second.
fn stop_on_signal(progress: &Arc<Progress>) -> anyhow::Result<Arc<AtomicBool>> {
    let interrupted = Arc::new(AtomicBool::new(false));
    let (flag, progress) = (Arc::clone(&interrupted), Arc::clone(progress));
    ctrlc::set_handler(move || {
        progress.stop.store(true, Ordering::Relaxed);
        if flag.swap(true, Ordering::Relaxed) {
            std::process::exit(INTERRUPTED.into());
        }
    })
    .context("cannot handle Ctrl-C")?;
    Ok(interrupted)
}

/// Hands what the classifiers find to the report, and keeps what the end of the scan needs.
struct Collector<'a> {
    report: Box<dyn Report>,
    plan: &'a Plan,
    progress: &'a Progress,
    bar: &'a Bar,
    totals: Totals,
    files: Vec<FileReport>,
    failed_on: bool,
    unwritten: Option<io::Error>,
    index: Option<Index>,
    unindexed: Option<io::Error>,
    /// Where people's values are, where that is to be recorded.
    places: Option<Places>,
    /// Why not all of them are there.
    unplaced: Option<lineward_pipelines::Error>,
}

impl Sink for Collector<'_> {
    fn finding(&mut self, mut finding: Finding) {
        if self.plan.rename_stdin && finding.path == STDIN {
            finding.path = "-".to_owned();
        }
        self.totals.finding(&finding);
        if let (Some(places), None) = (&mut self.places, &self.unplaced)
            && let Err(e) = places.add(&finding)
        {
            self.unplaced = Some(e);
        }
        self.failed_on |= hit_by(&self.plan.fail_on, &finding);
        if let (Some(index), None) = (&mut self.index, &self.unindexed)
            && let Err(e) = index.add(&finding)
        {
            self.unindexed = Some(e);
        }
        if self.unwritten.is_none()
            && let Err(e) = self.report.finding(&finding)
        {
            self.give_up(e);
        }
    }

    fn file(&mut self, mut report: FileReport) {
        if self.plan.rename_stdin && report.path == Path::new(STDIN) {
            report.path = "-".into();
        }
        self.bar.file(report.size_bytes);
        self.totals.file(&report);
        if self.plan.kind != Kind::Summary && self.unwritten.is_none() {
            self.bar.suspend(|| tell_problems(&report));
        }
        self.files.push(report);
    }
}

impl Collector<'_> {
    fn give_up(&mut self, e: io::Error) {
        if !output::is_closed(&e) || !self.plan.matters_unread() {
            self.progress.stop.store(true, Ordering::Relaxed);
        }
        self.unwritten = Some(e);
    }
}

fn tell_problems(report: &FileReport) {
    let path = output::printable(&report.path.to_string_lossy());
    for problem in report.problems.iter().take(PROBLEMS_TOLD_MAX) {
        output::complain(format_args!("problem: {path}: {}: {}", problem.place, problem.message));
    }
    if let Some(more) = problems_untold(report) {
        output::complain(format_args!("problem: {path}: and {more} more (`--report json` lists the first of them)"));
    }
}

/// Problems of a file behind those that are told: more than are listed, where there are very many.
fn problems_untold(report: &FileReport) -> Option<u64> {
    let more = report.problem_count().saturating_sub(PROBLEMS_TOLD_MAX as u64);
    (report.problems.len() > PROBLEMS_TOLD_MAX && more > 0).then_some(more)
}

/// A progress bar on standard error, drawn by a thread of its own; or nothing.
struct Bar {
    bar: ProgressBar,
    /// Bytes on disk of the files that are done: compressed text and Parquet count less there than when scanned.
    done_bytes: Arc<AtomicU64>,
    over: Arc<AtomicBool>,
}

impl Bar {
    fn start(wanted: bool, inputs: &[ScanInput], progress: &Arc<Progress>) -> Self {
        let done_bytes = Arc::new(AtomicU64::new(0));
        let over = Arc::new(AtomicBool::new(false));
        if !wanted {
            return Self { bar: ProgressBar::hidden(), done_bytes, over };
        }
        let total = inputs.iter().map(|i| i.size_bytes).sum();
        let bar = ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::stderr());
        if let Ok(style) =
            ProgressStyle::with_template("{bar:30} {bytes}/{total_bytes}, {decimal_bytes_per_sec}, {eta} left, {msg}")
        {
            bar.set_style(style);
        }
        let files = inputs.len();
        let (shown, progress) = (bar.clone(), Arc::clone(progress));
        let (done, ended) = (Arc::clone(&done_bytes), Arc::clone(&over));
        std::thread::spawn(move || {
            while !ended.load(Ordering::Relaxed) {
                let bytes = progress.bytes.load(Ordering::Relaxed).max(done.load(Ordering::Relaxed));
                shown.set_position(bytes.min(total));
                let (at, found) = (progress.files.load(Ordering::Relaxed), progress.findings.load(Ordering::Relaxed));
                shown.set_message(format!("{at}/{files} files, {found} findings"));
                std::thread::sleep(Duration::from_millis(100));
            }
        });
        Self { bar, done_bytes, over }
    }

    fn file(&self, size_bytes: u64) {
        self.done_bytes.fetch_add(size_bytes, Ordering::Relaxed);
    }

    fn suspend(&self, f: impl FnOnce()) {
        self.bar.suspend(f);
    }

    fn finish(&self) {
        self.over.store(true, Ordering::Relaxed);
        self.bar.finish_and_clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_report_is_no_input_of_its_own_scan() {
        let folder = tempfile::tempdir().expect("a folder");
        let report = folder.path().join("report.jsonl");
        std::fs::write(&report, "{}\n").expect("written");
        std::fs::write(folder.path().join("a.txt"), "text").expect("written");
        let inputs = inputs(&[folder.path().to_path_buf()], &[None, Some(&report)]);
        assert_eq!(inputs.len(), 1);
    }

    #[test]
    fn nothing_that_is_scanned_is_written_over() {
        let folder = tempfile::tempdir().expect("a folder");
        let text = folder.path().join("a.txt");
        std::fs::write(&text, "text").expect("written");
        let (report, again) = (folder.path().join("report"), folder.path().join("./report"));
        let paths = [folder.path().to_path_buf(), folder.path().join("./a.txt")];
        let check = |output, index| check_own_files(&paths, [("--output", output), ("--index", index)]);
        assert!(check(Some(report.as_path()), None).is_ok());
        for (output, index, told) in [
            (Some(text.as_path()), None, "`--output` would replace"),
            (None, Some(text.as_path()), "`--index` would replace"),
            (Some(report.as_path()), Some(again.as_path()), "the same file"),
        ] {
            let error = check(output, index).expect_err("refused").to_string();
            assert!(error.contains(told), "{error}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_file_is_scanned_once_and_each_link_to_one_blob() {
        let folder = tempfile::tempdir().expect("a folder");
        let snapshots = ["A", "B"].map(|revision| folder.path().join("snapshots").join(revision));
        std::fs::create_dir(folder.path().join("blobs")).expect("made");
        std::fs::write(folder.path().join("blobs/123"), "text").expect("written");
        for snapshot in &snapshots {
            std::fs::create_dir_all(snapshot).expect("made");
            std::os::unix::fs::symlink("../../blobs/123", snapshot.join("train.txt")).expect("linked");
        }
        let both = inputs(&snapshots, &[]);
        assert_eq!(both.len(), 2, "a file of two revisions is in both of them");
        let twice = [folder.path().join("blobs/../blobs/123"), folder.path().join("blobs")];
        assert_eq!(inputs(&twice, &[]).len(), 1);
    }
}
