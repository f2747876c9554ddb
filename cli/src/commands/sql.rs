//! `lineward sql`: one query, a file or pipe of statements, or an interactive shell.
//!
//! What a query may say and what it answers is `lineward-sql`'s; this file reads input, writes results and keeps the
//! shell's history. The text of queries is never logged: it may hold names and values of people.

use super::cluster::{Elsewhere, site};
use anyhow::{Context as _, Result, bail};
use clap::Args;
use lineward_cluster::{Cluster, ClusterQueries};
use lineward_sql::render::Format;
use lineward_sql::{Error, LinewardSession, Statement, complexity, functions};
use rustyline::completion::{Completer, Pair};
use rustyline::error::ReadlineError;
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::history::FileHistory;
use rustyline::validate::{ValidationContext, ValidationResult, Validator};
use rustyline::{Config, Editor, Helper};
use std::collections::VecDeque;
use std::io::{self, BufWriter, IsTerminal as _, Read as _, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

/// Arguments of `lineward sql`.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Without a query: on a terminal a shell (`\\d` lists tables and views, `\\d NAME` describes one,
`\\df` lists functions, `\\q` leaves), from a pipe the statements and such commands on standard input.
Everything only reads; all statements of one run see one and the same state of the store.

`SET lineward.as_of = '2026-03-01'` moves views and functions to what was true then,
`SET lineward.recorded_as_of` to what was known then. `docs/generated/sql.md` lists all of them.

Examples:
  lineward sql \"SELECT model_name, status FROM models_trained_on('PHI')\"
  lineward sql --format csv --file queries.sql > answers.csv
  echo 'SELECT count(*) FROM events' | lineward sql

Exit codes: 0 done, 2 an error; what came before the statement that failed is written.")]
pub struct SqlArgs {
    /// The query, or several separated by `;`
    #[arg(value_name = "QUERY", conflicts_with = "file", allow_hyphen_values = true)]
    query: Option<String>,
    /// The store: a directory or an object-store URL
    #[arg(long, value_name = "URI", env = "LINEWARD_STORE", default_value = "./lineward-store")]
    store: String,
    /// How results are written: table, json, jsonl, csv or arrow [default: table on a terminal, else jsonl]
    #[arg(long, value_name = "FORMAT")]
    format: Option<Format>,
    /// File with the key of `fingerprint` and `redact`
    #[arg(long, value_name = "FILE")]
    fingerprint_key_file: Option<PathBuf>,
    /// Read the statements from a file
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// Memory the queries may use, as 512MB or 2GB [default: half of the machine's]
    #[arg(long, value_name = "SIZE", value_parser = super::scan::size)]
    memory_limit: Option<u64>,
    #[command(flatten)]
    elsewhere: Elsewhere,
}

/// Runs the command.
///
/// # Errors
///
/// A store that cannot be opened, statements that cannot be read, or the first statement that fails; what came before
/// it is written.
pub fn run(args: SqlArgs) -> Result<ExitCode> {
    // Long statements are planned by functions that call themselves, here and on the runtime's threads.
    complexity::on_large_stack(|| answer(args)).context("cannot start a thread")?
}

fn answer(args: SqlArgs) -> Result<ExitCode> {
    let runtime = complexity::runtime().map(super::Runtime::of).context("cannot start the runtime")?;
    let on_terminal = io::stdout().is_terminal();
    let format = args.format.unwrap_or(if on_terminal { Format::Table } else { Format::Jsonl });
    let text = match (args.query, &args.file) {
        (Some(query), _) => Some(query),
        (None, Some(file)) => {
            Some(std::fs::read_to_string(file).with_context(|| format!("cannot read `{}`", file.display()))?)
        }
        (None, None) if io::stdin().is_terminal() => None,
        (None, None) => {
            let mut text = String::new();
            io::stdin().read_to_string(&mut text).context("cannot read the statements on standard input")?;
            Some(text)
        }
    };
    let cluster = args.elsewhere.cluster()?;
    let opening = open(
        &args.store,
        args.memory_limit.and_then(|bytes| usize::try_from(bytes).ok()),
        args.fingerprint_key_file,
        cluster,
    );
    let done = match text {
        Some(text) => runtime.block_on(batch(opening, &text, format)),
        None => {
            let session = runtime.block_on(opening)?;
            Shell { runtime: &runtime, session, format, timing: false }.run()
        }
    };
    match done {
        Err(error) if error.downcast_ref::<Error>().is_some_and(Error::is_broken_pipe) => Ok(ExitCode::SUCCESS),
        Err(error) => Err(error),
        Ok(()) => Ok(ExitCode::SUCCESS),
    }
}

