//! The plan node that reads parts: files of a table, or shares of a scan.
//!
//! What is to be read is data itself: a text for each part, in the partitions of an in-memory table below the node. A
//! scheduler gives a task some partitions of a stage, and knows how to cut an in-memory table; a leaf of ours it would
//! hand to every task whole, and every row would come once for each task.

use crate::scan::ScanWork;
use crate::site::Site;
use crate::tables::TableWork;
use datafusion::arrow::array::{AsArray, RecordBatch, StringArray};
use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::datasource::memory::MemorySourceConfig;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::{EquivalenceProperties, PhysicalExpr};
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType, ReplaceChildrenOptions};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, ExecutionPlanProperties as _, PlanProperties,
};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::Arc;

/// What is done with each part.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Work {
    Table(TableWork),
    Scan(ScanWork),
}

/// The node.
#[derive(Debug, Clone)]
pub(crate) struct PartsExec {
    parts: Arc<dyn ExecutionPlan>,
    pub work: Arc<Work>,
    site: Arc<Site>,
    schema: SchemaRef,
    properties: Arc<PlanProperties>,
}

impl PartsExec {
    /// Reads these parts, each a partition of its own.
    pub fn of(parts: Vec<Vec<String>>, work: Work, site: Arc<Site>, schema: SchemaRef) -> Result<Self> {
        let described = Arc::new(Schema::new(vec![Field::new("part", DataType::Utf8, false)]));
        let rows = |texts: Vec<String>| -> Result<Vec<RecordBatch>> {
            Ok(vec![RecordBatch::try_new(described.clone(), vec![Arc::new(StringArray::from(texts))])?])
        };
        let partitions = parts.into_iter().map(rows).collect::<Result<Vec<_>>>()?;
        let table = MemorySourceConfig::try_new_exec(&partitions, described.clone(), None)?;
        Ok(Self::over(table, Arc::new(work), site, schema))
    }

    /// Reads the parts that a plan describes.
    pub fn over(parts: Arc<dyn ExecutionPlan>, work: Arc<Work>, site: Arc<Site>, schema: SchemaRef) -> Self {
        let properties = PlanProperties::new(
            EquivalenceProperties::new(schema.clone()),
            datafusion::physical_expr::Partitioning::UnknownPartitioning(parts.output_partitioning().partition_count()),
            EmissionType::Incremental,
            Boundedness::Bounded,
        );
        Self { parts, work, site, schema, properties: Arc::new(properties) }
    }
}

impl DisplayAs for PartsExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match &*self.work {
            Work::Table(_) => "files of a table",
            Work::Scan(_) => "shares of a scan",
        };
        write!(f, "PartsExec: {what}, partitions={}", self.properties.output_partitioning().partition_count())
    }
}

impl ExecutionPlan for PartsExec {
    fn name(&self) -> &str {
        "PartsExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.parts]
    }

    fn benefits_from_input_partitioning(&self) -> Vec<bool> {
        vec![false]
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn replace_children(
        self: Arc<Self>,
        mut children: Vec<Arc<dyn ExecutionPlan>>,
        _: ReplaceChildrenOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let lost = || DataFusionError::Internal("a node lost the description of its parts".to_owned());
        let parts = children.pop().ok_or_else(lost)?;
        Ok(Arc::new(Self::over(parts, self.work.clone(), self.site.clone(), self.schema.clone())))
    }

    fn with_new_children(self: Arc<Self>, children: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
        use datafusion::physical_plan::execution_plan::ChildrenPropertiesMode;
        self.replace_children(children, ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute))
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let described = self.parts.execute(partition, context.clone())?;
        let texts = described.map_ok(|batch| {
            let column = batch.column(0).as_string::<i32>();
            stream::iter(column.iter().flatten().map(|text| Ok(text.to_owned())).collect::<Vec<Result<String>>>())
        });
        let (work, site, schema) = (self.work.clone(), self.site.clone(), self.schema.clone());
        let opened = texts.try_flatten().and_then(move |text| {
            let (work, site, schema, context) = (work.clone(), site.clone(), schema.clone(), context.clone());
            async move {
                match &*work {
                    Work::Table(table) => table.open(&text, &site, schema, context).await,
                    Work::Scan(scan) => scan.open(&text, site, schema),
                }
            }
        });
        Ok(Box::pin(RecordBatchStreamAdapter::new(self.schema.clone(), opened.try_flatten().boxed())))
    }
}
