//! Who a process is: its version and its built-in rules. Processes of one cluster agree on both, since a scan whose parts
//! were looked at by different rules would have a result that no rule set has.

use crate::Error;
use lineward_classifiers::RuleSet;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use tonic::metadata::{MetadataMap, MetadataValue};
use tonic::service::Interceptor;
use tonic::{Request, Status};

/// Headers of every call to a scheduler.
const VERSION: &str = "lineward-version";
const RULES: &str = "lineward-rules";
/// Header of calls that bring work.
const WORK: &str = "lineward-brings";

/// Version and built-in rules of a process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// Version of Lineward.
    pub version: String,
    /// Hash of the built-in rules.
    pub rules: String,
}

impl Identity {
    /// Of this process.
    ///
    /// # Errors
    /// [`Error::Classifiers`] where the built-in rules are broken, which their tests rule out.
    pub fn of_this_process() -> Result<Self, Error> {
        let rules = RuleSet::built_in()?.hash().to_owned();
        Ok(Self { version: env!("CARGO_PKG_VERSION").to_owned(), rules })
    }

    /// What keeps another process from working with this one, named by what it is.
    pub(crate) fn differs(&self, other: &Self, what: &str) -> Option<String> {
        if self.version != other.version {
            let (mine, theirs) = (&self.version, &other.version);
            return Some(format!(
                "{what} is of version {theirs} and this process of version {mine}; run one version everywhere"
            ));
        }
        (self.rules != other.rules).then(|| {
            let (mine, theirs) = (&self.rules, &other.rules);
            format!("{what} has the rule set {theirs} and this process {mine}; run one build everywhere")
        })
    }

    fn of(headers: &MetadataMap) -> Option<Self> {
        let text = |name| headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        Some(Self { version: text(VERSION)?, rules: text(RULES)? })
    }
}

/// Says in every call who calls.
#[derive(Debug, Clone)]
pub(crate) struct Says(pub Identity);

impl Interceptor for Says {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        for (name, text) in [(VERSION, &self.0.version), (RULES, &self.0.rules)] {
            let value = MetadataValue::try_from(text).map_err(|_| Status::internal("an identity is no header"))?;
            request.metadata_mut().insert(name, value);
        }
        Ok(request)
    }
}

/// Refuses calls of whoever is somebody else, and work where nobody is there to do it.
#[derive(Clone)]
pub(crate) struct Asks {
    pub identity: Identity,
    /// How many executors there are.
    pub executors: Arc<dyn Fn() -> usize + Send + Sync>,
}

impl Interceptor for Asks {
    fn call(&mut self, request: Request<()>) -> Result<Request<()>, Status> {
        let Some(caller) = Identity::of(request.metadata()) else {
            return Err(Status::failed_precondition("this scheduler works with Lineward only"));
        };
        if let Some(message) = caller.differs(&self.identity, "the scheduler") {
            return Err(Status::failed_precondition(message));
        }
        if request.metadata().contains_key(WORK) && (self.executors)() == 0 {
            let none = "no executor has joined the scheduler; start one with `lineward cluster executor`";
            return Err(Status::unavailable(none));
        }
        Ok(request)
    }
}

/// Marks a call as one that brings work.
pub(crate) fn brings_work(headers: &mut MetadataMap) {
    headers.insert(WORK, MetadataValue::from_static("work"));
}
