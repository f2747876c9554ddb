//! Arguments of table functions: constants or scalar subqueries, by position, checked against what a function takes.

use super::Function;
use crate::{Error, time};
use arrow::array::{Array, AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type};
use datafusion::common::ScalarValue;
use datafusion::logical_expr::{Expr, LogicalPlan};
use lineward_store::graph::AsOf;
use std::sync::Arc;

/// What an argument may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Takes {
    /// Text; several where a subquery returns several rows.
    Texts,
    /// A whole number, 0 or more.
    Count,
    /// A number from 0 to 1.
    Share,
    /// `true` or `false`.
    Flag,
    /// A time, for the function to use.
    Time,
    /// One of these words.
    Word(&'static [&'static str]),
    /// A time: as valid then.
    Valid,
    /// A time: as known then.
    Recorded,
}

/// An argument of a function.
#[derive(Debug)]
pub(crate) struct Argument {
    pub name: &'static str,
    pub takes: Takes,
    pub required: bool,
    pub summary: &'static str,
}

impl Argument {
    pub const AS_OF: Self = Self {
        name: "as_of",
        takes: Takes::Valid,
        required: false,
        summary: "what was true at this time; the present unless given",
    };

    pub const RECORDED_AS_OF: Self = Self {
        name: "recorded_as_of",
        takes: Takes::Recorded,
        required: false,
        summary: "what was known at this time; everything known unless given",
    };
}

/// An argument as written in the query.
#[derive(Debug, Clone)]
pub(crate) enum Given {
    Value(ScalarValue),
    Subquery(Arc<LogicalPlan>),
}

impl Given {
    /// The argument as EXPLAIN shows it.
    pub fn text(&self) -> String {
        match self {
            Self::Value(value) => value.to_string(),
            Self::Subquery(_) => "(subquery)".to_owned(),
        }
    }
}

/// The arguments of a call, where they are as many and of the kind that the function takes.
pub(super) fn given(function: &Function, exprs: &[Expr]) -> Result<Vec<Given>, Error> {
    let least = function.arguments.iter().filter(|a| a.required).count();
    if exprs.len() < least || exprs.len() > function.arguments.len() {
        let (signature, count) = (function.signature(), exprs.len());
        return Err(Error::Argument(format!("{count} arguments for `{signature}`")));
    }
    exprs.iter().zip(function.arguments).map(|(expr, argument)| one(function, argument, expr)).collect()
}

fn one(function: &Function, argument: &Argument, expr: &Expr) -> Result<Given, Error> {
    let wrong = |what: &str| {
        let (name, argument) = (function.name, argument.name);
        Err(Error::Argument(format!(
            "argument `{argument}` of `{name}` {what}; write a constant, or a subquery in parentheses"
        )))
    };
    match expr {
        Expr::Literal(value, _) => Ok(Given::Value(value.clone())),
        Expr::ScalarSubquery(subquery) if subquery.outer_ref_columns.is_empty() => {
            Ok(Given::Subquery(subquery.subquery.clone()))
        }
        Expr::ScalarSubquery(_) => wrong("refers to a column of the query around it"),
        Expr::Column(_) => wrong("is a column (text goes in single quotes)"),
        Expr::Cast(cast) => one(function, argument, &cast.expr),
        _ => wrong("is not a constant"),
    }
}

/// Arguments with their values.
#[derive(Debug, Default)]
pub(crate) struct Arguments {
    values: Vec<(&'static str, Value)>,
    as_of: AsOf,
    /// Where the record index has the subjects asked about: version and number of places.
    pub places: Vec<(i64, i64)>,
    /// Columns of the answer that are wanted, by their places; all where `None`.
    pub columns: Option<Vec<usize>>,
    /// Whether a time before the store begins is said to be one.
    pub tells_beginning: bool,
}

#[derive(Debug, Clone)]
enum Value {
    Texts(Vec<String>),
    Count(i64),
    Share(f32),
}

impl Arguments {
    /// Checks the values of a call; each is the rows of a constant or a subquery.
    /// Times that are not given are those of the session.
    pub fn check(function: &'static Function, given: Vec<Vec<RecordBatch>>, session: AsOf) -> Result<Self, Error> {
        let mut arguments = Self { as_of: session, ..Self::default() };
        for (argument, batches) in function.arguments.iter().zip(given) {
            arguments.add(function, argument, &batches)?;
        }
        Ok(arguments)
    }

