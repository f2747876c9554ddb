//! A call of a table function in a physical plan: what EXPLAIN shows, and what runs.

use super::table::{LineageCall, Planned};
use crate::time;
use arrow::datatypes::SchemaRef;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::{EquivalenceProperties, Partitioning, PhysicalExpr};
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType, ReplaceChildrenOptions};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use std::fmt;
use std::sync::Arc;

/// The plan node. Its children are the plans of arguments that are subqueries.
#[derive(Debug, Clone)]
pub(super) struct LineageExec {
    call: LineageCall,
    shown: String,
    projection: Option<Vec<usize>>,
    schema: SchemaRef,
    properties: Arc<PlanProperties>,
}

impl LineageExec {
    pub fn new(call: LineageCall, shown: String, projection: Option<&Vec<usize>>) -> Result<Self> {
        let full = call.function.schema();
        let schema = match projection {
            Some(columns) => Arc::new(full.project(columns)?),
            None => full,
        };
        let properties = PlanProperties::new(
            EquivalenceProperties::new(schema.clone()),
            Partitioning::UnknownPartitioning(1),
            EmissionType::Final,
            Boundedness::Bounded,
        );
        Ok(Self { call, shown, projection: projection.cloned(), schema, properties: Arc::new(properties) })
    }

    /// The times: an argument of the call that is a constant, else the session's, else the present.
    fn times(&self) -> [(&'static str, String); 2] {
        let session = [self.call.as_of.valid, self.call.as_of.recorded];
        let names = ["as_of", "recorded_as_of"];
        std::array::from_fn(|i| {
            let given = self.call.function.arguments.iter().position(|a| a.name == names[i]);
            let text = match given.and_then(|at| self.call.arguments.get(at)) {
                Some(Planned::Rows(rows)) if rows.column(0).null_count() == 0 => {
                    arrow::util::display::array_value_to_string(rows.column(0), 0).unwrap_or_default()
                }
                Some(Planned::Plan(_)) => "(subquery)".to_owned(),
                _ => session[i].map_or_else(|| ["now", "all"][i].to_owned(), time::text),
            };
            (names[i], text)
        })
    }
}

impl DisplayAs for LineageExec {
    fn fmt_as(&self, format: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let function = self.call.function;
        let times = self.times();
        let columns: Vec<&str> = self.schema.fields().iter().map(|field| field.name().as_str()).collect();
        match format {
            DisplayFormatType::Default | DisplayFormatType::Verbose => {
                write!(f, "LineageExec: {}({}), does={}", function.name, self.shown, function.how)?;
                for (name, text) in times {
                    write!(f, ", {name}={text}")?;
                }
                write!(f, ", columns=[{}]", columns.join(", "))
            }
            DisplayFormatType::TreeRender => {
                writeln!(f, "call={}({})", function.name, self.shown)?;
                writeln!(f, "does={}", function.how)?;
                times.iter().try_for_each(|(name, text)| writeln!(f, "{name}={text}"))
            }
        }
    }
}

impl ExecutionPlan for LineageExec {
    fn name(&self) -> &str {
        "LineageExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        let plans = self.call.arguments.iter().filter_map(|argument| match argument {
            Planned::Plan(plan) => Some(plan),
            Planned::Rows(_) => None,
        });
        plans.collect()
    }

    fn benefits_from_input_partitioning(&self) -> Vec<bool> {
        vec![false; self.children().len()]
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn replace_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
        _: ReplaceChildrenOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let mut exec = (*self).clone();
        let mut children = children.into_iter();
        for argument in &mut exec.call.arguments {
            if let Planned::Plan(plan) = argument {
                *plan = children
                    .next()
                    .ok_or_else(|| DataFusionError::Internal("a call lost the plan of an argument".to_owned()))?;
            }
        }
        Ok(Arc::new(exec))
    }

    fn with_new_children(self: Arc<Self>, children: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
        use datafusion::physical_plan::execution_plan::ChildrenPropertiesMode;
        self.replace_children(children, ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute))
    }

    fn execute(&self, _: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let projection = self.projection.clone();
        let answer = self.call.clone().answer(context, projection.clone());
        let batches = stream::once(answer).map_ok(|batches| stream::iter(batches).map(Ok)).try_flatten();
        let projected = batches.and_then(move |batch| {
            let projected = match &projection {
                Some(columns) => batch.project(columns).map_err(DataFusionError::from),
                None => Ok(batch),
            };
            futures::future::ready(projected)
        });
        Ok(Box::pin(RecordBatchStreamAdapter::new(self.schema.clone(), projected)))
    }
}
