//! Names near one that does not exist.

use crate::Error;
use crate::graphs::Graphs;
use crate::options::LinewardOptions;
use crate::time;
use datafusion::common::config::ConfigOptions;
use datafusion::error::DataFusionError;
use datafusion::execution::session_state::SessionState;
use lineward_store::graph::{AsOf, LineageGraph, ResolveError, Version};

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

/// Refuses a question about a time before the store begins: an empty answer would mean that there was nothing.
///
/// # Errors
///
/// [`Error::Name`] with the time from which on there is something.
pub(crate) fn begun(graph: &LineageGraph, as_of: AsOf) -> Result<(), Error> {
    if let (Some(at), 0) = (as_of.recorded, graph.version_count()) {
        return Err(Error::Name(format!(
            "nothing was known at {} yet; ask as of a later `recorded_as_of`",
            time::text(at)
        )));
    }
    match (as_of.valid, graph.begins()) {
        (Some(at), Some(first)) if at < first => Err(Error::Name(format!(
            "nothing is known of {} yet; what the store knows begins at {}",
            time::text(at),
            time::text(first)
        ))),
        _ => Ok(()),
    }
}

/// The same for what a session's times are the only ones of, where it may be told.
///
/// # Errors
///
/// As [`begun`], and those of reading the graph.
pub(crate) async fn begun_for(graphs: &Graphs, config: &ConfigOptions) -> Result<(), Error> {
    let as_of = LinewardOptions::as_of(config);
    if as_of == AsOf::default() || LinewardOptions::hides_beginning(config) {
        return Ok(());
    }
    begun(graphs.view(as_of).await?.graph(), as_of)
}

/// An error of the planner with the nearest names, where it is about a table or function that there is not. What a session
/// may not see is no name of it.
pub(crate) fn planned(state: &SessionState, error: DataFusionError) -> DataFusionError {
    let DataFusionError::Plan(text) = error.find_root() else { return error };
    let text = text.lines().next().unwrap_or_default();
    let named = |before: &str, after: &str| text.strip_prefix(before)?.strip_suffix(after).map(str::to_owned);
    let help = if let Some(function) = named("table function '", "' not found") {
        match state.scalar_functions().contains_key(&function) {
            true => Some(format!("it is a function of rows: write `SELECT {function}(...)`")),
            false => near(&function, state.table_functions().keys().cloned()),
        }
    } else if let Some(table) = named("table '", "' not found") {
        let catalog = state.config_options().catalog.default_catalog.clone();
        let table = table.strip_prefix(&format!("{catalog}.")).unwrap_or(&table).to_owned();
        near(table.strip_prefix("public.").unwrap_or(&table), tables(state, &catalog))
    } else if let Some(function) = named("Invalid function '", "'.") {
        let scalars = state.scalar_functions().keys().chain(state.aggregate_functions().keys());
        match state.table_functions().contains_key(&function) {
            true => Some(format!("it is a function of tables: write `SELECT * FROM {function}(...)`")),
            false => near(&function, scalars.chain(state.table_functions().keys()).cloned()),
        }
    } else {
        None
    };
    match help {
        Some(help) => DataFusionError::Plan(format!("{}; {help}", text.trim_end_matches('.'))),
        None => error,
    }
}

fn near(name: &str, names: impl Iterator<Item = String>) -> Option<String> {
    // Names of the engine are many, and some of them are a little like anything.
    let most = 2.max(name.len() / 3);
    let near = nearest(name, names.filter(|other| strsim::damerau_levenshtein(name, other) <= most));
    (!near.is_empty()).then(|| said(near))
}

/// Names of tables as they are written: those of `public` bare, others behind their schema.
fn tables(state: &SessionState, catalog: &str) -> impl Iterator<Item = String> {
    let catalog = state.catalog_list().catalog(catalog);
    let schemas = catalog.iter().flat_map(|catalog| catalog.schema_names());
    let named = |schema: String| {
        let tables = catalog.as_ref().and_then(|catalog| catalog.schema(&schema)).map(|schema| schema.table_names());
        let name = move |table| if schema == "public" { table } else { format!("{schema}.{table}") };
        tables.unwrap_or_default().into_iter().map(name)
    };
    schemas.flat_map(named).collect::<Vec<_>>().into_iter()
}

/// `no KIND X; the nearest names are A, B, C`.
pub(crate) fn unknown(kind: &str, text: &str, names: impl Iterator<Item = String>) -> String {
    match nearest(text, names) {
        near if near.is_empty() => format!("no {kind} `{text}`; the store knows none of a similar name"),
        near => format!("no {kind} `{text}`; {}", said(near)),
    }
}

/// The nearest names in words.
fn said(near: Vec<String>) -> String {
    let are = if near.len() == 1 { "name is" } else { "names are" };
    format!("the nearest {are} {}", quoted(near))
}

/// The names that are most like one that does not exist, three at most, the nearest first.
pub fn nearest(text: &str, names: impl Iterator<Item = String>) -> Vec<String> {
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
