//! Libraries of Java programs that tests start, by Maven.

use crate::cache;
use crate::kafka::{Result, check_status, fail, need, write};
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// The folder with all that a project depends on, fetched once under a name.
///
/// # Errors
/// Where there is no Maven, or it does not bring it.
pub fn fetch(name: &str, pom: &str) -> Result<PathBuf> {
    let home = cache::once(name, pom, |home| {
        need("mvn", "maven")?;
        write(&home.join("pom.xml"), pom)?;
        let output = Command::new("mvn")
            .current_dir(home)
            .stdin(Stdio::null())
            .args(["-B", "-q", "dependency:copy-dependencies", "-DincludeScope=runtime", "-DoutputDirectory=libs"])
            .output()
            .map_err(|e| fail("start mvn", e))?;
        // Maven writes its errors to standard output.
        check_status("mvn", output.status, &output.stdout)
    })?;
    Ok(home.join("libs"))
}

/// The same; `None`, with a printed reason, where there is no Java to run it with.
///
/// # Panics
/// Where Maven does not bring it.
#[expect(clippy::print_stdout, reason = "a test says what it leaves out")]
pub fn libraries(name: &str, pom: &str) -> Option<PathBuf> {
    for (program, package) in [("javac", "default-jdk-headless"), ("mvn", "maven")] {
        if let Err(missing) = need(program, package) {
            println!("skipped: {missing}");
            return None;
        }
    }
    Some(fetch(name, pom).expect("libraries"))
}
