//! The `lineward` binary for tests: found next to the test, run in a home of its own, never for longer than a limit.
//!
//! Nothing of the user's environment reaches it: no store, no fingerprint key, no log level but those a test sets.

use serde_json::Value;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant, SystemTime};
use tempfile::TempDir;

/// The key of fingerprints in all tests.
pub const FINGERPRINT_KEY: &str = "6b65792d6f662d616c6c2d656e642d746f2d656e642d7465737473";

/// No command of a test takes longer, unless it hangs.
const LIMIT: Duration = Duration::from_secs(300);
const STEP: Duration = Duration::from_millis(10);

/// A user of `lineward`: an empty home, which is also the working directory, and a store in it.
pub struct Lineward {
    home: TempDir,
    calls: AtomicUsize,
}

/// What a command did.
#[derive(Debug)]
pub struct Outcome {
    /// Exit code; `None` where a signal ended it.
    pub code: Option<i32>,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
    /// How long it took.
    pub elapsed: Duration,
}

impl Lineward {
    /// A new home.
    pub fn new() -> Self {
        let home = tempfile::Builder::new().prefix("lineward-e2e-").tempdir().expect("a folder");
        fs::create_dir(home.path().join("logs")).expect("a folder");
        Self { home, calls: AtomicUsize::new(0) }
    }

    /// A path below the home.
    pub fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    /// The store.
    pub fn store(&self) -> PathBuf {
        self.path("store")
    }

    /// Writes a file below the home.
    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(&path, content).expect("written");
        path
    }

    /// The command, ready to start.
    pub fn command<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> Command {
        let mut command = Command::new(binary());
        command
            .args(arguments)
            .current_dir(self.home.path())
            .stdin(Stdio::null())
            .env_clear()
            .envs(["PATH", "TMPDIR"].iter().filter_map(|name| Some((*name, std::env::var_os(name)?))))
            .env("HOME", self.home.path())
            .env("LINEWARD_STORE", self.store())
            .env("LINEWARD_FINGERPRINT_KEY", FINGERPRINT_KEY);
        command
    }

    /// Starts the command; its output goes to `logs/NAME.out` and `logs/NAME.err` below the home.
    pub fn spawn(&self, command: &mut Command, name: &str) -> Child {
        let file = |end| File::create(self.path(&format!("logs/{name}.{end}"))).expect("a log");
        command.stdout(file("out")).stderr(file("err")).spawn().expect("the binary starts")
    }

    /// Runs a command to its end. Fails the test when it takes too long.
    pub fn run_command(&self, command: &mut Command) -> Outcome {
        let name = format!("{:03}", self.calls.fetch_add(1, Ordering::Relaxed));
        let begin = Instant::now();
        let mut child = self.spawn(command, &name);
        let status = loop {
            if let Some(status) = child.try_wait().expect("a status") {
                break status;
            }
            if begin.elapsed() > LIMIT {
                let _ = child.kill();
                let _ = child.wait();
                panic!("{command:?} did not end within {LIMIT:?}; it said:\n{}", self.log(&name, "err"));
            }
            thread::sleep(STEP);
        };
        let (stdout, stderr) = (self.log(&name, "out"), self.log(&name, "err"));
        Outcome { code: status.code(), stdout, stderr, elapsed: begin.elapsed() }
    }

    /// Runs `lineward` with arguments to its end.
    pub fn run<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> Outcome {
        self.run_command(&mut self.command(arguments))
    }

    /// The rows of a query, as objects.
    pub fn sql(&self, query: &str) -> Vec<Value> {
        let outcome = self.run(["sql", "--format", "jsonl", query]).ok();
        outcome.stdout.lines().map(|line| serde_json::from_str(line).expect("a JSON line")).collect()
    }

    /// The only value of a query that answers with one number.
    pub fn count(&self, query: &str) -> i64 {
        let rows = self.sql(query);
        let value = rows.first().and_then(|row| row.as_object()?.values().next()?.as_i64());
        value.unwrap_or_else(|| panic!("`{query}` gives no number"))
    }

    /// What a started command wrote, `end` being `out` or `err`.
    pub fn log(&self, name: &str, end: &str) -> String {
        String::from_utf8_lossy(&fs::read(self.path(&format!("logs/{name}.{end}"))).unwrap_or_default()).into_owned()
    }
}

impl Outcome {
    /// The outcome of a command that must have succeeded.
    pub fn ok(self) -> Self {
        self.exits(0)
    }

    /// The outcome of a command that must have ended with this code.
    pub fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "standard error:\n{}\nstandard output:\n{}", self.stderr, self.stdout);
        self
    }
}

/// The folder of data that tests may read but that is no part of the project, where it is there.
pub fn shared_data() -> Option<PathBuf> {
    let path = lineward_tests::folder().join("../../shared/data");
    if !path.is_dir() {
        println!("skipped in part: there is no `{}`", path.display());
        return None;
    }
    Some(path)
}

fn binary() -> PathBuf {
    beside("lineward")
}

/// A program in `target/<profile>`, of the test in `target/<profile>/deps`.
pub fn beside(name: &str) -> PathBuf {
    let test = std::env::current_exe().expect("the test has a path");
    let folder = test.parent().and_then(Path::parent).expect("the test lies in a target folder");
    let binary = folder.join(format!("{name}{}", std::env::consts::EXE_SUFFIX));
    assert!(binary.is_file(), "there is no `{}`; run `cargo build --workspace` first", binary.display());
    warn_if_stale(&binary);
    binary
}

/// Cargo does not build the binary for this test, so it may be older than its sources.
fn warn_if_stale(binary: &Path) {
    let changed = |path: &Path| fs::metadata(path).and_then(|m| m.modified()).unwrap_or(SystemTime::UNIX_EPOCH);
    let built = changed(binary);
    let sources = fs::read_to_string(binary.with_extension("d")).unwrap_or_default();
    if let Some(newer) = sources.split_whitespace().skip(1).find(|source| changed(Path::new(source)) > built) {
        println!("`{}` is older than `{newer}`; run `cargo build --workspace` first", binary.display());
    }
}
