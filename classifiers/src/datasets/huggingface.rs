//! Hugging Face data-set folders: which configuration and split a data file belongs to.
//!
//! The `configs` of the README's front matter say so where there are any; else folders and file names do, by the
//! conventions of the hub (`data/train-00000-of-00002.parquet`, `en/test.jsonl`).

use crate::readers::{input_of, stream_of};
use crate::scan::ScanInput;
use serde_norway::Value;
use std::io::Read as _;
use std::path::Path;

/// Longest front matter that is read, in bytes.
const README_BYTES_MAX: u64 = 1 << 20;
/// Files by which a saved data set is known.
const MARKERS: [&str; 4] = ["dataset_dict.json", "dataset_info.json", "dataset_infos.json", "state.json"];
/// Keys of the front matter by which a data set is known: models and spaces have one as well.
const KEYS: [&str; 5] = ["configs", "dataset_info", "task_categories", "size_categories", "annotations_creators"];
/// Words for a split, and its name.
const SPLITS: [(&str, &str); 9] = [
    ("train", "train"),
    ("training", "train"),
    ("validation", "validation"),
    ("valid", "validation"),
    ("dev", "validation"),
    ("val", "validation"),
    ("test", "test"),
    ("testing", "test"),
    ("eval", "test"),
];

/// Names the data files of a data-set folder; those of any other folder stay without names.
pub(super) fn name(root: &Path, inputs: &mut [ScanInput]) {
    let at_root = |name: &str| inputs.iter().find(|i| i.path == root.join(name));
    let front = at_root("README.md").and_then(front_matter).unwrap_or(Value::Null);
    let is_card = KEYS.iter().any(|key| front.get(key).is_some());
    if !is_card && !MARKERS.iter().any(|name| at_root(name).is_some()) {
        return;
    }
    let rules = rules(&front);
    for input in inputs {
        let Some(name) = input.path.strip_prefix(root).ok().and_then(Path::to_str) else { continue };
        if !is_data(name) {
            continue;
        }
        let said = rules.iter().find(|rule| matches(&rule.pattern, name));
        (input.config, input.split) = match said {
            Some(rule) => (Some(rule.config.clone()), rule.split.clone().or_else(|| split_of(name))),
            None => (config_of(name), split_of(name)),
        };
    }
}

/// What the front matter says about files.
struct Rule {
    config: String,
    split: Option<String>,
    pattern: String,
}

fn front_matter(readme: &ScanInput) -> Option<Value> {
    let mut text = String::new();
    stream_of(input_of(readme).ok()?).take(README_BYTES_MAX).read_to_string(&mut text).ok()?;
    let body = text.trim_start_matches('\u{feff}').strip_prefix("---")?;
    serde_norway::from_str(&body[..body.find("\n---")?]).ok()
}

fn rules(front: &Value) -> Vec<Rule> {
    let mut rules = Vec::new();
    for config in front.get("configs").and_then(Value::as_sequence).into_iter().flatten() {
        let name = config.get("config_name").and_then(Value::as_str).unwrap_or("default");
        let Some(files) = config.get("data_files") else { continue };
        let entries: Vec<&Value> = files.as_sequence().map_or_else(|| vec![files], |list| list.iter().collect());
        for entry in entries {
            let split = entry.get("split").and_then(Value::as_str).map(str::to_owned);
            let path = entry.get("path").unwrap_or(entry);
            let paths: Vec<&Value> = path.as_sequence().map_or_else(|| vec![path], |list| list.iter().collect());
            for pattern in paths.into_iter().filter_map(Value::as_str) {
                let pattern = pattern.trim_start_matches("./").to_owned();
                rules.push(Rule { config: name.to_owned(), split: split.clone(), pattern });
            }
        }
    }
    rules
}

fn is_data(name: &str) -> bool {
    let file = name.rsplit('/').next().unwrap_or_default();
    let hidden = name.split('/').any(|part| part.starts_with('.'));
    !hidden && !MARKERS.contains(&file) && !file.eq_ignore_ascii_case("README.md")
}

/// The first folder, unless it is one of those that name no configuration.
fn config_of(name: &str) -> Option<String> {
    let (folder, _) = name.split_once('/')?;
    (folder != "data" && split_word(folder).is_none()).then(|| folder.to_owned())
}

/// The split that a part of the path names, the file's own name first.
fn split_of(name: &str) -> Option<String> {
    name.rsplit('/').find_map(split_word).map(str::to_owned)
}

fn split_word(part: &str) -> Option<&'static str> {
    let lower = part.to_ascii_lowercase();
    let words = lower.split(|c: char| !c.is_ascii_alphabetic());
    words.into_iter().find_map(|word| SPLITS.iter().find(|(known, _)| *known == word)).map(|(_, split)| *split)
}

/// Whether a path matches a pattern in which `*` stops at a slash and `**` does not.
fn matches(pattern: &str, path: &str) -> bool {
    if let Some(rest) = pattern.strip_prefix("**") {
        let rest = rest.trim_start_matches('/');
        return rest.is_empty()
            || matches(rest, path)
            || path.char_indices().any(|(i, c)| c == '/' && matches(rest, &path[i + 1..]));
    }
    let (Some(wanted), mut chars) = (pattern.chars().next(), path.chars()) else { return path.is_empty() };
    let rest = &pattern[wanted.len_utf8()..];
    match wanted {
        '*' => {
            let end = path.find('/').unwrap_or(path.len());
            path.char_indices()
                .map(|(i, _)| i)
                .chain([path.len()])
                .take_while(|i| *i <= end)
                .any(|i| matches(rest, &path[i..]))
        }
        '?' => chars.next().is_some_and(|c| c != '/') && matches(rest, chars.as_str()),
        _ => chars.next() == Some(wanted) && matches(rest, chars.as_str()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns() {
        for (pattern, path, expected) in [
            ("data/train-*", "data/train-00000-of-00001.parquet", true),
            ("data/*", "data/x/train.parquet", false),
            ("**/train*", "a/b/train.jsonl", true),
            ("**/train*", "train.jsonl", true),
            ("*.jsonl", "a/x.jsonl", false),
            ("x?.csv", "x1.csv", true),
            ("x?.csv", "x/.csv", false),
            ("data/**", "data/a/b.csv", true),
        ] {
            assert_eq!(matches(pattern, path), expected, "{pattern} {path}");
        }
    }

    #[test]
    fn splits_by_name() {
        for (name, config, split) in [
            ("data/train-00000-of-00001.parquet", None, Some("train")),
            ("en/validation.jsonl", Some("en"), Some("validation")),
            ("test/x.json", None, Some("test")),
            ("my_dev_set.csv", None, Some("validation")),
            ("latest.csv", None, None),
        ] {
            assert_eq!((config_of(name).as_deref(), split_of(name).as_deref()), (config, split), "{name}");
        }
    }
}
