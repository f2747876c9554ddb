//! Two looks at a plan before it runs: at texts that are joined by `||`, and at long literals.
//!
//! `||` is an operator of the engine, which asks nobody for its memory; here it becomes a function that is held as the
//! others are, before the optimiser computes what is constant. A literal is written out once a row where rows are made of
//! it, and the optimiser makes literals of calls, so that they are judged when it is done.

use super::{Capped, joined};
use arrow::compute::kernels::concat_elements::concat_elements_dyn;
use arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::tree_node::{Transformed, TreeNode as _, TreeNodeRecursion};
use datafusion::common::{DFSchema, ScalarValue};
use datafusion::config::ConfigOptions;
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::utils::merge_schema;
use datafusion::logical_expr::{
    BinaryExpr, ColumnarValue, Expr, ExprSchemable as _, LogicalPlan, Operator, ReturnFieldArgs, ScalarFunctionArgs,
    ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use datafusion::optimizer::{AnalyzerRule, OptimizerConfig, OptimizerRule};
use std::sync::Arc;

/// Most bytes of long literals in one step of a plan that reads rows. A batch has 8,192 of them.
const LITERALS_BYTES_MAX: usize = 64 << 10;
/// Literals up to this are short: a list after IN may have any number of them.
const SHORT_BYTES: usize = 1 << 10;

/// Refuses plans whose long literals would be written out for many rows.
#[derive(Debug)]
pub(super) struct Long;

/// Holds `||`.
#[derive(Debug)]
pub(super) struct Joined {
    join: Arc<ScalarUDF>,
}

impl Joined {
    pub fn new() -> Self {
        let inner = Arc::new(ScalarUDF::from(Join { signature: Signature::any(2, Volatility::Immutable) }));
        Self { join: Arc::new(ScalarUDF::from(Capped { name: "||", inner, size: joined })) }
    }

    /// An expression with `||` as a function, where both its sides are texts or bytes of one kind.
    fn hold(&self, expr: Expr, schema: &DFSchema) -> Result<Transformed<Expr>> {
        expr.transform_up(|expr| match expr {
            Expr::BinaryExpr(BinaryExpr { left, op: Operator::StringConcat, right })
                if is_joined(&left, schema) && left.get_type(schema).ok() == right.get_type(schema).ok() =>
            {
                let call = ScalarFunction::new_udf(self.join.clone(), vec![*left, *right]);
                Ok(Transformed::yes(Expr::ScalarFunction(call)))
            }
            other => Ok(Transformed::no(other)),
        })
    }
}

fn is_joined(expr: &Expr, schema: &DFSchema) -> bool {
    use DataType::{Binary, LargeBinary, LargeUtf8, Utf8, Utf8View};
    matches!(expr.get_type(schema), Ok(Utf8 | LargeUtf8 | Utf8View | Binary | LargeBinary))
}

/// The columns that the expressions of a step may name.
fn columns_of(plan: &LogicalPlan) -> Result<DFSchema> {
    match plan {
        LogicalPlan::TableScan(scan) => {
            DFSchema::try_from_qualified_schema(scan.table_name.clone(), &scan.source.schema())
        }
        _ if plan.inputs().is_empty() => Ok(plan.schema().as_ref().clone()),
        _ => Ok(merge_schema(&plan.inputs())),
    }
}

impl AnalyzerRule for Joined {
    fn name(&self) -> &str {
        super::JOINED
    }

    fn analyze(&self, plan: LogicalPlan, _: &ConfigOptions) -> Result<LogicalPlan> {
        let held = plan.transform_up_with_subqueries(|plan| {
            let schema = columns_of(&plan)?;
            let names = NamePreserver::new(&plan);
            plan.map_expressions(|expr| {
                let name = names.save(&expr);
                Ok(self.hold(expr, &schema)?.update_data(|expr| name.restore(expr)))
            })
        });
        Ok(held?.data)
    }
}

impl OptimizerRule for Long {
    fn name(&self) -> &str {
        "long_literals"
    }

    fn rewrite(&self, plan: LogicalPlan, _: &dyn OptimizerConfig) -> Result<Transformed<LogicalPlan>> {
        if reads_rows(&plan)? {
            check_literals(&plan)?;
        }
        Ok(Transformed::no(plan))
    }
}

/// Whether a plan may have more rows than its text says.
fn reads_rows(plan: &LogicalPlan) -> Result<bool> {
    let mut reads = false;
    plan.apply_with_subqueries(|plan| {
        let is_one = matches!(plan, LogicalPlan::EmptyRelation(_));
        reads |= (plan.inputs().is_empty() && !is_one) || matches!(plan, LogicalPlan::Unnest(_));
        Ok(if reads { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
    })?;
    Ok(reads)
}

fn check_literals(plan: &LogicalPlan) -> Result<()> {
    plan.apply_with_subqueries(|plan| {
        let makes_rows = matches!(plan, LogicalPlan::Projection(_));
        let mut bytes = 0_usize;
        plan.apply_expressions(|expr| {
            expr.apply(|expr| {
                if let Expr::Literal(value, _) = expr {
                    bytes = bytes.saturating_add(long_bytes(value, makes_rows));
                }
                Ok(TreeNodeRecursion::Continue)
            })
        })?;
        if bytes > LITERALS_BYTES_MAX {
            return Err(DataFusionError::ResourcesExhausted(format!(
                "values of more than {LITERALS_BYTES_MAX} bytes, which is the limit, would be written out for each row; \
                 make them shorter"
            )));
        }
        Ok(TreeNodeRecursion::Continue)
    })?;
    Ok(())
}

/// What a literal takes for each row it is written out for, where that is much. What is no text stays as it is but where
/// rows are made.
fn long_bytes(value: &ScalarValue, makes_rows: bool) -> usize {
    let bytes = match value {
        ScalarValue::Utf8(text) | ScalarValue::LargeUtf8(text) | ScalarValue::Utf8View(text) => {
            text.as_deref().map_or(0, str::len)
        }
        ScalarValue::Binary(bytes) | ScalarValue::LargeBinary(bytes) | ScalarValue::BinaryView(bytes) => {
            bytes.as_deref().map_or(0, <[u8]>::len)
        }
        other if makes_rows => other.size(),
        _ => 0,
    };
    if bytes > SHORT_BYTES { bytes } else { 0 }
}

/// `||` of two texts of one kind, as a function.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Join {
    signature: Signature,
}

impl ScalarUDFImpl for Join {
    fn name(&self) -> &str {
        "||"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, given: &[DataType]) -> Result<DataType> {
        let kind = given.first().cloned();
        kind.ok_or_else(|| DataFusionError::Plan("`||` has two sides".to_owned()))
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs) -> Result<FieldRef> {
        let types: Vec<DataType> = args.arg_fields.iter().map(|field| field.data_type().clone()).collect();
        let is_nullable = args.arg_fields.iter().any(|field| field.is_nullable());
        Ok(Arc::new(Field::new(self.name(), self.return_type(&types)?, is_nullable)))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let is_one = args.args.iter().all(|side| matches!(side, ColumnarValue::Scalar(_)));
        let sides = ColumnarValue::values_to_arrays(&args.args)?;
        let [left, right] = sides.as_slice() else {
            return Err(DataFusionError::Plan("`||` has two sides".to_owned()));
        };
        let joined = concat_elements_dyn(left, right)?;
        Ok(match is_one {
            true => ColumnarValue::Scalar(ScalarValue::try_from_array(&joined, 0)?),
            false => ColumnarValue::Array(joined),
        })
    }
}
