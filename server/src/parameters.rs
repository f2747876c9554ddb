//! Parameters of prepared statements: `$1` where the planner knows them, and in the arguments of table functions, which
//! are fixed when a statement is planned. There a stand-in is planned for its columns, and the value when it is known.

use crate::Error;
use crate::service::Session;
use arrow::datatypes::{DataType, Field, TimeUnit};
use chrono::{DateTime, SecondsFormat};
use datafusion::common::tree_node::{TreeNode as _, TreeNodeRecursion};
use datafusion::common::{DFSchema, ParamValues, ScalarValue};
use datafusion::logical_expr::utils::merge_schema;
use datafusion::logical_expr::{Expr as Engine, ExprSchemable as _, LogicalPlan};
use datafusion::sql::parser::Statement as EngineStatement;
use datafusion::sql::sqlparser::ast::{
    Expr, Statement, TableFactor, Value, VisitMut as _, VisitorMut, visit_expressions_mut,
};
use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::tokenizer::{Token, Tokenizer};
use lineward_sql::LinewardSession;
use pgwire::api::Type;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;
use std::sync::Arc;

/// What a statement's parameters are, in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Parameters {
    /// Types as the engine sees them; `None` where nothing says.
    pub engine: Vec<Option<DataType>>,
    /// Types as clients are told.
    pub wire: Vec<Type>,
}

/// Puts literals for the placeholders in arguments of table functions; returns the numbers of those that were there.
pub(crate) fn fill_functions(statement: &mut Statement, value: impl Fn(usize) -> Value) -> BTreeSet<usize> {
    let mut filler = Filler { value, found: BTreeSet::new() };
    let _ = statement.visit(&mut filler);
    filler.found
}

/// A stand-in for a parameter whose value is not known yet.
pub(crate) fn stand_in(_number: usize) -> Value {
    Value::SingleQuotedString(String::new())
}

/// A bound value as a literal.
pub(crate) fn literal(values: &ParamValues, number: usize) -> Value {
    let found = match values {
        ParamValues::List(all) => number.checked_sub(1).and_then(|at| all.get(at)).map(|v| &v.value),
        ParamValues::Map(_) => None,
    };
    match found {
        Some(value) if value.is_null() => Value::Null,
        Some(ScalarValue::Boolean(Some(yes))) => Value::Boolean(*yes),
        Some(value) if value.data_type().is_numeric() => Value::Number(value.to_string(), false),
        Some(value) => Value::SingleQuotedString(time(value).unwrap_or_else(|| value.to_string())),
        None => Value::Null,
    }
}

/// A point in time as RFC 3339, as the arguments of functions are written; `None` for any other value.
fn time(value: &ScalarValue) -> Option<String> {
    let micros = value.cast_to(&DataType::Timestamp(TimeUnit::Microsecond, None));
    match (value, micros) {
        (
            ScalarValue::TimestampSecond(..)
            | ScalarValue::TimestampMillisecond(..)
            | ScalarValue::TimestampMicrosecond(..)
            | ScalarValue::TimestampNanosecond(..),
            Ok(ScalarValue::TimestampMicrosecond(Some(micros), _)),
        ) => Some(DateTime::from_timestamp_micros(micros)?.to_rfc3339_opts(SecondsFormat::AutoSi, true)),
        _ => None,
    }
}

/// Plans one statement of text with values for its parameters.
pub(crate) async fn plan(session: &Session, sql: &str, values: &ParamValues) -> Result<LogicalPlan, Error> {
    let mut statement = parse(sql)?;
    if let EngineStatement::Statement(inner) = &mut statement {
        fill_functions(inner.as_mut(), |at| literal(values, at));
    }
    let plan = lineward_sql::plan(&session.context.state(), statement).await?;
    match plan.get_parameter_types()?.is_empty() {
        true => Ok(plan),
        false => Ok(plan.replace_params_with_values(values)?),
    }
}

