//! The table functions, one file each: what they take, what they return, and how the graph answers them.
//!
//! A function is a [`Function`]: a description that is also its documentation, and one plain function from a view of
//! the graph and checked arguments to columns. Reading arguments, choosing the time of the graph, running off the
//! async threads and speaking DataFusion is done here, once.

mod args;
mod column_downstream;
mod column_upstream;
mod columns;
mod downstream;
mod erasure_impact;
mod exec;
mod exposure;
mod exposure_paths;
mod get_lineage;
mod graph_tables;
mod lineage_diff;
mod lineage_paths;
mod models_trained_on;
mod rows;
mod same_content;
mod table;
mod training_data;
mod upstream;
mod walk;

pub(crate) use args::{Argument, Arguments};
pub(crate) use table::LineageTable;
pub(crate) use training_data::tags;
pub(crate) use walk::seeds;

use crate::Error;
use crate::graphs::Graphs;
use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use datafusion::catalog::{TableFunctionArgs, TableFunctionImpl, TableProvider};
use datafusion::error::Result;
use datafusion::prelude::SessionContext;
use lineward_store::graph::View;
use std::sync::Arc;

/// The table functions. A file here that is not listed fails a test.
pub static ALL: &[&Function] = &[
    &models_trained_on::FUNCTION,
    &training_data::FUNCTION,
    &upstream::FUNCTION,
    &downstream::FUNCTION,
    &lineage_paths::FUNCTION,
    &column_upstream::FUNCTION,
    &column_downstream::FUNCTION,
    &exposure::FUNCTION,
    &exposure_paths::FUNCTION,
    &erasure_impact::FUNCTION,
    &same_content::FUNCTION,
    &lineage_diff::FUNCTION,
    &get_lineage::FUNCTION,
];

/// Tables of schema `graph`, computed like functions but without arguments; the views read them.
pub(crate) static TABLES: &[&Function] = &[
    &graph_tables::FIELD_LABELS,
    &graph_tables::GAPS,
    &graph_tables::INCOMPLETE,
    &graph_tables::LABELS,
    &graph_tables::MODELS,
    &graph_tables::SERVED,
];

/// Type of a column that a function returns. All are nullable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Type {
    /// Text.
    Text,
    /// A list of texts.
    Texts,
    /// A 64-bit number.
    Integer,
    /// A list of 64-bit numbers.
    Integers,
    /// A 32-bit floating-point number.
    Float,
    /// True or false.
    Boolean,
    /// Microseconds, UTC.
    Time,
}

impl Type {
    pub(crate) fn arrow(self) -> DataType {
        match self {
            Self::Text => DataType::Utf8,
            Self::Texts => DataType::List(Arc::new(Field::new_list_field(DataType::Utf8, true))),
            Self::Integer => DataType::Int64,
            Self::Integers => DataType::List(Arc::new(Field::new_list_field(DataType::Int64, true))),
            Self::Float => DataType::Float32,
            Self::Boolean => DataType::Boolean,
            Self::Time => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        }
    }
}

/// A column that a function returns: name, type, meaning.
pub type Column = (&'static str, Type, &'static str);

/// A table function.
#[derive(Debug)]
pub struct Function {
    /// Its name in SQL.
    pub name: &'static str,
    /// What it answers, in a sentence or two.
    pub summary: &'static str,
    pub(crate) arguments: &'static [Argument],
    /// What it returns.
    pub columns: &'static [Column],
    /// A query that shows it.
    pub example: &'static str,
    /// What it does with the graph, for EXPLAIN.
    pub(crate) how: &'static str,
    /// The answer, in parts of any size.
    pub(crate) answer: fn(&View, &Arguments) -> Result<Vec<RecordBatch>, Error>,
}

impl Function {
    pub(crate) fn schema(&self) -> SchemaRef {
        let fields = self.columns.iter().map(|(name, kind, _)| Field::new(*name, kind.arrow(), true));
        Arc::new(Schema::new(fields.collect::<Vec<_>>()))
    }

    /// How it is called: `upstream(asset [, max_depth [, as_of]])`.
    pub fn signature(&self) -> String {
        signature(self.name, self.arguments.iter().map(|a| (a.name, a.required)))
    }
}

/// `name(a [, b [, c]])` of arguments and whether each is required.
pub(crate) fn signature<'a>(name: &str, arguments: impl Iterator<Item = (&'a str, bool)>) -> String {
    let mut text = format!("{name}(");
    let mut open = 0;
    for (i, (argument, required)) in arguments.enumerate() {
        let comma = if i > 0 { ", " } else { "" };
        if required {
            text.push_str(comma);
        } else {
            text.push_str(&format!(" [{comma}"));
            open += 1;
        }
        text.push_str(argument);
    }
    text.push_str(&"]".repeat(open));
    text.push(')');
    text
}

/// Registers all functions with a session.
pub(crate) fn register(context: &SessionContext, graphs: &Arc<Graphs>) {
    for function in ALL {
        context.register_udtf(function.name, Arc::new(Call { function, graphs: graphs.clone() }));
    }
}

/// A function as DataFusion calls it: from argument expressions to a table.
#[derive(Debug)]
struct Call {
    function: &'static Function,
    graphs: Arc<Graphs>,
}

impl TableFunctionImpl for Call {
    fn call_with_args(&self, args: TableFunctionArgs) -> Result<Arc<dyn TableProvider>> {
        let given = args::given(self.function, args.exprs())?;
        Ok(Arc::new(LineageTable::new(self.function, given, self.graphs.clone())))
    }
}
