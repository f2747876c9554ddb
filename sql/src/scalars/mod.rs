//! The scalar functions, one file each: questions about single versions, and the classifiers over any column.
//!
//! A function is a [`Scalar`]: a description that is also its documentation, and one plain function from columns to a
//! column. Types, nulls-as-absent and the times of the session are dealt with here, once.

mod classify;
mod fingerprint;
mod reaches;
mod redact;
mod support;
mod tags_of;
mod upstream_ids;

pub(crate) use support::Support;

use crate::functions::Type;
use crate::options::LinewardOptions;
use crate::{Error, functions};
use arrow::array::{ArrayRef, AsArray, Int64Array, StringArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Int64Type};
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, TypeSignature, Volatility,
};
use datafusion::prelude::SessionContext;
use lineward_classifiers::FingerprintKey;
use lineward_store::graph::AsOf;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

/// The scalar functions. A file here that is not listed fails a test.
pub static ALL: &[&Scalar] = &[
    &upstream_ids::FUNCTION,
    &reaches::FUNCTION,
    &tags_of::FUNCTION,
    &classify::FUNCTION,
    &redact::FUNCTION,
    &fingerprint::FUNCTION,
];

/// Those of them that look at their arguments alone, so that they can be computed where there is no graph.
pub const WITHOUT_GRAPH: [&str; 3] = ["classify", "redact", "fingerprint"];

/// The functions that need no graph, for a process that computes parts of other sessions' queries.
pub fn without_graph(key: impl Fn() -> Result<FingerprintKey, String> + Send + Sync + 'static) -> Vec<Arc<ScalarUDF>> {
    let support = Arc::new(Support::without_graph());
    support.set_key_source(Arc::new(key));
    let wanted = ALL.iter().filter(|scalar| WITHOUT_GRAPH.contains(&scalar.name));
    wanted.map(|scalar| Arc::new(function(scalar, &support))).collect()
}

/// An argument of a scalar function: name, type, whether it may be left out, meaning.
pub type ScalarArgument = (&'static str, Type, bool, &'static str);

/// A scalar function.
#[derive(Debug)]
pub struct Scalar {
    /// Its name in SQL.
    pub name: &'static str,
    /// What it answers, in a sentence or two.
    pub summary: &'static str,
    /// What it takes; those that may be left out come last.
    pub arguments: &'static [ScalarArgument],
    /// What it returns.
    pub returns: Type,
    /// A query that shows it.
    pub example: &'static str,
    call: fn(&Support, &Given) -> Result<ArrayRef, Error>,
}

impl Scalar {
    /// How it is called: `classify(text [, field])`.
    pub fn signature(&self) -> String {
        functions::signature(self.name, self.arguments.iter().map(|(name, _, optional, _)| (*name, !optional)))
    }
}

/// The arguments of a call, as columns of equal length.
struct Given {
    columns: Vec<ArrayRef>,
    rows: usize,
    as_of: AsOf,
    /// Whoever asks is not told since when the store knows anything.
    hides_beginning: bool,
}

impl Given {
    /// The texts of an argument; nulls where it was not given.
    fn texts(&self, at: usize) -> Result<StringArray, Error> {
        match self.columns.get(at) {
            Some(column) => Ok(cast(column, &DataType::Utf8)?.as_string::<i32>().clone()),
            None => Ok(StringArray::new_null(self.rows)),
        }
    }

    /// The numbers of an argument.
    fn numbers(&self, at: usize) -> Result<Int64Array, Error> {
        match self.columns.get(at) {
            Some(column) => Ok(cast(column, &DataType::Int64)?.as_primitive::<Int64Type>().clone()),
            None => Ok(Int64Array::new_null(self.rows)),
        }
    }
}

/// Registers all scalar functions with a session.
pub(crate) fn register(context: &SessionContext, support: &Arc<Support>) {
    for scalar in ALL {
        context.register_udf(function(scalar, support));
    }
}

fn function(scalar: &'static Scalar, support: &Arc<Support>) -> ScalarUDF {
    // Stable: the answer holds for a statement, and changes with the times of the session.
    // Any arguments: `return_type` says what is wrong with them, and values are cast when they are read.
    let any = vec![TypeSignature::Nullary, TypeSignature::VariadicAny];
    let signature = Signature::one_of(any, Volatility::Stable);
    ScalarUDF::from(Call { scalar, support: support.clone(), signature })
}

/// A function as DataFusion calls it.
#[derive(Debug)]
struct Call {
    scalar: &'static Scalar,
    support: Arc<Support>,
    signature: Signature,
}

impl PartialEq for Call {
    fn eq(&self, other: &Self) -> bool {
        self.scalar.name == other.scalar.name && Arc::ptr_eq(&self.support, &other.support)
    }
}

impl Eq for Call {}

impl Hash for Call {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.scalar.name.hash(state);
    }
}

impl ScalarUDFImpl for Call {
    fn name(&self) -> &str {
        self.scalar.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, given: &[DataType]) -> Result<DataType> {
        let least = self.scalar.arguments.iter().filter(|(_, _, optional, _)| !optional).count();
        if given.len() < least || given.len() > self.scalar.arguments.len() {
            let text = format!("{} arguments for `{}`", given.len(), self.scalar.signature());
            return Err(Error::Argument(text).into());
        }
        Ok(self.scalar.returns.arrow())
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let as_of = LinewardOptions::as_of(&args.config_options);
        let hides_beginning = LinewardOptions::hides_beginning(&args.config_options);
        let all_scalar = args.args.iter().all(|a| matches!(a, ColumnarValue::Scalar(_)));
        let rows = if all_scalar { 1 } else { args.number_rows };
        let columns = args.args.into_iter().map(|a| a.into_array(rows)).collect::<Result<Vec<_>>>()?;
        let answer = (self.scalar.call)(&self.support, &Given { columns, rows, as_of, hides_beginning });
        let column = answer.map_err(DataFusionError::from)?;
        match all_scalar {
            true => Ok(ColumnarValue::Scalar(datafusion::common::ScalarValue::try_from_array(&column, 0)?)),
            false => Ok(ColumnarValue::Array(column)),
        }
    }
}
