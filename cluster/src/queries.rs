//! Queries on a cluster. A session plans them as ever; what reads tables of the store travels, and what needs the lineage
//! graph stays here, since only this node has it.
//!
//! Table functions and tables over the graph are computed here and travel as rows. A scalar function over the graph asks
//! it for each row, so what is below such a step is computed on the cluster and the step itself here. A query that reads
//! no table, EXPLAIN, and what asks about the session do not travel.

use crate::client::Cluster;
use crate::codec::Codec;
use crate::parts::PartsExec;
use crate::site::Site;
use crate::tables::TravellingTable;
use async_trait::async_trait;
use ballista_core::extension::SessionConfigExt as _;
use datafusion::arrow::array::RecordBatch;
use datafusion::catalog::Session;
use datafusion::common::tree_node::{Transformed, TreeNode as _, TreeNodeRecursion};
use datafusion::common::{DFSchemaRef, Statistics};
use datafusion::datasource::memory::MemorySourceConfig;
use datafusion::datasource::source::DataSourceExec;
use datafusion::datasource::{provider_as_source, source_as_provider};
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::context::QueryPlanner;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::physical_planning_context::PhysicalPlanningContext;
use datafusion::logical_expr::{Expr, Extension, LogicalPlan, TableScan, UserDefinedLogicalNode};
use datafusion::physical_expr::{EquivalenceProperties, Partitioning, PhysicalExpr};
use datafusion::physical_plan::empty::EmptyExec;
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType, ReplaceChildrenOptions};
use datafusion::physical_plan::placeholder_row::PlaceholderRowExec;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, ExecutionPlanProperties as _, PlanProperties, collect_partitioned,
    execute_stream, replace_children_if_necessary,
};
use datafusion::physical_planner::{DefaultPhysicalPlanner, ExtensionPlanner, PhysicalPlanner};
use datafusion::prelude::SessionConfig;
use futures::future::BoxFuture;
use futures::{FutureExt as _, StreamExt as _, TryStreamExt as _, stream};
use lineward_sql::{Elsewhere, scalars};
use std::any::Any;
use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering as Atomic};

/// Partitions of what is joined, grouped and sorted. More than threads are of use on one machine, fewer than on many.
const PARTITIONS: usize = 8;
/// Bytes of a part of a table, about; a file is never cut.
const PART_BYTES: u64 = 32 << 20;

/// Has the queries of a session computed on a cluster.
#[derive(Debug)]
pub struct ClusterQueries {
    shared: Arc<Shared>,
    part_bytes: u64,
    partitions: usize,
}

struct Shared {
    cluster: Cluster,
    site: Arc<Site>,
    codec: Codec,
    /// Plans that travelled.
    travelled: AtomicU64,
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").field("cluster", &self.cluster).finish_non_exhaustive()
    }
}

impl ClusterQueries {
    /// On a cluster, for a session whose key has the id that `key` gives when a query needs it.
    pub fn new(cluster: Cluster, site: Site, key: impl Fn() -> Option<String> + Send + Sync + 'static) -> Self {
        let site = Arc::new(site);
        let codec = Codec::asking(site.clone(), Arc::new(key));
        let shared = Arc::new(Shared { cluster, site, codec, travelled: AtomicU64::new(0) });
        Self { shared, part_bytes: PART_BYTES, partitions: PARTITIONS }
    }

    /// With parts of tables of about so many bytes; a file is one part at least.
    pub fn with_part_bytes(self, part_bytes: u64) -> Self {
        Self { part_bytes, ..self }
    }

    /// With so many partitions of what is joined, grouped and sorted.
    pub fn with_partitions(self, partitions: usize) -> Self {
        Self { partitions, ..self }
    }

    /// How many plans the cluster was given.
    pub fn travelled(&self) -> u64 {
        self.shared.travelled.load(Atomic::Relaxed)
    }

    /// The plan with what can travel in a node of ours; `None` where nothing can.
    fn split(&self, plan: &LogicalPlan) -> Result<Option<LogicalPlan>> {
        let sent = plan.clone().transform_down(|node| match self.is_for_here(&node)? {
            true => Ok(Transformed::no(node)),
            // All of what is below goes along.
            false => Ok(Transformed::new(self.travelling(node)?, true, TreeNodeRecursion::Jump)),
        })?;
        Ok(sent.transformed.then_some(sent.data))
    }

    /// Whether a node, or one below it, has to be computed here; also where nothing below it is worth a journey.
    fn is_for_here(&self, plan: &LogicalPlan) -> Result<bool> {
        let (mut reads, mut asks_graph) = (false, false);
        plan.apply_with_subqueries(|node| {
            if let LogicalPlan::TableScan(scan) = node {
                reads |= self.stored(scan)?.is_some();
            }
            node.apply_expressions(|expr| {
                expr.apply(|part| {
                    asks_graph |= is_over_graph(part);
                    Ok(TreeNodeRecursion::Continue)
                })
            })?;
            Ok(TreeNodeRecursion::Continue)
        })?;
        Ok(asks_graph || !reads)
    }

