//! `lineward serve`, asked by the JDBC drivers of PostgreSQL and of Arrow Flight SQL, which DBeaver, Metabase and the like
//! are built on.

use crate::servers::{Server, estate};
use lineward_tests::cache_dir;
use std::fs::{self, File};
use std::path::PathBuf;
use std::process::{Command, Stdio};

const POM: &str = r#"<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>lineward</groupId><artifactId>jdbc</artifactId><version>1</version>
  <dependencies>
    <dependency><groupId>org.postgresql</groupId><artifactId>postgresql</artifactId><version>42.7.7</version></dependency>
    <dependency>
      <groupId>org.apache.arrow</groupId><artifactId>flight-sql-jdbc-driver</artifactId><version>18.3.0</version>
    </dependency>
  </dependencies>
</project>
"#;

#[test]
fn java_clients_get_the_same_answers() {
    let Some(libraries) = libraries() else { return };
    let lineward = estate();
    let models = lineward.sql("SELECT model_name FROM models_trained_on('PHI') ORDER BY 1");
    let models: Vec<&str> = models.iter().filter_map(|row| row["model_name"].as_str()).collect();
    assert!(!models.is_empty(), "nothing is compared");
    let server = Server::start(&lineward, &[]);
    let mut java = Command::new("java");
    java.arg("--add-opens=java.base/java.nio=ALL-UNNAMED").arg("-cp").arg(libraries.join("*"));
    java.arg(lineward_tests::folder().join("tests/e2e/Clients.java"));
    let outcome = lineward.run_command(java.args([&server.postgres, &server.flight])).ok();
    let said: Vec<&str> = outcome.stdout.lines().collect();
    for (driver, more) in [("postgres", POSTGRES.to_vec()), ("flight", Vec::new())] {
        let models = format!("models: {}", models.join(","));
        let all = ["schemas: true", "tables: true", "columns: true", "time: true", "missing: true", models.as_str()];
        for line in all.into_iter().chain(more) {
            let expected = format!("{driver} {line}");
            assert!(said.contains(&expected.as_str()), "no `{expected}` in\n{}\n{}", outcome.stdout, outcome.stderr);
        }
    }
}

/// What only PostgreSQL's driver is asked.
const POSTGRES: [&str; 7] = [
    "prepared: 52",
    "pieces: 10500",
    "keys: 0",
    "types: true",
    "privileges: true",
    "functions: [upstream]",
    "arguments: true",
];

/// The drivers, fetched once; `None` where there is no Java to run them with.
fn libraries() -> Option<PathBuf> {
    let runs = |program: &str, argument: &str| {
        let mut command = Command::new(program);
        command.arg(argument).stdout(Stdio::null()).stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    };
    if !runs("javac", "-version") || !runs("mvn", "-version") {
        println!("skipped: `javac` and `mvn` are not here (apt-get install default-jdk-headless maven)");
        return None;
    }
    let home = cache_dir().expect("a cache").join("jdbc");
    fs::create_dir_all(&home).expect("the cache");
    // Test runs that start at once wait for one download.
    let lock = File::create(home.join("lock")).expect("a lock");
    lock.lock().expect("locked");
    let (libraries, complete) = (home.join("libs"), home.join("complete"));
    if fs::read_to_string(&complete).unwrap_or_default() != POM {
        fs::write(home.join("pom.xml"), POM).expect("written");
        let to = format!("-DoutputDirectory={}", libraries.display());
        let copy = ["-B", "-q", "dependency:copy-dependencies", "-DincludeScope=runtime", &to];
        let output =
            Command::new("mvn").current_dir(&home).stdin(Stdio::null()).args(copy).output().expect("mvn starts");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
        fs::write(&complete, POM).expect("written");
    }
    Some(libraries)
}