/// A session whose key is looked for when a function first needs it; its queries are computed by the cluster, if any.
async fn open(
    store: &str,
    memory_bytes: Option<usize>,
    key_file: Option<PathBuf>,
    cluster: Option<Cluster>,
) -> Result<LinewardSession> {
    let mut session = LinewardSession::open_within(store, memory_bytes).await?;
    let site = cluster.map(|cluster| Ok::<_, anyhow::Error>((cluster, site(key_file.clone())?))).transpose()?;
    session.set_fingerprint_key(move || {
        crate::fingerprint_key::existing(key_file.as_deref()).map_err(|e| format!("{e:#}"))
    });
    if let Some((cluster, site)) = site {
        let queries = ClusterQueries::new(cluster, site, session.fingerprint_key_id());
        session.compute_elsewhere(Arc::new(queries));
    }
    Ok(session)
}

async fn batch(opening: impl Future<Output = Result<LinewardSession>>, text: &str, format: Format) -> Result<()> {
    let steps = steps(text)?;
    if steps.is_empty() {
        bail!("there is no statement to run");
    }
    let mut session = None;
    let mut opening = Some(opening);
    for step in steps {
        let statements = match step {
            Step::Statements(statements) => statements,
            Step::Meta(Meta::Leave) => return Ok(()),
            // Each statement of a file can be timed by whoever runs it.
            Step::Meta(Meta::Timing | Meta::Unknown) => continue,
            Step::Meta(Meta::Tell(text)) => {
                writeln!(io::stdout(), "{text}").map_err(Error::from)?;
                continue;
            }
            Step::Meta(Meta::Query(query)) => LinewardSession::parse(&query)?,
        };
        if let Some(opening) = opening.take() {
            session = Some(opening.await?);
        }
        for statement in statements {
            if let Some(session) = &session {
                execute(session, statement, format).await?;
            }
        }
    }
    Ok(())
}

/// What a text of statements and commands says to do.
enum Step {
    Statements(VecDeque<Statement>),
    Meta(Meta),
}

/// The steps of a text. Commands have lines of their own between statements; all of it is read before any of it is done.
fn steps(text: &str) -> Result<Vec<Step>> {
    let mut steps = Vec::new();
    let mut pending = String::new();
    for line in text.split_inclusive('\n') {
        let is_between = end_of(&pending) != End::Open;
        match line.trim().strip_prefix('\\').filter(|_| is_between) {
            Some(command) => {
                let meta = Meta::of(command);
                if matches!(meta, Meta::Unknown) {
                    bail!("{NO_SUCH_COMMAND}");
                }
                steps.push(Step::Statements(LinewardSession::parse(&std::mem::take(&mut pending))?));
                steps.push(Step::Meta(meta));
            }
            None => pending.push_str(line),
        }
    }
    steps.push(Step::Statements(LinewardSession::parse(&pending)?));
    steps.retain(|step| !matches!(step, Step::Statements(statements) if statements.is_empty()));
    Ok(steps)
}

async fn execute(session: &LinewardSession, statement: Statement, format: Format) -> Result<u64, Error> {
    session.write(statement, format, BufWriter::new(io::stdout())).await
}

// The shell.

const HELP: &str = "\
statements end with `;` and may span lines
  \\d          tables and views
  \\d NAME     columns of a table, view or function
  \\df         functions
  \\timing     show how long statements take, or no longer
  \\q          leave
Ctrl-C stops a running query.";

const NO_SUCH_COMMAND: &str = "no such command; `\\?` lists them";

/// What a command that begins with `\` asks for.
enum Meta {
    Leave,
    Timing,
    Tell(String),
    Query(String),
    Unknown,
}

impl Meta {
    /// The command of a line, without the `\`.
    fn of(command: &str) -> Self {
        let command = command.trim().trim_end_matches(';').trim();
        let (name, argument) = command.split_once(char::is_whitespace).unwrap_or((command, ""));
        match (name, argument.trim()) {
            ("q", _) => Self::Leave,
            ("?", _) => Self::Tell(HELP.to_owned()),
            ("timing", _) => Self::Timing,
            ("df", _) => {
                let lines = functions::ALL.iter().map(|f| format!("{}\n    {}", f.signature(), f.summary));
                Self::Tell(lines.collect::<Vec<_>>().join("\n"))
            }
            ("d" | "dt", "") => Self::Query(LIST.to_owned()),
            ("d", name) => match functions::ALL.iter().find(|f| f.name.eq_ignore_ascii_case(name)) {
                Some(function) => Self::Tell(describe(function)),
                None => Self::Query(columns_query(name)),
            },
            _ => Self::Unknown,
        }
    }
}

struct Shell<'a> {
    runtime: &'a super::Runtime,
    session: LinewardSession,
    format: Format,
    timing: bool,
}