    fn stored(&self, scan: &TableScan) -> Result<Option<TravellingTable>> {
        // What a source is of another kind than a table's is none of a store.
        let Ok(table) = source_as_provider(&scan.source) else { return Ok(None) };
        Ok(TravellingTable::of(table, &self.shared.site, self.part_bytes))
    }

    fn travelling(&self, plan: LogicalPlan) -> Result<LogicalPlan> {
        let plan = plan.transform_down_with_subqueries(|node| {
            let LogicalPlan::TableScan(scan) = node else { return Ok(Transformed::no(node)) };
            Ok(match self.stored(&scan)? {
                Some(table) => {
                    let source = provider_as_source(Arc::new(table));
                    Transformed::yes(LogicalPlan::TableScan(TableScan { source, ..scan }))
                }
                None => Transformed::no(LogicalPlan::TableScan(scan)),
            })
        })?;
        Ok(LogicalPlan::Extension(Extension { node: Arc::new(Journey(plan.data)) }))
    }
}

fn is_over_graph(expr: &Expr) -> bool {
    let Expr::ScalarFunction(call) = expr else { return false };
    let name = call.func.name();
    scalars::ALL.iter().any(|scalar| scalar.name == name) && !scalars::WITHOUT_GRAPH.contains(&name)
}

/// Statements that are about this session or about plans, not about rows.
fn is_about_here(plan: &LogicalPlan) -> bool {
    !matches!(
        plan,
        LogicalPlan::Projection(_)
            | LogicalPlan::Filter(_)
            | LogicalPlan::Window(_)
            | LogicalPlan::Aggregate(_)
            | LogicalPlan::Sort(_)
            | LogicalPlan::Join(_)
            | LogicalPlan::Repartition(_)
            | LogicalPlan::Union(_)
            | LogicalPlan::TableScan(_)
            | LogicalPlan::SubqueryAlias(_)
            | LogicalPlan::Limit(_)
            | LogicalPlan::Distinct(_)
            | LogicalPlan::Unnest(_)
    )
}

#[async_trait]
impl QueryPlanner for ClusterQueries {
    async fn create_physical_plan(&self, plan: &LogicalPlan, state: &dyn Session) -> Result<Arc<dyn ExecutionPlan>> {
        let split = if is_about_here(plan) { None } else { self.split(plan)? };
        let journeys = Journeys { shared: self.shared.clone() };
        let planner = DefaultPhysicalPlanner::with_extension_planners(vec![Arc::new(journeys)]);
        planner.create_physical_plan(split.as_ref().unwrap_or(plan), state).await
    }
}

impl Elsewhere for ClusterQueries {
    fn configure(&self, config: SessionConfig) -> SessionConfig {
        config.upgrade_for_ballista().with_target_partitions(self.partitions)
    }
}

/// A part of a query that travels.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Journey(LogicalPlan);

impl UserDefinedLogicalNode for Journey {
    fn as_any(&self) -> &dyn Any {
        self
    }

    fn name(&self) -> &str {
        "Journey"
    }

    fn inputs(&self) -> Vec<&LogicalPlan> {
        Vec::new()
    }

    fn schema(&self) -> &DFSchemaRef {
        self.0.schema()
    }

    fn check_invariants(&self, _: datafusion::logical_expr::InvariantLevel) -> Result<()> {
        Ok(())
    }

    fn expressions(&self) -> Vec<Expr> {
        Vec::new()
    }

    fn fmt_for_explain(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Journey")
    }

    fn with_exprs_and_inputs(&self, _: Vec<Expr>, _: Vec<LogicalPlan>) -> Result<Arc<dyn UserDefinedLogicalNode>> {
        Ok(Arc::new(Self(self.0.clone())))
    }

    fn dyn_hash(&self, mut state: &mut dyn Hasher) {
        self.hash(&mut state);
    }

    fn dyn_eq(&self, other: &dyn UserDefinedLogicalNode) -> bool {
        other.as_any().downcast_ref::<Self>().is_some_and(|other| self == other)
    }

    fn dyn_ord(&self, _: &dyn UserDefinedLogicalNode) -> Option<Ordering> {
        None
    }
}

/// Plans journeys.
struct Journeys {
    shared: Arc<Shared>,
}

#[async_trait]
impl ExtensionPlanner for Journeys {
    async fn plan_extension(
        &self,
        planner: &dyn PhysicalPlanner,
        node: &dyn UserDefinedLogicalNode,
        _: &[&LogicalPlan],
        _: &[Arc<dyn ExecutionPlan>],
        state: &dyn Session,
        _: &PhysicalPlanningContext,
    ) -> Result<Option<Arc<dyn ExecutionPlan>>> {
        let Some(Journey(plan)) = node.as_any().downcast_ref() else { return Ok(None) };
        let plan = planner.create_physical_plan(plan, state).await?;
        Ok(Some(Arc::new(JourneyExec::new(plan, self.shared.clone()))))
    }
}