/// One statement of a text.
pub(crate) fn parse(sql: &str) -> Result<EngineStatement, Error> {
    let mut statements = LinewardSession::parse(&numbered(sql))?;
    match (statements.pop_front(), statements.is_empty()) {
        (Some(statement), true) => Ok(statement),
        (None, _) => Err(Error::Parameter("there is no statement in the query".into())),
        (Some(_), false) => Err(Error::Parameter("there are several statements; send one at a time".into())),
    }
}

/// The text with `$1`, `$2`, ... for each `?`, as JDBC has them; as it was where it has numbers already.
fn numbered(sql: &str) -> Cow<'_, str> {
    if !sql.contains('?') {
        return Cow::Borrowed(sql);
    }
    let Ok(tokens) = Tokenizer::new(&GenericDialect {}, sql).tokenize_with_location() else {
        return Cow::Borrowed(sql);
    };
    let mut places = Vec::new();
    for token in &tokens {
        match &token.token {
            Token::Placeholder(name) if name != "?" => return Cow::Borrowed(sql),
            Token::Placeholder(_) | Token::Question => places.push((token.span.start.line, token.span.start.column)),
            _ => {}
        }
    }
    let mut text = String::with_capacity(sql.len() + 2 * places.len());
    let (mut line, mut column, mut found) = (1, 1, 0);
    for c in sql.chars() {
        match places.get(found) == Some(&(line, column)) {
            true => {
                found += 1;
                text.push_str(&format!("${found}"));
            }
            false => text.push(c),
        }
        (line, column) = if c == '\n' { (line + 1, 1) } else { (line, column + 1) };
    }
    Cow::Owned(text)
}

impl Parameters {
    /// The parameters of a plan, and those that were in arguments of functions.
    pub fn of(plan: &LogicalPlan, in_functions: &BTreeSet<usize>) -> Result<Self, Error> {
        let mut known: BTreeMap<usize, Option<DataType>> = BTreeMap::new();
        for (name, kind) in plan.get_parameter_types()? {
            known.insert(number(&name)?, kind);
        }
        for (name, kind) in arrays(plan)? {
            known.entry(number(&name)?).and_modify(|known| *known = known.take().or(Some(kind)));
        }
        for at in in_functions {
            // Nothing says: a function takes what fits its argument.
            known.entry(*at).or_insert(None);
        }
        let count = known.keys().next_back().copied().unwrap_or_default();
        let engine: Vec<Option<DataType>> = (1..=count).map(|at| known.get(&at).cloned().flatten()).collect();
        let wire = engine.iter().map(wire_type).collect();
        Ok(Self { engine, wire })
    }
}

/// Parameters that are cast to an array, or looked into with `= ANY`. The engine says no type of them, and clients would
/// write a text for what they have as a list.
fn arrays(plan: &LogicalPlan) -> Result<Vec<(String, DataType)>, Error> {
    let mut found = Vec::new();
    plan.apply_with_subqueries(|plan| {
        let schema = merge_schema(&plan.inputs());
        plan.apply_expressions(|expr| {
            expr.apply(|expr| {
                found.extend(array(expr, &schema));
                Ok(TreeNodeRecursion::Continue)
            })
        })
    })?;
    Ok(found)
}

fn array(expr: &Engine, schema: &DFSchema) -> Option<(String, DataType)> {
    let (list, kind) = match expr {
        Engine::Cast(cast) if cast.field.data_type().is_list() => (cast.expr.as_ref(), cast.field.data_type().clone()),
        Engine::ScalarFunction(call) if call.func.name() == "array_has" => {
            let [list, element] = call.args.as_slice() else { return None };
            let kind = element.get_type(schema).ok().filter(|kind| !kind.is_null()).unwrap_or(DataType::Utf8);
            (list, DataType::List(Arc::new(Field::new_list_field(kind, true))))
        }
        _ => return None,
    };
    match list {
        Engine::Placeholder(placeholder) => Some((placeholder.id.clone(), kind)),
        _ => None,
    }
}