impl Shell<'_> {
    fn run(&mut self) -> Result<()> {
        let config = Config::builder().auto_add_history(true).max_history_size(10_000)?.build();
        let mut editor: Editor<Words, FileHistory> = Editor::with_config(config)?;
        editor.set_helper(Some(Words { names: self.runtime.block_on(self.session.words()) }));
        let history = history_path();
        if let Some(path) = &history {
            // There is none on the first start.
            _ = editor.load_history(path);
        }
        say(&format!("epoch {} of the store; `\\?` for help", self.session.snapshot().epoch()));
        loop {
            match editor.readline("lineward> ") {
                Ok(line) if line.trim().is_empty() => {}
                Ok(line) => {
                    if let Some(path) = &history {
                        save_history(&mut editor, path);
                    }
                    if !self.line(line.trim()) {
                        return Ok(());
                    }
                }
                Err(ReadlineError::Interrupted) => {}
                Err(ReadlineError::Eof) => return Ok(()),
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Does what a line says; false to leave.
    fn line(&mut self, line: &str) -> bool {
        if ["exit", "quit", "exit;", "quit;"].contains(&line) {
            return false;
        }
        if let Some(command) = line.strip_prefix('\\') {
            return self.command(command);
        }
        self.statements(line);
        true
    }

    fn command(&mut self, command: &str) -> bool {
        match Meta::of(command) {
            Meta::Leave => return false,
            Meta::Timing => {
                self.timing = !self.timing;
                say(if self.timing { "timing is on" } else { "timing is off" });
            }
            Meta::Tell(text) => say(&text),
            Meta::Query(query) => self.statements(&query),
            Meta::Unknown => say(NO_SUCH_COMMAND),
        }
        true
    }

    fn statements(&mut self, text: &str) {
        let start = Instant::now();
        match self.runtime.block_on(interruptible(&mut self.session, text, self.format)) {
            Err(error) if error.is_broken_pipe() => {}
            Err(error) => say(&format!("error: {error}")),
            Ok(()) if self.timing => say(&format!("{:.1} ms", start.elapsed().as_secs_f64() * 1000.0)),
            Ok(()) => {}
        }
    }
}

async fn interruptible(session: &mut LinewardSession, text: &str, format: Format) -> Result<(), Error> {
    let all = async {
        session.refresh().await?;
        for statement in LinewardSession::parse(text)? {
            execute(session, statement, format).await?;
        }
        Ok(())
    };
    tokio::select! {
        done = all => done,
        _ = tokio::signal::ctrl_c() => {
            say("stopped");
            Ok(())
        }
    }
}

/// Messages of the shell go to standard error, so that results alone are on standard output.
fn say(text: &str) {
    _ = writeln!(io::stderr(), "{text}");
}

const LIST: &str = "\
SELECT table_schema AS schema, table_name AS name, table_type AS type FROM information_schema.tables \
WHERE table_schema IN ('public', 'raw') ORDER BY schema, type DESC, name";

fn columns_query(name: &str) -> String {
    let (schema, table) = name.split_once('.').unwrap_or(("public", name));
    let quoted = |text: &str| text.to_lowercase().replace('\'', "''");
    format!(
        "SELECT column_name, data_type, is_nullable FROM information_schema.columns \
         WHERE table_schema = '{}' AND table_name = '{}' ORDER BY ordinal_position",
        quoted(schema),
        quoted(table)
    )
}

fn describe(function: &functions::Function) -> String {
    let columns = function.columns.iter().map(|(name, _, meaning)| format!("\n  {name:<22} {meaning}"));
    format!("{}\n{}{}", function.signature(), function.summary, columns.collect::<String>())
}

/// `$XDG_STATE_HOME/lineward/history`, or below `~/.local/state`.
fn history_path() -> Option<PathBuf> {
    let state = std::env::var_os("XDG_STATE_HOME").filter(|v| !v.is_empty()).map(PathBuf::from);
    let home = || std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".local/state"));
    Some(state.or_else(home)?.join("lineward").join("history"))
}

/// Saves after every line, so that a killed shell loses none. Only the user may read it.
fn save_history(editor: &mut Editor<Words, FileHistory>, path: &Path) {
    if let Some(folder) = path.parent() {
        _ = std::fs::create_dir_all(folder);
    }
    if editor.append_history(path).or_else(|_| editor.save_history(path)).is_ok() {
        restrict(path);
    }
}

#[cfg(unix)]
fn restrict(path: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    _ = std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600));
}

#[cfg(not(unix))]
fn restrict(_path: &Path) {}

