//! Names near one that does not exist.

use crate::Error;
use lineward_store::graph::{LineageGraph, ResolveError, Version};

/// The versions a text names.
///
/// # Errors
///
/// [`Error::Name`] with the nearest names, the candidates, or the versions there are.
pub(crate) fn resolve(graph: &LineageGraph, text: &str, valid: Option<i64>) -> Result<Vec<Version>, Error> {
    graph.resolve(text, valid).map_err(|error| explain(graph, text, error))
}

/// Why a text names no versions, in words.
pub(crate) fn explain(graph: &LineageGraph, text: &str, error: ResolveError) -> Error {
    Error::Name(match error {
        ResolveError::Unknown => unknown("asset", text, graph.asset_names()),
        ResolveError::UnknownVersion { asset, versions } => {
            format!("no such version of `{asset}`: `{text}`; it has {}", quoted(versions))
        }
        ResolveError::NotYet { asset } => format!("`{asset}` has no version at that time yet"),
        ResolveError::Ambiguous(names) => {
            let more = names.len().saturating_sub(10);
            let listed = quoted(names.into_iter().take(10));
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            format!("`{text}` is ambiguous: {listed}{more}; write one of them, or a glob (`*`) for all")
        }
    })
}

/// `no KIND X; the nearest names are A, B, C`.
pub(crate) fn unknown(kind: &str, text: &str, names: impl Iterator<Item = String>) -> String {
    match nearest(text, names) {
        near if near.is_empty() => format!("no {kind} `{text}`; the store knows none of a similar name"),
        near => format!("no {kind} `{text}`; the nearest names are {}", quoted(near)),
    }
}

fn nearest(text: &str, names: impl Iterator<Item = String>) -> Vec<String> {
    let wanted = text.to_lowercase();
    let segments = wanted.matches('/').count() + 1;
    let mut near: Vec<(f64, String)> = Vec::new();
    for name in names {
        let lower = name.to_lowercase();
        let alike = strsim::jaro_winkler(&wanted, &lower).max(strsim::jaro_winkler(&wanted, tail(&lower, segments)));
        // A part that is there as it was written says more than any likeness of letters.
        let is_part = !bare(&wanted).is_empty() && bare(&lower).contains(bare(&wanted));
        let score = if is_part { 1.0 + alike } else { alike };
        if score > 0.6 {
            near.push((score, name));
        }
    }
    near.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
    near.dedup_by(|a, b| a.1 == b.1);
    near.into_iter().take(3).map(|(_, name)| name).collect()
}

/// A name without its type.
fn bare(name: &str) -> &str {
    name.split_once(':').filter(|(_, rest)| !rest.starts_with("//")).map_or(name, |(_, rest)| rest)
}

/// The last segments of a path.
fn tail(path: &str, segments: usize) -> &str {
    path.rmatch_indices('/').nth(segments - 1).map_or(path, |(at, _)| &path[at + 1..])
}

fn quoted(names: impl IntoIterator<Item = String>) -> String {
    names.into_iter().map(|n| format!("`{n}`")).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn names_that_hold_the_text_come_first() {
        let names = [
            "model:s3://ml/artifacts/code-assistant/output/model.tar.gz",
            "model:s3://ml/artifacts/notes-summarizer/output/model.tar.gz",
            "model:sagemaker://eu/model/notes-tagger",
            "dataset:s3://lake/notes",
        ];
        let near = |text: &str| nearest(text, names.iter().map(|n| (*n).to_owned()));
        assert_eq!(near("model:notes-summarizer")[0], names[1]);
        assert_eq!(near("Notes-Summarizer")[0], names[1]);
        assert_eq!(near("dataset:s3://lake/nots")[0], names[3]);
    }
}
