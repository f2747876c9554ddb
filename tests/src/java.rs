//! Libraries of Java programs that tests start, by Maven.

use crate::cache_dir;
use std::fs::{self, File};
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// The folder with all that a project depends on, fetched once under a name; `None`, with a printed reason, where there is
/// no Java to run it with.
///
/// # Panics
/// Where Maven does not bring it.
#[expect(clippy::print_stdout, reason = "a test says what it leaves out")]
pub fn libraries(name: &str, pom: &str) -> Option<PathBuf> {
    let runs = |program: &str, argument: &str| {
        let mut command = Command::new(program);
        command.arg(argument).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    };
    if !runs("javac", "-version") || !runs("mvn", "-version") {
        println!("skipped: `javac` and `mvn` are not here (apt-get install default-jdk-headless maven)");
        return None;
    }
    let home = cache_dir().expect("a cache").join(name);
    fs::create_dir_all(&home).expect("the cache");
    // Test runs that start at once wait for one download.
    let lock = File::create(home.join("lock")).expect("a lock");
    lock.lock().expect("locked");
    let (libraries, complete) = (home.join("libs"), home.join("complete"));
    if fs::read_to_string(&complete).unwrap_or_default() != pom {
        fs::write(home.join("pom.xml"), pom).expect("written");
        let to = format!("-DoutputDirectory={}", libraries.display());
        let copy = ["-B", "-q", "dependency:copy-dependencies", "-DincludeScope=runtime", &to];
        let output =
            Command::new("mvn").current_dir(&home).stdin(Stdio::null()).args(copy).output().expect("mvn starts");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
        fs::write(&complete, pom).expect("written");
    }
    Some(libraries)
}