const KEYWORDS: [&str; 44] = [
    "ALL",
    "AND",
    "AS",
    "ASC",
    "BETWEEN",
    "BY",
    "CASE",
    "COUNT",
    "CROSS",
    "DESC",
    "DESCRIBE",
    "DISTINCT",
    "ELSE",
    "END",
    "EXCEPT",
    "EXPLAIN",
    "FROM",
    "FULL",
    "GROUP",
    "HAVING",
    "ILIKE",
    "IN",
    "INNER",
    "INTERSECT",
    "IS",
    "JOIN",
    "LEFT",
    "LIKE",
    "LIMIT",
    "NOT",
    "NULL",
    "OFFSET",
    "ON",
    "OR",
    "ORDER",
    "OVER",
    "PARTITION",
    "SELECT",
    "SHOW",
    "TABLES",
    "THEN",
    "UNION",
    "WHEN",
    "WHERE",
];

/// What can be completed besides keywords: tables, columns, functions.
struct Words {
    names: Vec<String>,
}

impl Completer for Words {
    type Candidate = Pair;

    fn complete(&self, line: &str, at: usize, _: &rustyline::Context<'_>) -> rustyline::Result<(usize, Vec<Pair>)> {
        let head = &line[..at];
        let start = head
            .rfind(|c: char| !c.is_alphanumeric() && c != '_' && c != '.')
            .map_or(0, |i| i + head[i..].chars().next().map_or(1, char::len_utf8));
        Ok((start, self.candidates(&head[start..])))
    }
}

impl Words {
    fn candidates(&self, word: &str) -> Vec<Pair> {
        if word.is_empty() {
            return Vec::new();
        }
        let lower = word.to_lowercase();
        let small = word.chars().any(char::is_lowercase);
        let keywords = KEYWORDS.iter().map(|k| if small { k.to_lowercase() } else { (*k).to_owned() });
        let all = self.names.iter().cloned().chain(keywords);
        all.filter(|name| name.to_lowercase().starts_with(&lower))
            .map(|name| Pair { display: name.clone(), replacement: name })
            .collect()
    }
}

impl Validator for Words {
    fn validate(&self, context: &mut ValidationContext<'_>) -> rustyline::Result<ValidationResult> {
        Ok(if is_complete(context.input()) { ValidationResult::Valid(None) } else { ValidationResult::Incomplete })
    }
}

impl Hinter for Words {
    type Hint = String;
}

impl Highlighter for Words {}

impl Helper for Words {}

/// Whether an input can be run: a command of the shell, nothing, or statements up to a `;` that is not in quotes or
/// in a comment.
fn is_complete(text: &str) -> bool {
    let trimmed = text.trim();
    if trimmed.is_empty() || trimmed.starts_with('\\') || ["exit", "quit"].contains(&trimmed) {
        return true;
    }
    matches!(end_of(trimmed), End::Ended)
}

/// How a text of statements ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// It has no statement, but perhaps comments.
    Empty,
    /// Behind a `;` that is not in quotes or in a comment.
    Ended,
    /// In a statement.
    Open,
}

fn end_of(text: &str) -> End {
    let (mut quote, mut comment, mut end) = (None, false, End::Empty);
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match (quote, c) {
            _ if comment => comment = c != '\n',
            (Some(open), _) => quote = (c != open).then_some(open),
            (None, '\'' | '"') => (quote, end) = (Some(c), End::Open),
            (None, '-') if chars.peek() == Some(&'-') => comment = true,
            (None, ';') => end = End::Ended,
            (None, c) if c.is_whitespace() => {}
            (None, _) => end = End::Open,
        }
    }
    end
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn input_ends_with_its_semicolon() {
        for (text, expected) in [
            ("", true),
            ("\\d", true),
            ("quit", true),
            ("select 1", false),
            ("select 1;", true),
            ("select 1; ", true),
            ("select 1; select 2", false),
            ("select ';", false),
            ("select ';'", false),
            ("select 'it''s;';", true),
            ("select \";\";", true),
            ("select 1 -- not yet;", false),
            ("select 1; -- done", true),
            ("select 1 -- a\n;", true),
            ("select 3 - 2;", true),
        ] {
            assert_eq!(is_complete(text), expected, "{text}");
        }
    }

    #[test]
    fn words_complete_in_the_case_they_are_typed() {
        let words = Words { names: vec!["runs".into(), "raw.runs".into(), "upstream(".into()] };
        for (word, expected) in [
            ("ru", vec!["runs"]),
            ("raw.r", vec!["raw.runs"]),
            ("UPS", vec!["upstream("]),
            ("SEL", vec!["SELECT"]),
            ("sel", vec!["select"]),
            ("", vec![]),
        ] {
            let found: Vec<_> = words.candidates(word).into_iter().map(|p| p.replacement).collect();
            assert_eq!(found, expected, "{word}");
        }
    }

    #[test]
    fn names_in_commands_cannot_leave_their_quotes() {
        let query = columns_query("x' OR '1'='1");
        assert!(query.contains("table_name = 'x'' or ''1''=''1'"), "{query}");
        assert!(columns_query("raw.runs").contains("table_schema = 'raw' AND table_name = 'runs'"));
    }
}
