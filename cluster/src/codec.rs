//! How what is ours is written into plans: the node that reads parts, and our scalar functions. The rest is Ballista's.

use crate::functions::{KEYED, Stamp, Travelled};
use crate::parts::{PartsExec, Work};
use crate::site::Site;
use crate::{Error, error};
use ballista_core::serde::BallistaPhysicalExtensionCodec;
use datafusion::arrow::datatypes::{Schema, SchemaRef};
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::TaskContext;
use datafusion::logical_expr::ScalarUDF;
use datafusion::physical_plan::ExecutionPlan;
use datafusion_proto::physical_plan::{PhysicalExtensionCodec, PhysicalProtoConverterExtension};
use datafusion_proto::protobuf;
use lineward_sql::scalars;
use prost::Message as _;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// First bytes of a node of ours. No message of Ballista begins so: field 9 of wire type 4 does not exist.
const MARK: &[u8] = b"LW1:";

type KeyId = Arc<dyn Fn() -> Option<String> + Send + Sync>;

/// Writes and reads plans.
pub(crate) struct Codec {
    ballista: BallistaPhysicalExtensionCodec,
    role: Role,
    site: Arc<Site>,
}

/// What the process does with plans.
enum Role {
    /// Makes them; with the id of the session's key.
    Asks(KeyId),
    Passes,
    Computes,
}

impl std::fmt::Debug for Codec {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Codec").finish_non_exhaustive()
    }
}

impl Codec {
    /// Of a process that asks.
    pub fn asking(site: Arc<Site>, key: KeyId) -> Self {
        Self::new(Role::Asks(key), site)
    }

    /// Of a scheduler.
    pub fn passing(site: Arc<Site>) -> Self {
        Self::new(Role::Passes, site)
    }

    /// Of an executor.
    pub fn computing(site: Arc<Site>) -> Self {
        Self::new(Role::Computes, site)
    }

    fn new(role: Role, site: Arc<Site>) -> Self {
        Self { ballista: BallistaPhysicalExtensionCodec::default(), role, site }
    }

    /// The stamp of a function of ours; `None` for another.
    fn stamp(&self, function: &ScalarUDF) -> Result<Option<Stamp>> {
        if let Some(travelled) = function.inner().downcast_ref::<Travelled>() {
            return Ok(Some(travelled.stamp.clone()));
        }
        let name = function.name();
        if scalars::WITHOUT_GRAPH.contains(&name) {
            let key = match &self.role {
                Role::Asks(key) if KEYED.contains(&name) => key(),
                _ => None,
            };
            return Ok(Some(Stamp { planned_by: self.site.identity.clone(), key }));
        }
        match scalars::ALL.iter().any(|scalar| scalar.name == name) {
            true => Err(DataFusionError::NotImplemented(format!("`{name}` is computed where the graph is"))),
            false => Ok(None),
        }
    }
}

/// The node as it is written: its child is written by the engine.
#[derive(Serialize, Deserialize)]
struct Node {
    work: Work,
    schema: Vec<u8>,
}

fn damaged(e: impl std::fmt::Display) -> DataFusionError {
    error::of_task(format!("a plan cannot be read: {e}; run one version of Lineward everywhere"))
}

fn unwritten(e: impl std::fmt::Display) -> DataFusionError {
    Error::Failed(format!("a plan cannot be written: {e}")).into()
}

impl PhysicalExtensionCodec for Codec {
    fn try_decode(
        &self,
        bytes: &[u8],
        inputs: &[Arc<dyn ExecutionPlan>],
        context: &TaskContext,
        converter: &dyn PhysicalProtoConverterExtension,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let Some(ours) = bytes.strip_prefix(MARK) else {
            return self.ballista.try_decode(bytes, inputs, context, converter);
        };
        let Node { work, schema } = serde_json::from_slice(ours).map_err(damaged)?;
        let schema = protobuf::Schema::decode(schema.as_slice()).map_err(damaged)?;
        let schema: SchemaRef = Arc::new(Schema::try_from(&schema).map_err(damaged)?);
        let [parts] = inputs else { return Err(damaged("a node has lost its parts")) };
        Ok(Arc::new(PartsExec::over(parts.clone(), Arc::new(work), self.site.clone(), schema)))
    }

    fn try_encode(
        &self,
        node: Arc<dyn ExecutionPlan>,
        bytes: &mut Vec<u8>,
        converter: &dyn PhysicalProtoConverterExtension,
    ) -> Result<()> {
        let Some(parts) = node.downcast_ref::<PartsExec>() else {
            return self.ballista.try_encode(node, bytes, converter);
        };
        let schema = protobuf::Schema::try_from(node.schema()).map_err(unwritten)?.encode_to_vec();
        let node = Node { work: (*parts.work).clone(), schema };
        bytes.extend_from_slice(MARK);
        serde_json::to_writer(bytes, &node).map_err(unwritten)
    }

    fn try_decode_udf(&self, name: &str, bytes: &[u8]) -> Result<Arc<ScalarUDF>> {
        let stamp: Stamp = serde_json::from_slice(bytes).map_err(damaged)?;
        match self.role {
            Role::Asks(_) | Role::Passes => Travelled::passing(name, stamp),
            Role::Computes => Travelled::computing(name, stamp, &self.site),
        }
    }

    fn try_encode_udf(&self, function: &ScalarUDF, bytes: &mut Vec<u8>) -> Result<()> {
        match self.stamp(function)? {
            Some(stamp) => serde_json::to_writer(bytes, &stamp).map_err(unwritten),
            None => Ok(()),
        }
    }
}