/// Has a plan computed by the cluster.
#[derive(Debug, Clone)]
struct JourneyExec {
    plan: Arc<dyn ExecutionPlan>,
    shared: Arc<Shared>,
    properties: Arc<PlanProperties>,
}

impl JourneyExec {
    fn new(plan: Arc<dyn ExecutionPlan>, shared: Arc<Shared>) -> Self {
        let properties = PlanProperties::new(
            EquivalenceProperties::new(plan.schema()),
            Partitioning::UnknownPartitioning(1),
            EmissionType::Final,
            Boundedness::Bounded,
        );
        Self { plan, shared, properties: Arc::new(properties) }
    }
}

impl DisplayAs for JourneyExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "JourneyExec: cluster={}", self.shared.cluster.url())
    }
}

impl ExecutionPlan for JourneyExec {
    fn name(&self) -> &str {
        "JourneyExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    /// None: what travels is whole, and nothing of it is optimised again here.
    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        Vec::new()
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn replace_children(
        self: Arc<Self>,
        _: Vec<Arc<dyn ExecutionPlan>>,
        _: ReplaceChildrenOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(self)
    }

    fn with_new_children(self: Arc<Self>, _: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(self)
    }

    fn partition_statistics(&self, partition: Option<usize>) -> Result<Arc<Statistics>> {
        let _ = partition;
        Ok(Arc::new(Statistics::new_unknown(&self.schema())))
    }

    fn execute(&self, _: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let (plan, shared) = (self.plan.clone(), self.shared.clone());
        let rows = stream::once(async move { shared.compute(plan, context).await }).try_flatten();
        Ok(Box::pin(RecordBatchStreamAdapter::new(self.schema(), rows)))
    }
}

impl Shared {
    async fn compute(
        &self,
        plan: Arc<dyn ExecutionPlan>,
        context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        let schema = plan.schema();
        let plan = settled(plan, context.clone()).await?;
        let Ok(written) = Cluster::write(plan.clone(), &self.codec) else {
            tracing::warn!("a step of this query cannot be sent to a cluster; it is computed here");
            return execute_stream(plan, context);
        };
        let mut job = self.cluster.submit(written, context.session_config()).await?;
        self.travelled.fetch_add(1, Atomic::Relaxed);
        let locations = job.done().await?;
        let job = Arc::new(job);
        let read = job.clone();
        let fetched = stream::iter(locations).then(move |location| {
            let job = job.clone();
            async move {
                let rows = job.fetch(&location).await?;
                // The job is held until its last row is here: without it, it would be cancelled.
                Ok::<_, DataFusionError>(rows.inspect(move |_| drop(Arc::clone(&job))))
            }
        });
        let cleaned = stream::once(async move { read.clean().await }).filter_map(|()| std::future::ready(None));
        Ok(Box::pin(RecordBatchStreamAdapter::new(schema, fetched.try_flatten().chain(cleaned))))
    }
}

/// The plan with the answers of what is computed here: lineage functions, recursive queries, tables of this session.
fn settled(
    plan: Arc<dyn ExecutionPlan>,
    context: Arc<TaskContext>,
) -> BoxFuture<'static, Result<Arc<dyn ExecutionPlan>>> {
    async move {
        if is_of_here(&plan) {
            let schema = plan.schema();
            let rows = collect_partitioned(plan, context).await?;
            return Ok(MemorySourceConfig::try_new_exec(&rows, schema, None)? as Arc<dyn ExecutionPlan>);
        }
        if plan.is::<PartsExec>() {
            return Ok(plan);
        }
        if plan.is::<EmptyExec>() {
            // Ballista waits without end for an empty node in a union; a table without rows is the same to it as others.
            let none = vec![RecordBatch::new_empty(plan.schema())];
            let rows = vec![none; plan.output_partitioning().partition_count()];
            return Ok(MemorySourceConfig::try_new_exec(&rows, plan.schema(), None)? as Arc<dyn ExecutionPlan>);
        }
        let mut children = Vec::new();
        for child in plan.children() {
            children.push(settled(child.clone(), context.clone()).await?);
        }
        match children.is_empty() {
            true => Ok(plan),
            false => replace_children_if_necessary(plan, children),
        }
    }
    .boxed()
}

/// Whether a node, with all below it, is computed where the question is asked.
fn is_of_here(plan: &Arc<dyn ExecutionPlan>) -> bool {
    match plan.name() {
        // The steps of a recursion hand rows to each other in memory.
        "LineageExec" | "RecursiveQueryExec" => true,
        _ if !plan.children().is_empty() => false,
        _ => !travels(plan),
    }
}

/// Whether a leaf can be written down with all its rows.
fn travels(leaf: &Arc<dyn ExecutionPlan>) -> bool {
    if let Some(source) = leaf.downcast_ref::<DataSourceExec>() {
        return source.data_source().as_ref().is::<MemorySourceConfig>();
    }
    leaf.is::<EmptyExec>() || leaf.is::<PlaceholderRowExec>()
}
