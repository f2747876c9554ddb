//! What a role takes away stays away, whichever way it is asked: other names, views, functions, subqueries, catalogues,
//! plans, errors. Everything of the namespace `s3://clinic` is hidden from `ann`, and must not show in any answer.

use super::Served;
use crate::Error;

const ROLES: &str = "
auth: {certificates: {ann: [analyst], root: [admin], eve: [reader], nil: [nothing]}}
roles:
  nothing: {}
  analyst:
    tables: [assets, datasets, runs, jobs, raw.events]
    deny_columns: {runs: [principal, facets], raw.events: [principal]}
    rows:
      assets: \"namespace NOT LIKE '%clinic'\"
      datasets: \"namespace NOT LIKE '%clinic'\"
      jobs: \"namespace = 'dbt'\"
";

/// What must not show.
const HIDDEN: &str = "clinic";

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_granted_is_denied_under_every_name() {
    let served = Served::start(ROLES).await;
    for sql in [
        "SELECT * FROM models",
        "SELECT * FROM current.assets",
        "SELECT * FROM lineward.current.assets",
        "SELECT * FROM \"current\".\"assets\"",
        "SELECT * FROM raw.assets",
        "SELECT * FROM graph.labels",
        "SELECT * FROM audit.queries",
        "WITH x AS (SELECT * FROM current.assets) SELECT * FROM x",
        "SELECT (SELECT max(name) FROM current.assets)",
        "SELECT 1 WHERE EXISTS (SELECT 1 FROM current.assets)",
        "SELECT 1 WHERE 'x' IN (SELECT name FROM current.assets)",
        "SELECT name FROM assets UNION ALL SELECT name FROM raw.assets",
        "SELECT a.name FROM assets a JOIN current.assets b ON a.asset_id = b.asset_id",
        "SELECT x.n FROM assets a, LATERAL (SELECT b.name AS n FROM current.assets b) AS x",
        "SELECT * FROM generate_series(1, (SELECT count(*) FROM current.assets))",
        "EXPLAIN SELECT * FROM current.assets",
        "EXPLAIN ANALYZE SELECT * FROM current.assets",
        "DESCRIBE current.assets",
        "SELECT * FROM upstream('x')",
        "SELECT * FROM models_trained_on('PHI')",
        "SELECT * FROM models_trained_on((SELECT 'PHI'))",
        "EXPLAIN SELECT * FROM models_trained_on('PHI')",
        "SELECT tags_of(1)",
        "SELECT reaches(1, 2)",
        "SELECT name FROM assets WHERE array_length(tags_of(asset_id)) > 0",
        "SELECT upstream_ids(asset_id) FROM assets",
        "SELECT fingerprint('x'), redact('x')",
    ] {
        for answer in [served.ask("ann", sql).await, served.ask_postgres("ann", sql).await] {
            let error = answer.expect_err(sql);
            assert!(matches!(error, Error::Denied(_)), "{sql}: [{}] {error}", error.sql_state());
            assert!(!error.to_string().contains(HIDDEN), "{error}");
        }
    }
    for sql in ["SELECT principal FROM runs", "SELECT r.facets FROM runs r", "SELECT runs.principal FROM runs"] {
        let error = served.ask("ann", sql).await.expect_err(sql);
        assert_eq!(error.sql_state(), "42703", "{sql}: {error}");
    }
    let made = served.ask("root", "SELECT fingerprint('US_SSN', '078-05-1120') AS f").await.expect("a fingerprint");
    assert!(!made.contains("078-05"), "{made}");
    // Whoever may ask sees that there is something to hide.
    for sql in
        ["SELECT * FROM current.assets", "SELECT * FROM upstream('model:mlflow/*')", "SELECT payload FROM raw.events"]
    {
        let shown = served.ask("root", sql).await;
        assert!(shown.as_ref().is_ok_and(|text| text.contains(HIDDEN)) || sql.contains("upstream"), "{sql}: {shown:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn hidden_rows_columns_and_content_show_nowhere() {
    let served = Served::start(ROLES).await;
    for sql in [
        "SELECT * FROM assets",
        "SELECT * FROM datasets",
        "SELECT * FROM runs",
        "SELECT * FROM jobs",
        "SELECT * FROM raw.events",
        "SELECT DISTINCT namespace FROM assets ORDER BY 1",
        "SELECT min(namespace), max(name), count(*) FROM assets",
        "SELECT * FROM assets WHERE namespace LIKE '%clinic' OR true",
        "SELECT * FROM (SELECT * FROM assets) AS a FULL JOIN datasets AS d ON a.name = d.name",
        "EXPLAIN SELECT * FROM assets",
        "EXPLAIN VERBOSE SELECT * FROM assets WHERE name > 'a'",
        "EXPLAIN ANALYZE SELECT count(*) FROM assets",
        "EXPLAIN ANALYZE VERBOSE SELECT * FROM datasets",
        "EXPLAIN FORMAT TREE SELECT * FROM assets",
        "SHOW ALL",
        "SHOW TABLES",
        "DESCRIBE assets",
        "SHOW CREATE TABLE datasets",
        "SELECT * FROM information_schema.tables",
        "SELECT * FROM information_schema.columns",
        "SELECT * FROM information_schema.views",
        "SELECT * FROM information_schema.schemata",
        "SELECT * FROM information_schema.df_settings",
        "SELECT * FROM information_schema.routines",
        "SELECT * FROM information_schema.parameters",
    ] {
        let shown = served.ask("ann", sql).await.unwrap_or_else(|e| panic!("{sql}: {e}"));
        assert!(!shown.contains(HIDDEN), "{sql}:\n{shown}");
    }
    let count = |text: String| text.lines().count();
    let (hidden, all) = ("SELECT asset_id FROM assets", "SELECT asset_id FROM assets");
    let (ann, root) = (served.ask("ann", hidden).await.expect("rows"), served.ask("root", all).await.expect("rows"));
    assert!(count(ann) < count(root));
    let denied =
        served.ask("ann", "SELECT column_name FROM information_schema.columns WHERE table_name = 'runs'").await;
    assert!(!denied.expect("columns").contains("principal"));
    let nothing =
        served.ask("nil", "SELECT * FROM information_schema.tables WHERE table_schema <> 'information_schema'");
    assert_eq!(nothing.await.expect("no rows").lines().filter(|line| line.contains("public")).count(), 0);
}

/// The catalogue of PostgreSQL is made for each principal, of what it may see.
#[tokio::test(flavor = "multi_thread")]
async fn the_catalogue_of_postgresql_holds_what_is_granted() {
    let served = Served::start(ROLES).await;
    let names = "SELECT relname FROM pg_catalog.pg_class";
    let (ann, root) = (served.ask_postgres("ann", names).await, served.ask_postgres("root", names).await);
    let (ann, root) = (ann.expect("rows"), root.expect("rows"));
    assert!(ann.contains("assets") && !ann.contains("findings_by_asset") && root.contains("findings_by_asset"));
    let columns = "SELECT attname FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_class c ON a.attrelid = c.oid
        WHERE relname = 'runs'";
    let (ann, root) = (served.ask_postgres("ann", columns).await, served.ask_postgres("root", columns).await);
    assert!(!ann.expect("rows").contains("principal") && root.expect("rows").contains("principal"));
    let functions =
        "SELECT proname, proretset FROM pg_catalog.pg_proc WHERE proname IN ('upstream', 'tags_of', 'redact')";
    assert!(!served.ask_postgres("ann", functions).await.expect("rows").contains("upstream"));
    let reader = served.ask_postgres("eve", functions).await.expect("rows");
    assert!(reader.contains("upstream") && reader.contains("tags_of") && !reader.contains("redact"), "{reader}");
    assert!(served.ask_postgres("root", functions).await.expect("rows").contains("redact"));
    let tables = "SELECT table_name FROM information_schema.tables WHERE table_schema = 'pg_catalog'";
    let tables = served.ask_postgres("ann", tables).await.expect("rows");
    let mut looked = 0;
    for name in tables.lines().filter_map(|line| line.trim_matches(['|', ' ']).split_whitespace().next()) {
        if name.starts_with("pg_") {
            let shown = served.ask_postgres("ann", &format!("SELECT * FROM pg_catalog.{name}")).await;
            assert!(!shown.is_ok_and(|text| text.contains(HIDDEN) || text.contains("findings_by_asset")), "{name}");
            looked += 1;
        }
    }
    assert!(looked > 20, "{tables}");
}

/// A filter that fails on a hidden row would tell that it is there.
#[tokio::test(flavor = "multi_thread")]
async fn errors_do_not_tell_of_hidden_rows() {
    let served = Served::start(ROLES).await;
    let trap = |table: &str| {
        format!("SELECT count(*) FROM {table} WHERE 1 / (CASE WHEN namespace LIKE '%clinic' THEN 0 ELSE 1 END) = 1")
    };
    for table in ["assets", "datasets", "(SELECT * FROM assets LIMIT 100)"] {
        served.ask("ann", &trap(table)).await.unwrap_or_else(|e| panic!("{table}: {e}"));
    }
    let error = served.ask("root", &trap("assets")).await.expect_err("divided");
    assert_eq!(error.sql_state(), "22012");
    let payload = "SELECT count(*) FROM raw.events WHERE CAST(payload AS VARCHAR) LIKE '%clinic%'";
    assert!(served.ask("ann", payload).await.expect("a count").contains("| 0 "));
    assert!(!served.ask("root", payload).await.expect("a count").contains("| 0 "));
}

/// A name that is nearly right is answered with names near it; not where those may be of rows that are kept back.
#[tokio::test(flavor = "multi_thread")]
async fn errors_do_not_tell_names_of_hidden_rows() {
    let roles = "
auth: {certificates: {ann: [some], root: [admin]}}
roles: {some: {functions: ['*'], rows: {upstream: \"namespace NOT LIKE '%clinic'\"}}}
";
    let served = Served::start(roles).await;
    let sql = "SELECT * FROM upstream('dataset:s3://clini/corpus/notes')";
    let told = served.ask("root", sql).await.expect_err("no such name");
    assert!(told.to_string().contains("s3://clinic/corpus"), "{told}");
    let error = served.ask("ann", sql).await.expect_err("no such name");
    assert_eq!(error.sql_state(), "42704");
    assert!(!error.to_string().contains(HIDDEN), "{error}");
}

/// Since when the store knows anything is not told to who sees a part: neither in words nor by which times are errors.
#[tokio::test(flavor = "multi_thread")]
async fn the_beginning_of_the_store_is_not_told_to_who_sees_a_part() {
    let roles = "
auth: {certificates: {ann: [some], root: [admin]}}
roles:
  some:
    tables: ['*']
    functions: ['*']
    rows: {exposure: \"namespace NOT LIKE '%clinic'\", upstream: \"namespace NOT LIKE '%clinic'\", lineage_diff: 'false'}
";
    let served = Served::start(roles).await;
    // The estate begins on 2026-01-10; what a role sees of it may begin later.
    let asked = |time: &str| {
        [
            format!("SELECT count(*) FROM exposure('PHI', '{time}')"),
            format!("SELECT count(*) FROM upstream('dataset:s3://clinic/corpus/notes', 1, '{time}')"),
            format!("SELECT count(*) FROM upstream('dataset:s3://clinic/corpus/notes', 1, '2030-01-01', '{time}')"),
            format!("SELECT count(*) FROM lineage_diff('dataset:s3://clinic/corpus/notes', '1999-01-01', '{time}')"),
        ]
    };
    for sql in asked("1999-01-02") {
        let told = served.ask("root", &sql).await.map_err(|e| e.to_string());
        assert!(told.as_ref().is_err_and(|e| e.contains(" yet")), "{sql}: {told:?}");
        let told = served.ask("ann", &sql).await.map_err(|e| e.to_string());
        let is_silent = told.as_ref().map_or_else(|e| !e.contains(" yet"), |text| text.contains("| 0 "));
        assert!(is_silent && !format!("{told:?}").contains("2026"), "{sql}: {told:?}");
    }
    let [mut ann, mut root] = ["ann", "root"].map(|name| served.client(name));
    for client in [&mut ann, &mut root] {
        client.settings = vec![("lineward.as_of", "1999-01-02".to_owned())];
    }
    for sql in [
        "SELECT count(*) FROM effective_tags",
        "SELECT count(*) FROM effective_field_tags",
        "SELECT count(*) FROM table_lineage",
        "SELECT tags_of(0) IS NULL",
    ] {
        let told = served.ask_as(&root, sql).await.map_err(|e| e.to_string());
        assert!(told.as_ref().is_err_and(|e| e.contains(" yet")), "{sql}: {told:?}");
        let told = served.ask_as(&ann, sql).await.unwrap_or_else(|e| panic!("{sql}: {e}"));
        assert!(!told.contains("2026"), "{sql}: {told}");
    }
    for time in ["1999-01-02", "2026-01-10T00:00:01Z"] {
        let exposure = served.ask("ann", &asked(time)[0]).await.expect("nothing is seen then");
        assert!(exposure.contains("| 0 "), "{time}: {exposure}");
    }
}

/// Nothing changes the store, in the session or beside it.
#[tokio::test(flavor = "multi_thread")]
async fn only_reading_is_planned() {
    let served = Served::start(ROLES).await;
    for (sql, state) in [
        ("DELETE FROM runs", "25006"),
        ("UPDATE runs SET state = 'x'", "25006"),
        ("INSERT INTO runs (run_id) VALUES ('x')", "25006"),
        ("CREATE TABLE t AS SELECT 1", "25006"),
        ("CREATE VIEW v AS SELECT * FROM current.assets", "25006"),
        ("CREATE EXTERNAL TABLE t STORED AS CSV LOCATION '/etc/passwd'", "25006"),
        ("DROP TABLE runs", "25006"),
        ("COPY (SELECT 1) TO '/tmp/x.csv'", "25006"),
        ("EXPLAIN DELETE FROM runs", "25006"),
        ("EXPLAIN ANALYZE INSERT INTO runs (run_id) VALUES ('x')", "25006"),
        ("PREPARE p AS SELECT 1", "25006"),
        ("SET datafusion.execution.batch_size = 1", "0A000"),
        ("SET lineward.as_of = '2026-01-01'", "0A000"),
        ("SELECT * FROM '/etc/passwd'", "42P01"),
    ] {
        let error = served.ask("root", sql).await.expect_err(sql);
        assert_eq!(error.sql_state(), state, "{sql}: {error}");
    }
    assert!(served.ask("root", "SELECT count(*) FROM runs").await.is_ok());
    let audit = served.audit();
    assert!(audit.contains("\"denied\"") && audit.contains("DELETE FROM runs") && !audit.contains("/etc/passwd"));
}

/// A time of one request holds for it alone, and for everything it asks.
#[tokio::test(flavor = "multi_thread")]
async fn times_hold_for_one_request() {
    let served = Served::start(ROLES).await;
    let mut past = served.client("root");
    past.settings = vec![("lineward.as_of", "2026-01-13T00:00:00Z".to_owned())];
    for sql in ["SELECT count(*) FROM models", "SELECT count(*) FROM runs", "SELECT count(*) FROM exposure('PHI')"] {
        let now = served.ask("root", sql).await.expect("a count");
        let then = served.ask_as(&past, sql).await.expect("a count");
        assert_ne!(now, then, "{sql}");
        assert_eq!(served.ask("root", sql).await.expect("a count"), now, "{sql}");
    }
    past.settings = vec![("lineward.as_of", "soon".to_owned())];
    let error = served.ask_as(&past, "SELECT 1").await.expect_err("no time");
    assert_eq!(error.sql_state(), "22023", "{error}");
}
