//! Turns the rule files into one JSON text without examples, which the program reads in a tenth of the time that YAML
//! takes, and analyses what each rule needs around its literals. It checks nothing: what is wrong with a rule is said by
//! the code that compiles it and by its tests.

#[allow(dead_code)]
#[path = "src/engine/codes.rs"]
mod codes;
#[allow(dead_code)]
#[path = "src/engine/need.rs"]
mod need;
#[allow(dead_code)]
#[path = "src/engine/shares.rs"]
mod shares;

use need::Need;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use std::path::Path;
use std::{env, fs};

/// The rule files, in the order of the rule set. One place to add a family.
const FILES: &[&str] = &[
    "credentials/clouds.yaml",
    "credentials/developer.yaml",
    "credentials/data.yaml",
    "credentials/payments.yaml",
    "credentials/communication.yaml",
    "credentials/work.yaml",
    "credentials/web_apis.yaml",
    "credentials/ai.yaml",
    "generic.yaml",
    "pii.yaml",
    "national.yaml",
    "phi.yaml",
    "financial.yaml",
    "names.yaml",
];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo::rerun-if-changed=rules");
    let mut families = Vec::new();
    for name in FILES {
        let text = fs::read_to_string(Path::new("rules").join(name))?;
        let mut rules: Vec<Map<String, Value>> =
            serde_norway::from_str(&text).map_err(|e| format!("rules/{name}: {e}"))?;
        for rule in &mut rules {
            for only_for_tests in ["match", "no_match", "refs", "hipaa"] {
                rule.remove(only_for_tests);
            }
        }
        let analysed: Vec<(Map<String, Value>, Need)> = rules
            .into_iter()
            .map(|rule| {
                let need = need_of(&rule);
                (rule, need)
            })
            .collect();
        families.push((*name, analysed));
    }
    let out = Path::new(&env::var("OUT_DIR")?).to_owned();
    let text = serde_json::to_string(&families)?;
    fs::write(out.join("rules.sha256"), Sha256::digest(&text))?;
    fs::write(out.join("rules.json"), text)?;
    assert_eq!(listed(Path::new("rules"))?, FILES.len(), "a file in rules/ is not in the list of build.rs");
    Ok(())
}

fn need_of(rule: &Map<String, Value>) -> Need {
    let strings = |key: &str| rule.get(key).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    let literals = strings("anchors").map(|l| (l, false)).chain(strings("keywords").map(|l| (l, true)));
    let need = rule
        .get("find")
        .and_then(Value::as_str)
        .map(|find| Need::of(&folded(rule, find), literals))
        .unwrap_or_default();
    let words: Vec<String> = strings("near").map(str::to_lowercase).collect();
    need.with_near(words.iter().map(String::as_str))
}

/// An expression as it is compiled.
fn folded(rule: &Map<String, Value>, find: &str) -> String {
    let caseless = rule.get("caseless").and_then(Value::as_bool).unwrap_or_default();
    if caseless { format!("(?i){find}") } else { find.to_owned() }
}

/// How many rule files there are in a folder and the folders in it.
fn listed(folder: &Path) -> std::io::Result<usize> {
    let mut count = 0;
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        count +=
            if path.is_dir() { listed(&path)? } else { usize::from(path.extension().is_some_and(|e| e == "yaml")) };
    }
    Ok(count)
}
