//! The process that computes a part of a plan: who it is, its key of fingerprints, and the engines it has made.

use crate::identity::Identity;
use crate::scan::RuleChoice;
use crate::{Error, error};
use datafusion::error::DataFusionError;
use datafusion::logical_expr::ScalarUDF;
use lineward_classifiers::{Engine, FingerprintKey};
use lineward_sql::scalars;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// Engines that are kept: one for each choice of rules, the newest.
const ENGINES_MAX: usize = 4;

type KeySource = dyn Fn() -> Result<FingerprintKey, String> + Send + Sync;
type Engines = Vec<(RuleChoice, Arc<Engine>)>;

/// A process that computes.
pub struct Site {
    /// Who it is.
    pub(crate) identity: Identity,
    source: Box<KeySource>,
    key: OnceLock<Result<FingerprintKey, String>>,
    engines: Mutex<Engines>,
    /// Our scalar functions, with the key and without: they share an engine, which takes a while to make.
    functions: [OnceLock<Vec<Arc<ScalarUDF>>>; 2],
}

impl std::fmt::Debug for Site {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Site").field("identity", &self.identity).finish_non_exhaustive()
    }
}

impl Site {
    /// A process with this identity; its key is asked for when a plan first needs it.
    pub fn new(identity: Identity, key: impl Fn() -> Result<FingerprintKey, String> + Send + Sync + 'static) -> Self {
        let engines = Mutex::default();
        Self { identity, source: Box::new(key), key: OnceLock::new(), engines, functions: Default::default() }
    }

    /// The key of fingerprints.
    pub(crate) fn key(&self) -> Result<&FingerprintKey, String> {
        self.key.get_or_init(|| (self.source)()).as_ref().map_err(Clone::clone)
    }

    /// The key, where it is the one that a plan was made with.
    pub(crate) fn key_of(&self, id: &str) -> Result<&FingerprintKey, DataFusionError> {
        const DO: &str = "start every executor with the key of the one who asks: `--fingerprint-key-file` or \
                          `LINEWARD_FINGERPRINT_KEY`";
        match self.key() {
            Ok(key) if key.id() == id => Ok(key),
            Ok(key) => {
                let own = key.id();
                Err(error::of_task(format!("an executor has the fingerprint key {own} and not {id}; {DO}")))
            }
            Err(_) => Err(error::of_task(format!("an executor has no fingerprint key, and {id} is needed; {DO}"))),
        }
    }

    /// Refuses a plan that was made by another version, or with other rules.
    pub(crate) fn check(&self, planned: &Identity) -> Result<(), DataFusionError> {
        let message = planned.differs(&self.identity, "an executor");
        message.map_or(Ok(()), |message| Err(error::of_task(message)))
    }

    /// Our scalar functions, with the key of this id. Whoever asks without one gets what it would get alone, whatever key
    /// is here.
    pub(crate) fn functions(&self, key: Option<&str>) -> Result<Vec<Arc<ScalarUDF>>, DataFusionError> {
        const NONE: &str = "this session has no fingerprint key; give `--fingerprint-key-file` or set \
                            `LINEWARD_FINGERPRINT_KEY`";
        let [without, with] = &self.functions;
        let functions = match key {
            None => without.get_or_init(|| scalars::without_graph(|| Err(NONE.to_owned()))),
            Some(id) => {
                let key = self.key_of(id)?.clone();
                with.get_or_init(|| scalars::without_graph(move || Ok(key.clone())))
            }
        };
        Ok(functions.clone())
    }

    /// An engine with these rules.
    pub(crate) fn engine(&self, rules: &RuleChoice) -> Result<Arc<Engine>, Error> {
        let mut engines = self.engines.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(at) = engines.iter().position(|(choice, _)| choice == rules) {
            let found = engines.remove(at);
            let engine = found.1.clone();
            engines.insert(0, found);
            return Ok(engine);
        }
        let engine = Arc::new(Engine::new(Arc::new(rules.rules()?))?);
        engines.insert(0, (rules.clone(), engine.clone()));
        engines.truncate(ENGINES_MAX);
        Ok(engine)
    }
}