    fn add(&mut self, function: &Function, argument: &'static Argument, rows: &[RecordBatch]) -> Result<(), Error> {
        let name = argument.name;
        let fail = |what: &str| Error::Argument(format!("argument `{name}` of `{}` {what}", function.name));
        let texts = texts(rows).map_err(|_| fail("is of a type that is no text, number or time"))?;
        match texts.as_slice() {
            // NULL is "not given", but for what a function cannot do without.
            [] if argument.required && rows.iter().all(|b| b.num_rows() == 0) => {
                self.values.push((name, Value::Texts(texts)));
                return Ok(());
            }
            [] if argument.required => return Err(fail("is null")),
            [] => return Ok(()),
            [_, _, ..] if argument.takes != Takes::Texts => return Err(fail("has several values")),
            _ => {}
        }
        let first = texts[0].clone();
        match argument.takes {
            Takes::Texts => self.values.push((name, Value::Texts(texts))),
            Takes::Count => match first.parse::<i64>() {
                Ok(count) if count >= 0 => self.values.push((name, Value::Count(count))),
                _ => return Err(fail("is not a whole number of 0 or more")),
            },
            Takes::Share => match first.parse::<f32>() {
                Ok(share) if (0.0..=1.0).contains(&share) => self.values.push((name, Value::Share(share))),
                _ => return Err(fail("is not a number from 0 to 1")),
            },
            Takes::Flag => match first.to_ascii_lowercase().as_str() {
                "true" | "t" | "1" => self.values.push((name, Value::Count(1))),
                "false" | "f" | "0" => self.values.push((name, Value::Count(0))),
                _ => return Err(fail("is neither `true` nor `false`")),
            },
            Takes::Time => self.values.push((name, Value::Count(time::parse(name, &first)?))),
            Takes::Word(words) => match words.iter().find(|w| w.eq_ignore_ascii_case(first.trim())) {
                Some(word) => self.values.push((name, Value::Texts(vec![(*word).to_owned()]))),
                None => return Err(fail(&format!("is `{first}`; it may be {}", words.join(", ")))),
            },
            Takes::Valid => self.as_of.valid = Some(time::parse(name, &first)?),
            Takes::Recorded => self.as_of.recorded = Some(time::parse(name, &first)?),
        }
        Ok(())
    }

    /// The times the graph is wanted at.
    pub fn as_of(&self) -> AsOf {
        self.as_of
    }

    /// The texts of an argument; none where a subquery returned no rows.
    pub fn texts(&self, name: &str) -> &[String] {
        self.values.iter().find_map(|(n, v)| matching(n, name, v)).unwrap_or_default()
    }

    /// The word of an argument.
    pub fn word(&self, name: &str) -> Option<&str> {
        self.texts(name).first().map(String::as_str)
    }

    /// The number of an argument.
    pub fn count(&self, name: &str) -> Option<i64> {
        self.values.iter().find_map(|(n, v)| match v {
            Value::Count(count) if *n == name => Some(*count),
            _ => None,
        })
    }

    /// The share of an argument.
    pub fn share(&self, name: &str) -> Option<f32> {
        self.values.iter().find_map(|(n, v)| match v {
            Value::Share(share) if *n == name => Some(*share),
            _ => None,
        })
    }

    /// Whether any of these columns of a function's answer is wanted.
    pub fn wants(&self, function: &Function, columns: &[&str]) -> bool {
        let Some(wanted) = &self.columns else { return true };
        wanted.iter().any(|at| function.columns.get(*at).is_some_and(|(name, ..)| columns.contains(name)))
    }

    /// Whether a flag is given and true.
    pub fn flag(&self, name: &str) -> bool {
        self.count(name) == Some(1)
    }
}

fn matching<'a>(name: &str, wanted: &str, value: &'a Value) -> Option<&'a [String]> {
    match value {
        Value::Texts(texts) if name == wanted => Some(texts),
        _ => None,
    }
}

/// The first column as texts, without nulls.
fn texts(rows: &[RecordBatch]) -> Result<Vec<String>, arrow::error::ArrowError> {
    let mut all = Vec::new();
    for batch in rows.iter().filter(|b| b.num_columns() > 0) {
        let column = batch.column(0);
        if matches!(column.data_type(), DataType::Float32 | DataType::Float64) {
            // A whole number prints without a fraction: `3.0` counts as 3.
            let numbers = cast(column, &DataType::Float64)?;
            all.extend(numbers.as_primitive::<Float64Type>().iter().flatten().map(|n| n.to_string()));
            continue;
        }
        let texts = cast(column, &DataType::Utf8)?;
        let texts = texts.as_string::<i32>();
        all.extend((0..texts.len()).filter(|&i| texts.is_valid(i)).map(|i| texts.value(i).to_owned()));
    }
    Ok(all)
}
