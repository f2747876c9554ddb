//! Apache Spark reads the store with Delta's own reader, and sees what `lineward sql` does.

use crate::lineward::Lineward;
use crate::readers::{TABLES, fill};
use lineward_tests::java;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::process::Command;

const POM: &str = r#"<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>lineward</groupId><artifactId>spark</artifactId><version>1</version>
  <dependencies>
    <dependency><groupId>org.apache.spark</groupId><artifactId>spark-sql_2.13</artifactId><version>4.0.1</version></dependency>
    <dependency><groupId>io.delta</groupId><artifactId>delta-spark_2.13</artifactId><version>4.0.0</version></dependency>
  </dependencies>
</project>
"#;

/// Packages of Java that Spark reaches into.
const OPENED: [&str; 12] = [
    "java.lang",
    "java.lang.invoke",
    "java.lang.reflect",
    "java.io",
    "java.net",
    "java.nio",
    "java.util",
    "java.util.concurrent",
    "java.util.concurrent.atomic",
    "sun.nio.ch",
    "sun.nio.cs",
    "sun.util.calendar",
];

/// What flowed into what, with the names of this schema's tables.
fn flows(schema: &str) -> String {
    format!(
        "SELECT DISTINCT concat(s.name, ' ', e.edge_type, ' ', d.name) AS v FROM {schema}edges AS e \
         JOIN {schema}asset_versions AS sv ON sv.version_id = e.src_version_id \
         JOIN {schema}assets AS s ON s.asset_id = sv.asset_id \
         JOIN {schema}asset_versions AS dv ON dv.version_id = e.dst_version_id \
         JOIN {schema}assets AS d ON d.asset_id = dv.asset_id ORDER BY v"
    )
}

#[test]
fn spark_reads_every_table() {
    let Some(libraries) = java::libraries("spark", POM) else { return };
    let lineward = Lineward::new();
    fill(&lineward);
    let mut spark = Command::new("java");
    spark.args(OPENED.map(|package| format!("--add-opens=java.base/{package}=ALL-UNNAMED")));
    spark.arg("-Xmx1g").arg("-cp").arg(libraries.join("*"));
    spark.arg(lineward_tests::folder().join("tests/e2e/Spark.java")).arg(lineward.store());
    spark.args(TABLES.map(|(table, column)| format!("{table}:{column}"))).env("FLOWS", flows(""));
    let said = lineward.run_command(&mut spark).ok().stdout;
    let lines = said.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let read: HashMap<String, Value> =
        lines.map(|line| (line["table"].as_str().unwrap_or_default().to_owned(), line)).collect();
    // All tables by one query each way: a process for each takes longer than Spark.
    let all =
        TABLES.map(|(table, column)| format!("SELECT '{table}' AS t, CAST({column} AS TEXT) AS v FROM raw.{table}"));
    let rows = lineward.sql(&format!("{} ORDER BY t, v", all.join(" UNION ALL ")));
    let columns = lineward.sql(
        "SELECT table_name AS t, column_name AS v FROM information_schema.columns WHERE table_schema = 'raw' \
         ORDER BY table_name, ordinal_position",
    );
    for (table, column) in TABLES {
        let of = |rows: &[Value]| rows.iter().filter(|row| row["t"] == table).cloned().collect::<Vec<_>>();
        let rows = of(&rows);
        assert!(!rows.is_empty(), "`{table}` is empty: nothing is compared");
        let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let mut found: Vec<String> = read[table]["values"].as_array().into_iter().flatten().map(text).collect();
        found.sort();
        assert_eq!(json!(found), values(&rows), "`{column}` of `{table}`");
        assert_eq!(read[table]["columns"], values(&of(&columns)), "columns of `{table}`");
    }
    // Values of other types than text: times, hashes, maps, lists; a version of the past; a question of several tables.
    let checks = &read["checks"];
    for (check, query) in [
        ("received_at_max_us", "SELECT CAST(max(received_at) AS BIGINT) AS v FROM raw.events"),
        ("event_keys", "SELECT encode(event_key, 'hex') AS v FROM raw.events ORDER BY v"),
        ("flows", flows("raw.").as_str()),
    ] {
        let rows = lineward.sql(query);
        assert!(!rows.is_empty(), "{check}: nothing is compared");
        assert_eq!(checks[check], values(&rows), "{check}");
    }
    assert_eq!(checks["parameters"], json!(["r1 3", "r2 3"]));
    let categories =
        lineward.sql("SELECT DISTINCT array_to_string(categories, ',') AS v FROM raw.findings WHERE entity = 'US_SSN'");
    assert_eq!(checks["categories"], values(&categories));
    // A table is made without rows.
    assert_eq!(checks["first_version"], json!([0]));
}

fn values(rows: &[Value]) -> Value {
    rows.iter().map(|row| row["v"].clone()).collect()
}
