//! What scalar functions need beside their arguments: the graph, the classifiers' engine, the key of fingerprints.

use super::Given;
use crate::graphs::Graphs;
use crate::{Error, suggest};
use lineward_classifiers::{Engine, FingerprintKey, RuleSet};
use lineward_store::graph::View;
use std::sync::{Arc, OnceLock};

/// Where the key comes from; asked once.
pub(crate) type KeySource = Arc<dyn Fn() -> Result<FingerprintKey, String> + Send + Sync>;

/// Shared by all scalar functions of a session.
pub(crate) struct Support {
    /// None where functions are computed that need no graph.
    graphs: Option<Arc<Graphs>>,
    engine: OnceLock<Result<Engine, String>>,
    source: OnceLock<KeySource>,
    key: OnceLock<Result<FingerprintKey, String>>,
}

impl std::fmt::Debug for Support {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Support").finish_non_exhaustive()
    }
}

impl Support {
    pub fn new(graphs: Arc<Graphs>) -> Self {
        Self { graphs: Some(graphs), ..Self::without_graph() }
    }

    pub fn without_graph() -> Self {
        Self { graphs: None, engine: OnceLock::new(), source: OnceLock::new(), key: OnceLock::new() }
    }

    /// Where the key comes from; the first call counts.
    pub fn set_key_source(&self, source: KeySource) {
        _ = self.source.set(source);
    }

    /// Takes over the source of another session's key.
    pub fn take_key_of(&self, other: &Self) {
        if let Some(source) = other.source.get() {
            self.set_key_source(source.clone());
        }
    }

    /// The graph at the times of a session, where there is anything then.
    pub(super) fn view(&self, given: &Given) -> Result<Arc<View>, Error> {
        const NONE: &str = "the lineage graph is on the node that asks; functions over it are computed there";
        let graphs = self.graphs.as_ref().ok_or_else(|| Error::Argument(NONE.to_owned()))?;
        let view = graphs.view_blocking(given.as_of)?;
        if !given.hides_beginning {
            suggest::begun(view.graph(), given.as_of)?;
        }
        Ok(view)
    }

    /// The engine with the built-in rules, made when it is first needed.
    pub fn engine(&self) -> Result<&Engine, Error> {
        let make = || {
            let rules = RuleSet::built_in().map_err(|e| e.to_string())?;
            Engine::new(Arc::new(rules)).map_err(|e| e.to_string())
        };
        self.engine.get_or_init(make).as_ref().map_err(|e| Error::Argument(e.clone()))
    }

    /// The key, where the session has one.
    pub fn key(&self) -> Result<&FingerprintKey, Error> {
        const NONE: &str = "this session has no fingerprint key; give `--fingerprint-key-file` or set \
                            `LINEWARD_FINGERPRINT_KEY`";
        let ask = || self.source.get().map_or_else(|| Err(NONE.to_owned()), |source| source());
        self.key.get_or_init(ask).as_ref().map_err(|e| Error::Argument(e.clone()))
    }
}