fn wire_type(kind: &Option<DataType>) -> Type {
    // Text where nothing says: every client can write it, and the engine casts it where it is used.
    kind.as_ref().and_then(|kind| arrow_pg::datatypes::into_pg_type(kind).ok()).unwrap_or(Type::TEXT)
}

fn number(placeholder: &str) -> Result<usize, Error> {
    let digits = placeholder.trim_start_matches('$').parse().ok().filter(|at| (1..=65535).contains(at));
    digits.ok_or_else(|| Error::Parameter(format!("`{placeholder}` is no parameter; write `$1`, `$2`, ...")))
}

struct Filler<F> {
    value: F,
    found: BTreeSet<usize>,
}

impl<F: Fn(usize) -> Value> VisitorMut for Filler<F> {
    type Break = ();

    fn pre_visit_table_factor(&mut self, factor: &mut TableFactor) -> ControlFlow<()> {
        if let TableFactor::Table { args: Some(arguments), .. } = factor {
            let _ = visit_expressions_mut(&mut arguments.args, |expression: &mut Expr| {
                if let Expr::Value(held) = expression
                    && let Value::Placeholder(name) = &held.value
                    && let Ok(at) = number(name)
                {
                    self.found.insert(at);
                    held.value = (self.value)(at);
                }
                ControlFlow::<()>::Continue(())
            });
        }
        ControlFlow::Continue(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use datafusion_pg_catalog::sql::PostgresCompatibilityParser;

    #[test]
    fn arguments_of_functions_are_filled_and_nothing_else() {
        let sql = "SELECT * FROM upstream($2, $1) u JOIN runs ON run_id = $3 WHERE u.depth < $1";
        let mut statement = PostgresCompatibilityParser::new().parse(sql).expect("parsed").remove(0);
        let values =
            ParamValues::List(vec![ScalarValue::Int64(Some(3)).into(), ScalarValue::Utf8(Some("it's".into())).into()]);
        let found = fill_functions(&mut statement, |at| literal(&values, at));
        assert_eq!(found, BTreeSet::from([1, 2]));
        let text = statement.to_string();
        assert!(
            text.contains("upstream('it''s', 3)") && text.contains("run_id = $3") && text.contains("< $1"),
            "{text}"
        );
    }

    #[test]
    fn times_are_written_as_functions_read_them() {
        let at = 1_767_225_600_000_000_i64;
        for value in [
            ScalarValue::TimestampMicrosecond(Some(at), None),
            ScalarValue::TimestampNanosecond(Some(at * 1000), Some("UTC".into())),
            ScalarValue::TimestampSecond(Some(at / 1_000_000), Some("+02:00".into())),
        ] {
            let values = ParamValues::List(vec![value.into()]);
            assert_eq!(literal(&values, 1), Value::SingleQuotedString("2026-01-01T00:00:00Z".into()));
        }
        let values = ParamValues::List(vec![ScalarValue::Utf8(Some("x".into())).into()]);
        assert_eq!(literal(&values, 1), Value::SingleQuotedString("x".into()));
    }

    #[test]
    fn question_marks_are_numbered() {
        for (sql, expected) in [
            ("SELECT 1", "SELECT 1"),
            ("SELECT ?, '?' FROM f(?) WHERE a = ? -- why?", "SELECT $1, '?' FROM f($2) WHERE a = $3 -- why?"),
            ("SELECT 'it''s ?', \"a?\", E'\\'?', ?", "SELECT 'it''s ?', \"a?\", E'\\'?', $1"),
            ("SELECT 'é',\n  ?, '\n', ?", "SELECT 'é',\n  $1, '\n', $2"),
            ("SELECT $2, ?", "SELECT $2, ?"),
            ("SELECT '?", "SELECT '?"),
        ] {
            assert_eq!(numbered(sql), expected);
        }
    }

    #[test]
    fn numbers_of_parameters() {
        assert_eq!(number("$12").expect("a number"), 12);
        for wrong in ["$0", "$x", "?", "$99999999"] {
            assert!(number(wrong).is_err(), "{wrong}");
        }
    }
}
