//! The process that computes a part of a plan: who it is, its key of fingerprints, and the engines it has made.

use crate::identity::Identity;
use crate::scan::RuleChoice;
use crate::{Error, error};
use datafusion::error::DataFusionError;
use lineward_classifiers::{Engine, FingerprintKey};
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
}

impl std::fmt::Debug for Site {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Site").field("identity", &self.identity).finish_non_exhaustive()
    }
}

impl Site {
    /// A process with this identity; its key is asked for when a plan first needs it.
    pub fn new(identity: Identity, key: impl Fn() -> Result<FingerprintKey, String> + Send + Sync + 'static) -> Self {
        Self { identity, source: Box::new(key), key: OnceLock::new(), engines: Mutex::default() }
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
