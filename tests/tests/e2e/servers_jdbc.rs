//! `lineward serve`, asked by the JDBC drivers of PostgreSQL and of Arrow Flight SQL, which DBeaver, Metabase and the like
//! are built on.

use crate::servers::{Server, estate};
use lineward_tests::java;
use std::process::Command;

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
    let Some(libraries) = java::libraries("jdbc", POM) else { return };
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
