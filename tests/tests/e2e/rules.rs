//! The rules of the house that Cargo's own description of it can prove: which crate may use which, and one version of
//! the engine.

use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Crates of the workspace and those of it they may use, by folder. A crate that is not here has no place yet.
const MAY_USE: [(&str, &[&str]); 10] = [
    ("events", &[]),
    ("connectors", &["events"]),
    ("classifiers", &["events"]),
    ("store", &["events"]),
    ("sql", &["events", "classifiers", "store"]),
    ("pipelines", &["events", "connectors", "classifiers", "store", "sql"]),
    ("cluster", &["events", "connectors", "classifiers", "store", "sql", "pipelines"]),
    ("server", &["events", "connectors", "classifiers", "store", "sql", "pipelines"]),
    ("cli", &["events", "connectors", "classifiers", "store", "sql", "pipelines", "cluster", "server"]),
    // Tests go through the binary, so that they see what users see.
    ("tests", &[]),
];

/// Libraries that are one crate's business, and whose.
const RESERVED: [(&str, &[&str]); 5] = [
    ("rdkafka", &["connectors", "tests"]),
    ("deltalake", &["store", "sql"]),
    ("datafusion", &["sql", "cluster", "server"]),
    ("ballista-scheduler", &["cluster"]),
    ("ballista-executor", &["cluster"]),
];

/// Libraries of which two versions would be two sets of types.
const ONE_VERSION: [&str; 10] = [
    "arrow",
    "arrow-array",
    "arrow-schema",
    "ballista-core",
    "datafusion",
    "datafusion-proto",
    "deltalake-core",
    "parquet",
    "pgwire",
    "serde_json",
];

#[test]
fn crates_use_only_what_they_may() {
    let uses = dependencies();
    let folders: BTreeSet<&str> = uses.keys().map(String::as_str).collect();
    assert_eq!(folders, MAY_USE.iter().map(|(folder, _)| *folder).collect());
    let ours = |name: &str| name.strip_prefix("lineward-").map(str::to_owned);
    for (folder, allowed) in MAY_USE {
        let used: Vec<String> = uses[folder].iter().filter_map(|name| ours(name)).collect();
        for other in &used {
            assert!(allowed.contains(&other.as_str()), "`{folder}` may not use `{other}`");
        }
    }
}

#[test]
fn engines_have_one_user_each() {
    let uses = dependencies();
    for (library, users) in RESERVED {
        for (folder, used) in &uses {
            let may = users.contains(&folder.as_str());
            assert!(may || !used.contains(library), "`{folder}` may not use `{library}`; only {users:?} may");
        }
        assert!(users.iter().any(|user| uses[*user].contains(library)), "nobody uses `{library}`");
    }
}

#[test]
fn there_is_one_version_of_the_engine() {
    let lock = std::fs::read_to_string(root().join("Cargo.lock")).expect("the lock file");
    for library in ONE_VERSION {
        let entry = format!("name = \"{library}\"");
        let count = lock.lines().filter(|line| *line == entry).count();
        assert_eq!(count, 1, "versions of `{library}` in Cargo.lock; `cargo tree -i {library}` shows who wants which");
    }
}

#[test]
fn objects_keep_their_keys_in_order() {
    // Canonical JSON, and so the identity of every event, rests on it: `preserve_order` of serde_json stays off.
    let value: Value = serde_json::from_str(r#"{"b":1,"a":{"d":2,"c":3}}"#).expect("JSON");
    assert_eq!(value.to_string(), r#"{"a":{"c":3,"d":2},"b":1}"#);
}

#[test]
fn every_path_of_the_architecture_page_exists() {
    let page = std::fs::read_to_string(root().join("ARCHITECTURE.md")).expect("ARCHITECTURE.md");
    // Every second piece between fences is outside code blocks, every second one between backticks is code.
    let prose: String = page.split("```").step_by(2).collect();
    let is_path =
        |token: &&str| token.contains('/') && token.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-./".contains(&b));
    let missing: Vec<&str> =
        prose.split('`').skip(1).step_by(2).filter(is_path).filter(|path| !root().join(path).exists()).collect();
    assert!(missing.is_empty(), "ARCHITECTURE.md names what is not there: {missing:?}");
}

/// Checkouts share a cache of what is compiled: a path that the compiler was told is that of whichever was first.
#[test]
fn no_source_knows_where_it_was_compiled() {
    let told = concat!("env!(\"CARGO_", "MANIFEST_DIR\")");
    let mut folders: Vec<PathBuf> = MAY_USE.iter().map(|(folder, _)| root().join(folder)).collect();
    let (mut seen, mut knowing) = (0, Vec::new());
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("a folder").flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                seen += 1;
                let text = std::fs::read_to_string(&path).expect("a source");
                knowing.extend(text.contains(told).then_some(path));
            }
        }
    }
    assert!(seen > 100, "{seen} sources");
    assert!(knowing.is_empty(), "{knowing:?}");
}

/// What each crate of the workspace depends on, by folder. Dependencies of tests alone are not counted: they are not
/// in the product.
fn dependencies() -> BTreeMap<String, BTreeSet<String>> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["metadata", "--format-version", "1", "--no-deps", "--offline"])
        .current_dir(root())
        .output()
        .expect("cargo starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    let packages = metadata["packages"].as_array().expect("packages");
    packages
        .iter()
        .map(|package| {
            let manifest = PathBuf::from(text(&package["manifest_path"]));
            let folder = manifest.parent().and_then(Path::file_name).expect("a folder").to_string_lossy().into_owned();
            assert_eq!(text(&package["name"]), format!("lineward-{folder}"), "a crate is named after its folder");
            let all = package["dependencies"].as_array().expect("dependencies");
            let product = all.iter().filter(|d| d["kind"].as_str() != Some("dev"));
            (folder, product.map(|d| text(&d["name"])).collect())
        })
        .collect()
}

fn root() -> PathBuf {
    lineward_tests::folder().join("..")
}
