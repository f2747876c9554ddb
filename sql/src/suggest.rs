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
        let score = strsim::jaro_winkler(&wanted, &lower).max(strsim::jaro_winkler(&wanted, tail(&lower, segments)));
        if score > 0.6 {
            near.push((score, name));
        }
    }
    near.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
    near.dedup_by(|a, b| a.1 == b.1);
    near.into_iter().take(3).map(|(_, name)| name).collect()
}

/// The last segments of a path.
fn tail(path: &str, segments: usize) -> &str {
    path.rmatch_indices('/').nth(segments - 1).map_or(path, |(at, _)| &path[at + 1..])
}

fn quoted(names: impl IntoIterator<Item = String>) -> String {
    names.into_iter().map(|n| format!("`{n}`")).collect::<Vec<_>>().join(", ")
}
