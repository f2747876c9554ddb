//! Our scalar functions in plans that travel. With its name goes who wrote the plan, and with which key: an executor with
//! other rules or another key would give other answers, so it refuses.

use crate::error;
use crate::identity::Identity;
use crate::site::Site;
use datafusion::arrow::datatypes::DataType;
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature};
use lineward_sql::scalars;
use serde::{Deserialize, Serialize};
use std::hash::{Hash, Hasher};
use std::sync::Arc;

/// What travels with a function's name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Stamp {
    pub planned_by: Identity,
    /// Id of the key, where whoever asks has one.
    pub key: Option<String>,
}

/// Functions that use the key, where there is one.
pub(crate) const KEYED: [&str; 2] = ["redact", "fingerprint"];

/// A function that came with its stamp, and takes it along.
#[derive(Debug)]
pub(crate) struct Travelled {
    inner: Arc<ScalarUDF>,
    pub stamp: Stamp,
}

impl Travelled {
    /// A function for a scheduler, which passes it on.
    pub fn passing(name: &str, stamp: Stamp) -> Result<Arc<ScalarUDF>> {
        let functions = scalars::without_graph(|| Err("a scheduler computes nothing".to_owned()));
        Self::named(name, &functions, stamp)
    }

    /// A function for an executor, which computes it.
    pub fn computing(name: &str, stamp: Stamp, site: &Arc<Site>) -> Result<Arc<ScalarUDF>> {
        site.check(&stamp.planned_by)?;
        Self::named(name, &site.functions(stamp.key.as_deref())?, stamp)
    }

    fn named(name: &str, functions: &[Arc<ScalarUDF>], stamp: Stamp) -> Result<Arc<ScalarUDF>> {
        let inner = functions.iter().find(|function| function.name() == name).cloned();
        let inner = inner.ok_or_else(|| error::of_task(format!("`{name}` is computed where the graph is")))?;
        Ok(Arc::new(ScalarUDF::from(Self { inner, stamp })))
    }
}

impl PartialEq for Travelled {
    fn eq(&self, other: &Self) -> bool {
        self.inner.name() == other.inner.name() && self.stamp == other.stamp
    }
}

impl Eq for Travelled {}

impl Hash for Travelled {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.inner.name().hash(state);
    }
}

impl ScalarUDFImpl for Travelled {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn signature(&self) -> &Signature {
        self.inner.signature()
    }

    fn return_type(&self, given: &[DataType]) -> Result<DataType> {
        self.inner.inner().return_type(given)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        self.inner.invoke_with_args(args).map_err(|e| match e {
            DataFusionError::External(ours) => error::of_task(ours),
            other => other,
        })
    }
}
